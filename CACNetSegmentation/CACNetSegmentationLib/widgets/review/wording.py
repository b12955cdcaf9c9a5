"""What the review says, apart from Qt so that it can be read and tested on its own."""

from __future__ import annotations

from html import escape

from cacnet.anatomy import Vessel
from cacnet.edits.review import RejectReason, ReviewState
from cacnet.edits.summary import Difference, LesionRow, ReviewSummary
from cacnet.remarks import remark_on_zero
from cacnet.reporting import figures
from cacnet.scoring import HoffPercentile, Protocol, ResolvedProtocol, RiskCategory
from cacnet.segments import CALCIUM_SEGMENTS
from cacnet.vessels.places import Third

from CACNetSegmentationLib.widgets.translation import _

NOTHING_OPEN = _(
    "No result is open. Run the network on a contrast CT above, or load a scene that holds a reviewed result; its "
    "lesions will be listed here to be accepted, corrected or rejected one by one."
)
LAST_UNREVIEWED = _("This is the only lesion left to review.")
PLACE_A_POINT = _("Click on the calcium in a slice view; the button ends it.")
ARTERIES_HIDDEN = _(
    "While this section is open the arteries are hidden, so that a stroke replaces calcium and nothing else. Lesions "
    "keep their numbers and states."
)
ESTABLISHED_WITHOUT_CONTRAST = _("Categories, CAC-DRS and percentiles were established on CT without contrast.")
UNEXPECTED = _("This did not work because of an error in the program; the Python console shows it.")
REJECT_AS, ARTERY = _("Reject as"), _("Artery")
ALL_LESIONS, ALL_VESSELS, NEAREST_ARTERY = _("All lesions"), _("All vessels"), _("nearest")

CATEGORY_NAMES = {
    RiskCategory.ZERO: _("no calcium"),
    RiskCategory.MINIMAL: _("minimal"),
    RiskCategory.MILD: _("mild"),
    RiskCategory.MODERATE: _("moderate"),
    RiskCategory.SEVERE: _("severe"),
}
STATE_NAMES = {
    ReviewState.UNREVIEWED: _("Unreviewed"),
    ReviewState.ACCEPTED: _("Accepted"),
    ReviewState.REJECTED: _("Rejected"),
    ReviewState.LEFT_OUT: _("Left out"),
}
REASON_NAMES = {
    RejectReason.STENT: _("Stent"),
    RejectReason.CLIP: _("Clip"),
    RejectReason.VALVE: _("Valve"),
    RejectReason.AORTIC_WALL: _("Aortic wall"),
    RejectReason.NOISE: _("Noise"),
    RejectReason.BONE: _("Bone"),
    RejectReason.OTHER: _("Other"),
}
"""Their first letters differ, so that one key chooses a reason."""
DIFFERENCE_NAMES = {
    Difference.NONE: "",
    Difference.NEW: _("new"),
    Difference.RELABELLED: _("relabelled"),
    Difference.REDRAWN: _("redrawn"),
}
THIRD_NAMES = {Third.PROXIMAL: _("prox"), Third.MID: _("mid"), Third.DISTAL: _("dist")}
THIRD_LONG_NAMES = {Third.PROXIMAL: _("proximal"), Third.MID: _("mid"), Third.DISTAL: _("distal")}
VESSEL_COLOURS = {
    Vessel(segment.label_value): "#" + "".join(f"{round(255 * c):02x}" for c in segment.color_rgb)
    for segment in CALCIUM_SEGMENTS
}
"""As the segments have them."""
MINUS = "\N{MINUS SIGN}"


def difference(value: float, network: float) -> str:
    """'network 298.0, +14.0'; what is the same when rounded is 'unchanged'."""
    before = figures.AGATSTON.text(network)
    if figures.AGATSTON.text(value) == before:
        return _("network {before}, unchanged").format(before=before)
    change = figures.AGATSTON.difference(value, network).replace("-", MINUS)
    return _("network {before}, {change}").format(before=before, change=change)


def lesions_text(amount: int) -> str:
    """'1 lesion', '2 lesions'."""
    return _("1 lesion") if amount == 1 else _("{count} lesions").format(count=amount)


def headline_html(summary: ReviewSummary) -> str:
    """The total in large type beside its category, and the change from the network's result."""
    totals, resolved = summary.totals, summary.resolved
    if summary.inconclusive:
        return (
            f'<span style="font-size:28pt; font-weight:600">{_("No score")}</span><br>'
            f'<b style="color:#d55e00">{escape(summary.inconclusive)}</b>'
        )
    rules = _("by <b>{name}</b>, from {hu:.0f} HU").format(
        name=escape(resolved.protocol.name), hu=resolved.threshold_hu
    )
    lines = [
        f'<span style="font-size:13pt; font-weight:600">{totals.cac_drs}</span>',
        f"{CATEGORY_NAMES[totals.category]} ({escape(totals.category)})",
        difference(totals.agatston, summary.network_totals.agatston),
    ]
    if totals.very_high:
        lines.insert(2, f'<b style="color:#d55e00">{_("above 1000: very high")}</b>')
    if summary.locked:
        lines.append(f'<b style="color:#009e73">{escape(approval_text(summary))}</b>')
    return (
        '<table width="100%" cellspacing="0" cellpadding="0"><tr>'
        f"<td>{_('Agatston equivalent')}<br>"
        f'<span style="font-size:28pt; font-weight:600">{figures.AGATSTON.text(totals.agatston)}</span><br>{rules}</td>'
        f'<td align="right" valign="bottom">{"<br>".join(lines)}</td>'
        f"</tr></table>{_doubt_html(summary)}"
    )


