"""How much contrast agent is in the heart, measured on the volume itself and without a network.

The heart's chambers and the great vessels are the only large structures in the front of the chest that are both bright
and even. So: average to about 2.5 mm, keep what is even around it, and take the brightest such region that is too large
for a bone, a vein or a plaque. Research use only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import ndimage

from cacnet.errors import CacnetError
from cacnet.volume import Volume

WEAK_FROM_HU = 100.0
"""Unenhanced blood is 30–60 HU (haematocrit 0.3–0.55), its brightest core a little more; above 100 HU there is contrast
agent (the same limit above which Comp2Comp refuses to score with 130 HU)."""

CCTA_FROM_HU = 250.0
"""SCCT asks for more than 250 HU in the coronary arteries (Abbara 2016, 10.1016/j.jcct.2016.10.002); a portal-venous
chest CT has 100–200 HU. Below, lumen and partial calcium cannot be told apart by their value."""

BLOOD_RANGE_HU = (-20.0, 900.0)
"""From blood of an anaemic patient with noise to undiluted inflow; brighter is bone, metal or streaks."""

BLOCK_MM = 2.5
EVENNESS_WINDOW_MM = 12.0
"""A cube inside a ventricle, the aortic root (30 mm) and the ascending aorta, but not inside a vein or a rib."""

EVENNESS_FLOOR_HU = 5.0
EVENNESS_PER_NOISE = 1.5
EVENNESS_PER_HU = 0.05
EVENNESS_CEILING_HU = 60.0
"""Even means: the spread of block means in the window is below the floor, plus this multiple of the scan's own noise
(the lowest spread in soft tissue), plus 5% of the value, for contrast that is not fully mixed.
Above the ceiling, noise hides everything."""

FRONT_SHARE = 0.6
"""The spine lies in the rear 40% of the body and of a cardiac field of view; in front of it there is only thin bone."""

DEPTH_MM = 25.0
"""The chambers and the aortic root lie deeper under the skin; muscle and breast of the chest wall do not."""

MIN_CORE_ML = 4.0
"""Volume in which the window's centre may move: an aorta of 30 mm leaves about 4 ml per 2 cm, a vein none."""

CORE_SHARE = 0.85
"""The core grows to what is connected and at least this bright, so that its median is not that of its noisiest peak."""

BODY_FROM_HU = -300.0
LUNG_FROM_HU = -950.0
"""Below is air, or the emptiest of emphysema (LAA-950)."""

PADDING_BELOW_HU = -1020.0
"""Block means of padding (-1024 HU); noise keeps those of real air above."""

LEFT_SIDED_SD_PERCENTILE = 15.8
"""Median minus this percentile is one standard deviation of a normal distribution, blind to calcium on the right."""


class Phase(StrEnum):
    """What the blood pool's value says of the scan."""

    NON_CONTRAST = "non-contrast"
    WEAK = "weak"
    CCTA = "ccta"


class NoBloodPoolError(CacnetError):
    """No large, even region that could be blood was found."""


@dataclass(frozen=True)
class BloodPool:
    """The blood in the heart and great vessels.

    Attributes:
        median_hu: its median, from full-resolution voxels.
        sd_hu: left-sided robust standard deviation (median minus the 15.8th percentile), noise included.
        volume_ml: of the core that was measured, well inside the vessel walls.
        phase: see Phase.
    """

    median_hu: float
    sd_hu: float
    volume_ml: float
    phase: Phase


def blood_pool(volume: Volume) -> BloodPool:
    """Measure the brightest large even region in the front of the body.

    Raises:
        NoBloodPoolError: there is none, such as in a crop without heart or in very noisy data.
    """
    factors = tuple(max(1, round(BLOCK_MM / spacing)) for spacing in volume.geometry.spacing_mm_zyx)
    blocks = _block_mean(volume.hu, factors)
    block_mm = np.array(volume.geometry.spacing_mm_zyx) * factors
    mean, spread = _window_statistics(blocks, block_mm)
    even = _even(mean, spread) & _inside_front(blocks, block_mm, volume)
    core = _brightest_core(mean, even, float(np.prod(block_mm)) / 1000)
    values = _full_resolution(volume.hu, core, factors)
    median = float(np.median(values))
    sd = median - float(np.percentile(values, LEFT_SIDED_SD_PERCENTILE))
    return BloodPool(median, sd, values.size * volume.geometry.voxel_volume_mm3 / 1000, phase_of(median))


def phase_of(median_hu: float) -> Phase:
    """The phase that a blood pool of this median means."""
    if median_hu < WEAK_FROM_HU:
        return Phase.NON_CONTRAST
    return Phase.WEAK if median_hu < CCTA_FROM_HU else Phase.CCTA


