"""Maps that are 0 nearly everywhere, kept as what is in them.

Arteries fill a hundredth of a heart, and a heart a part of a scan. An array of the whole has to be cleared, filled and
searched at the cost of the empty space around them; the sorted indices of what is there cost what is there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cacnet.bounding_box import Box

WORD_BYTES = 8
"""Looked at in one step."""


@dataclass(frozen=True, eq=False)
class SparseMap:
    """A map on a grid.

    Attributes:
        index: (n,) flat (C-order) indices, ascending, each once.
        values: (n,) the values there; everywhere else the map is 0.
        shape: (z, y, x) of the grid.
    """

    index: np.ndarray
    values: np.ndarray
    shape: tuple[int, ...]

    @classmethod
    def of(cls, array_zyx: np.ndarray) -> SparseMap:
        """What is in an array."""
        index = nonzero_index(array_zyx)
        return cls(index, np.ravel(array_zyx)[index], array_zyx.shape)

    @classmethod
    def mask(cls, index: np.ndarray, shape_zyx: tuple[int, ...]) -> SparseMap:
        """True at ascending flat indices."""
        return cls(index, np.ones(len(index), bool), shape_zyx)

    @property
    def voxels(self) -> np.ndarray:
        """(n, 3) indices of what is there."""
        return np.stack(np.unravel_index(self.index, self.shape), axis=-1)

    def dense(self) -> np.ndarray:
        """The whole array."""
        whole = np.zeros(self.shape, self.values.dtype)
        whole.ravel()[self.index] = self.values
        return whole

    def at(self, index: np.ndarray) -> np.ndarray:
        """The values at flat indices, in any order."""
        found = np.zeros(len(index), self.values.dtype)
        if len(self.index):
            place = np.minimum(np.searchsorted(self.index, index), len(self.index) - 1)
            there = self.index[place] == index
            found[there] = self.values[place[there]]
        return found

    def without(self, other: SparseMap) -> SparseMap:
        """This map without the voxels of another one on the same grid."""
        stays = ~np.isin(self.index, other.index, assume_unique=True)
        return SparseMap(self.index[stays], self.values[stays], self.shape)

    def __getitem__(self, box: Box) -> np.ndarray:
        """The part of the whole array that a box (without steps) cuts out of it."""
        (z0, z1), (y0, y1), (x0, x1) = (side.indices(n)[:2] for side, n in zip(box, self.shape, strict=True))
        part = np.zeros((max(0, z1 - z0), max(0, y1 - y0), max(0, x1 - x0)), self.values.dtype)
        plane = self.shape[1] * self.shape[2]
        slab = slice(*np.searchsorted(self.index, (z0 * plane, z1 * plane)).tolist())
        z, y, x = np.unravel_index(self.index[slab], self.shape)
        inside = (y >= y0) & (y < y1) & (x >= x0) & (x < x1)
        part[z[inside] - z0, y[inside] - y0, x[inside] - x0] = self.values[slab][inside]
        return part


def nonzero_index(array_zyx: np.ndarray) -> np.ndarray:
    """`np.flatnonzero`; of a label map of single bytes, which is what is long and empty, ten times as fast."""
    flat = np.ravel(array_zyx)
    whole = len(flat) // WORD_BYTES * WORD_BYTES
    if flat.itemsize != 1 or not flat.flags.c_contiguous or not whole:
        return np.flatnonzero(flat != 0)
    words = np.flatnonzero(flat[:whole].view(np.uint64) != 0)
    candidates = (words[:, None] * WORD_BYTES + np.arange(WORD_BYTES)).ravel()
    rest = np.arange(whole, len(flat))
    index = np.concatenate([candidates, rest])
    found: np.ndarray = index[flat[index] != 0]
    return found


def as_sparse(map_zyx: np.ndarray | SparseMap) -> SparseMap:
    """A map of either kind as a sparse one."""
    return map_zyx if isinstance(map_zyx, SparseMap) else SparseMap.of(map_zyx)
