"""What the review says, apart from Qt so that it can be read and tested on its own."""

from __future__ import annotations

from html import escape

from cacnet.anatomy import Vessel
from cacnet.edits.review import RejectReason
from cacnet.edits.summary import LesionRow, ReviewSummary
from cacnet.scoring import HoffPercentile, Protocol, ResolvedProtocol, RiskCategory
from cacnet.segments import CALCIUM_SEGMENTS
from cacnet.vessels.places import Third

NOTHING_OPEN = (
    "No result is open. Run the network on a contrast CT above, or load a scene that holds a reviewed result; its "
    "lesions will be listed here to be accepted, corrected or rejected one by one."
)
ALL_REVIEWED = "All lesions are reviewed. The result can be approved below."
PLACE_A_POINT = "Click on the calcium in a slice view; Esc or the button ends it."
ARTERIES_HIDDEN = (
    "While this section is open the arteries are hidden, so that a stroke replaces calcium and nothing else. Lesions "
    "keep their numbers and states."
)
ESTABLISHED_WITHOUT_CONTRAST = "Categories, CAC-DRS and percentiles were established on CT without contrast."
UNEXPECTED = "This did not work because of an error in the program; the Python console shows it."

CATEGORY_NAMES = {
    RiskCategory.ZERO: "no calcium",
    RiskCategory.MINIMAL: "minimal",
    RiskCategory.MILD: "mild",
    RiskCategory.MODERATE: "moderate",
    RiskCategory.SEVERE: "severe",
}
THIRD_NAMES = {Third.PROXIMAL: "prox", Third.MID: "mid", Third.DISTAL: "dist"}
VESSEL_COLOURS = {
    Vessel(segment.label_value): "#" + "".join(f"{round(255 * c):02x}" for c in segment.color_rgb)
    for segment in CALCIUM_SEGMENTS
}
"""As the segments have them."""
MINUS = "\N{MINUS SIGN}"


def number(value: float) -> str:
    """Whole from 10 on, else with one decimal, so that small lesions are not all alike; 0 is '0'."""
    return f"{value:.0f}" if value == 0 or abs(value) >= 10 else f"{value:.1f}"


def difference(value: float, network: float) -> str:
    """'network 298, +14'; what is the same when rounded is 'unchanged'."""
    shown, before = number(value), number(network)
    if shown == before:
        return f"network {before}, unchanged"
    change = value - network
    return f"network {before}, {'+' if change > 0 else MINUS}{number(abs(change))}"


def count(amount: int, noun: str) -> str:
    """'1 lesion', '2 lesions'."""
    return f"{amount} {noun}{'' if amount == 1 else 's'}"


def headline_html(summary: ReviewSummary) -> str:
    """The total in large type beside its category, and the change from the network's result."""
    totals = summary.totals
    flag = ' <b style="color:#d55e00">above 1000: very high</b>' if totals.very_high else ""
    approved = "" if not summary.locked else f'<br><b style="color:#009e73">{escape(approval_text(summary))}</b>'
    return (
        '<table width="100%" cellspacing="0" cellpadding="0"><tr>'
        f"<td>Agatston equivalent<br>"
        f'<span style="font-size:28pt; font-weight:600">{number(totals.agatston)}</span><br>'
        f"by <b>{escape(summary.resolved.protocol.name)}</b>, from {summary.resolved.threshold_hu:.0f} HU</td>"
        f'<td align="right" valign="bottom"><span style="font-size:13pt; font-weight:600">{totals.cac_drs}</span><br>'
        f"{CATEGORY_NAMES[totals.category]} ({escape(totals.category)}){flag}<br>"
        f"{difference(totals.agatston, summary.network_totals.agatston)}{approved}</td>"
        "</tr></table>"
    )


def sums_html(summary: ReviewSummary) -> str:
    """Volume, mass, lesions and arteries in one line; lesions below the protocol's minimum are mentioned."""
    totals = summary.totals
    parts = [
        f"<b>{number(totals.volume_mm3)}</b> mm³",
        f"<b>{number(totals.mass_mg)}</b> mg",
        f"<b>{totals.lesions}</b> {'lesion' if totals.lesions == 1 else 'lesions'}",
        f"<b>{totals.vessels}</b> {'vessel' if totals.vessels == 1 else 'vessels'}",
    ]
    text = " &nbsp;·&nbsp; ".join(parts)
    if totals.lesions_below_rule:
        text += f"<br>{count(totals.lesions_below_rule, 'more lesion')} below the protocol's minimum"
    return text


def percentile_text(percentile: HoffPercentile | None) -> str:
    """Where the score stands for age and sex; asks for them where they are not known."""
    if percentile is None:
        return "Percentile: enter age and sex"
    text = f"{percentile.bracket} percentile"
    if percentile.interpolated is not None:
        text += f" (about the {_ordinal(round(percentile.interpolated))})"
    return text


