"""The numbers of a report as typed tables, from which CSV, XLSX and JSON are written alike."""

from __future__ import annotations

from dataclasses import dataclass

from cacnet.edits.summary import LesionRow
from cacnet.report import RESEARCH_USE, SIMULATION
from cacnet.reporting import figures
from cacnet.reporting.case_report import CaseReport
from cacnet.reporting.figures import Figure
from cacnet.scoring import Totals, VesselTotals

Cell = str | float | int | None


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
        ("conclusive", "yes" if report.conclusive else "no: no coronary artery was recognised, 0 is no finding"),
        *(_scores(report) if report.conclusive else []),
        ("dominance", report.dominance),
        ("unreviewed_lesions", len(summary.unreviewed)),
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
        ("threshold_hu", round(resolved.threshold_hu, 1)),
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
    columns = (
        Column("vessel"),
        Column("agatston", figures.AGATSTON),
        Column("agatston_network", figures.AGATSTON),
        Column("volume_mm3", figures.VOLUME),
        Column("mass_mg", figures.MASS),
        Column("lesions", figures.COUNT),
        Column("density", figures.DENSITY),
    )
    rows: list[tuple[Cell, ...]] = []
    sums: list[tuple[str, VesselTotals | Totals, VesselTotals | Totals]] = [
        *((row.vessel.label, row.now, row.network) for row in report.summary.vessels),
        ("Total", report.summary.totals, report.summary.network_totals),
    ]
    for name, now, network in sums:
        if not report.conclusive:
            rows.append((name, *[None] * (len(columns) - 1)))
            continue
        rows.append(
            (
                name,
                figures.AGATSTON.rounded(now.agatston),
                figures.AGATSTON.rounded(network.agatston),
                figures.VOLUME.rounded(now.volume_mm3),
                figures.MASS.rounded(now.mass_mg),
                now.lesions,
                figures.DENSITY.rounded(now.density),
            )
        )
    return Table("vessels", columns, tuple(rows))


LESION_COLUMNS = (
    Column("id", figures.COUNT),
    Column("vessel"),
    Column("third"),
    Column("from_ostium_mm", figures.LENGTH),
    Column("agatston", figures.AGATSTON),
    Column("volume_mm3", figures.VOLUME),
    Column("mass_mg", figures.MASS),
    Column("max_hu", figures.HU),
    Column("mean_hu", figures.HU),
    Column("slices", figures.COUNT),
    Column("confidence", figures.CONFIDENCE),
    Column("counts"),
    Column("state"),
    Column("reason"),
    Column("difference"),
    Column("origin"),
    Column("r", figures.POSITION),
    Column("a", figures.POSITION),
    Column("s", figures.POSITION),
)


def _lesions(report: CaseReport) -> Table:
    return Table("lesions", LESION_COLUMNS, tuple(map(_lesion, report.summary.lesions)))


def _lesion(row: LesionRow) -> tuple[Cell, ...]:
    return (
        row.id,
        row.vessel.label,
        row.third.value if row.third else None,
        figures.LENGTH.rounded(row.from_ostium_mm),
        figures.AGATSTON.rounded(row.agatston),
        figures.VOLUME.rounded(row.volume_mm3),
        figures.MASS.rounded(row.mass_mg),
        figures.HU.rounded(row.max_hu),
        figures.HU.rounded(row.mean_hu),
        row.slices,
        figures.CONFIDENCE.rounded(row.confidence),
        "yes" if row.counts else "no",
        row.state.value,
        row.reason.value if row.reason else None,
        row.difference.value or None,
        ", ".join(map(str, row.origin)) or None,
        *(figures.POSITION.rounded(at) for at in row.centroid_mm_ras),
    )


def _slices(report: CaseReport) -> Table:
    columns = (
        Column("position_mm", figures.SLICE_POSITION),
        Column("lesion", figures.COUNT),
        Column("vessel"),
        Column("agatston", figures.AGATSTON),
        Column("area_mm2", figures.AREA),
        Column("volume_mm3", figures.VOLUME),
        Column("islands", figures.COUNT),
    )
    rows = tuple(
        (
            figures.SLICE_POSITION.rounded(row.score.position_mm),
            row.score.lesion,
            row.vessel.label,
            figures.AGATSTON.rounded(row.score.agatston),
            figures.AREA.rounded(row.score.area_mm2),
            figures.VOLUME.rounded(row.score.volume_mm3),
            row.score.islands,
        )
        for row in report.slices
    )
    return Table("slices", columns, rows)


def _audit(report: CaseReport) -> Table:
    columns = (
        Column("when_utc"),
        Column("action"),
        Column("lesions"),
        Column("details"),
        Column("agatston_before", figures.AGATSTON),
        Column("agatston_after", figures.AGATSTON),
    )
    rows = tuple(
        (
            line.when_utc,
            line.action,
            ", ".join(map(str, line.lesions)),
            line.details,
            figures.AGATSTON.rounded(line.agatston_before),
            figures.AGATSTON.rounded(line.agatston_after),
        )
        for line in report.audit
    )
    return Table("audit", columns, rows)
