"""Each vessel number is one connected tree."""

import numpy as np
from cacnet.phantom.coronary_labels import join_vessels


def test_a_stray_voxel_within_another_vessel_takes_that_vessels_number():
    labels = np.zeros((3, 3, 12), np.uint8)
    labels[1, 1, :6] = 2
    labels[1, 1, 6:] = 3
    labels[1, 1, 9] = 2
    join_vessels(labels)
    np.testing.assert_array_equal(labels[1, 1], [2] * 6 + [3] * 6)


def test_pieces_that_touch_only_at_a_corner_are_one_vessel():
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = labels[2, 0, 2] = 2
    labels[3, 1, 3] = 3
    before = labels.copy()
    join_vessels(labels)
    np.testing.assert_array_equal(labels, before)


def test_a_piece_that_touches_no_other_vessel_stays():
    labels = np.zeros((1, 3, 9), np.uint8)
    labels[0, 1, :4] = 4
    labels[0, 1, 6] = 4
    labels[0, 0, 8] = 2
    before = labels.copy()
    join_vessels(labels)
    np.testing.assert_array_equal(labels, before)


def test_a_stray_piece_takes_the_number_it_touches_most():
    labels = np.zeros((1, 3, 10), np.uint8)
    labels[0, 1] = [2, 2, 2, 3, 2, 2, 4, 4, 4, 4]
    labels[0, 0, 3] = 3
    labels[0, 2, 2:4] = 3
    labels[0, 0, 7] = 3
    join_vessels(labels)
    assert labels[0, 0, 7] == 4


def test_an_image_of_nothing_stays_so():
    labels = np.zeros((2, 2, 2), np.uint8)
    join_vessels(labels)
    assert not labels.any()


def test_rows_do_not_touch_across_the_edge_of_the_image():
    labels = np.zeros((1, 2, 4), np.uint8)
    labels[0, 0, 2:] = 2
    labels[0, 1, 0] = 2
    labels[0, 1, 1] = 3
    labels[0, 1, 2] = 0
    join_vessels(labels)
    # (0, 1, 0) follows (0, 0, 3) in memory but does not touch it: it is a stray of 2 beside 3.
    assert labels[0, 1, 0] == 3
