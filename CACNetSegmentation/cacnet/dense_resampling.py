"""Arrays brought to another grid with parallel axes, one axis after the other: a whole CT, or a window of one."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from cacnet.resampling import AxisMap, axis_map, resampled
from cacnet.volume import Geometry


def linear_everywhere(values_zyx: np.ndarray, source: Geometry, target: Geometry, outside: int) -> np.ndarray:
    """Whole numbers of `source`, interpolated linearly at the voxel centres of `target`, in the same type.

    What lies outside `source` is `outside`. Fractions are cut off, as SimpleITK does; where no axes are parallel, it
    does the work, and takes four times the processor's time.
    """
    found = axis_map(source, target)
    if found is None:
        return resampled(values_zyx, source, target, sitk.sitkLinear, outside)
    values = values_zyx.transpose(found.order)
    inside, lows, fractions = _cells(found, values.shape)
    result = np.full(target.shape_zyx, outside, values.dtype)
    part = result[tuple(inside)]
    planes: dict[int, np.ndarray] = {}  # of the source, each interpolated once
    for along, (low, fraction) in enumerate(zip(lows[0].tolist(), fractions[0], strict=True)):
        needed = (low, min(low + 1, len(values) - 1))
        planes = {
            at: planes[at] if at in planes else _interpolated(values[at], lows[1:], fractions[1:]) for at in needed
        }
        between = planes[needed[1]] - planes[low]
        between *= fraction
        between += planes[low]
        part[along] = between
    return result


def linear_window(values_zyx: np.ndarray, source: Geometry, target: Geometry) -> np.ndarray:
    """Values of `source`, interpolated linearly at the voxel centres of `target`, float32; 0 outside.

    For a target of some ten thousands of voxels, whose planes are too small for `linear_everywhere`. Where no axes are
    parallel, SimpleITK does the work.
    """
    found = axis_map(source, target)
    if found is None:
        return resampled(values_zyx.astype(np.float32, copy=False), source, target, sitk.sitkLinear, 0)
    values = values_zyx.transpose(found.order)
    parts, weights = zip(*map(_weights, *_cells(found, values.shape), target.shape_zyx, values.shape), strict=True)
    z, y, x = weights
    # Stacks of small products: one large one would be shared out to threads that the networks are using.
    planes = y @ (np.ascontiguousarray(values[parts], np.float32) @ np.ascontiguousarray(x.T))
    return (z @ planes.swapaxes(0, 1)).swapaxes(0, 1)


def _weights(inside: slice, low: np.ndarray, fraction: np.ndarray, count: int, length: int) -> tuple[slice, np.ndarray]:
    """Along an axis: which of `length` source voxels `count` target voxels lie between, and the share (count, those)
    that each takes of each."""
    if len(low) == 0:
        return slice(0, 0), np.zeros((count, 0), np.float32)
    high = np.minimum(low + 1, length - 1)
    first = min(int(low.min()), int(high.min()))
    share = np.zeros((count, max(int(low.max()), int(high.max())) + 1 - first), np.float32)
    at = np.arange(count)[inside]
    np.add.at(share, (at, low - first), 1 - fraction)
    np.add.at(share, (at, high - first), fraction)
    return slice(first, first + share.shape[1]), share


def _cells(found: AxisMap, shape: tuple[int, ...]) -> tuple[list[slice], list[np.ndarray], list[np.ndarray]]:
    """For each axis: which of the target's voxels lie inside, the source's voxel before each, and how far after it."""
    inside, lows, fractions = [], [], []
    for index, length in zip(found.index, shape, strict=True):
        within = np.flatnonzero((index >= -0.5) & (index <= length - 0.5))
        part = slice(0, 0) if len(within) == 0 else slice(within[0], within[-1] + 1)
        at = np.clip(index[part], 0, length - 1)  # up to the voxel's face the value is that of its centre
        low = np.minimum(at.astype(np.int64), max(length - 2, 0))
        inside.append(part)
        lows.append(low)
        fractions.append((at - low).astype(np.float32))
    return inside, lows, fractions


def _interpolated(plane: np.ndarray, lows: list[np.ndarray], fractions: list[np.ndarray]) -> np.ndarray:
    """Linear interpolation within a plane along both its axes; float32."""
    values = plane.astype(np.float32)
    for axis, (low, fraction) in enumerate(zip(lows, fractions, strict=True)):
        before = np.take(values, low, axis)
        after = np.take(values, np.minimum(low + 1, values.shape[axis] - 1), axis)
        after -= before
        after *= fraction if axis else fraction[:, None]
        before += after
        values = before
    return values
