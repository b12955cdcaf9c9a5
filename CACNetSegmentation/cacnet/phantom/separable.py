"""Resampling between axis-aligned grids, one axis at a time: each axis is one small matrix of weights.

A blur, an area average and an interpolation are the same three matrix products with other weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from cacnet.volume import Geometry

FWHM_PER_SD = float(2.0 * np.sqrt(2.0 * np.log(2.0)))
"""Full width at half maximum of a Gaussian of standard deviation 1."""


@dataclass(frozen=True)
class Axis:
    """One axis of a grid: `size` voxel centres from `start_mm` in steps of `step_mm`."""

    start_mm: float
    step_mm: float
    size: int

    @property
    def centres_mm(self) -> np.ndarray:
        """Voxel centres."""
        return self.start_mm + self.step_mm * np.arange(self.size)

    @property
    def edges_mm(self) -> np.ndarray:
        """The size + 1 faces between voxels; the outermost reach to infinity, so that edges are continued outwards."""
        edges = self.start_mm + self.step_mm * (np.arange(self.size + 1) - 0.5)
        edges[0], edges[-1] = -np.inf, np.inf
        return edges


def axes_of(geometry: Geometry) -> tuple[Axis, Axis, Axis]:
    """The (z, y, x) axes of an axis-aligned grid."""
    return tuple(  # type: ignore[return-value]
        Axis(float(o), float(s), int(n))
        for o, s, n in zip(geometry.origin_mm_lps[::-1], geometry.spacing_mm_zyx, geometry.shape_zyx, strict=True)
    )


def gaussian_weights(source: Axis, target: Axis, sd_mm: float) -> np.ndarray:
    """(target, source) weights of a Gaussian blur of `sd_mm`, integrated over the source's voxels."""
    cumulative = ndtr((source.edges_mm[None, :] - target.centres_mm[:, None]) / max(sd_mm, 1e-3))
    return np.diff(cumulative, axis=1).astype(np.float32)


def area_weights(source: Axis, target: Axis) -> np.ndarray:
    """(target, source) weights of the exact average over each target voxel."""
    half = 0.5 * target.step_mm
    low, high = target.centres_mm[:, None] - half, target.centres_mm[:, None] + half
    edges = source.edges_mm[None, :]
    overlap = np.minimum(high, edges[:, 1:]) - np.maximum(low, edges[:, :-1])
    return (np.clip(overlap, 0.0, None) / target.step_mm).astype(np.float32)


def linear_weights(source: Axis, target: Axis) -> np.ndarray:
    """(target, source) weights of linear interpolation, continued as constant outside."""
    position = np.clip((target.centres_mm - source.start_mm) / source.step_mm, 0, source.size - 1)
    return np.clip(1.0 - np.abs(position[:, None] - np.arange(source.size)[None, :]), 0.0, 1.0).astype(np.float32)


def resample(array_zyx: np.ndarray, weights_zyx: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """Apply one weight matrix along each axis of a (z, y, x) array; float32."""
    along_z, along_y, along_x = weights_zyx
    array = np.ascontiguousarray(array_zyx, np.float32)
    array = array @ along_x.T
    array = np.matmul(along_y[None], array)
    flat = along_z @ array.reshape(array.shape[0], -1)
    return flat.reshape(len(along_z), *array.shape[1:])


def overlap(
    found: tuple[slice, ...], source_zyx: tuple[Axis, ...], target_zyx: tuple[Axis, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...], tuple[np.ndarray, np.ndarray, np.ndarray]] | None:
    """Where a part of one grid lies on another; None where it does not.

    Args:
        found: the part; source_zyx, target_zyx: the two grids.

    Returns:
        The part with two voxels around it, the part of the other grid, and the area weights (z, y, x) between them.
    """
    part, target, weights = [], [], []
    for extent, source, goal in zip(found, source_zyx, target_zyx, strict=True):
        first, last = max(extent.start - 2, 0), min(extent.stop + 2, source.size)
        reach = 0.5 * (goal.step_mm + source.step_mm)
        low, high = source.centres_mm[extent.start] - reach, source.centres_mm[extent.stop - 1] + reach
        hit = np.flatnonzero((goal.centres_mm > low) & (goal.centres_mm < high))
        if not len(hit):
            return None
        begin, end = int(hit[0]), int(hit[-1]) + 1
        inner = Axis(float(source.centres_mm[first]), source.step_mm, last - first)
        outer = Axis(float(goal.centres_mm[begin]), goal.step_mm, end - begin)
        part.append(slice(first, last))
        target.append(slice(begin, end))
        weights.append(area_weights(inner, outer))
    return tuple(part), tuple(target), tuple(weights)  # type: ignore[return-value]
