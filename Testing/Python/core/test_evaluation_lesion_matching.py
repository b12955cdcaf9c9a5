"""orCaScore's lesion rules on masks small enough to count by hand."""

import numpy as np
from cacnet.evaluation.lesion_matching import LesionCounts, match_lesions
from evaluation_cases import line


def test_lesions_are_matched_by_touch_and_not_by_number() -> None:
    #                   found 1    2  3            true 1      2
    matching = match_lesions(line(".##..#..#"), line("##.....##"), 1.0)
    assert matching.counts() == LesionCounts(
        true=2,
        true_found=2,
        found=3,
        found_right=2,
        true_mm3=4.0,
        true_found_mm3=2.0,
        found_mm3=4.0,
        found_right_mm3=2.0,
    )
    assert matching.counts().false_positives == 1
    assert matching.true.partners == ((1,), (3,))
    assert matching.found.partners == ((1,), (), (2,))


def test_one_found_lesion_over_two_true_ones_finds_both_and_is_right_once() -> None:
    matching = match_lesions(line("#####"), line("#...#"), 0.5)
    counts = matching.counts()
    assert (counts.true, counts.true_found, counts.found, counts.found_right) == (2, 2, 1, 1)
    assert (counts.true_found_mm3, counts.found_right_mm3, counts.found_mm3) == (1.0, 1.0, 2.5)
    assert matching.found.partners == ((1, 2),)


def test_two_found_lesions_on_one_true_one_are_both_right_and_find_it_once() -> None:
    counts = match_lesions(line("##.##"), line("#####"), 1.0).counts()
    assert (counts.true, counts.true_found, counts.found, counts.found_right) == (1, 1, 2, 2)
    assert (counts.true_mm3, counts.true_found_mm3) == (5.0, 4.0)


def test_lesions_that_touch_by_an_edge_only_are_two() -> None:
    truth = np.zeros((1, 2, 2), bool)
    truth[0, 0, 0] = truth[0, 1, 1] = True
    assert match_lesions(truth, truth, 1.0).counts().true == 2


def test_neighbours_without_a_shared_voxel_do_not_match() -> None:
    counts = match_lesions(line("##.."), line("..##"), 1.0).counts()
    assert (counts.true_found, counts.found_right) == (0, 0)


def test_a_least_volume_leaves_specks_out_on_both_sides_but_they_may_be_partners() -> None:
    #              found 1  2       3   (0.5, 1.0, 0.5 mm³)   true 1   2 (0.5, 1.5 mm³)
    matching = match_lesions(line("#.##..#"), line("..#.###"), 0.5)
    counts = matching.counts(1.0)
    assert (counts.true, counts.true_found) == (1, 1)
    assert (counts.found, counts.found_right) == (1, 1)
    assert matching.counts().false_positives == 1


def test_two_empty_masks_have_no_lesions() -> None:
    matching = match_lesions(line("..."), line("..."), 1.0)
    assert matching.box is None
    assert matching.counts() == LesionCounts(0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0)


def test_an_empty_truth_makes_every_found_lesion_a_false_positive() -> None:
    counts = match_lesions(line("#.#"), line("..."), 1.0).counts()
    assert (counts.true, counts.found, counts.false_positives) == (0, 2, 2)
