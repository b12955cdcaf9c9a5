"""Agreement of two measurements, against worked examples that were published with their results."""

import numpy as np
import pytest
from cacnet.evaluation.agreement import (
    agreement,
    icc_2_1,
    icc_f_interval,
    icc_with_f_interval,
    kappa,
    linearly_weighted_kappa,
)
from scipy import stats

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)
"""Shrout and Fleiss 1979, table 2: six targets, four judges; ICC(2,1) = 0.29 with the interval 0.02 to 0.76."""

WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI_WRIGHT = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
"""Bland and Altman 1986, table 1, first measurements of peak flow: bias −2.1, SD 38.8 l/min, r = 0.94."""

SEXUAL_FUN = np.array([[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]])
"""Agresti 1990, table 2.10, 91 couples; kappa with equal-spacing weights = 0.2374 (R package vcd)."""


def test_icc_is_that_of_shrout_and_fleiss() -> None:
    assert icc_2_1(SHROUT_FLEISS) == pytest.approx(0.29, abs=0.005)


def test_the_interval_is_that_of_mcgraw_and_wong() -> None:
    assert icc_f_interval(SHROUT_FLEISS) == pytest.approx((0.019, 0.761), abs=0.001)


def test_icc_punishes_a_constant_difference_that_a_correlation_does_not_see() -> None:
    same = agreement([1, 2, 3, 4], [1, 2, 3, 4])
    shifted = agreement([11, 12, 13, 14], [1, 2, 3, 4])
    assert same.icc.value == pytest.approx(1)
    assert shifted.pearson.value == pytest.approx(1)
    assert shifted.icc.value is not None
    assert shifted.icc.value < 0.1


def test_bias_and_limits_are_those_of_bland_and_altman() -> None:
    figures = agreement(WRIGHT, MINI_WRIGHT, "l/min")
    assert figures.bias.value == pytest.approx(-2.1, abs=0.05)
    half_width = (figures.upper_limit.value - figures.lower_limit.value) / 2
    assert half_width / 1.96 == pytest.approx(38.8, abs=0.05)
    assert figures.pearson.value == pytest.approx(0.94, abs=0.005)
    assert figures.bias.unit == "l/min"
    assert figures.bias.low < figures.bias.value < figures.bias.high


def test_spearman_ranks_ties_at_their_mean() -> None:
    found, true = [1, 2, 2, 5], [10, 20, 30, 30]
    assert agreement(found, true).spearman.value == pytest.approx(stats.spearmanr(found, true).statistic)
    assert agreement([1, 10, 100], [1, 2, 3]).spearman.value == pytest.approx(1)


def test_weighted_kappa_is_that_of_the_published_table() -> None:
    pairs = np.array([(i, j) for i in range(4) for j in range(4) for _ in range(SEXUAL_FUN[i, j])])
    assert linearly_weighted_kappa(pairs) == pytest.approx(0.2374, abs=0.00005)


def test_weighted_kappa_by_hand() -> None:
    # Observed disagreement (0 + 1 + 0 + 2) / 4 = 0.75. Found 0, 1, 2, 2; true 0, 0, 2, 0; expected over the 16
    # pairs of a found and a true one: (0 + 0 + 2 + 0 + 1 + 1 + 1 + 1 + 2 + 2 + 0 + 2 + 2 + 2 + 0 + 2) / 16 = 1.125.
    assert kappa([0, 1, 2, 2], [0, 0, 2, 0]).value == pytest.approx(1 - 0.75 / 1.125)


def test_patients_without_a_score_are_left_out_and_not_zero() -> None:
    figures = agreement([None, 2, 4, 6], [100, 1, 2, 3])
    assert figures.bias.value == pytest.approx(2)
    assert figures.bias.n == 3


@pytest.mark.parametrize("name", ["icc", "icc_f_interval", "pearson", "spearman", "lower_limit", "upper_limit"])
def test_two_patients_are_too_few(name: str) -> None:
    estimate = getattr(agreement([1, 2], [1, 3]), name)
    assert estimate.value is None
    assert estimate.note == "2 patients, at least 3 needed"


def test_one_patient_has_a_difference_without_an_interval() -> None:
    bias = agreement([5], [3]).bias
    assert (bias.value, bias.low, bias.note) == (2, None, "one patient")


def test_without_scores_nothing_is_defined() -> None:
    figures = agreement([None, None], [1, 2])
    assert {estimate.note for estimate in vars(figures).values()} == {"no patient has both scores"}
    assert {estimate.value for estimate in vars(figures).values()} == {None}


def test_correlation_of_equal_values_is_undefined_and_says_which() -> None:
    assert agreement([0, 0, 0], [1, 2, 3]).pearson.note == "all found values are equal"
    assert agreement([1, 2, 3], [0, 0, 0]).spearman.note == "all true values are equal"
    assert agreement([0, 0, 0], [0, 0, 0]).icc.note == "all values are equal"


def test_the_f_interval_needs_some_disagreement() -> None:
    estimate = icc_with_f_interval([2, 3, 4], [1, 2, 3])
    assert estimate.value == pytest.approx(icc_2_1(np.array([[2, 1], [3, 2], [4, 3]], float)))
    assert estimate.low is None
    assert "the same amount in every patient" in estimate.note


def test_kappa_of_a_single_category_is_undefined() -> None:
    estimate = kappa([2, 2, 2], [2, 2, 2])
    assert estimate.value is None
    assert "one category" in estimate.note
    assert kappa([1, 2], [1, 2]).note == "2 patients, at least 3 needed"