def _ordinal(value: int) -> str:
    ending = "th" if 10 <= value % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{ending}"


def vessels_html(summary: ReviewSummary) -> str:
    """One row for each artery with what the network had; rows without calcium are there as well."""
    titles = ("", "Lesions", "Agatston", "network", "mm³", "mg")
    head = "".join(f'<td align="right" style="font-size:8pt">{title}</td>' for title in titles)
    rows = "".join(
        f'<tr><td style="white-space:nowrap"><span style="color:{VESSEL_COLOURS[row.vessel]}">■</span> '
        f"{row.vessel.label}</td>"
        + "".join(
            f'<td align="right">{cell}</td>'
            for cell in (
                row.now.lesions,
                f"<b>{number(row.now.agatston)}</b>",
                number(row.network.agatston),
                number(row.now.volume_mm3),
                number(row.now.mass_mg),
            )
        )
        + "</tr>"
        for row in summary.vessels
    )
    return f'<table width="100%" cellspacing="0" cellpadding="1"><tr>{head}</tr>{rows}</table>'


def progress_text(summary: ReviewSummary) -> str:
    """'12 of 30 reviewed'."""
    every = len(summary.lesions)
    return f"{every - len(summary.unreviewed)} of {every} reviewed"


def approval_text(summary: ReviewSummary) -> str:
    """Who approved."""
    return f"Approved by {summary.approved_by} and locked" if summary.approved_by else "Approved and locked"


def finish_text(summary: ReviewSummary) -> str:
    """What stands between the reader and approval."""
    if summary.locked:
        return f"{approval_text(summary)}. Reopen it to make changes; the record keeps that it was approved."
    if left := len(summary.unreviewed):
        return f"{count(left, 'lesion')} not reviewed yet; each has to be accepted or rejected before approval."
    if not summary.lesions:
        return "There are no lesions to review; approving states that you looked and agree."
    return "All lesions are reviewed."


def no_lesions_text(summary: ReviewSummary) -> str:
    """What an empty table means."""
    if summary.network_lesions_removed:
        return f"No lesions are left: {count(len(summary.network_lesions_removed), 'lesion')} of the network's removed."
    return (
        "No coronary calcium was found: nothing in the arteries that were recognised looked like calcium and reached "
        f"{summary.resolved.threshold_hu:.0f} HU. In contrast CT small or faint deposits can be missed, so this is no "
        "proof of absence. Look along the arteries, and add what was missed by a click or by painting."
    )


def place_text(row: LesionRow) -> str:
    """'prox 23 mm', as far as it is known."""
    parts = [] if row.third is None else [THIRD_NAMES[row.third]]
    if row.from_ostium_mm is not None:
        parts.append(f"{row.from_ostium_mm:.0f} mm")
    return " ".join(parts) or "–"


def row_tooltip(row: LesionRow) -> str:
    """What the table has no room for."""
    where = "" if row.third is None else f" {row.third}"
    far = "" if row.from_ostium_mm is None else f", {row.from_ostium_mm:.0f} mm from the ostium"
    parts = [f"Lesion {row.id}: {row.vessel.label}{where}{far}", _state_sentence(row)]
    parts.append(f"Mean {row.mean_hu:.0f} HU, maximum {row.max_hu:.0f} HU, in {count(row.slices, 'slice')}")
    if row.origin:
        parts.append(f"Made of lesion {', '.join(str(i) for i in row.origin)}")
    if not row.counts and row.reason is None:
        parts.append("Below the protocol's threshold or minimum area, so it adds nothing")
    return "\n".join(parts)


def _state_sentence(row: LesionRow) -> str:
    if row.reason is not None:
        return f"Rejected as {reason_text(row.reason).lower()}; it adds nothing and can be restored"
    return str(row.state).capitalize()


def reason_text(reason: RejectReason) -> str:
    """'Aortic wall'."""
    return str(reason).capitalize()


def protocol_details_html(protocol: Protocol, resolved: ResolvedProtocol) -> str:
    """Description, source and the numbers in use."""
    bands = " · ".join(f"{factor} from {hu:.0f}" for factor, hu in enumerate(resolved.bands_hu, start=1))
    rows = [
        ("Threshold", f"{resolved.threshold_hu:.0f} HU"),
        ("Minimum", protocol.minimum.describe()),
        ("Density factor", f"{bands} HU"),
        ("Source", protocol.source),
    ]
    if protocol.calibration is not None:
        rows.insert(2, ("Conversion", f"raw score × {resolved.agatston_factor:.3f}"))
    if protocol.reslice_mm is not None:
        rows.insert(0, ("Slices", f"averaged to {protocol.reslice_mm:g} mm"))
    cells = "".join(
        f'<tr><td style="white-space:nowrap; padding-right:10px">{name}</td><td>{escape(text)}</td></tr>'
        for name, text in rows
    )
    return f"<p>{escape(protocol.description)}</p><table>{cells}</table>"
