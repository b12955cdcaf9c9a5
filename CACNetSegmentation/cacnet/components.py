"""Connected components of masks that are mostly empty, at the cost of what is in them.

Arteries fill a hundredth of a heart. A dense label map of it has to be cleared, filled and searched; runs of voxels
along x are a thousand times fewer than voxels, and joining those that touch is a small sparse graph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_matrix, csgraph
from scipy.spatial import cKDTree

from cacnet.sparse_maps import SparseMap

FORWARD_ROWS = ((0, 1), (1, -1), (1, 0), (1, 1))
"""(z, y) steps to the neighbouring rows that come later; with their mirror images these are all eight."""


@dataclass(frozen=True, eq=False)
class Components:
    """The 26-connected components of a mask.

    Attributes:
        index: (n,) flat (C-order) indices of the voxels inside, ascending.
        number: (n,) the component of each, from 0 on, in the order of their first voxels.
        count: how many there are.
        shape_zyx: shape of the mask.
    """

    index: np.ndarray
    number: np.ndarray
    count: int
    shape_zyx: tuple[int, ...]

    @property
    def sizes(self) -> np.ndarray:
        """Voxels of each component."""
        return np.bincount(self.number, minlength=self.count)

    def voxels_of(self, keep: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """The number and the (n, 3) voxels, ascending, of each component for which `keep` (one bool each) holds."""
        order = np.argsort(self.number, kind="stable")
        ends = np.cumsum(self.sizes)
        for number in np.flatnonzero(keep).tolist():
            index = self.index[order[ends[number - 1] if number else 0 : ends[number]]]
            yield number, np.stack(np.unravel_index(index, self.shape_zyx), axis=-1)

    def mask_of(self, keep: np.ndarray) -> SparseMap:
        """The components for which `keep` (one bool each) holds."""
        return SparseMap.mask(self.index[keep[self.number]], self.shape_zyx)


def find_components(mask_zyx: SparseMap) -> Components:
    """The 26-connected components of what is in a map."""
    index, shape_zyx = mask_zyx.index, mask_zyx.shape
    if len(index) == 0:
        return Components(index, index.copy(), 0, shape_zyx)
    _, rows, columns = shape_zyx
    starts = np.concatenate([[True], (np.diff(index) != 1) | (index[1:] % columns == 0)])
    at = np.flatnonzero(starts)
    lengths = np.diff(np.append(at, len(index)))
    row, column = np.divmod(index[at], columns)
    # Rows are told apart by two empty columns, planes by two empty rows: what lies next to an end then touches nothing.
    width = columns + 2
    first = (row + 2 * (row // rows)) * width + column
    last = first + lengths - 1
    links = [_touching(first, last, (z * (rows + 2) + y) * width) for z, y in FORWARD_ROWS]
    one, other = np.concatenate(links, axis=1)
    graph = coo_matrix((np.ones(len(one), np.int8), (one, other)), shape=(len(first), len(first)))
    count, of_run = csgraph.connected_components(graph, directed=False)
    _, first_run, number = np.unique(of_run, return_index=True, return_inverse=True)
    in_order = np.argsort(np.argsort(first_run))
    return Components(index, np.repeat(in_order[number], lengths), int(count), shape_zyx)


def _touching(first: np.ndarray, last: np.ndarray, step: int) -> np.ndarray:
    """Pairs (2, n) of runs of which the second touches the first when moved back by `step`, corners included."""
    begin = np.searchsorted(last, first + step - 1, side="left")
    end = np.searchsorted(first, last + step + 1, side="right")
    each = np.maximum(end - begin, 0)
    one = np.repeat(np.arange(len(first)), each)
    within = np.arange(len(one)) - np.repeat(np.cumsum(each) - each, each)
    return np.stack([one, begin[one] + within])


def eroded(mask_zyx: SparseMap, half_width_zyx: Sequence[int]) -> np.ndarray:
    """Flat indices of the voxels around which a box of 2 · half width + 1 voxels lies inside a mask; ascending.

    Only voxels of the mask are looked at; what lies beyond the array is outside.
    """
    voxels = mask_zyx.voxels
    if len(voxels) == 0:
        return mask_zyx.index
    start, stop = voxels.min(axis=0) - half_width_zyx, voxels.max(axis=0) + 1 + np.asarray(half_width_zyx)
    padded_shape = tuple((stop - start).tolist())
    index = np.ravel_multi_index(tuple((voxels - start).T), padded_shape)
    inside = np.zeros(math.prod(padded_shape), dtype=bool)
    inside[index] = True
    for stride, reach in zip(
        (1, padded_shape[2], padded_shape[1] * padded_shape[2]), half_width_zyx[::-1], strict=True
    ):
        before = index
        for step in range(-reach, reach + 1):
            index = index[inside[index + step * stride]]
        inside[before] = False
        inside[index] = True
    at = np.stack(np.unravel_index(index, padded_shape), axis=-1) + start
    return np.ravel_multi_index(tuple(at.T), mask_zyx.shape)


def is_near(voxels_zyx: np.ndarray, others_zyx: np.ndarray, reach_zyx: Sequence[int]) -> np.ndarray:
    """Which of `voxels` (n, 3) may lie within a reach in voxels of one of `others` (m, 3): a few more, never less.

    What is left is little enough for an exact search.
    """
    if len(voxels_zyx) == 0 or len(others_zyx) == 0:
        return np.zeros(len(voxels_zyx), dtype=bool)
    cell = np.maximum(reach_zyx, 1)
    far = np.maximum(voxels_zyx.max(axis=0), others_zyx.max(axis=0))
    occupied = np.zeros(far // cell + 3, dtype=bool)
    occupied[tuple((others_zyx // cell + 1).T)] = True
    occupied = ndimage.binary_dilation(occupied, np.ones((3, 3, 3), dtype=bool))
    near: np.ndarray = occupied[tuple((voxels_zyx // cell + 1).T)]
    return near


def lie_within(distance_mm: float, points: np.ndarray, others: np.ndarray) -> bool:
    """Whether any two points, (n, 3) and (m, 3) in mm, of both sets lie that near to each other."""
    reach_mm = distance_mm * (1 + 1e-9)
    low, high = points.min(axis=0) - reach_mm, points.max(axis=0) + reach_mm
    around = others[((others >= low) & (others <= high)).all(axis=1)]
    if len(around) == 0:
        return False
    gap_mm, _ = cKDTree(points).query(around, distance_upper_bound=reach_mm)
    return bool(np.isfinite(gap_mm).any())