def _doubt_html(summary: ReviewSummary) -> str:
    """Why a score of 0 nobody has approved should be looked at; '' where nothing speaks against it."""
    if summary.locked or summary.totals.agatston > 0:
        return ""
    doubt = remark_on_zero(summary.left_out_agatston)
    return "" if doubt is None else f'<b style="color:#d55e00">{escape(doubt.message)}</b>'


def estimate_html(summary: ReviewSummary) -> str:
    """The estimated score without contrast with its interval and where it comes from; '' where there is none."""
    estimate = summary.equivalent
    if estimate is None:
        return ""
    text = _("Estimate without contrast <b>{value}</b> (95 % interval {low} to {high}), {category}, {code}").format(
        value=figures.ESTIMATE.text(estimate.estimate),
        low=figures.ESTIMATE.text(estimate.low),
        high=figures.ESTIMATE.text(estimate.high),
        category=CATEGORY_NAMES[estimate.category],
        code=estimate.cac_drs,
    )
    return f"{text}. {_('Calibrated on simulation, not validated on patients.')}"


def sums_html(summary: ReviewSummary) -> str:
    """Volume, mass, lesions and arteries in one line; lesions below the protocol's minimum are mentioned."""
    totals = summary.totals
    vessels = _("1 vessel") if totals.vessels == 1 else _("{count} vessels").format(count=totals.vessels)
    volume, mass = figures.VOLUME.with_unit(totals.volume_mm3), figures.MASS.with_unit(totals.mass_mg)
    text = " &nbsp;·&nbsp; ".join(f"<b>{part}</b>" for part in (volume, mass, lesions_text(totals.lesions), vessels))
    if totals.lesions_below_rule:
        more = _("{lesions} more below the protocol's minimum").format(lesions=lesions_text(totals.lesions_below_rule))
        text += f"<br>{more}"
    return text


def percentile_text(percentile: HoffPercentile | None) -> str:
    """Where the score stands for age and sex; asks for them where they are not known."""
    if percentile is None:
        return _("Percentile: enter age and sex")
    text = _("{bracket} percentile").format(bracket=percentile.bracket)
    if percentile.interpolated is not None:
        text += " " + _("(about the {ordinal})").format(ordinal=_ordinal(round(percentile.interpolated)))
    return text


def _ordinal(value: int) -> str:
    ending = "th" if 10 <= value % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{ending}"


def vessels_html(summary: ReviewSummary) -> str:
    """One row for each artery with what the network had; rows without calcium are there as well."""
    titles = ("", _("Lesions"), "Agatston", _("network"), "mm³", "mg")
    head = "".join(f'<td align="right" style="font-size:8pt">{title}</td>' for title in titles)
    rows = "".join(
        f'<tr><td style="white-space:nowrap"><span style="color:{VESSEL_COLOURS[row.vessel]}">■</span> '
        f"{row.vessel.label}</td>"
        + "".join(
            f'<td align="right">{cell}</td>'
            for cell in (
                row.now.lesions,
                f"<b>{figures.AGATSTON.text(row.now.agatston)}</b>",
                figures.AGATSTON.text(row.network.agatston),
                figures.VOLUME.text(row.now.volume_mm3),
                figures.MASS.text(row.now.mass_mg),
            )
        )
        + "</tr>"
        for row in summary.vessels
    )
    return f'<table width="100%" cellspacing="0" cellpadding="1"><tr>{head}</tr>{rows}</table>'


def progress_text(summary: ReviewSummary) -> str:
    """'12 of 30 reviewed, 2 left out'."""
    every = summary.to_judge
    text = _("{done} of {all} reviewed").format(done=every - len(summary.unreviewed), all=every)
    if left_out := len(summary.left_out):
        text += _(", {count} left out").format(count=left_out)
    return text


def all_reviewed_text(left_out: int) -> str:
    """Nothing is left to go to of what counts, and so many of what the program left out."""
    if left_out:
        return _(
            "All lesions that count are reviewed. Next (N) goes to what the program left out (?): {count} not judged."
        ).format(count=left_out)
    return _("All lesions are reviewed. The result can be approved below.")


def hidden_text(hidden: int) -> str:
    """Why there is no next one to go to although some are left."""
    return _("{lesions} left to review, hidden by the filter.").format(lesions=lesions_text(hidden))


def approval_text(summary: ReviewSummary) -> str:
    """Who approved."""
    if not summary.approved_by:
        return _("Approved and locked")
    return _("Approved by {initials} and locked").format(initials=summary.approved_by)


