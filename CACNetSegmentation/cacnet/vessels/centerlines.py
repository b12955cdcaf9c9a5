"""Centre lines of a coronary mask as a graph of points a millimetre apart, with small gaps bridged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_matrix, csgraph, csr_matrix
from scipy.spatial import cKDTree

from cacnet.volume import Geometry

WORKING_SPACING_MM = 1.0
"""Thinning costs as much as the grid is fine; at 1 mm a vessel of 1 mm still shows and two 2 mm apart stay apart."""

MAX_ARTERY_RADIUS_MM = 5.0
"""Anything thicker is aorta or a chamber (a left main is 5.4 ± 0.7 mm in diameter, PMID 29452689)."""

MIN_THIN_SHARE = 0.2
"""A mask of which less than this is thin is a chamber, not a tree with a piece of aorta."""

MAX_GAP_MM = 12.0
"""A dense plaque or a step between slabs interrupts a mask; thinning makes the gap a vessel's width longer."""

MAX_POINTS, MAX_MASK_MM3 = 5_000, 500_000.0
"""A coronary tree has some 600 points and 10 000 to 40 000 mm³ on the working grid; far more is noise or a chamber."""

GAP_COST = 3.0
"""A millimetre of gap counts as three of vessel, so that a path keeps to the mask where it can."""

TANGENT_REACH_MM = 6.0
MAX_GAP_ASIDE_MM = 3.0
MIN_GAP_COSINE = 0.5
"""Beyond 3 mm a gap must lie ahead of the tip, within 60° of its direction."""


@dataclass(frozen=True, eq=False)
class Centerlines:
    """Centre-line points and how they hang together.

    Attributes:
        points_mm_lps: (n, 3).
        radius_mm: (n,) distance to the mask's surface, overestimated by up to half a millimetre.
        lengths_mm: sparse (n, n) distances between neighbours; symmetric; without the bridges.
        bridged_mm: the same with the bridges over gaps, at GAP_COST.
        tips: indices of the points with at most one neighbour.
    """

    points_mm_lps: np.ndarray
    radius_mm: np.ndarray
    lengths_mm: csr_matrix
    bridged_mm: csr_matrix
    tips: np.ndarray


def find_centerlines(inside: np.ndarray, geometry: Geometry) -> Centerlines | None:
    """Centre lines of a mask's voxels (n, 3), without parts too thick for an artery; None if it has no tree."""
    if len(inside) == 0:
        return None
    start, stop = inside.min(axis=0), inside.max(axis=0) + 1
    step = np.maximum(1, np.round(WORKING_SPACING_MM / np.asarray(geometry.spacing_mm_zyx))).astype(int)
    coarse = np.zeros(np.ceil((stop - start) / step).astype(int) + 2, dtype=bool)
    coarse[tuple(((inside - start) // step + 1).T)] = True
    spacing_mm = step * np.asarray(geometry.spacing_mm_zyx)
    if coarse.sum() * np.prod(spacing_mm) > MAX_MASK_MM3:
        return None
    radius_mm = ndimage.distance_transform_edt(coarse, sampling=spacing_mm)
    thin = _without_thick_parts(_smooth(coarse), radius_mm, spacing_mm)
    if thin.sum() < MIN_THIN_SHARE * coarse.sum():
        return None
    index = np.argwhere(_thinned(thin))
    if not 0 < len(index) <= MAX_POINTS:
        return None
    points = geometry.index_to_lps((index - 1 + 0.5) * step - 0.5 + start)
    lengths = _neighbour_lengths(index, points)
    tips = np.flatnonzero(np.diff(lengths.indptr) <= 1)
    bridged = _with_bridges(points, lengths, tips)
    return Centerlines(points, radius_mm[tuple(index.T)], lengths, bridged, tips)


def _smooth(mask: np.ndarray) -> np.ndarray:
    """Without pinholes, each of which thinning would turn into a shell around it."""
    return ndimage.binary_closing(mask, ndimage.generate_binary_structure(3, 1)) | mask


def _thinned(mask: np.ndarray) -> np.ndarray:
    from skimage.morphology import skeletonize

    return skeletonize(mask).astype(bool)


def _without_thick_parts(mask: np.ndarray, radius_mm: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    core = radius_mm > MAX_ARTERY_RADIUS_MM
    if not core.any():
        return mask
    grown_mm = ndimage.distance_transform_edt(~core, sampling=spacing_mm)
    return mask & (grown_mm > MAX_ARTERY_RADIUS_MM + WORKING_SPACING_MM)


def _neighbour_lengths(index: np.ndarray, points: np.ndarray) -> csr_matrix:
    """Distances between points whose voxels are 26-neighbours."""
    pairs = cKDTree(index).query_pairs(1.8, output_type="ndarray")
    return _symmetric(pairs, np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1), len(points))


def _symmetric(pairs: np.ndarray, lengths: np.ndarray, n: int) -> csr_matrix:
    rows, columns = np.concatenate([pairs, pairs[:, ::-1]]).reshape(-1, 2).T
    return coo_matrix((np.concatenate([lengths, lengths]), (rows, columns)), shape=(n, n)).tocsr()


def _with_bridges(points: np.ndarray, lengths: csr_matrix, tips: np.ndarray) -> csr_matrix:
    """Join each tip to the nearest point ahead of it of every other piece within reach."""
    n_pieces, piece = csgraph.connected_components(lengths, directed=False)
    if n_pieces == 1 or len(tips) == 0:
        return lengths
    tree = cKDTree(points)
    bridges: list[tuple[int, int]] = []
    for tip in tips:
        around = np.asarray(tree.query_ball_point(points[tip], MAX_GAP_MM), dtype=int)
        own = points[around[piece[around] == piece[tip]]]
        others = around[piece[around] != piece[tip]]
        if len(others) == 0:
            continue
        gap = points[others] - points[tip]
        gap_mm = np.linalg.norm(gap, axis=1)
        near_own = own[np.linalg.norm(own - points[tip], axis=1) <= TANGENT_REACH_MM]
        ahead = points[tip] - near_own.mean(axis=0)
        cosine = gap @ ahead / np.maximum(gap_mm * np.linalg.norm(ahead), 1e-9)
        allowed = (gap_mm <= MAX_GAP_ASIDE_MM) | (cosine >= MIN_GAP_COSINE) | (len(near_own) == 1)
        for other in np.unique(piece[others[allowed]]):
            candidates = np.flatnonzero(allowed & (piece[others] == other))
            bridges.append((int(tip), int(others[candidates[np.argmin(gap_mm[candidates])]])))
    if not bridges:
        return lengths
    pairs = np.unique(np.sort(np.array(bridges), axis=1), axis=0)
    cost = GAP_COST * np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    return (lengths + _symmetric(pairs, cost, len(points))).tocsr()
