"""Between two grids: labels by the nearest voxel, probabilities by linear interpolation where they can matter.

Nearly every CT's axes run along the patient's, as the model's grid does, up to order and sign. Each axis then has its
own map from one grid to the other, which is a hundred times cheaper than positions in space, and only voxels whose
value can reach a given probability are interpolated: arteries fill a hundredth of a heart. Any other grid goes through
SimpleITK, with the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry, to_sitk

ALIGNED_TOLERANCE_VOXELS = 0.01
"""Axes count as parallel if no voxel of one grid is further from its place than this part of the other's voxel."""


@dataclass(frozen=True, eq=False)
class AxisMap:
    """Where the voxels of a target grid lie in a source grid, axis by axis.

    Attributes:
        order: for each axis of the target, the source's axis along it.
        index: for each axis of the target, the fractional source index of each of its voxels, along that axis.
    """

    order: tuple[int, int, int]
    index: tuple[np.ndarray, np.ndarray, np.ndarray]


def axis_map(source: Geometry, target: Geometry) -> AxisMap | None:
    """The map between grids with parallel axes; None for any other."""
    to_source = np.linalg.inv(source.affine_zyx_to_lps) @ target.affine_zyx_to_lps
    steps = to_source[:3, :3]
    order = np.abs(steps).argmax(axis=0)
    if sorted(order.tolist()) != [0, 1, 2]:
        return None
    aside = steps.copy()
    aside[order, range(3)] = 0.0
    if (np.abs(aside) @ np.array(target.shape_zyx)).max() > ALIGNED_TOLERANCE_VOXELS:
        return None
    z, y, x = (
        to_source[axis, 3] + steps[axis, along] * np.arange(target.shape_zyx[along]) for along, axis in enumerate(order)
    )
    return AxisMap((int(order[0]), int(order[1]), int(order[2])), (z, y, x))


def nearest(labels_zyx: np.ndarray, source: Geometry, target: Geometry) -> np.ndarray:
    """Labels of `source` at the voxel centres of `target`; 0 outside."""
    found = axis_map(source, target)
    if found is None:
        return resampled(labels_zyx, source, target, sitk.sitkNearestNeighbor, 0)
    labels = labels_zyx.transpose(found.order)
    inside, picked = [], []
    for index, length in zip(found.index, labels.shape, strict=True):
        rounded = np.floor(index + 0.5).astype(np.int64)
        within = np.flatnonzero((rounded >= 0) & (rounded < length))
        inside.append(slice(0, 0) if len(within) == 0 else slice(within[0], within[-1] + 1))
        picked.append(rounded[inside[-1]])
    result = np.zeros(target.shape_zyx, labels.dtype)
    result[tuple(inside)] = _taken(labels, picked)
    return result


def nearest_sparse(labels: SparseMap, source: Geometry, target: Geometry) -> SparseMap:
    """As `nearest`, at the cost of what is in the map."""
    found = axis_map(source, target)
    if found is None:
        return SparseMap.of(resampled(labels.dense(), source, target, sitk.sitkNearestNeighbor, 0))
    lengths = [source.shape_zyx[axis] for axis in found.order]
    rounded = [np.floor(index + 0.5).astype(np.int64) for index in found.index]
    picked = [np.where(at < length, at, -1) for at, length in zip(rounded, lengths, strict=True)]
    row, at = _reached(labels.voxels[:, found.order], picked, lengths)
    return _sorted_map(at, labels.values[row], target)


def linear(values_zyx: np.ndarray, source: Geometry, target: Geometry, at_least: float) -> np.ndarray:
    """Values of `source` interpolated linearly at the voxel centres of `target`, float32; 0 outside.

    Exact wherever the result is `at_least` (above 0) or more. Elsewhere it may be 0 instead of the smaller value.
    """
    return linear_sparse(values_zyx, source, target, at_least).dense()


