"""Cells of the CT's grid, the windows around them, and what the border network is told of one."""

import numpy as np
import pytest
from cacnet.refinement.windows import (
    CELL_VOXELS,
    WINDOW_VOXELS,
    answer_for,
    cells_around,
    channels_of,
    cut,
    is_fine_enough,
    window_around,
)
from cacnet.sparse_maps import SparseMap

SHAPE = (40, 60, 60)


def test_a_voxel_in_the_middle_of_a_cell_needs_that_cell_only() -> None:
    assert cells_around(np.array([[8, 12, 12]]), (2, 2, 2), SHAPE) == [(slice(0, 16), slice(0, 24), slice(0, 24))]


def test_a_voxel_whose_reach_crosses_a_face_needs_the_cell_beyond_it_too() -> None:
    cells = cells_around(np.array([[14, 12, 12]]), (2, 2, 2), SHAPE)
    assert [cell[0] for cell in cells] == [slice(0, 16), slice(16, 32)]
    cells = cells_around(np.array([[8, 12, 25]]), (2, 2, 2), SHAPE)
    assert [cell[2] for cell in cells] == [slice(0, 24), slice(24, 48)]


def test_a_cell_ends_with_the_grid() -> None:
    ((z, y, x),) = cells_around(np.array([[39, 59, 59]]), (1, 1, 1), SHAPE)
    assert (z, y, x) == (slice(32, 40), slice(48, 60), slice(48, 60))


def test_without_voxels_there_are_no_cells() -> None:
    assert cells_around(np.zeros((0, 3), np.int64), (2, 2, 2), SHAPE) == []


@pytest.mark.parametrize("voxel", [(8, 12, 12), (39, 59, 59)])
def test_a_cells_answer_is_the_part_of_the_windows_answer_that_lies_at_its_place(voxel: tuple[int, int, int]) -> None:
    grid = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    (cell,) = cells_around(np.array([voxel]), (0, 0, 0), SHAPE)
    window = window_around(cell)
    assert tuple(side.stop - side.start for side in window) == WINDOW_VOXELS
    np.testing.assert_array_equal(answer_for(cell, cut(grid, window, -1)), grid[cell])


def test_a_cell_lies_in_the_middle_of_its_window() -> None:
    cell = (slice(16, 32), slice(24, 48), slice(24, 48))
    margins = [(c.start - w.start, w.stop - c.stop) for c, w in zip(cell, window_around(cell), strict=True)]
    assert margins == [((w - c) // 2,) * 2 for w, c in zip(WINDOW_VOXELS, CELL_VOXELS, strict=True)]


def test_beyond_the_grid_a_window_is_filled() -> None:
    row = np.array([[[1, 2, 3]]])
    assert cut(row, (slice(0, 1), slice(0, 1), slice(-1, 5)), 9).tolist() == [[[9, 1, 2, 3, 9, 9]]]
    sparse = SparseMap.of(row)
    assert cut(sparse, (slice(0, 1), slice(0, 1), slice(-1, 5)), 0).tolist() == [[[0, 1, 2, 3, 0, 0]]]


def test_the_network_is_told_contrast_to_blood_and_probabilities_around_zero() -> None:
    hu = np.array([[[400, 800, -1024, 1600]]], np.int16)
    calcium = np.array([[[0.0, 0.04, 0.5, 1.0]]])
    coronary = np.array([[[0.0, 0.49, 0.5, 1.0]]])
    channels = channels_of(hu, calcium, coronary, 400.0)
    np.testing.assert_allclose(channels[0, 0, 0], [0, 1, -2, 3])
    np.testing.assert_allclose(channels[1, 0, 0], [-1, -1, 0, 1])
    np.testing.assert_allclose(channels[2, 0, 0], [-1, -1, 0, 1])


def test_dense_plaque_and_metal_are_told_on_a_flatter_scale() -> None:
    """2000 HU are 4 × 400 above the blood, so 3 + 1 / 4; beyond 3200 above it nothing is told apart."""
    hu = np.array([[[2000, 3000, 3600, 20000]]], np.int16)
    channels = channels_of(hu, np.zeros(hu.shape), np.zeros(hu.shape), 400.0)
    np.testing.assert_allclose(channels[0, 0, 0], [3.25, 3.875, 4.25, 4.25])


def test_grids_coarser_than_those_it_was_trained_on_are_known() -> None:
    assert is_fine_enough((1.5, 0.75, 0.75))
    assert not is_fine_enough((3.0, 0.4, 0.4))
    assert not is_fine_enough((0.5, 0.9, 0.9))
