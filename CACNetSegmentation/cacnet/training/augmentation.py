"""How patches are varied, so that the network does not learn one scanner, one contrast phase or one orientation."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cacnet.prepare import HU_RANGE
from cacnet.training.configuration import SamplingConfig


def augment_hu(hu: np.ndarray, config: SamplingConfig, random: np.random.Generator) -> np.ndarray:
    """Vary a float32 HU patch (z, y, x): sharpness, slice thickness, contrast, noise; removed lung stays removed."""
    removed = hu <= HU_RANGE[0]
    if random.random() < config.blur:
        hu = ndimage.gaussian_filter(hu, random.uniform(0.3, 0.9), truncate=2.5)
    if random.random() < config.thick_slices:
        hu = _thicken(hu, random.uniform(1.5, 3.0))
    if random.random() < config.intensity:
        hu = _change_intensity(hu, random)
    if random.random() < config.noise:
        noise = random.standard_normal(hu.shape, np.float32)
        if random.random() < 0.5:  # reconstructed noise is correlated between neighbours
            noise = ndimage.gaussian_filter(noise, 0.7, truncate=2.5) * 2.5
        hu = hu + noise * np.float32(random.uniform(5, 30))
    hu[removed] = HU_RANGE[0]
    return hu


def _change_intensity(hu: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Gain (tube voltage), offset (calibration) and a bend of the scale between soft tissue and dense contrast."""
    low, high = HU_RANGE
    gain, offset, gamma = random.uniform(0.88, 1.12), random.uniform(-25, 25), random.uniform(0.9, 1.1)
    changed = hu * np.float32(gain) + np.float32(offset)
    if random.random() < 0.5:
        unit = np.clip((changed - low) / (high - low), 0, 1)
        changed = np.power(unit, np.float32(gamma), dtype=np.float32) * np.float32(high - low) + np.float32(low)
    return changed.astype(np.float32, copy=False)


def _thicken(hu: np.ndarray, factor: float) -> np.ndarray:
    """What remains along z of slices `factor` times as thick: averaged, sampled, interpolated back."""
    averaged = ndimage.uniform_filter1d(hu, max(2, round(factor)), axis=0)
    slices = np.arange(len(hu)) / factor
    share = (slices - np.floor(slices)).astype(np.float32)[:, None, None]
    lower, upper = (np.rint((np.floor(slices) + k) * factor).astype(int).clip(0, len(hu) - 1) for k in (0, 1))
    return averaged[lower] * (1 - share) + averaged[upper] * share


def resize(array: np.ndarray, edge: int, order: int) -> np.ndarray:
    """A cubic patch interpolated to `edge` voxels a side; order 1 for HU, 0 for labels."""
    if array.shape[0] == edge:
        return array
    centres = (np.arange(edge) + 0.5) * (array.shape[0] / edge) - 0.5
    if order == 0:
        nearest = np.rint(centres).astype(int).clip(0, array.shape[0] - 1)
        return array[np.ix_(nearest, nearest, nearest)]
    for axis in range(3):
        below = np.floor(centres).astype(int)
        share = (centres - below).astype(np.float32)
        last = array.shape[axis] - 1
        lower, upper = (np.take(array, (below + k).clip(0, last), axis=axis) for k in (0, 1))
        share = np.expand_dims(share, [other for other in range(3) if other != axis])
        array = lower + (upper - lower) * share
    return array
