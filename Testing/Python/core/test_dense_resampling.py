"""Axis after axis gives what SimpleITK gives at every voxel, in every orientation."""

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.dense_resampling import linear_everywhere, linear_window
from cacnet.resampling import axis_map, resampled
from cacnet.volume import Geometry

SCAN = Geometry((12, 19, 17), (0.61, 0.37, 0.39), (-2.0, -3.0, 4.0))
IDENTITY = (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)
FLIPPED = (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0)
UPSIDE_DOWN = (1.0, 0, 0, 0, -1.0, 0, 0, 0, -1.0)
SAGITTAL = (0, 0, 1.0, 1.0, 0, 0, 0, -1.0, 0)
OBLIQUE = (np.cos(0.3), -np.sin(0.3), 0, np.sin(0.3), np.cos(0.3), 0, 0, 0, 1.0)


def around_the_scan(direction, shape=(20, 22, 18)):
    """A grid of 0.5 mm around the scan's middle that reaches beyond it."""
    middle = SCAN.index_to_lps((np.array(SCAN.shape_zyx) - 1) / 2)
    turned = Geometry(shape, (0.5, 0.5, 0.5), (0.0, 0.0, 0.0), direction)
    return Geometry(shape, (0.5,) * 3, tuple(middle - turned.index_to_lps((np.array(shape) - 1) / 2)), direction)


@pytest.mark.parametrize("direction", [IDENTITY, FLIPPED, UPSIDE_DOWN, SAGITTAL, OBLIQUE])
def test_every_voxel_is_that_of_simpleitk(direction):
    hu = np.random.default_rng(1).integers(-1024, 1500, SCAN.shape_zyx).astype(np.int16)
    target = around_the_scan(direction)
    expected = resampled(hu, SCAN, target, sitk.sitkLinear, -1024)
    found = linear_everywhere(hu, SCAN, target, -1024)
    assert found.dtype == np.int16
    assert (expected != -1024).any()
    assert (axis_map(SCAN, target) is None) == (direction is OBLIQUE)
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1  # a fraction that is cut off may round to the other side in float32
    assert (difference > 0).mean() < 0.001


def test_half_way_between_two_voxels_lies_their_mean_without_its_fraction():
    hu = np.array([[[10, 21, 30]]], np.int16)
    source = Geometry((1, 1, 3), (1.0, 1.0, 1.0))
    target = Geometry((1, 1, 3), (1.0, 1.0, 1.0), (0.5, 0.0, 0.0))
    assert linear_everywhere(hu, source, target, -7).tolist() == [[[15, 25, 30]]]


def test_a_grid_elsewhere_is_outside():
    away = Geometry((4, 4, 4), (0.5, 0.5, 0.5), (500.0, 0.0, 0.0))
    assert (linear_everywhere(np.zeros(SCAN.shape_zyx, np.int16), SCAN, away, -1024) == -1024).all()


@pytest.mark.parametrize("direction", [IDENTITY, FLIPPED, UPSIDE_DOWN, SAGITTAL, OBLIQUE])
def test_every_voxel_of_a_window_is_that_of_simpleitk(direction):
    probability = np.random.default_rng(2).random(SCAN.shape_zyx, np.float32)
    target = around_the_scan(direction)
    expected = resampled(probability, SCAN, target, sitk.sitkLinear, 0)
    found = linear_window(probability, SCAN, target)
    assert found.dtype == np.float32
    assert (expected == 0).any()
    assert (expected > 0).any()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_window_between_voxels_is_their_mean_and_beyond_the_last_ones_face_nothing():
    probability = np.array([[[0.2, 0.4, 1.0]]], np.float32)
    source, window = Geometry((1, 1, 3), (1.0,) * 3), Geometry((1, 1, 4), (1.0,) * 3, (0.5, 0.0, 0.0))
    np.testing.assert_allclose(linear_window(probability, source, window), [[[0.3, 0.7, 1.0, 0.0]]], atol=1e-6)


def test_a_window_elsewhere_is_empty():
    away = Geometry((4, 6, 5), (0.5, 0.5, 0.5), (500.0, 0.0, 0.0))
    assert linear_window(np.ones(SCAN.shape_zyx, np.float32), SCAN, away).tolist() == np.zeros((4, 6, 5)).tolist()
