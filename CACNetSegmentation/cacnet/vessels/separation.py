"""Part the left from the right coronary tree where a mask joins them."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.sparse import csgraph, csr_matrix

from cacnet.vessels.centerlines import Centerlines

TRUNK_MM = 30.0
"""The trees never join this near to an ostium."""

MAX_CUTS = 8
"""Two trees that touch in more places than this are left to the distance from the ostia."""

SMOOTHING_POINTS = 5


def part_trees(lines: Centerlines, left: int, right: int) -> csr_matrix:
    """`lines.bridged_mm` without the links between the two trees.

    Distal branches of the RCA and of the LCx or the LAD come within a millimetre of each other and merge in a mask.
    Both taper towards that place, so each path from ostium to ostium is cut over a gap or else where it is thinnest,
    the nearest to its middle among equals.
    """
    links = lines.bridged_mm.tolil()
    for _ in range(MAX_CUTS):
        path, distance_mm = _path(links.tocsr(), left, right)
        cut = _weakest_link(lines, path, distance_mm)
        if cut is None:
            break
        a, b = path[cut], path[cut + 1]
        links[a, b] = links[b, a] = 0
    return links.tocsr()


def _path(links: csr_matrix, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Points from start to end along the shortest path, and their distance from the start; empty if there is none."""
    distance, predecessor = csgraph.dijkstra(links, directed=False, indices=start, return_predecessors=True)
    if not np.isfinite(distance[end]):
        return np.zeros(0, dtype=int), np.zeros(0)
    path = [end]
    while path[-1] != start:
        path.append(int(predecessor[path[-1]]))
    return np.array(path[::-1]), distance[path[::-1]]


def _weakest_link(lines: Centerlines, path: np.ndarray, distance_mm: np.ndarray) -> int | None:
    """Index into the path of the link to cut, or None where no link is far enough from both ostia."""
    if len(path) < 2:
        return None
    away = (distance_mm[:-1] >= TRUNK_MM) & (distance_mm[-1] - distance_mm[1:] >= TRUNK_MM)
    if not away.any():
        return None
    radius_mm = uniform_filter1d(lines.radius_mm[path], SMOOTHING_POINTS)
    strength = np.minimum(radius_mm[:-1], radius_mm[1:])
    is_bridge = np.asarray(lines.lengths_mm[path[:-1], path[1:]]).ravel() == 0
    off_middle = np.abs(distance_mm[:-1] - distance_mm[-1] / 2) / distance_mm[-1]
    weakness = np.where(is_bridge, -1.0, np.round(strength, 1)) + 1e-3 * off_middle
    return int(np.argmin(np.where(away, weakness, np.inf)))
