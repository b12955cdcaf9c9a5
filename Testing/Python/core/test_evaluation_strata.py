"""The main figures by what makes a scan hard."""

import dataclasses

import pytest
from cacnet.evaluation.case import CaseResult
from cacnet.evaluation.metrics import Overlap
from cacnet.evaluation.strata import Stratum, strata
from cacnet.evaluation.truth import Origin
from evaluation_cases import case_result, without_calcium, without_true_calcium


def moved(motion_mm: float | None, calcium: Overlap = Overlap(3, 1, 1)) -> CaseResult:  # noqa: B008 (frozen)
    return case_result(origin=Origin(True, 9100, 20.0, motion_mm), calcium=calcium)


def group(cases: list[CaseResult], trait: str, name: str) -> Stratum:
    return next(s for s in strata(cases) if (s.trait, s.group) == (trait, name))


def test_a_group_has_the_figures_of_its_own_patients_only() -> None:
    # Dice 6/8, 2/4 and 0/4.
    cases = [moved(0.0), moved(0.0, Overlap(1, 1, 1)), moved(4.0, Overlap(0, 2, 2))]
    still = group(cases, "Motion of an artery", "below 0.5 mm")
    assert (still.patients, still.with_calcium) == (2, 2)
    assert still.figures["calcium_dice"].value == pytest.approx((0.75 + 0.5) / 2)
    moving = group(cases, "Motion of an artery", "1.5 mm and more")
    assert (moving.patients, moving.figures["calcium_dice"].value) == (1, 0.0)


@pytest.mark.parametrize(
    ("motion_mm", "name"),
    [(0.49, "below 0.5 mm"), (0.5, "0.5 to 1.5 mm"), (1.49, "0.5 to 1.5 mm"), (1.5, "1.5 mm and more")],
)
def test_motion_groups_begin_at_their_lower_end(motion_mm: float, name: str) -> None:
    assert group([moved(motion_mm)], "Motion of an artery", name).patients == 1


@pytest.mark.parametrize(
    ("apart_mm", "name"),
    [(0.75, "up to 0.75 mm"), (0.8, "0.75 to 1.5 mm"), (1.5, "0.75 to 1.5 mm"), (3.0, "more than 1.5 mm")],
)
def test_slice_groups_end_at_their_upper_end(apart_mm: float, name: str) -> None:
    assert group([case_result(slice_spacing_mm=apart_mm)], "Distance of slices", name).patients == 1


def test_a_stent_makes_a_group_of_its_own() -> None:
    cases = [case_result(structures=("bone", "stent")), case_result(structures=()), case_result(structures=("clip",))]
    assert group(cases, "Stents", "at least one").patients == 1
    assert group(cases, "Stents", "none").patients == 2


def test_a_patient_without_calcium_counts_as_a_patient_without() -> None:
    zero = group([without_calcium(), case_result(true=10.0)], "True Agatston score", "0")
    assert (zero.patients, zero.with_calcium) == (1, 0)
    assert zero.figures["calcium_dice"].value is None


def test_what_the_truth_does_not_tell_is_in_no_group() -> None:
    unknown = dataclasses.replace(without_true_calcium(), origin=Origin(), structures=None)
    assert {s.trait for s in strata([unknown])} == {"Distance of slices"}
