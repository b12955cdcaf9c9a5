"""Figures with intervals, and reasons where there is none."""

import re

import numpy as np
import pytest
from cacnet.evaluation.estimates import BOOTSTRAP, WILSON, Estimate, estimate, mean, proportion, ratio


def test_a_mean_leaves_undefined_patients_out_and_brackets_itself() -> None:
    figure = mean([0.2, None, 0.4, 0.9], "nobody")
    assert figure.value == pytest.approx(0.5)
    assert figure.n == 3
    assert 0.2 <= figure.low < figure.value < figure.high <= 0.9
    assert figure.method == BOOTSTRAP


def test_the_same_patients_always_have_the_same_interval() -> None:
    assert mean([0.1, 0.5, 0.7, 0.9], "") == mean([0.1, 0.5, 0.7, 0.9], "")


def test_the_bootstrap_interval_of_a_mean_is_near_the_normal_one() -> None:
    values = np.random.default_rng(3).normal(10, 2, 400)
    figure = mean(list(values), "")
    standard_error = values.std(ddof=1) / 20
    assert figure.low == pytest.approx(values.mean() - 1.96 * standard_error, abs=0.03)
    assert figure.high == pytest.approx(values.mean() + 1.96 * standard_error, abs=0.03)


def test_a_mean_of_nobody_says_why() -> None:
    assert mean([None, None], "no patient has calcium") == Estimate(None, note="no patient has calcium")
    assert mean([], "no case").value is None


@pytest.mark.parametrize(("values", "note"), [([0.3], "one patient"), ([0.1, 0.5], "2 patients")])
def test_one_or_two_patients_have_no_interval(values: list[float], note: str) -> None:
    figure = mean(values, "")
    assert figure.value == pytest.approx(0.3)
    assert (figure.low, figure.high, figure.note) == (None, None, note)


def test_an_interval_without_width_is_no_interval() -> None:
    figure = mean([1.0, 1.0, 1.0], "")
    assert figure.value == 1
    assert figure.low is None
    assert figure.note == "no bootstrap sample differs"


def test_a_ratio_pools_patients() -> None:
    assert ratio([1, 9], [10, 10], "").value == pytest.approx(0.5)
    assert ratio([1, None], [10, 10], "").value == pytest.approx(0.1)


def test_a_ratio_of_nothing_says_why() -> None:
    figure = ratio([0, 0], [0, 0], "no true lesion")
    assert (figure.value, figure.n, figure.note) == (None, 2, "no true lesion")


def test_bootstrap_samples_that_leave_a_figure_undefined_are_told() -> None:
    # Two of five patients have lesions: a sample misses both in (3/5)^5 = 7.8 % of the draws.
    figure = ratio([1, 1, 0, 0, 0], [2, 4, 0, 0, 0], "")
    assert figure.value == pytest.approx(2 / 6)
    assert (figure.low, figure.high) == pytest.approx((1 / 4, 1 / 2))
    told = re.fullmatch(r"without the ([0-9.]+)% of the bootstrap samples that leave it undefined", figure.note)
    assert told is not None
    assert float(told[1]) == pytest.approx(7.8, abs=2)


def test_a_figure_that_most_samples_leave_undefined_has_no_interval() -> None:
    # Only a sample with all three patients in it has a mean here: 3!/3^3 = 22 % of them.
    figure = estimate(
        lambda v: np.where((np.diff(np.sort(v[..., 0])) > 0).all(axis=-1), v[..., 0].mean(axis=-1), np.nan),
        lambda v: "",
        [[1, 2, 3]],
    )
    assert figure.value == 2
    assert figure.low is None
    assert "of the bootstrap samples" in figure.note


def test_wilsons_interval_of_a_share() -> None:
    # Wilson's score interval of 8 of 10 is 0.490 to 0.943 (Newcombe 1998 gives the formula).
    figure = proportion(8, 10, "")
    assert figure.value == 0.8
    assert (figure.low, figure.high) == pytest.approx((0.4902, 0.9433), abs=0.0001)
    assert figure.method == WILSON
    assert proportion(0, 0, "no patient without calcium").note == "no patient without calcium"


def test_all_of_few_patients_is_not_certainty() -> None:
    assert proportion(3, 3, "").low == pytest.approx(3 / (3 + 1.96**2), abs=0.001)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Estimate(0.731, 0.5, 0.9, 5), "0.73 (0.50 to 0.90)"),
        (Estimate(-2.1, -5, 1, 5, "mm³"), "-2.10 mm³ (-5.00 to 1.00)"),
        (Estimate(1.0, n=1, note="one patient"), "1.00 (no interval): one patient"),
        (Estimate(None, note="no case"), "not defined: no case"),
    ],
)
def test_a_figure_is_written_with_its_interval_or_its_reason(figure: Estimate, text: str) -> None:
    assert figure.text() == text
