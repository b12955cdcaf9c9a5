"""Streaks: dark between dense things, none where nothing is dense."""

import numpy as np
from cacnet.phantom.streaks import streaks_hu
from cacnet.volume import Geometry

GEOMETRY = Geometry((4, 64, 64), (1.0, 1.0, 1.0))


def two_rods(hu: float) -> np.ndarray:
    slices = np.zeros(GEOMETRY.shape_zyx, np.float32)
    for x in (12, 48):
        slices[:, 28:36, x : x + 5] = hu
    return slices


def test_the_band_between_two_metal_rods_is_dark():
    # The mean of several scans: each misjudges its projections in its own way.
    artefact = sum(streaks_hu(two_rods(4000.0), GEOMETRY, 1.0, np.random.default_rng(seed)) for seed in range(8)) / 8
    between, aside = artefact[:, 30:34, 24:42].mean(), artefact[:, 4:10, 24:42].mean()
    assert between < -20
    assert between < aside


def test_soft_tissue_makes_no_streaks_and_ordinary_contrast_faint_ones():
    assert streaks_hu(two_rods(120.0), GEOMETRY, 1.0, np.random.default_rng(0)) == 0.0
    contrast = GEOMETRY.shape_zyx[0] * [np.pad(np.full((30, 30), 450.0, np.float32), 17)]
    artefact = streaks_hu(np.stack(contrast), GEOMETRY, 1.0, np.random.default_rng(0))
    # A pool of contrast is hardened, most in its middle, and is not torn by streaks.
    assert -60 < artefact[1, 32, 32] < -0.5
    assert np.abs(artefact[1, :8]).max() < 30


def test_stronger_settings_make_stronger_streaks():
    weak, strong = (streaks_hu(two_rods(2500.0), GEOMETRY, s, np.random.default_rng(0)) for s in (0.4, 1.2))
    assert np.abs(strong).mean() > 2 * np.abs(weak).mean()