def _block_mean(hu: np.ndarray, factors: tuple[int, ...]) -> np.ndarray:
    """Means of (z, y, x) blocks, float32; what does not fill a block at the far faces is left out."""
    fz, fy, fx = factors
    nz, ny, nx = (size // factor for size, factor in zip(hu.shape, factors, strict=True))
    means = np.empty((nz, ny, nx), dtype=np.float32)
    for z in range(nz):
        slab = hu[z * fz : (z + 1) * fz, : ny * fy, : nx * fx].sum(axis=0, dtype=np.float32)
        means[z] = slab.reshape(ny, fy, nx, fx).sum(axis=(1, 3)) / (fz * fy * fx)
    return means


def _window_statistics(blocks: np.ndarray, block_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = [2 * round(EVENNESS_WINDOW_MM / mm / 2) + 1 for mm in block_mm]
    centred = blocks.astype(np.float64)  # Squares of 3000 HU lose the spread in float32.
    mean = ndimage.uniform_filter(centred, size, mode="nearest")
    variance = ndimage.uniform_filter(centred**2, size, mode="nearest") - mean**2
    return mean, np.sqrt(np.maximum(variance, 0))


def _even(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    low, high = BLOOD_RANGE_HU
    soft = (mean > low) & (mean < high)
    if not soft.any():
        return soft
    noise_hu = np.percentile(spread[soft], 5)
    limit = EVENNESS_FLOOR_HU + EVENNESS_PER_NOISE * noise_hu + EVENNESS_PER_HU * np.maximum(mean, 0)
    return soft & (spread < np.minimum(limit, EVENNESS_CEILING_HU))


def _inside_front(blocks: np.ndarray, block_mm: np.ndarray, volume: Volume) -> np.ndarray:
    """Blocks deep under the skin, in the front part of the body along the patient's anterior–posterior axis."""
    labels, count = ndimage.label(ndimage.binary_opening(blocks > BODY_FROM_HU))
    if count == 0:
        return np.zeros(blocks.shape, dtype=bool)
    body = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    head_axis = int(np.argmax(np.abs(volume.geometry.affine_zyx_to_lps[2, :3])))
    size = [1 if axis == head_axis else 2 * round(DEPTH_MM / mm) + 1 for axis, mm in enumerate(block_mm)]
    outside = _outside_air(blocks, head_axis).view(np.uint8)
    near_skin = ndimage.maximum_filter(outside, size, mode="nearest").astype(bool)
    return ~near_skin & _front(body, volume)


def _outside_air(blocks: np.ndarray, head_axis: int) -> np.ndarray:
    """Air around the patient: neither lung, nor airways, nor padding, nor what lies beyond the field of view.

    A cardiac field of view shows lung or padding at its edge and perhaps no skin at all; then nothing is outside.
    """
    slices = np.moveaxis(blocks, head_axis, 0)
    patient = np.stack([ndimage.binary_fill_holes(one > LUNG_FROM_HU) for one in slices])
    return np.moveaxis(~patient & (slices > PADDING_BELOW_HU), 0, head_axis)


def _front(body: np.ndarray, volume: Volume) -> np.ndarray:
    """Which positions along the anterior–posterior axis are in front, broadcastable to `body`."""
    towards_back = volume.geometry.affine_zyx_to_lps[1, :3]
    axis = int(np.argmax(np.abs(towards_back)))
    present = np.flatnonzero(body.any(axis=tuple(other for other in range(3) if other != axis)))
    depth = (np.arange(body.shape[axis]) - present[0]) / max(1, present[-1] - present[0])
    front = depth <= FRONT_SHARE if towards_back[axis] > 0 else depth >= 1 - FRONT_SHARE
    return front.reshape([-1 if other == axis else 1 for other in range(3)])


def _brightest_core(mean: np.ndarray, even: np.ndarray, block_ml: float) -> np.ndarray:
    """Blocks of the brightest connected even region of at least MIN_CORE_ML, grown by CORE_SHARE."""
    step_hu = 10.0
    low, high = BLOOD_RANGE_HU
    needed = MIN_CORE_ML / block_ml
    for threshold in np.arange(high - step_hu, low - step_hu, -step_hu):
        bright = even & (mean >= threshold)
        if np.count_nonzero(bright) < needed:
            continue
        labels, _ = ndimage.label(bright)
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        if sizes.max() >= needed:
            seed = labels == sizes.argmax()
            grown, _ = ndimage.label(even & (mean >= min(threshold * CORE_SHARE, threshold - step_hu)))
            return grown == grown[seed][0]
    raise NoBloodPoolError(
        found="no large, even region was found that could be the blood in the heart",
        expected="the heart inside the field of view, in Hounsfield units",
        action="Check the field of view and the noise of the scan",
    )


def _full_resolution(hu: np.ndarray, core: np.ndarray, factors: tuple[int, ...]) -> np.ndarray:
    """The voxels of the blocks of `core`, as a flat array."""
    fz, fy, fx = factors
    offsets = np.stack(np.meshgrid(np.arange(fz), np.arange(fy), np.arange(fx), indexing="ij"), -1).reshape(1, -1, 3)
    z, y, x = np.moveaxis(np.argwhere(core)[:, None, :] * factors + offsets, -1, 0)
    return hu[z, y, x].ravel()
