"""The smallest box around the non-zero voxels."""

import numpy as np
from cacnet.bounding_box import box_of_nonzero


def test_box_holds_every_nonzero_voxel_and_no_more() -> None:
    array = np.zeros((6, 7, 8), np.uint8)
    array[1, 5, 2] = array[4, 3, 6] = 1
    assert box_of_nonzero(array) == (slice(1, 5), slice(3, 6), slice(2, 7))


def test_single_voxel_in_the_last_corner() -> None:
    array = np.zeros((2, 3, 4), bool)
    array[1, 2, 3] = True
    assert box_of_nonzero(array) == (slice(1, 2), slice(2, 3), slice(3, 4))


def test_nothing_has_no_box() -> None:
    assert box_of_nonzero(np.zeros((2, 3, 4), bool)) is None
