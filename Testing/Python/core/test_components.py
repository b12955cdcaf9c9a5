"""Components of sparse masks: the same as those of a dense label map, at the cost of what is inside."""

from __future__ import annotations

import numpy as np
import pytest
from cacnet.components import eroded, find_components, is_near
from cacnet.sparse_maps import SparseMap
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

SMALL = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))
MASKS = SMALL.flatmap(lambda shape: arrays(np.bool_, shape))


def mask_with(shape: tuple[int, int, int], *voxels: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(np.array(voxels).T)] = True
    return mask


def test_voxels_that_touch_by_a_corner_are_one_component() -> None:
    found = find_components(SparseMap.of(mask_with((3, 4, 4), (0, 1, 1), (1, 2, 2), (2, 0, 3))))
    assert found.count == 2
    assert found.sizes.tolist() == [2, 1]
    ((number, voxels),) = found.voxels_of(np.array([True, False]))
    assert (number, voxels.tolist()) == (0, [[0, 1, 1], [1, 2, 2]])
    ((number, voxels),) = found.voxels_of(np.array([False, True]))
    assert (number, voxels.tolist()) == (1, [[2, 0, 3]])


@pytest.mark.parametrize("other", [(0, 1, 0), (1, 0, 0)])
def test_the_end_of_a_row_does_not_touch_the_start_of_the_next(other: tuple[int, int, int]) -> None:
    assert find_components(SparseMap.of(mask_with((2, 2, 5), (0, 0, 4), other))).count == 2


def test_the_last_row_of_a_plane_does_not_touch_the_first_row_of_the_next() -> None:
    assert find_components(SparseMap.of(mask_with((2, 4, 3), (0, 3, 1), (1, 0, 1)))).count == 2


def test_an_empty_mask_has_no_components() -> None:
    found = find_components(SparseMap.of(np.zeros((2, 3, 4), bool)))
    assert found.count == 0
    assert not found.mask_of(np.zeros(0, bool)).dense().any()
    assert not list(found.voxels_of(np.zeros(0, bool)))


def test_chosen_components_become_a_mask() -> None:
    mask = mask_with((1, 1, 6), (0, 0, 0), (0, 0, 2), (0, 0, 5))
    kept = find_components(SparseMap.of(mask)).mask_of(np.array([True, False, True]))
    assert kept.voxels.tolist() == [[0, 0, 0], [0, 0, 5]]


@settings(max_examples=150, deadline=None)
@given(MASKS)
def test_components_are_those_of_a_dense_label_map(mask: np.ndarray) -> None:
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    found = find_components(SparseMap.of(mask))
    assert found.count == count
    np.testing.assert_array_equal(found.number, labels.ravel()[found.index] - 1)


@settings(max_examples=100, deadline=None)
@given(MASKS, st.tuples(*[st.integers(0, 2)] * 3))
def test_erosion_is_that_by_a_box(mask: np.ndarray, half_width: tuple[int, int, int]) -> None:
    expected = ndimage.minimum_filter(mask, [2 * n + 1 for n in half_width], mode="constant", cval=0)
    assert eroded(SparseMap.of(mask), half_width).tolist() == np.flatnonzero(expected).tolist()


def test_voxels_within_reach_are_never_left_out() -> None:
    random = np.random.default_rng(0)
    voxels, others = random.integers(0, 60, (400, 3)), random.integers(0, 60, (5, 3))
    left = {tuple(voxel) for voxel in voxels[is_near(voxels, others, (4, 5, 6))].tolist()}
    within = (np.abs(voxels[:, None] - others) <= (4, 5, 6)).all(axis=2).any(axis=1)
    assert {tuple(voxel) for voxel in voxels[within].tolist()} <= left
    assert len(left) < len(voxels)


def test_nothing_is_near_nothing() -> None:
    assert is_near(np.zeros((2, 3), int), np.zeros((0, 3), int), (1, 1, 1)).tolist() == [False, False]
    assert len(is_near(np.zeros((0, 3), int), np.zeros((2, 3), int), (1, 1, 1))) == 0
