"""A crude chest for tests: skin, fat, lungs, a heart with one blood-filled chamber, and a bright spine behind it."""

from __future__ import annotations

import numpy as np
from cacnet.volume import Acquisition, Geometry, Volume

EXTENT_MM_ZYX = (120, 180, 220)
SPACING_MM = 2.5
AIR, FAT, LUNG, MUSCLE, SPINE = -1000, -100, -850, 55, 450


def chest_hu(blood_hu: float, noise_hu: float = 0.0, voxel_mm: float = SPACING_MM) -> np.ndarray:
    """(z, y, x) HU of 120 × 180 × 220 mm: x to the left, y to the back. The chamber's radius is 25 mm."""
    shape_zyx = tuple(round(extent_mm / voxel_mm) for extent_mm in EXTENT_MM_ZYX)
    z, y, x = ((np.indices(shape_zyx).T - (np.array(shape_zyx) - 1) / 2) * voxel_mm).T
    hu = np.full(shape_zyx, AIR, dtype=float)
    hu[(x / 105) ** 2 + (y / 85) ** 2 < 1] = FAT
    hu[(x / 95) ** 2 + (y / 75) ** 2 < 1] = MUSCLE
    hu[((abs(x) - 50) / 40) ** 2 + (y / 55) ** 2 < 1] = LUNG
    hu[x**2 + (y + 5) ** 2 + z**2 < 45**2] = MUSCLE
    hu[x**2 + (y + 5) ** 2 + z**2 < 25**2] = blood_hu
    hu[x**2 + (y - 55) ** 2 < 18**2] = SPINE
    return hu + np.random.default_rng(0).normal(0, noise_hu, shape_zyx)


def chest(blood_hu: float = 380, noise_hu: float = 10, **acquisition) -> Volume:
    """The chest as an int16 CCTA volume with complete headers; `acquisition` overrides them."""
    hu = chest_hu(blood_hu, noise_hu).astype(np.int16)
    return volume_of(hu, (SPACING_MM,) * 3, **acquisition)


def volume_of(hu: np.ndarray, spacing_mm_zyx: tuple[float, float, float], **acquisition) -> Volume:
    """A CT volume of `hu` with a known modality and 120 kVp unless overridden."""
    known = {"modality": "CT", "kvp": 120.0} | acquisition
    return Volume(hu, Geometry(hu.shape, spacing_mm_zyx), Acquisition(**known))
