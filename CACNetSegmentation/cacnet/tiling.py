"""How a volume is cut into overlapping tiles, and how much each tile's answer counts where they overlap."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

GAUSSIAN_WIDTH = 0.125
"""Standard deviation of a tile's weight as a fraction of its edge (nnU-Net, Isensee et al. 2021)."""


@dataclass(frozen=True, eq=False)
class Tile:
    """One cubic tile of a volume.

    Attributes:
        window: what cuts it out of an array of the volume.
        shares: for each axis, how much the tile's answer counts along it, float32 (edge,); the product over axes,
            summed over all tiles of a volume, is 1 at every voxel.
    """

    window: tuple[slice, slice, slice]
    shares: tuple[np.ndarray, np.ndarray, np.ndarray]

    @property
    def weight(self) -> np.ndarray:
        """How much the answer counts, (edge, edge, edge) float32."""
        z, y, x = self.shares
        return z[:, None, None] * y[:, None] * x


def tiles_of(shape_zyx: tuple[int, int, int], edge: int, overlap: float) -> list[Tile]:
    """Tiles of `edge` voxels that cover a volume of at least that many along each axis; see `tile_starts`."""
    axes = []
    for length in shape_zyx:
        starts = tile_starts(length, edge, overlap)
        weight, total = tile_weight(edge), np.zeros(length, np.float32)
        for start in starts:
            total[start : start + edge] += weight
        axes.append([(slice(start, start + edge), weight / total[start : start + edge]) for start in starts])
    return [
        Tile((z[0], y[0], x[0]), (z[1], y[1], x[1])) for z, y, x in itertools.product(*axes)
    ]  # the weight is a product over axes, and so is its sum over a grid of tiles


def tile_starts(length: int, tile: int, overlap: float) -> tuple[int, ...]:
    """First voxels of evenly spaced tiles that cover `length` (≥ tile) voxels and share at least `overlap` tiles."""
    stride = max(1, int(tile * (1 - overlap)))
    count = math.ceil((length - tile) / stride) + 1
    return tuple(round(i * (length - tile) / max(count - 1, 1)) for i in range(count))


def tile_weight(tile: int) -> np.ndarray:
    """How much an answer counts along one axis of a tile: Gaussian, never below 1% of the centre's; float32 (tile,)."""
    distance = (np.arange(tile) - (tile - 1) / 2) / (GAUSSIAN_WIDTH * tile)
    return np.maximum(np.exp(-0.5 * distance**2), 0.01).astype(np.float32)