def linear_sparse(values_zyx: np.ndarray, source: Geometry, target: Geometry, at_least: float) -> SparseMap:
    """As `linear`, at the cost of what reaches `at_least`."""
    found = axis_map(source, target)
    if found is None:
        return SparseMap.of(resampled(values_zyx.astype(np.float32, copy=False), source, target, sitk.sitkLinear, 0.0))
    reaching = np.stack(np.unravel_index(np.flatnonzero(values_zyx >= at_least), values_zyx.shape), axis=-1)
    values = values_zyx.transpose(found.order)
    lows, fractions = [], []
    for index, length in zip(found.index, values.shape, strict=True):
        within = np.flatnonzero((index >= -0.5) & (index <= length - 0.5))
        at = np.clip(index, 0, length - 1)  # up to the voxel's face the value is that of its centre
        low = np.full(len(index), -1)
        low[within] = np.minimum(at[within].astype(np.int64), max(length - 2, 0))
        lows.append(low)
        fractions.append((at - low).astype(np.float32))
    cells = _cells_reaching(reaching[:, found.order], values.shape)
    _, at = _reached(cells, lows, values.shape)
    return _sorted_map(at, _interpolated(values, lows, fractions, at), target)


def resampled(array: np.ndarray, source: Geometry, target: Geometry, interpolator: int, outside: float) -> np.ndarray:
    """An array of `source` at the voxel centres of `target`, in any orientation, by SimpleITK."""
    image = sitk.Resample(
        to_sitk(array, source),
        target.shape_zyx[::-1],
        sitk.Transform(),
        interpolator,
        target.origin_mm_lps,
        target.spacing_mm_zyx[::-1],
        target.direction_lps,
        float(outside),
    )
    return sitk.GetArrayFromImage(image)


def _taken(array: np.ndarray, index: list[np.ndarray]) -> np.ndarray:
    # The first axis is taken first: whole planes are copied, and what is left for the costly last axis is small.
    for axis, along in enumerate(index):
        array = np.take(array, along, axis=axis)
    return array


def _cells_reaching(reaching: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(m, 3) the cells with a voxel of `reaching` (n, 3) at a corner, each named by its first corner."""
    index = np.sort(np.ravel_multi_index(tuple(reaching.T), shape))
    for stride, length in ((1, shape[2]), (shape[2], shape[1]), (shape[1] * shape[2], shape[0])):
        before = index[index // stride % length > 0] - stride
        both = np.sort(np.concatenate([index, before]), kind="stable")  # two sorted halves are merged
        index = both[np.diff(both, prepend=-1) > 0]
    return np.stack(np.unravel_index(index, shape), axis=-1)


def _reached(
    voxels: np.ndarray, picked: Sequence[np.ndarray], lengths: Sequence[int]
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Which voxels of the target pick one of `voxels` (n, 3): the row of it, and the target's index along each axis.

    `picked` says for each axis which of `lengths` places every voxel of the target picks; -1 for none.
    """
    row = np.arange(len(voxels))
    at: list[np.ndarray] = []
    for axis, (places, length) in enumerate(zip(picked, lengths, strict=True)):
        order = np.argsort(places, kind="stable")
        begin, end = (np.searchsorted(places[order], np.arange(length), side) for side in ("left", "right"))
        place = voxels[row, axis]
        count = (end - begin)[place]
        again = np.repeat(np.arange(len(row)), count)
        within = np.arange(len(again)) - np.repeat(np.cumsum(count) - count, count)
        row, at = row[again], [along[again] for along in at]
        at.append(order[begin[place][again] + within])
    return row, tuple(at)


def _sorted_map(at: tuple[np.ndarray, ...], values: np.ndarray, target: Geometry) -> SparseMap:
    index = np.ravel_multi_index(at, target.shape_zyx)
    order = np.argsort(index)
    return SparseMap(index[order], values[order], target.shape_zyx)


def _interpolated(
    values: np.ndarray, lows: list[np.ndarray], fractions: list[np.ndarray], voxels: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Linear interpolation at some voxels of the target."""
    corner = [low[along] for low, along in zip(lows, voxels, strict=True)]
    fraction = [part[along] for part, along in zip(fractions, voxels, strict=True)]
    after = [np.minimum(low + 1, length - 1) for low, length in zip(corner, values.shape, strict=True)]
    total = np.zeros(len(voxels[0]), np.float32)
    for z in (0, 1):
        for y in (0, 1):
            for x in (0, 1):
                weight = np.ones(len(total), np.float32)
                at = []
                for upper, low, high, share in zip((z, y, x), corner, after, fraction, strict=True):
                    weight *= share if upper else 1 - share
                    at.append(high if upper else low)
                total += weight * values[tuple(at)]
    return total