def finish_text(summary: ReviewSummary) -> str:
    """What stands between the reader and approval."""
    if summary.locked:
        return approval_text(summary) + _(". Reopen it to make changes; the record keeps that it was approved.")
    if left := len(summary.unreviewed):
        return _("{lesions} not reviewed yet; each has to be accepted or rejected before approval.").format(
            lesions=lesions_text(left)
        )
    if not summary.lesions:
        return _("There are no lesions to review; approving states that you looked and agree.")
    return " ".join([_("All lesions are reviewed."), *_not_judged(summary)])


def _not_judged(summary: ReviewSummary) -> list[str]:
    if not (left_out := len(summary.left_out)):
        return []
    return [
        _("{lesions} left out by the program (?) have not been judged: they do not count.").format(
            lesions=lesions_text(left_out)
        )
        if left_out > 1
        else _("1 lesion left out by the program (?) has not been judged: it does not count.")
    ]


def accept_all_text(left: int) -> str:
    """On the button that accepts the rest."""
    return _("Accept the remaining one") if left == 1 else _("Accept the remaining {count}").format(count=left)


def mask_text(threshold_hu: float) -> str:
    """Beside the switch that limits painting."""
    return _("Paint only from {hu:.0f} HU on").format(hu=threshold_hu)


def no_lesions_text(summary: ReviewSummary) -> str:
    """What an empty table means."""
    if removed := len(summary.network_lesions_removed):
        return _("No lesions are left: {lesions} of the network's removed.").format(lesions=lesions_text(removed))
    return _(
        "No coronary calcium was found: nothing in the arteries that were recognised looked like calcium and reached "
        "{hu:.0f} HU. In contrast CT small or faint deposits can be missed, so this is no proof of absence. Look along "
        "the arteries, and add what was missed by a click or by painting."
    ).format(hu=summary.resolved.threshold_hu)


def place_text(row: LesionRow) -> str:
    """'prox 23 mm' (with a no-break space), as far as it is known."""
    parts = [] if row.third is None else [THIRD_NAMES[row.third]]
    if row.from_ostium_mm is not None:
        parts.append(figures.LENGTH.with_unit(row.from_ostium_mm))
    return " ".join(parts) or "–"


def row_tooltip(row: LesionRow) -> str:
    """What the table has no room for."""
    title = _("Lesion {id}: {vessel}").format(id=row.id, vessel=row.vessel.label)
    if row.third is not None:
        title += f" {THIRD_LONG_NAMES[row.third]}"
    if row.from_ostium_mm is not None:
        title += ", " + _("{length} from the ostium").format(length=figures.LENGTH.with_unit(row.from_ostium_mm))
    slices = _("in 1 slice") if row.slices == 1 else _("in {count} slices").format(count=row.slices)
    values = _("Mean {mean}, maximum {max}").format(
        mean=figures.HU.with_unit(row.mean_hu), max=figures.HU.with_unit(row.max_hu)
    )
    parts = [title, _state_sentence(row), f"{values}, {slices}"]
    if row.origin:
        parts.append(_("Made of lesion {ids}").format(ids=", ".join(str(i) for i in row.origin)))
    if not row.counts and row.reason is None:
        parts.append(_("Below the protocol's threshold or minimum area, so it adds nothing"))
    return "\n".join(parts)


def _state_sentence(row: LesionRow) -> str:
    if row.reason is None:
        return STATE_NAMES[row.state]
    if row.state is ReviewState.LEFT_OUT:
        what = _("which does not believe that it is calcium of the artery")
        if row.reason is not RejectReason.OTHER:
            what = _("which takes it for: {reason}").format(reason=REASON_NAMES[row.reason].lower())
        return _("Left out by the program, {what}. It adds nothing; accept it if you see plaque, or reject it").format(
            what=what
        )
    return _("Rejected as {reason}; it adds nothing and can be restored").format(
        reason=REASON_NAMES[row.reason].lower()
    )


def protocol_details_html(protocol: Protocol, resolved: ResolvedProtocol) -> str:
    """Description, source and the numbers in use."""
    bands = " · ".join(
        _("{factor} from {hu:.0f}").format(factor=factor, hu=hu) for factor, hu in enumerate(resolved.bands_hu, start=1)
    )
    rows = [
        (_("Threshold"), f"{resolved.threshold_hu:.0f} HU"),
        (_("Minimum"), protocol.minimum.describe()),
        (_("Density factor"), f"{bands} HU"),
        (_("Source"), protocol.source),
    ]
    if protocol.calibration is not None:
        rows.insert(2, (_("Conversion"), _("raw score × {factor:.3f}").format(factor=resolved.agatston_factor)))
    if protocol.reslice_mm is not None:
        rows.insert(0, (_("Slices"), _("averaged to {mm:g} mm").format(mm=protocol.reslice_mm)))
    cells = "".join(
        f'<tr><td style="white-space:nowrap; padding-right:10px">{name}</td><td>{escape(text)}</td></tr>'
        for name, text in rows
    )
    return f"<p>{escape(protocol.description)}</p><table>{cells}</table>"
