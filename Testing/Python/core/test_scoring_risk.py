"""Categories, CAC-DRS, percentiles and sums."""

from dataclasses import dataclass

import pytest
from cacnet.anatomy import Vessel
from cacnet.scoring import (
    HOFF_2001,
    InvalidPatientError,
    InvalidScoreError,
    RiskCategory,
    cac_drs,
    hoff_percentile,
    is_very_high,
    per_vessel,
    risk_category,
    total,
)


@dataclass(frozen=True)
class Scored:
    vessel: Vessel
    agatston: float
    volume_mm3: float = 1.0
    mass_mg: float = 0.5
    isotropic_volume_mm3: float = 0.0
    density: float = 0.0


@pytest.mark.parametrize(
    ("agatston", "category"),
    [
        (0, "0"),
        (0.3, "1–10"),
        (10, "1–10"),
        (10.5, "11–100"),
        (100, "11–100"),
        (100.1, "101–400"),
        (400, "101–400"),
        (400.1, ">400"),
    ],
)
def test_categories_leave_no_gap_between_whole_numbers(agatston: float, category: str) -> None:
    assert risk_category(agatston) == RiskCategory(category)


@pytest.mark.parametrize(
    ("agatston", "vessels", "code"),
    [(0, 0, "A0/N0"), (0.4, 1, "A1/N1"), (99.9, 2, "A1/N2"), (100, 2, "A2/N2"), (299.9, 3, "A2/N3"), (300, 4, "A3/N4")],
)
def test_cac_drs_code(agatston: float, vessels: int, code: str) -> None:
    assert cac_drs(agatston, vessels) == code


def test_only_scores_above_1000_are_flagged_as_very_high() -> None:
    assert not is_very_high(1000.0)
    assert is_very_high(1000.1)


@pytest.mark.parametrize("agatston", [-1.0, float("nan"), float("inf")])
def test_impossible_score_is_refused_rather_than_classified(agatston: float) -> None:
    with pytest.raises(InvalidScoreError):
        risk_category(agatston)


@pytest.mark.parametrize(
    ("agatston", "age", "sex", "bracket", "interpolated"),
    [
        (103.0, 52, "M", "75th–90th", 75.0),
        (59.0, 52, "M", "50th–75th", 62.5),  # half-way from 15 to 103
        (34.0, 66, "F", "50th–75th", 50 + 25 * 10 / 121),
        (0.0, 38, "F", "≤50th", None),
        (0.0, 42, "M", "≤25th", None),
        (0.0, 80, "M", "<25th", None),
        (165.0, 80, "M", "<25th", None),
        (2000.0, 75, "M", "≥90th", None),
        (1.0, 59.9, "F", "50th–75th", 50.0),
        (1.0, 60, "F", "25th–50th", 25 + 25 / 3),
    ],
)
def test_hoff_percentile(agatston: float, age: float, sex: str, bracket: str, interpolated: float | None) -> None:
    found = hoff_percentile(agatston, age, sex)
    assert found.bracket == bracket
    assert found.interpolated == (None if interpolated is None else pytest.approx(interpolated))


@pytest.mark.parametrize("sex", ["M", "F"])
def test_percentiles_rise_within_every_row_and_with_age(sex: str) -> None:
    rows = HOFF_2001[sex]
    assert all(list(row) == sorted(row) for row in rows)
    assert all(list(column) == sorted(column) for column in zip(*rows, strict=True))


@pytest.mark.parametrize(("age", "sex"), [(50, "O"), (50, ""), (5, "M"), (130, "F"), (float("nan"), "M")])
def test_patient_outside_the_reference_is_refused(age: float, sex: str) -> None:
    with pytest.raises(InvalidPatientError):
        hoff_percentile(10.0, age, sex)


def test_totals_sum_lesions_and_count_arteries() -> None:
    lesions = [
        Scored(Vessel.LAD, 60.0, 20.0, 5.0),
        Scored(Vessel.LAD, 30.0, 10.0, 2.0),
        Scored(Vessel.RCA, 30.0, 12.0, 3.0),
        Scored(Vessel.UNASSIGNED, 5.0, 2.0, 1.0),
        Scored(Vessel.LM, 0.0, 0.0, 0.0),
    ]
    totals = total(lesions)
    assert (totals.agatston, totals.volume_mm3, totals.mass_mg) == (125.0, 44.0, 11.0)
    assert (totals.lesions, totals.lesions_below_rule, totals.vessels) == (4, 1, 2)
    assert (totals.category, totals.cac_drs, totals.very_high) == (RiskCategory.MODERATE, "A2/N2", False)


def test_totals_per_artery_name_every_artery() -> None:
    sums = per_vessel([Scored(Vessel.LAD, 60.0, 20.0, 5.0), Scored(Vessel.LAD, 30.0), Scored(Vessel.LM, 0.0, 0.0, 0.0)])
    assert list(sums) == list(Vessel)
    assert (sums[Vessel.LAD].agatston, sums[Vessel.LAD].lesions) == (90.0, 2)
    assert (sums[Vessel.LM].agatston, sums[Vessel.LM].lesions) == (0.0, 0)


def test_density_is_the_mean_factor_over_the_area_and_diffusivity_what_lies_outside_the_worst_artery() -> None:
    lesions = [
        Scored(Vessel.LAD, 60.0, 30.0, isotropic_volume_mm3=28.0, density=2.0),
        Scored(Vessel.LAD, 15.0, 0.0, density=0.0),  # scores nothing, so it counts for nothing
        Scored(Vessel.RCA, 20.0, 10.0, isotropic_volume_mm3=11.0, density=4.0),
    ]
    totals = total(lesions)
    assert totals.density == pytest.approx((2.0 * 30 + 4.0 * 10) / 40)
    assert totals.diffusivity == pytest.approx(20 / 80)
    assert totals.isotropic_volume_mm3 == pytest.approx(39.0)
    assert (total([]).density, total([]).diffusivity) == (0.0, 0.0)


def test_no_lesion_is_a_score_of_zero_in_no_artery() -> None:
    totals = total([])
    assert (totals.agatston, totals.lesions, totals.cac_drs, totals.category) == (0.0, 0, "A0/N0", RiskCategory.ZERO)


def test_calcium_in_an_unknown_artery_counts_as_one_artery() -> None:
    assert total([Scored(Vessel.UNASSIGNED, 50.0)]).cac_drs == "A1/N1"
