"""The model's grid and back: positions survive every orientation, spacing and obliquity."""

from itertools import permutations, product

import numpy as np
import pytest
from cacnet.heart_region import HeartRegion
from cacnet.prepare import (
    HU_RANGE,
    MODEL_SPACING_MM,
    REMOVED_HU,
    crop_covering,
    labels_on,
    normalise_hu,
    prepare,
    probability_on,
    remove_lungs,
    to_model_grid,
)
from cacnet.volume import Geometry, Volume
from scipy.spatial.transform import Rotation

ORIENTATIONS = [
    np.array(
        [[sign if column == axis else 0 for column in range(3)] for axis, sign in zip(order, signs, strict=True)]
    ).T
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]
CENTRE_MM_LPS = np.array([12.0, -85.0, 140.0])


def geometry_about_centre(direction: np.ndarray, shape_zyx=(40, 44, 48), spacing_mm_zyx=(0.8, 0.6, 0.5)) -> Geometry:
    """A grid of any direction whose middle is CENTRE_MM_LPS."""
    half_mm_xyz = (np.array(shape_zyx)[::-1] - 1) * np.array(spacing_mm_zyx)[::-1] / 2
    origin = CENTRE_MM_LPS - direction @ half_mm_xyz
    return Geometry(shape_zyx, spacing_mm_zyx, tuple(origin), tuple(direction.ravel()))


def ball_on(geometry: Geometry, centre_mm_lps: np.ndarray, radius_mm: float) -> np.ndarray:
    """Voxels of a grid whose centre lies within a ball in the patient."""
    index = np.stack(np.indices(geometry.shape_zyx), -1)
    return np.linalg.norm(geometry.index_to_lps(index) - centre_mm_lps, axis=-1) <= radius_mm


def model_grid() -> Geometry:
    lower, upper = CENTRE_MM_LPS - 9, CENTRE_MM_LPS + 9
    return HeartRegion(tuple(lower), tuple(upper), found=True).grid(MODEL_SPACING_MM)


def oblique(degrees: float) -> np.ndarray:
    return Rotation.from_euler("xyz", [degrees, -degrees / 2, degrees / 3], degrees=True).as_matrix()


@pytest.mark.parametrize("direction", [*ORIENTATIONS, oblique(20), oblique(47)])
def test_a_ball_goes_to_the_model_grid_and_back_without_moving(direction: np.ndarray) -> None:
    geometry = geometry_about_centre(direction)
    target_mm = CENTRE_MM_LPS + np.array([2.0, -3.0, 4.0])
    ball = ball_on(geometry, target_mm, 3.0)
    volume = Volume(np.where(ball, 1000, 0).astype(np.int16), geometry)
    grid = model_grid()

    on_grid = to_model_grid(volume, grid)
    seen_mm = grid.index_to_lps(np.argwhere(on_grid > 500)).mean(0)
    np.testing.assert_allclose(seen_mm, target_mm, atol=0.15)

    crop = crop_covering(grid, geometry)
    back = np.zeros(geometry.shape_zyx, bool)
    back[crop.slices] = probability_on(crop.geometry, (on_grid > 500).astype(np.float32), grid) >= 0.5
    back_mm = geometry.index_to_lps(np.argwhere(back)).mean(0)
    np.testing.assert_allclose(back_mm, geometry.index_to_lps(np.argwhere(ball)).mean(0), atol=0.1)
    assert 2 * (back & ball).sum() / (back.sum() + ball.sum()) > 0.93


@pytest.mark.parametrize("direction", ORIENTATIONS)
def test_labels_on_the_model_spacing_come_back_exactly(direction: np.ndarray) -> None:
    geometry = geometry_about_centre(direction, (36, 36, 36), (0.5, 0.5, 0.5))
    truth = np.random.default_rng(3).integers(0, 5, (36, 36, 36)).astype(np.uint8)
    grid = model_grid()
    assert grid.shape_zyx == (36, 36, 36)
    on_grid = labels_on(grid, truth, geometry)
    np.testing.assert_array_equal(labels_on(geometry, on_grid, grid), truth)


