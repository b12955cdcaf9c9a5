"""The numbers of a report as typed tables, from which CSV, XLSX and JSON are written alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from cacnet.edits.summary import LesionRow
from cacnet.report import RESEARCH_USE, SIMULATION
from cacnet.reporting import figures
from cacnet.reporting.case_report import AuditLine, CaseReport
from cacnet.reporting.figures import Figure
from cacnet.reporting.slices import LesionSlice
from cacnet.scoring import Totals, VesselTotals

Cell = str | float | int | None
Item = TypeVar("Item")


@dataclass(frozen=True)
class Column:
    """One column; `figure` is None for text."""

    name: str
    figure: Figure | None = None


@dataclass(frozen=True)
class Table:
    """A name that fits a file and a sheet, columns, and rows of values that are rounded already."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables_of(report: CaseReport) -> tuple[Table, ...]:
    """Summary, vessels, lesions, slices and audit."""
    return _summary(report), _vessels(report), _lesions(report), _slices(report), _audit(report)


def _summary(report: CaseReport) -> Table:
    summary = report.summary
    facts: list[tuple[str, Cell]] = [
        ("label", report.label or None),
        (
            "conclusive",
            "yes" if report.conclusive else "no: too little of the coronary arteries was recognised, 0 is no finding",
        ),
        *(_scores(report) if report.conclusive else []),
        ("dominance", report.dominance),
        ("unreviewed_lesions", len(summary.unreviewed)),
        ("left_out_lesions", len(summary.left_out)),
        ("approved", "yes" if summary.locked else "no"),
        ("approved_by", summary.approved_by),
        ("approved_at_utc", report.approved_at_utc),
        *_origin(report),
    ]
    return Table("summary", (Column("quantity"), Column("value")), tuple(facts))


def _scores(report: CaseReport) -> list[tuple[str, Cell]]:
    summary, totals, percentile = report.summary, report.summary.totals, report.summary.percentile
    estimated = totals.equivalent
    return [
        ("agatston", figures.AGATSTON.rounded(totals.agatston)),
        ("agatston_network", figures.AGATSTON.rounded(summary.network_totals.agatston)),
        ("volume_mm3", figures.VOLUME.rounded(totals.volume_mm3)),
        ("isotropic_volume_mm3", figures.VOLUME.rounded(totals.isotropic_volume_mm3)),
        ("mass_mg", figures.MASS.rounded(totals.mass_mg)),
        ("lesions", totals.lesions),
        ("lesions_below_rule", totals.lesions_below_rule),
        ("vessels", totals.vessels),
        ("category", totals.category.value),
        ("above_1000", "yes" if totals.very_high else "no"),
        ("cac_drs", totals.cac_drs),
        ("estimate_without_contrast", figures.ESTIMATE.rounded(estimated.estimate) if estimated else None),
        ("estimate_low", figures.ESTIMATE.rounded(estimated.low) if estimated else None),
        ("estimate_high", figures.ESTIMATE.rounded(estimated.high) if estimated else None),
        ("estimate_sentence", estimated.sentence if estimated else None),
        ("percentile_bracket", percentile.bracket if percentile else None),
        ("percentile", figures.PERCENTILE.rounded(percentile.interpolated) if percentile else None),
        ("percentile_of", report.percentile_of or None),
        ("percentile_source", percentile.source if percentile else None),
        ("density", figures.DENSITY.rounded(totals.density)),
        ("diffusivity", figures.DENSITY.rounded(totals.diffusivity)),
    ]


def _origin(report: CaseReport) -> list[tuple[str, Cell]]:
    acquisition, resolved = report.acquisition, report.summary.resolved
    spacing_x, spacing_y, spacing_z = (round(s, 4) for s in report.geometry.spacing_mm_zyx[::-1])
    return [
        ("protocol", resolved.protocol.name),
        ("protocol_source", resolved.protocol.source),
        ("protocol_sentence", resolved.sentence),
        ("threshold_hu", figures.HU.rounded(resolved.threshold_hu)),
        ("kvp", acquisition.kvp),
        ("slice_thickness_mm", acquisition.slice_thickness_mm),
        ("kernel", acquisition.kernel),
        ("manufacturer", acquisition.manufacturer),
        ("contrast_agent", acquisition.contrast_agent),
        ("spacing_x_mm", spacing_x),
        ("spacing_y_mm", spacing_y),
        ("spacing_z_mm", spacing_z),
        ("model", report.model.id),
        ("model_sha256", report.model.weights_sha256),
        ("model_statement", (report.model.statement or SIMULATION) if report.model.id else None),
        ("findings", " | ".join(f"{f.severity.value} {f.code}: {f.message}" for f in report.findings)),
        ("software", report.software),
        ("created_utc", report.created_utc),
        ("statement", RESEARCH_USE),
    ]


