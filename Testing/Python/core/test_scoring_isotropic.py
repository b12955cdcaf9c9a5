"""The volume score on isotropic voxels, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from cacnet.scoring import PROTOCOLS, isotropic_volume_mm3, resolve, score_lesion
from cacnet.volume import Geometry

LITERATURE = resolve(PROTOCOLS["literature"])
SIEMENS = resolve(PROTOCOLS["like-siemens"])


def volume_mm3(hu: np.ndarray, spacing_mm_zyx: tuple[float, float, float], rules=LITERATURE) -> float:
    return isotropic_volume_mm3(hu > 0, hu, Geometry(hu.shape, spacing_mm_zyx), rules)


def block(slices: int, hu: float, height: int = 5) -> np.ndarray:
    array = np.full((height, 8, 8), -80.0)
    array[1 : 1 + slices, 2:6, 2:6] = hu
    return array


def test_isotropic_voxels_are_counted_as_they_are() -> None:
    assert volume_mm3(block(2, 400.0), (0.5, 0.5, 0.5)) == pytest.approx(2 * 16 * 0.125)


def test_a_lesion_between_thick_slices_reaches_as_far_as_the_interpolated_hu() -> None:
    """One slice of 400 HU between slices of -80 HU, 3 mm apart, sampled every 0.5 mm.

    The mask reaches one half at ±1.5 mm, where HU are 160 and so still count: 3 mm less the half steps at its ends.
    Samples lie at ±0.25, ±0.75, ±1.25 mm: six of 0.5 mm, of 4 mm².
    """
    hu = np.full((5, 8, 8), -80.0)
    hu[2, 2:6, 2:6] = 400.0
    assert volume_mm3(hu, (3.0, 0.5, 0.5)) == pytest.approx(6 * 0.5 * 4.0)


def test_weak_calcium_ends_where_interpolation_falls_below_the_threshold() -> None:
    """Of 150 HU between 0 HU slices 3 mm apart, 130 HU are reached up to 0.4 mm on either side."""
    hu = np.zeros((5, 8, 8))
    hu[2, 2:6, 2:6] = 150.0
    # Slices at multiples of 0.5 mm about the middle (30 samples over 15 mm: at ±0.25, ±0.75 …): two count.
    assert volume_mm3(hu, (3.0, 0.5, 0.5)) == pytest.approx(2 * 0.5 * 4.0)


def test_small_islands_do_not_count_and_do_without_a_minimum() -> None:
    hu = np.full((3, 8, 8), -80.0)
    hu[1, 2, 2:5] = 400.0
    assert volume_mm3(hu, (0.5, 0.5, 0.5)) == 0.0
    assert volume_mm3(hu, (0.5, 0.5, 0.5), SIEMENS) == pytest.approx(3 * 0.125)


def test_slices_thinner_than_pixels_are_not_made_thicker() -> None:
    assert volume_mm3(block(2, 400.0), (0.25, 0.5, 0.5)) == pytest.approx(2 * 16 * 0.0625)


def test_mean_density_factor_of_a_lesion_is_weighted_by_area() -> None:
    """Vector B: 16 pixels each of factor 2, 4 and 1."""
    hu = np.full((5, 8, 8), -80.0)
    for z, value in ((1, 250.0), (2, 450.0), (3, 150.0)):
        hu[z, 2:6, 2:6] = value
    score = score_lesion(hu > 0, hu, Geometry(hu.shape, (3.0, 0.5, 0.5)), LITERATURE)
    assert score.density == pytest.approx(7 / 3)
    assert score_lesion(hu > 999, hu, Geometry(hu.shape, (3.0, 0.5, 0.5)), LITERATURE).density == 0.0
