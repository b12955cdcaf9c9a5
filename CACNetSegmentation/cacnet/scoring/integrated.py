"""Calcium mass and volume without a threshold's bias: everything above the background, blur included.

A threshold of 130 HU takes blur of dense calcium for calcium and loses weak calcium; the integral of HU above the
background does neither, because blur moves signal but keeps its sum. It needs a background that is even around the
lesion, as in a phantom or in fat and muscle without contrast; beside a contrast-filled lumen it does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cacnet.errors import CacnetError
from cacnet.volume import Geometry

REACH_MM = 4.0
"""Blur of a calcification ends within this distance of where it is seen."""
RING_MM = (5.0, 8.5)
"""The background is measured between these distances from the calcification."""
LEAST_RING_VOXELS = 30
PLATEAU_MM3 = 5.0
"""The brightest part of a lesion that stands for its undiluted HU."""
ROD_MG_PER_MM3 = 0.2
"""The usual calibration rod has 200 mg/cm³ of hydroxyapatite."""


class BackgroundError(CacnetError):
    """There is no even background around a lesion to measure it against."""


class CalibrationError(CacnetError):
    """A calibration rod that is no brighter than water."""


@dataclass(frozen=True)
class IntegratedCalcium:
    """What a lesion amounts to.

    Attributes:
        mass_mg: mass factor × ∫ (HU − background).
        volume_mm3: ∫ (HU − background) ÷ (plateau − background); too large for lesions of about the blur's size, whose
            plateau is never reached.
        background_hu: median of the surroundings; plateau_hu: mean of the brightest 5 mm³.
    """

    mass_mg: float
    volume_mm3: float
    background_hu: float
    plateau_hu: float


def mass_factor_of_rod(rod_hu: float, water_hu: float = 0.0, rod_mg_per_mm3: float = ROD_MG_PER_MM3) -> float:
    """mg/mm³/HU from a calibration rod of known density seen in the same scan (10.1002/mp.14912, mass score).

    Raises:
        CalibrationError: a rod that is not brighter than water.
    """
    if not rod_hu > water_hu:
        raise CalibrationError(f"a rod of {rod_hu:g} HU and water of {water_hu:g} HU", "a rod brighter than water")
    return rod_mg_per_mm3 / (rod_hu - water_hu)


def integrate_calcium(
    mask_zyx: np.ndarray,
    hu_zyx: np.ndarray,
    geometry: Geometry,
    mass_factor: float,
    others_zyx: np.ndarray | None = None,
) -> IntegratedCalcium:
    """Mass and volume of one lesion.

    Args:
        mask_zyx: bool, where the lesion is seen, such as its voxels from 130 HU.
        hu_zyx: HU of the same voxels, with at least 8.5 mm of surroundings.
        geometry: spacing of the array.
        mass_factor: mg/mm³/HU, see `mass_factor_of_rod`.
        others_zyx: bool, other lesions; what lies nearer to them is neither lesion nor background.

    Raises:
        BackgroundError: fewer than 30 voxels of background, or a lesion no brighter than it.

    Source: after the integrated calcium mass of github.com/MolloiLab/CalciumScoring.jl.
    """
    away_mm = _distance_mm(mask_zyx, geometry)
    free = np.ones(mask_zyx.shape, dtype=bool)
    if others_zyx is not None and others_zyx.any():
        others_mm = _distance_mm(others_zyx, geometry)
        free = away_mm < others_mm
        ring = (away_mm >= RING_MM[0]) & (away_mm <= RING_MM[1]) & (others_mm >= REACH_MM)
    else:
        ring = (away_mm >= RING_MM[0]) & (away_mm <= RING_MM[1])
    if ring.sum() < LEAST_RING_VOXELS:
        raise BackgroundError(
            f"{int(ring.sum())} voxels of background around the lesion", f"at least {LEAST_RING_VOXELS}", "Crop less"
        )
    voxel_mm3 = geometry.voxel_volume_mm3
    background_hu = float(np.median(hu_zyx[ring]))
    brightest = max(1, round(PLATEAU_MM3 / voxel_mm3))
    plateau_hu = float(np.sort(hu_zyx[mask_zyx])[-brightest:].mean(dtype=np.float64))
    if plateau_hu <= background_hu:
        raise BackgroundError(
            f"a lesion of {plateau_hu:.0f} HU in a background of {background_hu:.0f} HU", "a brighter lesion"
        )
    near = (away_mm <= REACH_MM) & free
    signal = float((hu_zyx[near].astype(np.float64) - background_hu).sum() * voxel_mm3)
    return IntegratedCalcium(mass_factor * signal, signal / (plateau_hu - background_hu), background_hu, plateau_hu)


def _distance_mm(mask_zyx: np.ndarray, geometry: Geometry) -> np.ndarray:
    return ndimage.distance_transform_edt(~mask_zyx, sampling=geometry.spacing_mm_zyx)
