"""Lesions that a reader should look at first, and how much of the score hangs on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cacnet.anatomy import Vessel
from cacnet.findings import Finding, Severity
from cacnet.lesions import Lesion

METAL_FROM_HU = 3000.0
"""Clips, stents and leads reach the end of a CT's range, 3071 HU; of 97 simulated plaques one came so far."""

OSTIUM_MM = 2.0
"""Calcium of the aortic wall is taken for the artery's at its mouth: of seven lesions within this length of it in 40
simulated patients six were the aorta's, of 131 others four."""

NAMED_AT_MOST = 8


def remarks(lesions: Sequence[Lesion]) -> tuple[Finding, ...]:
    """Warnings on lesions without an artery, at the aorta or as bright as metal; none is left out of the score."""
    return tuple(_remarks(lesions))


def _remarks(lesions: Sequence[Lesion]) -> Iterator[Finding]:
    unassigned = [lesion for lesion in lesions if lesion.vessel is Vessel.UNASSIGNED]
    if unassigned:
        message = (
            f"{_share(unassigned, lesions)} could not be given an artery: far from those that were recognised, or "
            "between two. Assign an artery by hand, or reject what is no coronary calcium."
        )
        yield Finding("lesions-unassigned", Severity.WARNING, message)
    at_ostium = [lesion for lesion in lesions if _is_at_ostium(lesion)]
    if at_ostium:
        message = (
            f"{_share(at_ostium, lesions)} {'lies' if len(at_ostium) == 1 else 'lie'} within {OSTIUM_MM:.0f} mm of the "
            "artery's mouth, where calcium of the aortic wall is easily taken for the artery's. Reject what is the "
            "aorta's."
        )
        yield Finding("lesions-at-the-ostium", Severity.WARNING, message)
    bright = [lesion for lesion in lesions if lesion.max_hu >= METAL_FROM_HU]
    if bright:
        message = (
            f"{_share(bright, lesions)} {'reaches' if len(bright) == 1 else 'reach'} {METAL_FROM_HU:.0f} HU, which "
            "clips, stents and leads do and calcium seldom does. Reject what is metal."
        )
        yield Finding("lesions-as-bright-as-metal", Severity.WARNING, message)


def _is_at_ostium(lesion: Lesion) -> bool:
    return lesion.place.from_ostium_mm is not None and lesion.place.from_ostium_mm <= OSTIUM_MM


def _share(some: Sequence[Lesion], lesions: Sequence[Lesion]) -> str:
    """For example '2 of 6 lesions (numbers 1 and 4; Agatston 81.7 of 124.6)'."""
    numbers = [str(lesion.id) for lesion in some]
    if len(numbers) > NAMED_AT_MOST:
        numbers = [*numbers[:NAMED_AT_MOST], f"{len(numbers) - NAMED_AT_MOST} more"]
    named = " and ".join([", ".join(numbers[:-1]), numbers[-1]] if len(numbers) > 1 else numbers)
    part, whole = (sum(lesion.agatston for lesion in group) for group in (some, lesions))
    plural = "number" if len(some) == 1 else "numbers"
    return f"{len(some)} of {len(lesions)} lesions ({plural} {named}; Agatston {part:.1f} of {whole:.1f})"
