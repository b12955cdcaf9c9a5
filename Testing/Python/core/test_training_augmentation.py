"""Variation of patches: shapes move as told, intensities change as told, and removed lung stays removed."""

from dataclasses import replace

import numpy as np
import pytest
from cacnet.training.augmentation import augment_hu, cut_field, random_matrix, resample, source_edge, table_step
from cacnet.training.configuration import AugmentationConfig

NOTHING = AugmentationConfig(
    flip=0, affine=0, table_step=0, cut=0, intensity=0, shading=0, blur=0, sharpen=0, thick_slices=0, noise=0
)
CHANGES = ("intensity", "shading", "blur", "sharpen", "thick_slices", "noise")


def soft_tissue(seed=0):
    """16³ voxels of 100 HU with a bright bar, lung removed below."""
    hu = np.full((16, 16, 16), 100, np.float32)
    hu[10:14, 6:10, 4:12] = 500
    hu[:8] = -1024
    return hu


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_changes_tissue_and_leaves_removed_lung_removed(change):
    for seed in range(5):
        changed = augment_hu(soft_tissue(), replace(NOTHING, **{change: 1.0}), np.random.default_rng(seed))
        assert changed.dtype == np.float32
        assert np.isfinite(changed).all()
        assert (changed[:8] == -250).all()
        assert np.abs(changed[8:] - soft_tissue()[8:]).max() > 0.5


def test_without_changes_tissue_stays_as_it_is():
    np.testing.assert_array_equal(augment_hu(soft_tissue(), NOTHING, np.random.default_rng(0))[8:], soft_tissue()[8:])


def test_the_same_generator_makes_the_same_patch():
    every = AugmentationConfig(intensity=1, shading=1, blur=1, sharpen=1, thick_slices=1, noise=1)
    first, second = (augment_hu(soft_tissue(), every, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_blur_flattens_an_edge_and_sharpening_overshoots_it():
    hu = np.full((16, 16, 16), 100, np.float32)
    hu[:, :, 8:] = 500
    blurred = augment_hu(hu, replace(NOTHING, blur=1, blur_voxels=(1.0, 1.0)), np.random.default_rng(0))
    sharpened = augment_hu(hu, replace(NOTHING, sharpen=1), np.random.default_rng(0))
    assert 100 < blurred[8, 8, 7] < blurred[8, 8, 8] < 500
    assert sharpened[8, 8, 7] < 100
    assert sharpened[8, 8, 8] > 500


@pytest.mark.parametrize("seed", range(6))
def test_noise_is_as_strong_as_told_white_or_correlated(seed):
    flat = np.zeros((24, 24, 24), np.float32)
    noisy = augment_hu(flat, replace(NOTHING, noise=1, noise_hu=(20.0, 20.0)), np.random.default_rng(seed))
    assert noisy.std() == pytest.approx(20, rel=0.03)


def test_shading_is_smooth_and_no_stronger_than_told():
    flat = np.zeros((16, 16, 16), np.float32)
    shaded = augment_hu(flat, replace(NOTHING, shading=1, shading_hu=30.0), np.random.default_rng(0))
    assert 5 < np.abs(shaded).max() <= 30
    assert max(np.abs(np.diff(shaded, axis=axis)).max() for axis in range(3)) <= 60 * 3 / 15 + 1e-3


def test_gain_and_offset_are_as_told():
    config = replace(NOTHING, intensity=1, gain=(1.1, 1.1), offset_hu=(10.0, 10.0), gamma=(1.0, 1.0))
    hu = np.full((2, 2, 2), 100, np.float32)
    np.testing.assert_allclose(augment_hu(hu, config, np.random.default_rng(0)), 120, rtol=1e-4)


def test_gamma_leaves_metal_brighter_than_dense_calcium():
    """Of 1550 HU above −250, over which gamma is 1.2: 3100 HU are twice that, and 2 ** 1.2 = 2.2974."""
    config = replace(NOTHING, intensity=1, gain=(1.0, 1.0), offset_hu=(0.0, 0.0), gamma=(1.2, 1.2))
    hu = np.array([-250.0, 1300.0, 2850.0], np.float32)[:, None, None]
    changed = {tuple(np.round(augment_hu(hu, config, np.random.default_rng(seed)).ravel(), 1)) for seed in range(8)}
    assert changed == {(-250.0, 1300.0, 2850.0), (-250.0, 1300.0, round(1550 * 2**1.2 - 250, 1))}


def test_a_patch_seen_through_the_unit_matrix_is_its_own():
    cube = np.random.default_rng(0).normal(size=(2, 8, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(resample(cube, np.eye(3), 8, "bilinear"), cube, atol=1e-5)


def test_a_quarter_turn_about_z_takes_y_to_x():
    quarter_turn = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)  # the patch shows at (y, x) what lies at (x, -y)
    cube = np.arange(64, dtype=np.float32).reshape(1, 4, 4, 4)
    turned = resample(cube, quarter_turn, 4, "nearest")[0]
    for y in range(4):
        for x in range(4):
            np.testing.assert_array_equal(turned[:, y, x], cube[0, :, x, 3 - y])


def test_zooming_by_two_shows_every_voxel_twice():
    cube = np.zeros((1, 8, 8, 8), np.uint8)
    cube[0, 4, 3, 2] = 1
    zoomed = resample(cube, np.eye(3) / 2, 8, "nearest")[0]
    assert np.argwhere(zoomed).tolist() == [[z, y, x] for z in (4, 5) for y in (2, 3) for x in (0, 1)]


def test_turns_and_zooms_stay_within_their_ranges_and_within_the_cube():
    config = AugmentationConfig(affine=1)
    random = np.random.default_rng(0)
    for _ in range(50):
        matrix = random_matrix(config, random)
        zoom = 1 / np.linalg.norm(matrix, axis=0)
        assert ((zoom > 0.85) & (zoom < 1.18)).all()
        assert np.rad2deg(np.arccos(np.trace(matrix * zoom) / 2 - 0.5)) < 3 * 15
        corners = np.stack(np.meshgrid(*[[-8, 8]] * 3)).reshape(3, -1)
        assert np.abs(matrix @ corners).max() <= source_edge(matrix, 16) / 2
    assert random_matrix(NOTHING, random) is None


def test_a_table_step_is_a_shift_within_the_slices():
    random = np.random.default_rng(0)
    for _ in range(20):
        first_slice, shift = table_step(replace(NOTHING, table_step=1, table_step_mm=1.5), 16, random)
        assert 1 <= first_slice < 16
        assert shift[0] == 0
        assert np.abs(shift).max() <= 3  # voxels of 0.5 mm
    assert table_step(NOTHING, 16, random) is None


def test_a_cut_takes_one_side_and_its_labels():
    for seed in range(10):
        hu, target = np.zeros((16, 16, 16), np.float32), np.ones((2, 16, 16, 16), np.uint8)
        cut_field(hu, target, replace(NOTHING, cut=1, cut_fraction=0.5), np.random.default_rng(seed))
        assert (hu < -1000).sum() <= 8 * 256
        np.testing.assert_array_equal(target[0] == 0, hu < -1000)
        np.testing.assert_array_equal(target[0], target[1])


def test_slices_twice_as_thick_leave_planes_alone_and_mix_neighbours_in_z():
    hu = np.zeros((16, 16, 16), np.float32)
    hu[7] = 100
    thick = augment_hu(hu, replace(NOTHING, thick_slices=1, slice_factor=(2.0, 2.0)), np.random.default_rng(0))
    assert np.ptp(thick, axis=(1, 2)).max() == 0
    assert 0 < thick[:, 0, 0].max() <= 50
