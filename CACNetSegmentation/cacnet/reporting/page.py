"""The words of a report as its reader sees them: what the PDF and the HTML page lay out, so that both say the same."""

from __future__ import annotations

from dataclasses import dataclass

from cacnet.anatomy import Vessel
from cacnet.edits.review import ReviewState
from cacnet.edits.summary import LesionRow
from cacnet.findings import Severity
from cacnet.report import RESEARCH_USE, SIMULATION, below_the_rule, counted
from cacnet.reporting import figures
from cacnet.reporting.case_report import CaseReport
from cacnet.reporting.pictures import LesionPicture
from cacnet.scoring import Equivalent, Totals, VesselTotals

TITLE = "Coronary calcium report"
LESIONS_LISTED = 18
"""Rows of the lesion table on the page; the rest is summed up in a line, and whole in the other formats."""
NO_SCORE = "No score"
NO_SCORE_REASON = (
    "Too little of the coronary arteries was recognised, so there is no score; sums of 0 would be no finding."
)
NONE_FOUND = "No lesion was found."
NONE_POSSIBLE = "Without an artery no lesion can be found."


@dataclass(frozen=True)
class Badge:
    """The review's state: a colour's name ('open', 'part', 'done') and words."""

    kind: str
    text: str


@dataclass(frozen=True)
class PageTable:
    """A table as text: column titles, rows, and whether the last row is a sum.

    Attributes:
        left: columns that are text and stand at the left; numbers stand at the right.
        muted: rows, counted from 0, of what does not count.
        vessels: the artery of each row, for its colour; None for the sum.
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: frozenset[int]
    vessels: tuple[Vessel | None, ...]
    muted: frozenset[int] = frozenset()
    has_total: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture of one lesion with its caption."""

    picture: LesionPicture
    name: str
    score: str


@dataclass(frozen=True)
class Section:
    """Facts under a heading, as pairs of a term and what it is."""

    heading: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Page:
    """All the words.

    Attributes:
        headline: the large number, or '–' without a score; caption: what it is.
        facts: short terms and values beside it.
        warnings: read before use; notes: good to know.
    """

    label: str
    created: str
    software: str
    badge: Badge
    headline: str
    caption: str
    facts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    vessels: PageTable
    lesions: PageTable
    remainder: str
    pictures: tuple[Picture, ...]
    sections: tuple[Section, ...]
    footer: str = RESEARCH_USE


def page_of(report: CaseReport) -> Page:
    """The words for a report."""
    shown, remainder = _listed(report)
    warnings = [f.message for f in report.findings if f.severity is not Severity.NOTE]
    return Page(
        label=report.label,
        created=_moment(report.created_utc),
        software=report.software,
        badge=_badge(report),
        headline=figures.AGATSTON.text(report.summary.totals.agatston) if report.conclusive else NO_SCORE,
        caption=report.summary.resolved.sentence.split(",", 1)[0],
        facts=_facts(report),
        warnings=tuple(warnings),
        notes=tuple(f.message for f in report.findings if f.severity is Severity.NOTE),
        vessels=_vessel_table(report),
        lesions=_lesion_table(shown),
        remainder=remainder,
        pictures=_pictures(report),
        sections=(_method(report), _scan(report), _origin(report), _corrections(report)),
    )


def _moment(iso_utc: str) -> str:
    """'2026-11-22 17:05 UTC'."""
    return f"{iso_utc[:10]} {iso_utc[11:16]} UTC"


def _badge(report: CaseReport) -> Badge:
    summary = report.summary
    if summary.locked:
        by = f" by {summary.approved_by}" if summary.approved_by else ""
        when = f" on {_moment(report.approved_at_utc)}" if report.approved_at_utc else ""
        return Badge("done", f"Approved{by}{when}")
    open_ones, of = len(summary.unreviewed), summary.to_judge
    if of and not open_ones:
        return Badge("part", "Reviewed, not approved")
    if open_ones < of:
        return Badge("part", f"Partly reviewed: {of - open_ones} of {counted(of, 'lesion')}")
    return Badge("open", "Corrected, not approved" if report.corrections else "Not reviewed")


