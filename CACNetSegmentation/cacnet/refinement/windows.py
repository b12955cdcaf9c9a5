"""What the border network is shown of a CT: windows of fixed size, on the CT's own grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cacnet.bounding_box import Box
from cacnet.prepare import DENSE_SLOPE
from cacnet.sparse_maps import SparseMap

WINDOW_VOXELS = (32, 48, 48)
"""(z, y, x): some 16 × 18 × 18 mm of a usual CCTA, which shows the artery on both sides of a plaque."""

CELL_VOXELS = (16, 24, 24)
"""The middle of a window, which its answer is taken for: nearer to its faces too little is seen around."""

CONTRAST_SCALE_HU = 400.0
CONTRAST_RANGE = (-2.0, 8.0)
"""The CT is given as contrast to this scan's blood, 1 for `CONTRAST_SCALE_HU`, and clipped: whatever the tube voltage
and the injection, blood is 0, fat about −1 and the core of a plaque 1 to 4."""

DENSE_CONTRAST = 3.0
"""Above it the scale is flatter, by cacnet.prepare.DENSE_SLOPE: dense plaque and metal differ, and swamp nothing."""

LARGEST_SPACING_MM = (1.5, 0.75, 0.75)
"""(z, y, x): on coarser grids the border network was not trained, and the wall network does harm."""

LEAST_CALCIUM, LEAST_CORONARY = 0.05, 0.5
"""Smaller probabilities of CAC-Net are told as 0."""

AIR_HU = -1024


def cells_around(
    voxels_zyx: np.ndarray,
    reach_zyx: Sequence[int],
    shape_zyx: Sequence[int],
    cell_voxels: Sequence[int] = CELL_VOXELS,
) -> list[Box]:
    """The grid is divided into cells of a size: those that lie within a reach of one of `voxels` (n, 3).

    In (z, y, x) order; cells end with the grid.
    """
    counts = [-(-side // edge) for side, edge in zip(shape_zyx, cell_voxels, strict=True)]
    occupied = np.zeros(counts, dtype=bool)
    for corner in np.ndindex(3, 3, 3):
        moved = voxels_zyx + (np.array(corner) - 1) * reach_zyx
        occupied[tuple((np.clip(moved, 0, np.array(shape_zyx) - 1) // cell_voxels).T)] = True
    cells = []
    for at in np.argwhere(occupied):
        z, y, x = (
            slice(int(a) * edge, min((int(a) + 1) * edge, side))
            for a, edge, side in zip(at, cell_voxels, shape_zyx, strict=True)
        )
        cells.append((z, y, x))
    return cells


def window_around(
    cell: Box, cell_voxels: Sequence[int] = CELL_VOXELS, window_voxels: Sequence[int] = WINDOW_VOXELS
) -> Box:
    """The window with a cell of full size in its middle; it may reach beyond the grid."""
    z, y, x = (
        slice(side.start - (size - edge) // 2, side.start - (size - edge) // 2 + size)
        for side, edge, size in zip(cell, cell_voxels, window_voxels, strict=True)
    )
    return z, y, x


def answer_for(
    cell: Box,
    answer_zyx: np.ndarray,
    cell_voxels: Sequence[int] = CELL_VOXELS,
    window_voxels: Sequence[int] = WINDOW_VOXELS,
) -> np.ndarray:
    """The part of a window's answer that is its cell's."""
    z, y, x = (
        slice((size - edge) // 2, (size - edge) // 2 + side.stop - side.start)
        for side, edge, size in zip(cell, cell_voxels, window_voxels, strict=True)
    )
    return answer_zyx[z, y, x]


def channels_of(
    hu_zyx: np.ndarray,
    calcium_probability_zyx: np.ndarray,
    coronary_probability_zyx: np.ndarray,
    blood_hu: float,
) -> np.ndarray:
    """The network's input (3, z, y, x) float32: the CT, and both probabilities of CAC-Net.

    It is not told the grid's spacing: from some dozens of patients it learned which one a spacing belonged to, and was
    wrong on others.
    """
    channels = np.empty((3, *hu_zyx.shape), np.float32)
    contrast_of(hu_zyx, blood_hu, out=channels[0])
    for channel, probability, least in (
        (1, calcium_probability_zyx, LEAST_CALCIUM),
        (2, coronary_probability_zyx, LEAST_CORONARY),
    ):
        channels[channel] = np.where(probability >= least, 2 * probability.astype(np.float32) - 1, -1)
    return channels


def contrast_of(hu_zyx: np.ndarray, blood_hu: float, out: np.ndarray) -> None:
    """The CT as contrast to blood, written to `out` (float32, the same shape)."""
    out[:] = hu_zyx
    out -= blood_hu
    out /= CONTRAST_SCALE_HU
    np.clip(out, *CONTRAST_RANGE, out=out)
    np.minimum(out, DENSE_CONTRAST + DENSE_SLOPE * (out - DENSE_CONTRAST), out=out)


def cut(array_zyx: np.ndarray | SparseMap, window: Box, outside: float) -> np.ndarray:
    """A window that may reach beyond the array, where it is `outside`."""
    z, y, x = (slice(max(0, s.start), min(n, s.stop)) for s, n in zip(window, array_zyx.shape, strict=True))
    whole = np.full([side.stop - side.start for side in window], outside, _dtype(array_zyx))
    at = tuple(slice(i.start - w.start, i.stop - w.start) for i, w in zip((z, y, x), window, strict=True))
    whole[at] = array_zyx[z, y, x]
    return whole


def is_fine_enough(spacing_mm_zyx: tuple[float, float, float]) -> bool:
    """Whether the border and the wall network are of use on grids like this one."""
    return all(mine <= largest + 1e-6 for mine, largest in zip(spacing_mm_zyx, LARGEST_SPACING_MM, strict=True))


def _dtype(array: np.ndarray | SparseMap) -> np.dtype:
    return array.values.dtype if isinstance(array, SparseMap) else array.dtype