def _vessels(report: CaseReport) -> Table:
    summary = report.summary
    sums = [_Sums(row.vessel.label, row.now, row.network) for row in summary.vessels]
    sums.append(_Sums("Total", summary.totals, summary.network_totals))
    table = _table("vessels", _VESSEL_FIELDS, sums)
    if report.conclusive:
        return table
    # Without an artery there are no sums, not sums of 0.
    return replace(table, rows=tuple((row[0], *[None] * (len(row) - 1)) for row in table.rows))


@dataclass(frozen=True)
class _Sums:
    """One row of the table of arteries."""

    name: str
    now: VesselTotals | Totals
    network: VesselTotals | Totals


def _lesions(report: CaseReport) -> Table:
    return _table("lesions", _LESION_FIELDS, report.summary.lesions)


def _slices(report: CaseReport) -> Table:
    return _table("slices", _SLICE_FIELDS, report.slices)


def _audit(report: CaseReport) -> Table:
    return _table("audit", _AUDIT_FIELDS, report.audit)


@dataclass(frozen=True)
class _Field(Generic[Item]):
    """A column and where its value comes from."""

    name: str
    figure: Figure | None
    value: Callable[[Item], Cell]

    def cell(self, item: Item) -> Cell:
        """The value, rounded as its kind of number is."""
        value = self.value(item)
        return value if self.figure is None or isinstance(value, str) else self.figure.rounded(value)


def _table(name: str, fields: tuple[_Field[Item], ...], items: Iterable[Item]) -> Table:
    columns = tuple(Column(field.name, field.figure) for field in fields)
    return Table(name, columns, tuple(tuple(field.cell(item) for field in fields) for item in items))


_VESSEL_FIELDS: tuple[_Field[_Sums], ...] = (
    _Field("vessel", None, lambda row: row.name),
    _Field("agatston", figures.AGATSTON, lambda row: row.now.agatston),
    _Field("agatston_network", figures.AGATSTON, lambda row: row.network.agatston),
    _Field("volume_mm3", figures.VOLUME, lambda row: row.now.volume_mm3),
    _Field("mass_mg", figures.MASS, lambda row: row.now.mass_mg),
    _Field("lesions", figures.COUNT, lambda row: row.now.lesions),
    _Field("density", figures.DENSITY, lambda row: row.now.density if row.now.lesions else None),
)
_LESION_FIELDS: tuple[_Field[LesionRow], ...] = (
    _Field("id", figures.COUNT, lambda row: row.id),
    _Field("vessel", None, lambda row: row.vessel.label),
    _Field("third", None, lambda row: row.third.value if row.third else None),
    _Field("from_ostium_mm", figures.LENGTH, lambda row: row.from_ostium_mm),
    _Field("agatston", figures.AGATSTON, lambda row: row.agatston),
    _Field("volume_mm3", figures.VOLUME, lambda row: row.volume_mm3),
    _Field("mass_mg", figures.MASS, lambda row: row.mass_mg),
    _Field("max_hu", figures.HU, lambda row: row.max_hu),
    _Field("mean_hu", figures.HU, lambda row: row.mean_hu),
    _Field("slices", figures.COUNT, lambda row: row.slices),
    _Field("confidence", figures.CONFIDENCE, lambda row: row.confidence),
    _Field("counts", None, lambda row: "yes" if row.counts else "no"),
    _Field("state", None, lambda row: row.state.value),
    _Field("reason", None, lambda row: row.reason.value if row.reason else None),
    _Field("difference", None, lambda row: row.difference.value or None),
    _Field("origin", None, lambda row: ", ".join(map(str, row.origin)) or None),
    _Field("r", figures.POSITION, lambda row: row.centroid_mm_ras[0]),
    _Field("a", figures.POSITION, lambda row: row.centroid_mm_ras[1]),
    _Field("s", figures.POSITION, lambda row: row.centroid_mm_ras[2]),
)
_SLICE_FIELDS: tuple[_Field[LesionSlice], ...] = (
    _Field("position_mm", figures.SLICE_POSITION, lambda row: row.score.position_mm),
    _Field("lesion", figures.COUNT, lambda row: row.score.lesion),
    _Field("vessel", None, lambda row: row.vessel.label),
    _Field("agatston", figures.AGATSTON, lambda row: row.score.agatston),
    _Field("area_mm2", figures.AREA, lambda row: row.score.area_mm2),
    _Field("volume_mm3", figures.VOLUME, lambda row: row.score.volume_mm3),
    _Field("islands", figures.COUNT, lambda row: row.score.islands),
)
_AUDIT_FIELDS: tuple[_Field[AuditLine], ...] = (
    _Field("when_utc", None, lambda line: line.when_utc),
    _Field("action", None, lambda line: line.action),
    _Field("lesions", None, lambda line: ", ".join(map(str, line.lesions))),
    _Field("details", None, lambda line: line.details),
    _Field("agatston_before", figures.AGATSTON, lambda line: line.agatston_before),
    _Field("agatston_after", figures.AGATSTON, lambda line: line.agatston_after),
)
