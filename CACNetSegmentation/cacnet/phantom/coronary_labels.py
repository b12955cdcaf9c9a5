"""One connected tree for each vessel number in a label map."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

NEIGHBOURS = [(z, y, x) for z in (-1, 0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1) if (z, y, x) > (0, 0, 0)]
"""Half of the 26, as (z, y, x) steps."""


def join_vessels(labels: np.ndarray) -> None:
    """Give each piece cut off from its vessel (26-connected) the number of the vessel it touches most; in place.

    Where branches of two vessels leave a bifurcation side by side, single voxels of the one would lie within the other.
    Pieces that touch no other vessel stay: a tree cut by the edge of the field has them.

    Args:
        labels: (z, y, x) uint8 vessel number, 0 outside.
    """
    at = np.flatnonzero(labels)
    if not len(at):
        return
    first, second = _touching(at, labels.shape)
    for _ in range(3):
        number = labels.ravel()[at]
        same = number[first] == number[second]
        links = coo_matrix((np.ones(int(same.sum()), bool), (first[same], second[same])), (len(at), len(at)))
        count, piece = connected_components(links, directed=False)
        size = np.bincount(piece, minlength=count)
        vessel = np.zeros(count, np.uint8)
        vessel[piece] = number
        main = np.zeros(256, np.int64)
        np.maximum.at(main, vessel, size)
        stray = size < main[vessel]
        pairs = np.concatenate(
            [np.stack([first[~same], second[~same]]), np.stack([second[~same], first[~same]])], axis=1
        )
        pairs = pairs[:, stray[piece[pairs[0]]] & ~stray[piece[pairs[1]]]]
        if not pairs.shape[1]:
            return
        votes = np.zeros((count, 256), np.int32)
        np.add.at(votes, (piece[pairs[0]], number[pairs[1]]), 1)
        moved = votes[piece].max(axis=1) > 0
        labels.ravel()[at[moved]] = votes[piece[moved]].argmax(axis=1)


def drop_loose_specks(coronary: np.ndarray, calcium: np.ndarray) -> None:
    """Remove pieces of the artery label that no tree reaches, in place: tips of branches that fall under half a voxel.

    A tree is a piece (26-connected) of at least a tenth of the largest. Pieces with calcium stay, and so do those that
    touch the edge of the field, behind which the tree may go on.

    Args:
        coronary, calcium: (z, y, x) uint8 vessel numbers on one grid.
    """
    at = np.flatnonzero(coronary)
    if not len(at):
        return
    first, second = _touching(at, coronary.shape)
    links = coo_matrix((np.ones(len(first), bool), (first, second)), (len(at), len(at)))
    count, piece = connected_components(links, directed=False)
    keep = np.bincount(piece, minlength=count) >= 0.1 * np.bincount(piece).max()
    keep[piece[calcium.ravel()[at] > 0]] = True
    voxels = np.stack(np.unravel_index(at, coronary.shape), axis=-1)
    keep[piece[((voxels == 0) | (voxels == np.array(coronary.shape) - 1)).any(axis=1)]] = True
    coronary.ravel()[at[~keep[piece]]] = 0


def _touching(at: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of positions in the sorted flat indices `at` whose voxels touch."""
    z, y, x = np.unravel_index(at, shape)
    first, second = [], []
    for dz, dy, dx in NEIGHBOURS:
        inside = (z + dz < shape[0]) & (y + dy >= 0) & (y + dy < shape[1]) & (x + dx >= 0) & (x + dx < shape[2])
        goal = at[inside] + (dz * shape[1] + dy) * shape[2] + dx
        found = np.minimum(np.searchsorted(at, goal), len(at) - 1)
        hit = at[found] == goal
        first.append(np.flatnonzero(inside)[hit])
        second.append(found[hit])
    return np.concatenate(first), np.concatenate(second)
