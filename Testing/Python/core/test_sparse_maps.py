"""A sparse map says the same as the array that it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from cacnet.sparse_maps import SparseMap, as_sparse, nonzero_index

ARRAY = np.zeros((3, 4, 5), np.uint8)
ARRAY[0, 3, 4], ARRAY[1, 0, 0], ARRAY[1, 2, 3], ARRAY[2, 3, 4] = 1, 2, 3, 4


def test_an_array_comes_back_as_it_was() -> None:
    found = SparseMap.of(ARRAY)
    assert found.index.tolist() == [19, 20, 33, 59]
    assert found.values.tolist() == [1, 2, 3, 4]
    assert found.voxels.tolist() == [[0, 3, 4], [1, 0, 0], [1, 2, 3], [2, 3, 4]]
    np.testing.assert_array_equal(found.dense(), ARRAY)
    assert found.dense().dtype == np.uint8


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_an_array_of_any_memory_order_comes_back(axes: tuple[int, int, int]) -> None:
    turned = ARRAY.transpose(axes)
    np.testing.assert_array_equal(SparseMap.of(turned).dense(), turned)


@pytest.mark.parametrize(
    "box",
    [
        np.s_[0:3, 0:4, 0:5],
        np.s_[1:2, 0:3, 0:4],
        np.s_[0:2, 2:4, 3:9],
        np.s_[2:1, 0:4, 0:5],
        np.s_[1:99, 3:4, 4:5],
    ],
)
def test_a_part_is_that_of_the_array(box: tuple[slice, slice, slice]) -> None:
    np.testing.assert_array_equal(SparseMap.of(ARRAY)[box], ARRAY[box])


def test_a_map_without_another_one_has_its_other_voxels_and_values() -> None:
    rest = SparseMap.of(ARRAY).without(SparseMap.mask(np.array([0, 20, 59]), ARRAY.shape))
    assert rest.index.tolist() == [19, 33]
    assert rest.values.tolist() == [1, 3]


def test_values_are_found_by_index_and_are_zero_elsewhere() -> None:
    index = np.array([59, 0, 33, 20, 58])
    assert SparseMap.of(ARRAY).at(index).tolist() == [4, 0, 3, 2, 0]
    assert SparseMap.of(np.zeros_like(ARRAY)).at(index).tolist() == [0] * 5


def test_a_mask_is_true_at_its_indices() -> None:
    mask = SparseMap.mask(np.array([1, 5]), (1, 2, 3))
    assert mask.dense().tolist() == [[[False, True, False], [False, False, True]]]


def test_a_map_that_is_sparse_already_stays_itself() -> None:
    sparse = SparseMap.of(ARRAY)
    assert as_sparse(sparse) is sparse
    assert as_sparse(ARRAY).index.tolist() == sparse.index.tolist()


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 64, 1003])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int16, np.float32])
def test_what_is_not_zero_is_found_in_arrays_of_any_length_type_and_order(length: int, dtype: type) -> None:
    array = (np.random.default_rng(length).random((length, 2)) > 0.7).astype(dtype)
    for one in (array, array.T, array[:, 0], array[::2]):
        assert nonzero_index(one).tolist() == np.flatnonzero(one).tolist()
