"""Streaks and dark bands: what metal, very dense contrast, bone and heavy calcium do to a CT.

The excess over soft tissue is projected at low resolution, all slices at once; a polychromatic beam under-measures a
long way through dense matter (roughly by the square of the path), metal also scatters, moves and starves the detector,
and the error is back projected through the ramp filter (filtered back projection; Kak & Slaney 1988, chapter 3).
"""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage, sparse

from cacnet.phantom.separable import Axis, area_weights, axes_of, linear_weights, resample
from cacnet.volume import Geometry

THRESHOLD_HU = 160.0
"""What is denser hardens the beam: contrast, bone, calcium, metal."""
PIXELS = 128
ANGLES = 180
BLOCK_MM = 2.0
LEAST_EXCESS_HU_MM2 = 12000.0
"""A slice with less excess than this (a few mm² of bone's cortex) shows no streaks."""
HARDENING_PER_HU_MM = 2.0e-6
HARDENED_HU_MM = 50000.0
"""A beam that has come this far through dense matter hardens little more."""
LONGEST_HU_MM = 300000.0
"""Scanners replace what they cannot measure, so the path through metal is bounded."""
DENSE_HU = 650.0
"""What is denser than this is also misjudged from one projection to the next."""
MISJUDGED = 0.2
MISJUDGED_FROM_HU_MM, MOST_MISJUDGED_HU_MM = 2500.0, 40000.0
METAL_HU = 1800.0
"""Above this a voxel is metal, which attenuates far more than its clipped HU tells."""
METAL_GAIN = 13.0
LARGEST_HU = 700.0


def streaks_hu(hu: np.ndarray, geometry: Geometry, strength: float, rng: np.random.Generator) -> np.ndarray | float:
    """Additive artefact (z, y, x) in HU; 0.0 where nothing in the scan is dense enough."""
    axes = axes_of(geometry)
    pixel = max(axes[1].size * axes[1].step_mm, axes[2].size * axes[2].step_mm) / PIXELS
    coarse = tuple(_coarse(axis, step) for axis, step in zip(axes, (BLOCK_MM, pixel, pixel), strict=True))
    weights = tuple(area_weights(a, c) for a, c in zip(axes, coarse, strict=True))
    excess = resample(np.clip(hu - THRESHOLD_HU, 0.0, 3000.0), weights)  # type: ignore[arg-type]
    slices = np.flatnonzero(excess.sum((1, 2)) * pixel**2 > LEAST_EXCESS_HU_MM2)
    if not len(slices):
        return 0.0
    dense = np.clip(hu - DENSE_HU, 0.0, 3000.0)
    dense += METAL_GAIN * np.clip(hu - METAL_HU, 0.0, 3000.0)
    dense = resample(dense, weights)  # type: ignore[arg-type]
    artefact = np.zeros_like(excess)
    artefact[slices] = _artefact(excess[slices], dense[slices], pixel, strength, rng)
    return resample(artefact, tuple(linear_weights(c, a) for a, c in zip(axes, coarse, strict=True)))  # type: ignore[arg-type]


def _coarse(axis: Axis, step_mm: float) -> Axis:
    step = max(step_mm, axis.step_mm)
    size = max(int(np.ceil(axis.size * axis.step_mm / step - 1e-6)), 1)
    return Axis(axis.start_mm + 0.5 * (step - axis.step_mm), step, size)


def _artefact(
    excess: np.ndarray, dense: np.ndarray, pixel_mm: float, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """(slices, y, x) error of a filtered back projection of hardened and misjudged projections."""
    count, ny, nx = excess.shape
    projector, bins = _projector(ny, nx, float(rng.uniform(0, np.pi)))
    path = (projector @ excess.reshape(count, -1).T).reshape(ANGLES, bins, count) * pixel_mm
    lost = _hardened(path, strength)
    lit = np.flatnonzero(dense.max((1, 2)) > 0)
    if len(lit):
        metal = (projector @ dense[lit].reshape(len(lit), -1).T).reshape(ANGLES, bins, len(lit)) * pixel_mm
        metal = np.minimum(metal, LONGEST_HU_MM)
        # Metal moves and starves the beam: each projection, and each of its rays, misjudges it by a part of its own.
        view = ndimage.gaussian_filter1d(rng.normal(0.0, 1.0, (ANGLES, 1, len(lit))), 0.8, axis=0, mode="wrap")
        ray = 0.35 * rng.normal(0.0, 1.0, metal.shape)
        over = np.clip(metal - MISJUDGED_FROM_HU_MM, 0.0, MOST_MISJUDGED_HU_MM)
        lost[:, :, lit] += MISJUDGED * strength * (view + ray) * over + _hardened(metal, strength)
    length = 2 * int(2 ** np.ceil(np.log2(bins)))
    ramp = np.abs(fft.rfftfreq(length)).astype(np.float32)[None, :, None]
    filtered = fft.irfft(fft.rfft(lost, length, axis=1) * ramp, length, axis=1)[:, :bins].astype(np.float32)
    error = projector.T @ filtered.reshape(ANGLES * bins, count)
    scale = -2.0 * np.pi / (2.0 * ANGLES) / pixel_mm
    return np.clip(error.T.reshape(count, ny, nx) * np.float32(scale), -LARGEST_HU, LARGEST_HU)


def _hardened(path: np.ndarray, strength: float) -> np.ndarray:
    """What a hardened beam under-measures: the square of a short path, in proportion to a long one."""
    return HARDENING_PER_HU_MM * strength * path**2 / (1.0 + path / HARDENED_HU_MM)


def _projector(ny: int, nx: int, first_angle: float) -> tuple[sparse.csr_matrix, int]:
    """(angles * bins, pixels) parallel-beam projector of a slice with linear interpolation between its bins."""
    bins = int(np.ceil(np.hypot(ny, nx))) + 3
    y, x = np.mgrid[:ny, :nx].astype(np.float32)
    y, x = y.ravel() - np.float32((ny - 1) / 2), x.ravel() - np.float32((nx - 1) / 2)
    angles = (first_angle + np.pi * np.arange(ANGLES) / ANGLES).astype(np.float32)[:, None]
    at = np.cos(angles) * x + np.sin(angles) * y + np.float32((bins - 1) / 2)
    low = np.floor(at).astype(np.int32)
    part = (at - low).astype(np.float32)
    rows = low + (np.arange(ANGLES, dtype=np.int32) * bins)[:, None]
    # Built pixel by pixel as the transpose, whose rows are then already in order.
    columns = np.stack([rows, rows + 1], axis=-1).transpose(1, 0, 2).reshape(-1)
    values = np.stack([1 - part, part], axis=-1).transpose(1, 0, 2).reshape(-1)
    starts = np.arange(ny * nx + 1, dtype=np.int64) * (2 * ANGLES)
    transpose = sparse.csr_matrix((values, columns, starts), shape=(ny * nx, ANGLES * bins))
    return transpose.T, bins