def _facts(report: CaseReport) -> tuple[tuple[str, str], ...]:
    totals, percentile = report.summary.totals, report.summary.percentile
    if not report.conclusive:
        return (("Result", NO_SCORE_REASON),)
    category = totals.category.value + (", above 1000" if totals.very_high else "")
    facts = [
        ("Category", category),
        ("CAC-DRS", totals.cac_drs),
        ("Calcified arteries", f"{totals.vessels} of 4"),
        ("Volume", figures.VOLUME.with_unit(totals.volume_mm3)),
        ("Mass", figures.MASS.with_unit(totals.mass_mg)),
        ("Lesions", ", ".join((str(totals.lesions), *below_the_rule(totals)))),
        ("Left main", "calcified" if _left_main(report) else "no calcium"),
    ]
    if totals.equivalent is not None:
        facts.append(("Estimate without contrast", _estimate(totals.equivalent)))
    if percentile is not None:
        facts.insert(2, (f"Percentile, {report.percentile_of}", percentile.bracket))
    return tuple(facts)


def _estimate(estimated: Equivalent) -> str:
    low, high = figures.ESTIMATE.text(estimated.low), figures.ESTIMATE.text(estimated.high)
    return f"{figures.ESTIMATE.text(estimated.estimate)} ({low} to {high})"


def _left_main(report: CaseReport) -> bool:
    return any(row.vessel is Vessel.LM and row.now.lesions > 0 for row in report.summary.vessels)


def _vessel_table(report: CaseReport) -> PageTable:
    summary = report.summary
    shown = [row for row in summary.vessels if row.vessel is not Vessel.UNASSIGNED or row.now.lesions]
    rows = [_sums(report, row.vessel.label, row.now, row.network) for row in shown]
    rows.append(_sums(report, "Total", summary.totals, summary.network_totals))
    titles: tuple[str, ...] = ("Artery", "Agatston", "Volume mm³", "Mass mg", "Lesions", "Density")
    if report.audit:
        titles = (*titles, "Agatston, network alone")
    return PageTable(titles, tuple(rows), frozenset({0}), (*(row.vessel for row in shown), None), has_total=True)


def _sums(report: CaseReport, name: str, now: VesselTotals | Totals, network: VesselTotals | Totals) -> tuple[str, ...]:
    """One row; without an artery there are no sums, not sums of 0."""
    if not report.conclusive:
        return (name, *[figures.UNKNOWN] * (6 if report.audit else 5))
    row = (
        name,
        figures.AGATSTON.text(now.agatston),
        figures.VOLUME.text(now.volume_mm3),
        figures.MASS.text(now.mass_mg),
        str(now.lesions),
        figures.DENSITY.text(now.density if now.lesions else None),
    )
    return (*row, figures.AGATSTON.text(network.agatston)) if report.audit else row


def _listed(report: CaseReport) -> tuple[tuple[LesionRow, ...], str]:
    """The lesions for the table, the largest scores where not all fit, and what is said of the others."""
    every = report.summary.lesions
    if not every:
        return (), NONE_FOUND if report.conclusive else NONE_POSSIBLE
    ranked = sorted(every, key=lambda row: (not row.counts, -row.agatston, row.id))
    shown, left = ranked[:LESIONS_LISTED], ranked[LESIONS_LISTED:]
    if not left:
        return tuple(sorted(shown, key=lambda row: row.id)), ""
    together = figures.AGATSTON.text(sum(row.agatston for row in left if row.counts))
    verb = "adds" if len(left) == 1 else "add"
    remainder = (
        f"{counted(len(left), 'further lesion')} with the smallest scores {verb} {together} to the total; "
        "the XLSX, CSV and JSON reports list all."
    )
    return tuple(sorted(shown, key=lambda row: row.id)), remainder


def _lesion_table(rows: tuple[LesionRow, ...]) -> PageTable:
    titles = ("No.", "Artery", "Place", "Agatston", "Volume mm³", "Mass mg", "Max HU", "Slices", "Review")
    return PageTable(
        titles,
        tuple(
            (
                str(row.id),
                row.vessel.label,
                _place(row),
                figures.AGATSTON.text(row.agatston),
                figures.VOLUME.text(row.volume_mm3),
                figures.MASS.text(row.mass_mg),
                figures.HU.text(row.max_hu),
                str(row.slices),
                _state(row),
            )
            for row in rows
        ),
        frozenset({1, 2, 8}),
        tuple(row.vessel for row in rows),
        frozenset(at for at, row in enumerate(rows) if not row.counts),
    )