def test_a_model_voxel_outside_the_scan_is_air_and_not_a_guess() -> None:
    volume = Volume(np.full((10, 10, 10), 300, np.int16), geometry_about_centre(np.eye(3), (10, 10, 10), (0.5,) * 3))
    on_grid = to_model_grid(volume, model_grid())
    assert on_grid[0, 0, 0] == REMOVED_HU
    assert on_grid[18, 18, 18] == 300


def test_a_grid_beside_the_scan_is_all_air_and_has_no_crop() -> None:
    far = Geometry((10, 10, 10), (1.0,) * 3, (900.0, 900.0, 900.0))
    grid = model_grid()
    assert crop_covering(grid, far) is None
    assert (to_model_grid(Volume(np.zeros((10, 10, 10), np.int16), far), grid) == REMOVED_HU).all()


def test_fractional_hu_are_rounded_not_truncated() -> None:
    geometry = geometry_about_centre(np.eye(3), (36, 36, 36), (0.5,) * 3)
    on_grid = to_model_grid(Volume(np.full((36, 36, 36), 129.6, np.float32), geometry), model_grid())
    assert (on_grid == 130).all()


def test_normalisation_clips_and_scales() -> None:
    values = normalise_hu(np.array([-2000, HU_RANGE[0], 250, 750, 1300], np.int16))
    np.testing.assert_allclose(values, [-1.0, -1.0, 0.0, 1.0, 2.1])
    assert values.dtype == np.float32


def test_dense_calcium_and_metal_differ_on_a_flatter_scale() -> None:
    """1300 HU are 2.1; 1000 HU more are a quarter of the usual 2.0 more."""
    values = normalise_hu(np.array([1300, 2300, 3071, 20000], np.int16))
    np.testing.assert_allclose(values, [2.1, 2.6, 2.9855, 2.9855], rtol=1e-6)


def heart_in_lungs() -> np.ndarray:
    """96³ voxels of 0.5 mm: a ball of tissue in lung, with a thin vessel that runs from it into the lung."""
    index = np.indices((96, 96, 96)) - 47.5
    hu = np.full((96, 96, 96), -850, np.int16)
    hu[np.sqrt((index**2).sum(0)) < 30] = 100
    hu[np.sqrt(index[1] ** 2 + index[0] ** 2) < 1.5] = 300
    return hu


def test_lungs_and_their_vessels_are_removed_and_the_heart_is_not() -> None:
    hu = heart_in_lungs()
    heart = np.sqrt(((np.indices(hu.shape) - 47.5) ** 2).sum(0)) < 30
    cleaned = remove_lungs(hu)
    np.testing.assert_array_equal(cleaned[heart], hu[heart])
    assert cleaned[47, 47, 94] == REMOVED_HU, "the vessel 17 mm out in the lung"
    assert cleaned[5, 5, 5] == REMOVED_HU


def test_a_coronary_artery_in_fat_on_the_hearts_surface_is_kept() -> None:
    hu = heart_in_lungs()
    distance = np.sqrt(((np.indices(hu.shape) - 47.5) ** 2).sum(0))
    hu[(distance >= 30) & (distance < 34)] = -90
    hu[46:50, 46:50, 79:82] = 400
    assert (remove_lungs(hu)[46:50, 46:50, 79:82] == 400).all()


def test_a_volume_without_lungs_is_left_as_it_is() -> None:
    hu = np.full((32, 32, 32), 60, np.int16)
    np.testing.assert_array_equal(remove_lungs(hu), hu)


def test_preparing_a_volume_of_air_ends_well() -> None:
    volume = Volume(np.full((20, 20, 20), -1000, np.int16), Geometry((20, 20, 20), (2.0, 2.0, 2.0)))
    prepared = prepare(volume)
    assert not prepared.region.found
    assert (prepared.hu == REMOVED_HU).all()
