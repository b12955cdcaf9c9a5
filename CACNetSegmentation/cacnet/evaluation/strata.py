"""An evaluation's main figures by what makes a scan hard: motion, slices, stents, and how much calcium there is.

A mean over all patients hides where a model may be trusted. Groups are fixed beforehand, so that nobody chooses them by
what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cacnet.evaluation.case import ANY_VESSEL, TOTAL, CaseResult
from cacnet.evaluation.estimates import Estimate
from cacnet.evaluation.figures import compute_figures
from cacnet.scoring import RiskCategory, risk_category

STILL_MM = 0.5
"""An artery that moved less shows it by less than a voxel."""
MUCH_MOTION_MM = 1.5
THIN_SLICES_MM = 0.75
THICK_SLICES_MM = 1.5


@dataclass(frozen=True)
class Trait:
    """What patients are grouped by.

    Attributes:
        name: in words.
        groups: in the order to be shown.
        group_of: a patient's group; None where it is not known.
    """

    name: str
    groups: tuple[str, ...]
    group_of: Callable[[CaseResult], str | None]


@dataclass(frozen=True)
class Stratum:
    """The patients of one group.

    Attributes:
        trait, group: what they have in common.
        patients: how many they are; with_calcium: of whom the truth labels calcium.
        figures: by key, see FIGURES.
    """

    trait: str
    group: str
    patients: int
    with_calcium: int
    figures: Mapping[str, Estimate]


FIGURES: Mapping[str, str] = {
    "calcium_dice": "Calcium Dice",
    "calcium_se": "SE",
    "calcium_pe": "PE",
    "lesion_f1_visible": "F1, lesions of at least 1 mm³",
    "false_positives_visible": "False positives of these per scan",
    "coronary_dice": "Coronary Dice",
}


def strata(cases: Sequence[CaseResult]) -> tuple[Stratum, ...]:
    """The main figures of every group that has a patient."""
    found = []
    for trait in TRAITS:
        for group in trait.groups:
            members = [case for case in cases if trait.group_of(case) == group]
            if members:
                with_calcium = sum(case.calcium is not None and not case.calcium.truth_is_empty for case in members)
                found.append(Stratum(trait.name, group, len(members), with_calcium, _main_figures(members)))
    return tuple(found)


def _main_figures(cases: Sequence[CaseResult]) -> dict[str, Estimate]:
    figures = compute_figures(cases)
    visible = figures.lesions["visible"][ANY_VESSEL]
    return {
        **{key: figures.voxels[key] for key in ("calcium_dice", "calcium_se", "calcium_pe")},
        "lesion_f1_visible": visible["f1"],
        "false_positives_visible": visible["false_positives_per_scan"],
        "coronary_dice": figures.voxels["coronary_dice"],
    }


def _motion(case: CaseResult) -> str | None:
    way_mm = case.origin.motion_mm
    if way_mm is None:
        return None
    return _MOTION[0] if way_mm < STILL_MM else _MOTION[1] if way_mm < MUCH_MOTION_MM else _MOTION[2]


def _slices(case: CaseResult) -> str:
    apart_mm = case.slice_spacing_mm
    return _SLICES[0] if apart_mm <= THIN_SLICES_MM else _SLICES[1] if apart_mm <= THICK_SLICES_MM else _SLICES[2]


def _stents(case: CaseResult) -> str | None:
    return None if case.structures is None else _STENTS["stent" in case.structures]


def _true_category(case: CaseResult) -> str | None:
    return None if case.true_scores is None else risk_category(case.true_scores[TOTAL].agatston).value


_MOTION = (f"below {STILL_MM:g} mm", f"{STILL_MM:g} to {MUCH_MOTION_MM:g} mm", f"{MUCH_MOTION_MM:g} mm and more")
_SLICES = (
    f"up to {THIN_SLICES_MM:g} mm",
    f"{THIN_SLICES_MM:g} to {THICK_SLICES_MM:g} mm",
    f"more than {THICK_SLICES_MM:g} mm",
)
_STENTS = ("none", "at least one")
TRAITS = (
    Trait("Motion of an artery", _MOTION, _motion),
    Trait("Distance of slices", _SLICES, _slices),
    Trait("Stents", _STENTS, _stents),
    Trait("True Agatston score", tuple(category.value for category in RiskCategory), _true_category),
)
