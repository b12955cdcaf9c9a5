"""Connected components of masks that are mostly empty, at the cost of what is in them.

Arteries fill a hundredth of a heart. A dense label map of it has to be cleared, filled and searched; runs of voxels
along x are a thousand times fewer than voxels, and joining those that touch is a small sparse graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_matrix, csgraph

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

    def voxels_of(self, component: int) -> np.ndarray:
        """(n, 3) voxels of one component."""
        return np.stack(np.unravel_index(self.index[self.number == component], self.shape_zyx), axis=-1)

    def mask_of(self, keep: np.ndarray) -> np.ndarray:
        """bool (z, y, x): the components for which `keep` (one bool each) holds."""
        mask = np.zeros(self.shape_zyx, dtype=bool)
        mask.ravel()[self.index[keep[self.number]]] = True
        return mask


def find_components(mask_zyx: np.ndarray) -> Components:
    """The 26-connected components of a bool mask (z, y, x)."""
    index = np.flatnonzero(mask_zyx)
    if len(index) == 0:
        return Components(index, index.copy(), 0, mask_zyx.shape)
    _, rows, columns = mask_zyx.shape
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
    return Components(index, np.repeat(in_order[number], lengths), int(count), mask_zyx.shape)


def _touching(first: np.ndarray, last: np.ndarray, step: int) -> np.ndarray:
    """Pairs (2, n) of runs of which the second touches the first when moved back by `step`, corners included."""
    begin = np.searchsorted(last, first + step - 1, side="left")
    end = np.searchsorted(first, last + step + 1, side="right")
    each = np.maximum(end - begin, 0)
    one = np.repeat(np.arange(len(first)), each)
    within = np.arange(len(one)) - np.repeat(np.cumsum(each) - each, each)
    return np.stack([one, begin[one] + within])


def voxels_in(mask_zyx: np.ndarray) -> np.ndarray:
    """(n, 3) indices of the non-zero voxels, as np.argwhere gives them in ten times the time."""
    return np.stack(np.unravel_index(np.flatnonzero(mask_zyx), mask_zyx.shape), axis=-1)


def eroded(mask_zyx: np.ndarray, half_width_zyx: Sequence[int]) -> np.ndarray:
    """Flat indices of the voxels around which a box of 2 · half width + 1 voxels lies inside a mask; ascending.

    Only voxels of the mask are looked at; what lies beyond the array is outside.
    """
    padding = [(n, n) for n in half_width_zyx]
    inside = np.pad(mask_zyx.astype(bool, copy=False), padding).ravel()
    strides = [int(s) for s in np.cumprod([1, mask_zyx.shape[2] + padding[2][0] * 2])]
    strides.append(strides[1] * (mask_zyx.shape[1] + padding[1][0] * 2))
    index = np.flatnonzero(inside)
    for stride, reach in zip(strides, reversed(half_width_zyx), strict=True):
        for step in range(-reach, reach + 1):
            index = index[inside[index + step * stride]]
        inside[:] = False
        inside[index] = True
    padded_shape = [n + 2 * more for n, more in zip(mask_zyx.shape, half_width_zyx, strict=True)]
    at = [axis - more for axis, more in zip(np.unravel_index(index, padded_shape), half_width_zyx, strict=True)]
    return np.ravel_multi_index(tuple(at), mask_zyx.shape)


def voxels_near(voxels_zyx: np.ndarray, others_zyx: np.ndarray, reach_zyx: Sequence[int]) -> np.ndarray:
    """Those of `voxels` (n, 3) that may lie within a reach in voxels of one of `others` (m, 3): a few more, never less.

    What is left is little enough for an exact search.
    """
    if len(voxels_zyx) == 0 or len(others_zyx) == 0:
        return voxels_zyx[:0]
    cell = np.maximum(reach_zyx, 1)
    far = np.maximum(voxels_zyx.max(axis=0), others_zyx.max(axis=0))
    occupied = np.zeros(far // cell + 3, dtype=bool)
    occupied[tuple((others_zyx // cell + 1).T)] = True
    occupied = ndimage.binary_dilation(occupied, np.ones((3, 3, 3), dtype=bool))
    return voxels_zyx[occupied[tuple((voxels_zyx // cell + 1).T)]]