def _place(row: LesionRow) -> str:
    if row.from_ostium_mm is None:
        return row.third.value if row.third else figures.UNKNOWN
    at = figures.LENGTH.with_unit(row.from_ostium_mm)
    return f"{row.third.value}, {at}" if row.third else at


def _state(row: LesionRow) -> str:
    if row.state is ReviewState.REJECTED:
        return f"rejected: {row.reason.value}" if row.reason else "rejected"
    if row.state is ReviewState.LEFT_OUT:
        return f"left out: {row.reason.value}?" if row.reason else "left out"
    words = ["accepted" if row.state is ReviewState.ACCEPTED else "not reviewed"]
    words += [row.difference.value] if row.difference else []
    words += [] if row.counts else ["below the rule"]
    return ", ".join(words)


def _pictures(report: CaseReport) -> tuple[Picture, ...]:
    rows = {row.id: row for row in report.summary.lesions}
    return tuple(
        Picture(
            picture,
            f"{picture.lesion} · {picture.vessel.label}",
            f"{figures.AGATSTON.text(rows[picture.lesion].agatston)} · "
            f"{figures.HU.with_unit(rows[picture.lesion].max_hu)}",
        )
        for picture in report.pictures.slices
    )


def _method(report: CaseReport) -> Section:
    resolved, percentile = report.summary.resolved, report.summary.percentile
    facts = [("Protocol", resolved.sentence), ("Source", resolved.protocol.source)]
    if report.conclusive and report.summary.totals.equivalent is not None:
        facts.append(("Estimate", report.summary.totals.equivalent.sentence))
    if percentile is not None:
        facts.append(("Percentile", percentile.source))
    return Section("How it was scored", tuple(facts))


def _scan(report: CaseReport) -> Section:
    acquisition, geometry = report.acquisition, report.geometry
    voxels = " × ".join(str(n) for n in geometry.shape_zyx[::-1])
    spacing = " × ".join(f"{s:.4g}" for s in geometry.spacing_mm_zyx[::-1])
    known = (
        ("Voxels", f"{voxels} of {spacing} mm"),
        ("Tube voltage", f"{acquisition.kvp:g} kVp" if acquisition.kvp is not None else ""),
        ("Slice thickness", _mm(acquisition.slice_thickness_mm)),
        ("Kernel", acquisition.kernel or ""),
        ("Scanner", acquisition.manufacturer or ""),
        ("Contrast agent", acquisition.contrast_agent or ""),
        ("Dominance", report.dominance or ""),
    )
    return Section("Scan", tuple(fact for fact in known if fact[1]))


def _mm(value: float | None) -> str:
    return "" if value is None else f"{value:g} mm"


def _origin(report: CaseReport) -> Section:
    model = report.model
    if model.id is None:
        return Section("Segmentation", (("Made by", "a mask given by the user"), ("Software", report.software)))
    digest = f"sha256 {model.weights_sha256[:16]}…" if model.weights_sha256 else "no checksum"
    facts = (
        ("Model", f"{model.id}, {digest}"),
        ("Statement", model.statement or SIMULATION),
        ("Software", report.software),
    )
    return Section("Segmentation", facts)


def _corrections(report: CaseReport) -> Section:
    summary = report.summary
    if not report.audit:
        return Section("Corrections", (("Made", "none; these are the network's own findings"),))
    made = ", ".join(f"{action} {number}×" for action, number in report.corrections.items())
    now, network = summary.totals.agatston, summary.network_totals.agatston
    change = (
        f"{figures.AGATSTON.text(network)} by the network, {figures.AGATSTON.text(now)} now "
        f"({figures.AGATSTON.difference(now, network)})"
    )
    facts = [("Made", made), ("Agatston", change)]
    rejected = sum(row.state is ReviewState.REJECTED for row in summary.lesions)
    if rejected:
        facts.append(("Rejected", f"{counted(rejected, 'lesion')}, not part of the score"))
    if gone := len(summary.network_lesions_removed):
        facts.append(("Removed", f"{counted(gone, 'lesion')} of the network"))
    return Section("Corrections", tuple(facts))
