"""Lesions that a reader should look at first, and how much of the score hangs on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cacnet.anatomy import NAMED_VESSELS, Vessel
from cacnet.findings import Finding, Severity
from cacnet.lesions import Lesion
from cacnet.report import FEW_ARTERIES, NO_ARTERIES
from cacnet.vessels import MOUTH_MM, Courses

METAL_FROM_HU = 3000.0
"""Clips, stents and leads reach the end of a CT's range, 3071 HU; of 97 simulated plaques one came so far."""

LEAST_LEFT_MM, LEAST_LAD_MM, LEAST_RCA_MM = 100, 40, 40
"""Of centre lines with side branches; LAD with LM. Where most of the arteries was found, 169, 68 and 169 mm were the
least in 39 simulated patients; where a fifth was found, the LAD had 27."""

NAMED_AT_MOST = 8

INCOMPLETE, UNASSIGNED, AT_OSTIUM, BRIGHT, DOUBTFUL_ZERO = (
    "arteries-incomplete",
    "lesions-unassigned",
    "lesions-at-the-ostium",
    "lesions-as-bright-as-metal",
    "zero-with-calcium-left-out",
)
REMARKS = frozenset({NO_ARTERIES, FEW_ARTERIES, INCOMPLETE, UNASSIGNED, AT_OSTIUM, BRIGHT, DOUBTFUL_ZERO})
"""Codes of all that is said here: it changes as lesions are corrected."""


def remarks_on_result(
    lesions: Sequence[Lesion],
    courses: Courses | None,
    any_artery: bool,
    is_approved: bool = False,
    left_out_agatston: Sequence[float] = (),
) -> tuple[Finding, ...]:
    """What a result, or a review as it stands, gives reason to check.

    Args:
        lesions: those that count.
        courses: the named centre lines; None where no tree could be named.
        any_artery: whether any coronary voxel has an artery's name.
        is_approved: whether a reader has signed it; a score of 0 is then that reader's finding.
        left_out_agatston: what each lesion that was left out, and that nobody has judged, would add to the score.
    """
    any_assigned = any(lesion.vessel is not Vessel.UNASSIGNED for lesion in lesions)
    if not (any_artery or any_assigned or is_approved):
        message = (
            "No coronary artery was recognised, so calcium could not be found either; a score of 0 here does not mean "
            "that there is none. Check the contrast phase and the field of view."
        )
        return (Finding(NO_ARTERIES, Severity.WARNING, message),)
    has_score = is_approved or any(lesion.agatston > 0 for lesion in lesions)
    incomplete = remark_on_arteries(courses, has_score)
    doubtful = None if has_score else remark_on_zero(left_out_agatston)
    return (*(finding for finding in (incomplete, doubtful) if finding), *remarks(lesions))


def remark_on_zero(left_out_agatston: Sequence[float]) -> Finding | None:
    """A warning on a score of 0 where what was left out would add to it; None where it would not.

    Args:
        left_out_agatston: what each lesion that was left out, and that nobody has judged, would add.
    """
    adding = [agatston for agatston in left_out_agatston if agatston > 0]
    if not adding:
        return None
    one = len(adding) == 1
    message = (
        f"The score is 0, but {'one calcification' if one else f'{len(adding)} calcifications'} that would make it "
        f"{sum(adding):.1f} {'was' if one else 'were'} found near the arteries and left out. Look at "
        f"{'it' if one else 'each'} before you rely on the 0: the review lists {'it' if one else 'them'} with a "
        "question mark, to be accepted or rejected."
    )
    return Finding(DOUBTFUL_ZERO, Severity.WARNING, message)


def remarks(lesions: Sequence[Lesion]) -> tuple[Finding, ...]:
    """Warnings on lesions without an artery, at the aorta or as bright as metal; none is left out of the score."""
    return tuple(_remarks(lesions))


def remark_on_arteries(courses: Courses | None, has_score: bool) -> Finding | None:
    """A warning where a large part of the coronary tree was not recognised.

    Args:
        courses: the named centre lines, whose points lie a millimetre apart.
        has_score: whether anything counts: what was found is then a part of the score, else its 0 is none.
    """
    names = np.zeros(0) if courses is None else courses.vessel
    lm, lad, lcx, rca = (int(np.count_nonzero(names == vessel)) for vessel in NAMED_VESSELS)
    if lm + lad + lcx >= LEAST_LEFT_MM and lm + lad >= LEAST_LAD_MM and rca >= LEAST_RCA_MM:
        return None
    meaning = "the score may be too low" if has_score else "a score of 0 does not mean that there is none"
    message = (
        f"Much of the coronary arteries was not recognised: about {lm + lad} mm of left main and LAD, {lcx} mm of LCx "
        f"and {rca} mm of RCA were found, branches included; at least {LEAST_LAD_MM} mm of LAD and of RCA and "
        f"{LEAST_LEFT_MM} mm of the left tree were expected. Calcium elsewhere is missed, so {meaning}. Check the "
        "field of view, the contrast phase and motion."
    )
    return Finding(INCOMPLETE if has_score else FEW_ARTERIES, Severity.WARNING, message)


def _remarks(lesions: Sequence[Lesion]) -> Iterator[Finding]:
    unassigned = [lesion for lesion in lesions if lesion.vessel is Vessel.UNASSIGNED]
    if unassigned:
        message = (
            f"{_share(unassigned, lesions)} could not be given an artery: far from those that were recognised, or "
            "between two. Assign an artery by hand, or reject what is no coronary calcium."
        )
        yield Finding(UNASSIGNED, Severity.WARNING, message)
    at_ostium = [lesion for lesion in lesions if _is_at_ostium(lesion)]
    if at_ostium:
        message = (
            f"{_share(at_ostium, lesions)} {'lies' if len(at_ostium) == 1 else 'lie'} within {MOUTH_MM:.0f} mm of the "
            "artery's mouth, where calcium of the aortic wall is easily taken for the artery's. Reject what is the "
            "aorta's."
        )
        yield Finding(AT_OSTIUM, Severity.WARNING, message)
    bright = [lesion for lesion in lesions if lesion.max_hu >= METAL_FROM_HU]
    if bright:
        message = (
            f"{_share(bright, lesions)} {'reaches' if len(bright) == 1 else 'reach'} {METAL_FROM_HU:.0f} HU, which "
            "clips, stents and leads do and calcium seldom does. Reject what is metal."
        )
        yield Finding(BRIGHT, Severity.WARNING, message)


def _is_at_ostium(lesion: Lesion) -> bool:
    return lesion.place.from_ostium_mm is not None and lesion.place.from_ostium_mm <= MOUTH_MM


def _share(some: Sequence[Lesion], lesions: Sequence[Lesion]) -> str:
    """For example '2 of 6 lesions (numbers 1 and 4; Agatston 81.7 of 124.6)'."""
    numbers = [str(lesion.id) for lesion in some]
    if len(numbers) > NAMED_AT_MOST:
        numbers = [*numbers[:NAMED_AT_MOST], f"{len(numbers) - NAMED_AT_MOST} more"]
    named = " and ".join([", ".join(numbers[:-1]), numbers[-1]] if len(numbers) > 1 else numbers)
    part, whole = (sum(lesion.agatston for lesion in group) for group in (some, lesions))
    plural = "number" if len(some) == 1 else "numbers"
    return f"{len(some)} of {len(lesions)} lesions ({plural} {named}; Agatston {part:.1f} of {whole:.1f})"
