"""Between grids: the quick way for parallel axes gives what SimpleITK gives, and any other grid goes through it."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.resampling import axis_map, linear, nearest, nearest_sparse, resampled
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry

GRID = Geometry((9, 10, 11), (0.5, 0.5, 0.5), (-2.0, -3.0, 4.0))
IDENTITY = (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)
FLIPPED = (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0)
SAGITTAL = (0, 0, 1.0, 1.0, 0, 0, 0, -1.0, 0)
COSINE, SINE = np.cos(0.3), np.sin(0.3)
OBLIQUE = (COSINE, -SINE, 0, SINE, COSINE, 0, 0, 0, 1.0)


def scan(direction: tuple[float, ...], spacing: tuple[float, float, float] = (0.61, 0.37, 0.39)) -> Geometry:
    """A grid around the same place as GRID, a little larger."""
    middle = GRID.index_to_lps((np.array(GRID.shape_zyx) - 1) / 2)
    shape = (12, 19, 17)
    turned = Geometry(shape, spacing, (0.0, 0.0, 0.0), direction)
    return Geometry(shape, spacing, tuple(middle - turned.index_to_lps((np.array(shape) - 1) / 2)), direction)


@pytest.mark.parametrize("direction", [IDENTITY, FLIPPED, SAGITTAL], ids=["axial", "flipped", "sagittal"])
def test_values_that_reach_the_minimum_are_those_of_simpleitk(direction: tuple[float, ...]) -> None:
    values = np.random.default_rng(1).random(GRID.shape_zyx).astype(np.float32)
    target = scan(direction)
    assert axis_map(GRID, target) is not None
    expected = resampled(values, GRID, target, sitk.sitkLinear, 0.0)
    found = linear(values, GRID, target, at_least=0.6)
    reaching = expected >= 0.6
    assert 0 < reaching.sum() < reaching.size
    np.testing.assert_allclose(found[reaching], expected[reaching], atol=1e-5)
    assert (found <= expected + 1e-5).all()


@pytest.mark.parametrize("direction", [IDENTITY, FLIPPED, SAGITTAL], ids=["axial", "flipped", "sagittal"])
def test_labels_are_those_of_simpleitk(direction: tuple[float, ...]) -> None:
    labels = np.random.default_rng(2).integers(0, 6, GRID.shape_zyx).astype(np.uint8)
    target = scan(direction)
    expected = resampled(labels, GRID, target, sitk.sitkNearestNeighbor, 0)
    np.testing.assert_array_equal(nearest(labels, GRID, target), expected)


def test_a_turned_grid_goes_through_simpleitk() -> None:
    target = scan(OBLIQUE)
    assert axis_map(GRID, target) is None
    labels = np.ones(GRID.shape_zyx, np.uint8)
    np.testing.assert_array_equal(
        nearest(labels, GRID, target), resampled(labels, GRID, target, sitk.sitkNearestNeighbor, 0)
    )
    np.testing.assert_array_equal(
        linear(labels, GRID, target, 0.5), resampled(labels.astype(np.float32), GRID, target, sitk.sitkLinear, 0.0)
    )


def test_half_way_between_two_voxels_lies_their_mean() -> None:
    values = np.zeros((3, 3, 3), np.float32)
    values[1, 1, 1], values[1, 1, 2] = 1.0, 0.5
    source = Geometry((3, 3, 3), (1.0, 1.0, 1.0))
    target = Geometry((1, 1, 1), (1.0, 1.0, 1.0), (1.5, 1.0, 1.0))
    assert linear(values, source, target, 0.5).tolist() == [[[0.75]]]


def test_a_grid_elsewhere_is_empty() -> None:
    away = Geometry((4, 4, 4), (0.5, 0.5, 0.5), (500.0, 0.0, 0.0))
    assert not linear(np.ones(GRID.shape_zyx, np.float32), GRID, away, 0.5).any()
    assert not nearest(np.ones(GRID.shape_zyx, np.uint8), GRID, away).any()


def test_a_single_slice_can_be_read_from() -> None:
    flat = Geometry((1, 4, 4), (1.0, 1.0, 1.0))
    assert linear(np.ones((1, 4, 4), np.float32), flat, flat, 0.5).tolist() == np.ones((1, 4, 4)).tolist()


@pytest.mark.parametrize("direction", [IDENTITY, FLIPPED, SAGITTAL, OBLIQUE])
def test_sparse_labels_are_taken_over_as_dense_ones_are(direction: tuple[float, ...]) -> None:
    labels = np.random.default_rng(3).integers(0, 4, GRID.shape_zyx).astype(np.uint8)
    found = nearest_sparse(SparseMap.of(labels), GRID, scan(direction))
    np.testing.assert_array_equal(found.dense(), nearest(labels, GRID, scan(direction)))
    assert (np.diff(found.index) > 0).all()
