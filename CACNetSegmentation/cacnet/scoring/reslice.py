"""Thin slices averaged to the 3 mm that the Agatston score was defined on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cacnet.volume import Geometry

THIN_SHARE = 0.9
"""Slices of at least this share of the thickness asked for are left as they are."""


def resliced(
    labels_zyx: np.ndarray, hu_zyx: np.ndarray, geometry: Geometry, slice_axis: int, thickness_mm: float
) -> tuple[np.ndarray, np.ndarray, Geometry]:
    """Labels, HU and grid with slices averaged to `thickness_mm`.

    The new slices end at multiples of the thickness along the slice axis in the patient, so that neither cropping nor
    flipping an array moves them. A voxel has the label that most of its old voxels have, however few they are: the
    threshold on the averaged HU then decides whether it counts.

    Args:
        labels_zyx: lesion numbers, 0 for background; hu_zyx: HU of the same voxels, with `thickness_mm` of surroundings
            across slices.
        slice_axis: the array axis that is averaged over.
    """
    increment_mm = geometry.spacing_mm_zyx[slice_axis]
    if increment_mm >= THIN_SHARE * thickness_mm:
        return labels_zyx, hu_zyx, geometry
    weights, first_mm, step = _weights(geometry, labels_zyx.shape, slice_axis, thickness_mm)
    hu = np.moveaxis(np.tensordot(weights, np.moveaxis(hu_zyx, slice_axis, 0).astype(np.float64), 1), 0, slice_axis)
    labels = np.zeros(hu.shape, labels_zyx.dtype)
    most = np.zeros(hu.shape)
    for number in np.unique(labels_zyx[labels_zyx > 0]):
        own = np.moveaxis(labels_zyx == number, slice_axis, 0).astype(np.float64)
        share = np.moveaxis(np.tensordot(weights, own, 1), 0, slice_axis)
        ahead = share > np.maximum(most, 1e-9)
        labels[ahead], most[ahead] = number, share[ahead]
    spacing, shape = list(geometry.spacing_mm_zyx), hu.shape
    spacing[slice_axis] = thickness_mm
    origin_index = np.zeros(3)
    origin_index[slice_axis] = (first_mm - _position_mm(geometry, slice_axis)) / (step * increment_mm)
    x, y, z = geometry.index_to_lps(origin_index)
    return (
        labels,
        hu,
        replace(
            geometry,
            shape_zyx=(int(shape[0]), int(shape[1]), int(shape[2])),
            spacing_mm_zyx=(spacing[0], spacing[1], spacing[2]),
            origin_mm_lps=(float(x), float(y), float(z)),
        ),
    )


def _direction(geometry: Geometry, slice_axis: int) -> np.ndarray:
    return np.asarray(geometry.direction_lps, float).reshape(3, 3)[:, 2 - slice_axis]


def _position_mm(geometry: Geometry, slice_axis: int) -> float:
    """Where the first slice lies along its own normal, the normal taken towards the head."""
    direction = _direction(geometry, slice_axis)
    towards_head = direction * (1.0 if direction[2] >= 0 else -1.0)
    return float(np.asarray(geometry.origin_mm_lps) @ towards_head)


def _weights(
    geometry: Geometry, shape: tuple[int, ...], slice_axis: int, thickness_mm: float
) -> tuple[np.ndarray, float, int]:
    """Share of each old slice in each new one, (new, old), rows adding up to 1; the first new slice's centre; and
    whether positions rise (1) or fall (-1) with the index."""
    step = 1 if _direction(geometry, slice_axis)[2] >= 0 else -1
    increment_mm = geometry.spacing_mm_zyx[slice_axis]
    centres = _position_mm(geometry, slice_axis) + step * increment_mm * np.arange(shape[slice_axis])
    # A shift far below the rounding of positions, lest a slice on a boundary fall to either side of it.
    low, high = centres - increment_mm / 2 + 1e-6, centres + increment_mm / 2 + 1e-6
    slabs = np.arange(np.floor(low.min() / thickness_mm), np.ceil(high.max() / thickness_mm))[::step]
    overlap = np.minimum(high[None], (slabs[:, None] + 1) * thickness_mm) - np.maximum(
        low[None], slabs[:, None] * thickness_mm
    )
    overlap = np.clip(overlap, 0.0, None)
    kept = overlap.sum(axis=1) > 1e-3
    overlap, slabs = overlap[kept], slabs[kept]
    return overlap / overlap.sum(axis=1, keepdims=True), float((slabs[0] + 0.5) * thickness_mm), step
