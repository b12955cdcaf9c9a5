"""The columns of the lesion table: how each is written, by what it is sorted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cacnet.edits.review import ReviewState
from cacnet.edits.summary import LesionRow
from cacnet.reporting import figures
from cacnet.reporting.figures import Figure

from CACNetSegmentationLib.widgets.review.wording import DIFFERENCE_NAMES, REASON_NAMES, place_text
from CACNetSegmentationLib.widgets.translation import _

STATE_MARKS = {
    ReviewState.UNREVIEWED: "○",
    ReviewState.ACCEPTED: "✓",
    ReviewState.REJECTED: "✕",
    ReviewState.LEFT_OUT: "?",
}
_STATE_ORDER = {state: place for place, state in enumerate(ReviewState)}
UNKNOWN = -1.0
"""Sorts before every measured value."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        text: what a cell shows.
        sort: what it is sorted by; of one type in the whole column.
        widest: a text as wide as any, by which the column's width is chosen.
        is_number: right-aligned.
    """

    title: str
    tooltip: str
    text: Callable[[LesionRow], str]
    sort: Callable[[LesionRow], float | int | str]
    widest: str
    is_number: bool = True


def _place_order(row: LesionRow) -> float:
    return UNKNOWN if row.from_ostium_mm is None else row.from_ostium_mm


def _change_text(row: LesionRow) -> str:
    if row.reason is None:
        return DIFFERENCE_NAMES[row.difference]
    return REASON_NAMES[row.reason].lower() + ("?" if row.state is ReviewState.LEFT_OUT else "")


def _measured(title: str, tooltip: str, figure: Figure, of: Callable[[LesionRow], float], widest: str) -> Column:
    """A number, rounded as in every report."""
    return Column(title, tooltip, lambda row: figure.text(of(row)), of, widest)


COLUMNS = (
    Column("#", _("Number of the lesion; it stays through every edit"), lambda r: str(r.id), lambda r: r.id, "8888"),
    Column(
        "",
        _("State: ○ not reviewed, ✓ accepted, ✕ rejected, ? left out by the program and not counted"),
        lambda r: STATE_MARKS[r.state],
        lambda r: _STATE_ORDER[r.state],
        "○",
        is_number=False,
    ),
    Column(
        _("Vessel"),
        _("Artery that the calcium lies in (keys 1 to 5)"),
        lambda r: r.vessel.label,
        lambda r: int(r.vessel),
        "■ Unassigned",
        is_number=False,
    ),
    Column(
        _("Location"),
        _("Third of the artery, and the way along it from its ostium in the aorta"),
        place_text,
        _place_order,
        "prox 188\u00a0mm",
        is_number=False,
    ),
    _measured("Agatston", _("What it adds to the total"), figures.AGATSTON, lambda r: r.agatston, "8888.8"),
    _measured("mm³", _("Volume that counts"), figures.VOLUME, lambda r: r.volume_mm3, "888.8"),
    _measured("mg", _("Mass, by the nominal factor"), figures.MASS, lambda r: r.mass_mg, "888.8"),
    _measured("HU", _("Brightest voxel"), figures.HU, lambda r: r.max_hu, "8888"),
    Column(
        _("Conf."),
        _("Mean probability that the network gave it"),
        lambda r: "–" if r.confidence is None else f"{100 * r.confidence:.0f} %",
        lambda r: UNKNOWN if r.confidence is None else r.confidence,
        "100 %",
    ),
    Column(
        _("Change"),
        _("How it differs from what the network found; what a rejected lesion is, and what a left-out one may be"),
        _change_text,
        _change_text,
        "aortic wall?",
        is_number=False,
    ),
)


def filter_key(row: LesionRow) -> str:
    """'unreviewed/LAD/12': what `filter_pattern` looks at."""
    return f"{row.state.value}/{row.vessel.label}/{row.id}"


def filter_pattern(state: ReviewState | None, vessel_label: str | None, id_starts_with: str) -> str:
    """A regular expression for `filter_key`; None and '' let everything through."""
    digits = "".join(c for c in id_starts_with if c in "0123456789")
    return f"^{state.value if state else '[a-z ]+'}/{vessel_label or '[A-Za-z]+'}/{digits}"
