"""Give every calcium lesion the artery that it lies in."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from cacnet.anatomy import Vessel
from cacnet.components import is_near
from cacnet.sparse_maps import SparseMap, as_sparse
from cacnet.volume import Geometry, GeometryMismatchError

MAX_DISTANCE_MM = 5.0
"""Calcium lies in the vessel wall; further than a large vessel's diameter from every named artery it is in none."""


def assign_calcium(
    calcium_zyx: np.ndarray | SparseMap,
    territories_zyx: np.ndarray | SparseMap,
    geometry: Geometry,
    max_distance_mm: float = MAX_DISTANCE_MM,
) -> SparseMap:
    """uint8 labels: each 26-connected lesion gets one `Vessel` number, by the majority of its voxels.

    A voxel votes for the nearest voxel of `territories_zyx`, or for UNASSIGNED where that is further than
    `max_distance_mm`. Equal votes go to the lower number, so to a named artery before UNASSIGNED.

    Raises:
        GeometryMismatchError: an array without the grid's shape.
    """
    for name, array in (("calcium mask", calcium_zyx), ("territory map", territories_zyx)):
        if array.shape != geometry.shape_zyx:
            raise GeometryMismatchError(
                f"the {name} has the shape {array.shape} (z, y, x)", f"the grid's shape, {geometry.shape_zyx}"
            )
    calcium = as_sparse(calcium_zyx)
    voxels = calcium.voxels
    if len(voxels) == 0:
        return SparseMap(calcium.index, np.zeros(0, np.uint8), geometry.shape_zyx)
    votes = _nearest_vessel(voxels, as_sparse(territories_zyx), geometry, max_distance_mm)
    start = voxels.min(axis=0)
    crop = np.zeros(voxels.max(axis=0) - start + 1, dtype=bool)
    crop[tuple((voxels - start).T)] = True
    components, n_lesions = ndimage.label(crop, np.ones((3, 3, 3), dtype=bool))
    lesion = components[tuple((voxels - start).T)]
    ballot = np.zeros((n_lesions + 1, Vessel.UNASSIGNED + 1), dtype=np.int64)
    np.add.at(ballot, (lesion, votes), 1)
    return SparseMap(calcium.index, ballot.argmax(axis=1)[lesion].astype(np.uint8), geometry.shape_zyx)


def _nearest_vessel(
    voxels: np.ndarray, territories: SparseMap, geometry: Geometry, max_distance_mm: float
) -> np.ndarray:
    votes = np.full(len(voxels), Vessel.UNASSIGNED, dtype=np.int64)
    reach = [math.ceil(max_distance_mm / spacing) for spacing in geometry.spacing_mm_zyx]
    near = is_near(territories.voxels, voxels, reach)
    arteries, vessels = territories.voxels[near], territories.values[near]
    if len(arteries) == 0:
        return votes
    tree = cKDTree(geometry.index_to_lps(arteries))
    distance_mm, nearest = tree.query(geometry.index_to_lps(voxels), distance_upper_bound=max_distance_mm * (1 + 1e-9))
    found = np.isfinite(distance_mm)
    votes[found] = vessels[nearest[found]]
    return votes
