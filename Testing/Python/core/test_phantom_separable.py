"""Resampling weights, against values worked out by hand."""

import numpy as np
import pytest
from cacnet.phantom.separable import FWHM_PER_SD, Axis, area_weights, gaussian_weights, linear_weights, resample


def test_area_weights_share_a_voxel_between_its_parts():
    fine, coarse = Axis(0.5, 1.0, 4), Axis(1.0, 2.0, 2)
    np.testing.assert_allclose(area_weights(fine, coarse), [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])


def test_area_weights_of_a_shifted_voxel_follow_the_overlap():
    weights = area_weights(Axis(0.0, 1.0, 3), Axis(1.25, 1.0, 1))
    np.testing.assert_allclose(weights, [[0.0, 0.75, 0.25]])


def test_linear_weights_interpolate_and_continue_outwards():
    weights = linear_weights(Axis(0.0, 2.0, 2), Axis(-1.0, 1.5, 3))
    np.testing.assert_allclose(weights @ np.array([10.0, 20.0]), [10.0, 12.5, 20.0])


def test_gaussian_weights_sum_to_one_and_have_the_asked_width():
    axis = Axis(-10.0, 0.05, 401)
    weights = gaussian_weights(axis, axis, 1.2)
    np.testing.assert_allclose(weights.sum(1), 1.0, atol=1e-5)
    row = weights[200]
    above_half = np.count_nonzero(row > row.max() / 2) * 0.05
    assert above_half == pytest.approx(1.2 * FWHM_PER_SD, abs=0.06)


def test_resample_applies_each_matrix_along_its_own_axis():
    array = np.arange(8.0).reshape(2, 2, 2)
    sums = (np.array([[1.0, 1.0]]), np.eye(2), np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(resample(array, sums), [[[0 + 4], [2 + 6]]])
