"""Voxel figures, hand-counted on small masks, and undefined where there is nothing to measure."""

import pytest
from cacnet.evaluation.metrics import Overlap, overlap, share
from evaluation_cases import line


def test_overlap_counts_voxels() -> None:
    figures = overlap(line("..###."), line(".##..."))
    assert figures == Overlap(true_positive=1, false_positive=2, false_negative=1)
    assert figures.sensitivity == pytest.approx(1 / 2)
    assert figures.precision == pytest.approx(1 / 3)
    assert figures.dice == pytest.approx(2 / 5)


def test_two_empty_masks_are_undefined_and_not_perfect() -> None:
    figures = overlap(line("...."), line("...."))
    assert (figures.sensitivity, figures.precision, figures.dice) == (None, None, None)
    assert figures.truth_is_empty
    assert figures.result_is_empty


def test_a_result_where_nothing_is_has_no_sensitivity_and_no_precision_worth() -> None:
    figures = overlap(line(".#.."), line("...."))
    assert (figures.sensitivity, figures.precision, figures.dice) == (None, 0, 0)
    assert figures.truth_is_empty
    assert not figures.result_is_empty


def test_an_empty_result_misses_everything_and_has_no_precision() -> None:
    figures = overlap(line("...."), line("##.."))
    assert (figures.sensitivity, figures.precision, figures.dice) == (0, None, 0)


def test_a_share_of_nothing_is_none() -> None:
    assert share(0, 0) is None
    assert share(1, 4) == 0.25
