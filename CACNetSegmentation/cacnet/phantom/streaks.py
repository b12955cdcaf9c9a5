"""Streaks and dark bands: what metal, very dense contrast and heavy calcium do to a CT.

Each slice's excess over a threshold is projected at low resolution; a polychromatic beam under-measures a long way
through dense matter (roughly by the square of the path), and the error is back projected through the ramp filter.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cacnet.phantom.separable import Axis, area_weights, axes_of, linear_weights, resample
from cacnet.volume import Geometry

THRESHOLD_HU = 550.0
PIXEL_MM = 1.6
ANGLES = 100
BLOCK_MM = 2.0
LEAST_EXCESS_HU_MM2 = 12000.0
"""A slice with less excess than this (a few mm² of bone's cortex) shows no streaks."""
HARDENING_PER_HU_MM = 4.0e-6
MISJUDGED = 0.3
MISJUDGED_FROM_HU_MM = 400.0
METAL_HU = 1400.0
"""Above this excess a voxel is metal, which attenuates far more than its clipped HU tells."""
METAL_GAIN = 13.0


def streaks_hu(hu: np.ndarray, geometry: Geometry, strength: float, rng: np.random.Generator) -> np.ndarray | float:
    """Additive artefact (z, y, x) in HU; 0.0 where nothing in the scan is dense enough."""
    excess = np.clip(hu - THRESHOLD_HU, 0.0, 4500.0)
    excess += METAL_GAIN * np.clip(excess - METAL_HU, 0.0, None)
    axes = axes_of(geometry)
    coarse = tuple(_coarse(axis, step) for axis, step in zip(axes, (BLOCK_MM, PIXEL_MM, PIXEL_MM), strict=True))
    excess = resample(excess, tuple(area_weights(a, c) for a, c in zip(axes, coarse, strict=True)))  # type: ignore[arg-type]
    dense = np.flatnonzero(excess.sum((1, 2)) * PIXEL_MM**2 > LEAST_EXCESS_HU_MM2)
    if not len(dense):
        return 0.0
    artefact = np.zeros_like(excess)
    for k in dense:
        artefact[k] = _slice_streaks(excess[k], strength, rng)
    return resample(artefact, tuple(linear_weights(c, a) for a, c in zip(axes, coarse, strict=True)))  # type: ignore[arg-type]


def _coarse(axis: Axis, step_mm: float) -> Axis:
    step = max(step_mm, axis.step_mm)
    size = max(int(np.ceil(axis.size * axis.step_mm / step)), 1)
    return Axis(axis.start_mm + 0.5 * (step - axis.step_mm), step, size)


def _slice_streaks(excess: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    from skimage.transform import iradon, radon

    side = max(excess.shape)
    square = np.zeros((side, side), np.float32)
    square[: excess.shape[0], : excess.shape[1]] = excess
    angles = np.linspace(0.0, 180.0, ANGLES, endpoint=False)
    path = radon(square, angles, circle=False) * PIXEL_MM
    lost = HARDENING_PER_HU_MM * strength * path**2
    # Metal moves and starves the beam: each projection misjudges it by a part of its own.
    misjudged = ndimage.gaussian_filter1d(rng.normal(0.0, 1.0, ANGLES), 0.7, mode="wrap")
    lost += MISJUDGED * strength * misjudged * np.clip(path - MISJUDGED_FROM_HU_MM, 0.0, None)
    error = -iradon(lost, angles, circle=False, output_size=side) / PIXEL_MM
    return np.clip(error, -500, 500)[: excess.shape[0], : excess.shape[1]].astype(np.float32)
