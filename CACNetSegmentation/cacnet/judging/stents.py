"""Stents: metal all around an artery over a length, which is taken for calcium where it is blurred.

A plaque lies on one side of its artery and is lumpy; a stent's struts go all the way round, evenly, over ten
millimetres and more. Both figures are taken on rings around the centre lines. Within a stent only what CAC-Net is sure
of counts. Chosen and measured on simulated CCTA: Testing/Benchmark/stents.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from cacnet.anatomy import Vessel
from cacnet.components import find_components
from cacnet.sparse_maps import SparseMap
from cacnet.spots import accept_if, count_and_places
from cacnet.vessels import Courses
from cacnet.volume import Geometry

DIRECTIONS = 16
STEP_MM = 0.25
BEYOND_WALL_MM = 0.25
"""A ring's HU is the highest from the centre line to this far beyond the artery's wall, in each direction."""
LEAST_REACH_MM = 1.0

MOST_LEFT_OPEN = 20.0
"""Percent of the directions in which a stented artery need not be bright."""
BRIGHTER_THAN_BLOOD = 0.2
"""In the others it is brighter than the blood by this share of it."""

TANGENT_MM = 2.5
GAP_MM = 2.0
"""Points of a stent are at most this far apart."""
LEAST_LENGTH_MM = 11.0
MOST_UNEVEN = 0.4
"""Standard deviation of the rings' median brightness over the blood along a stent, as a share of its mean."""
LEAST_ROUND = 0.55
"""The 20th percentile of a ring's brightness over the blood, as a share of the 80th; median over a stent's rings."""

BEYOND_STENT_MM = 1.0
"""A stent blooms this far beyond the artery's wall."""


LEAST_SURE = 0.7
"""CAC-Net's mean probability from which calcium in a stent counts."""


@dataclass(frozen=True, eq=False)
class Stent:
    """A stented part of an artery.

    Attributes:
        vessel: the artery.
        from_mm, to_mm: along it, from its ostium.
        points_mm_lps: (n, 3) of its centre line; radius_mm: (n,) of the artery with its wall.
    """

    vessel: Vessel
    from_mm: float
    to_mm: float
    points_mm_lps: np.ndarray
    radius_mm: np.ndarray


def find_stents(courses: Courses | None, hu_zyx: np.ndarray, geometry: Geometry, blood_hu: float) -> tuple[Stent, ...]:
    """The stents along the arteries, in the arteries' order.

    Args:
        courses: the centre lines; without them no stent is found.
        hu_zyx: the CT on `geometry`.
        blood_hu: the blood in the arteries.
    """
    if courses is None or not math.isfinite(blood_hu) or blood_hu <= 0:
        return ()
    known = np.isfinite(courses.from_ostium_mm)
    stents = []
    for vessel in np.unique(courses.vessel[known]).tolist():
        own = np.flatnonzero(known & (courses.vessel == vessel))
        points, radius_mm, along_mm = (
            array[own] for array in (courses.points_mm_lps, courses.radius_mm, courses.from_ostium_mm)
        )
        above_blood = rings(points, radius_mm, hu_zyx, geometry) - np.float32(blood_hu)
        for part in _bright_all_around(points, above_blood, BRIGHTER_THAN_BLOOD * blood_hu):
            if np.ptp(along_mm[part]) >= LEAST_LENGTH_MM and _is_even_and_round(above_blood[part]):
                ends = float(along_mm[part].min()), float(along_mm[part].max())
                stents.append(Stent(Vessel(vessel), *ends, points[part], radius_mm[part]))
    return tuple(stents)


def rings(points_mm_lps: np.ndarray, radius_mm: np.ndarray, hu_zyx: np.ndarray, geometry: Geometry) -> np.ndarray:
    """(n, DIRECTIONS) float32: the highest HU in each direction across a centre line, as far as the artery's wall."""
    reach_mm = np.maximum(radius_mm + BEYOND_WALL_MM, LEAST_REACH_MM)
    out_mm = np.arange(0.0, reach_mm.max() + STEP_MM / 2, STEP_MM)
    across = _across(points_mm_lps)
    positions = points_mm_lps[:, None, None] + across[:, :, None] * out_mm[:, None]
    index = geometry.lps_to_index(positions.reshape(-1, 3))
    sampled = ndimage.map_coordinates(hu_zyx, index.T, output=np.float32, order=1, mode="nearest")
    sampled = sampled.reshape(len(points_mm_lps), DIRECTIONS, len(out_mm))
    within = out_mm <= reach_mm[:, None, None] + 1e-6
    highest: np.ndarray = np.where(within, sampled, -np.inf).max(axis=2)
    return highest


def _across(points_mm_lps: np.ndarray) -> np.ndarray:
    """(n, DIRECTIONS, 3): unit vectors at right angles to the centre line at each of its points."""
    tree = cKDTree(points_mm_lps)
    tangents = np.tile([0.0, 0.0, 1.0], (len(points_mm_lps), 1))
    for point, near in enumerate(tree.query_ball_point(points_mm_lps, TANGENT_MM)):
        if len(near) > 2:
            around = points_mm_lps[near] - points_mm_lps[near].mean(axis=0)
            tangents[point] = np.linalg.svd(around, full_matrices=False)[2][0]
    steep = np.abs(tangents[:, 2:]) >= 0.8
    first = np.cross(tangents, np.where(steep, [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(tangents, first)
    angle = np.arange(DIRECTIONS)[:, None] * (2 * np.pi / DIRECTIONS)
    across: np.ndarray = np.cos(angle) * first[:, None] + np.sin(angle) * second[:, None]
    return across


def _bright_all_around(points: np.ndarray, above_blood: np.ndarray, at_least_hu: float) -> Iterator[np.ndarray]:
    """The points of each part of a centre line that is bright in nearly every direction."""
    bright = np.flatnonzero(np.percentile(above_blood, MOST_LEFT_OPEN, axis=1) >= at_least_hu)
    if not len(bright):
        return
    tree = cKDTree(points[bright])
    count, number = connected_components(tree.sparse_distance_matrix(tree, GAP_MM))
    for part in range(count):
        yield bright[number == part]


def _is_even_and_round(above_blood: np.ndarray) -> bool:
    low, middle, high = np.percentile(above_blood, (MOST_LEFT_OPEN, 50, 100 - MOST_LEFT_OPEN), axis=1)
    return bool(middle.std() <= MOST_UNEVEN * middle.mean() and np.median(low / high) >= LEAST_ROUND)


def calcium_in(stent: Stent, calcium: SparseMap, geometry: Geometry) -> SparseMap:
    """The voxels of a map that lie in a stent or its blooming; bool."""
    reach_mm = stent.radius_mm + BEYOND_STENT_MM
    away_mm, nearest = cKDTree(stent.points_mm_lps).query(
        geometry.index_to_lps(calcium.voxels), distance_upper_bound=float(reach_mm.max()) + 1e-6
    )
    reached = np.isfinite(away_mm)
    reached[reached] = away_mm[reached] <= reach_mm[nearest[reached]]
    return SparseMap.mask(calcium.index[reached], calcium.shape)


def struts_among(calcium: SparseMap, calcium_probability: SparseMap) -> SparseMap:
    """The 26-connected parts of what `calcium_in` gave of which CAC-Net, by its probability, is not sure; bool."""
    parts = find_components(calcium)
    total = np.bincount(parts.number, calcium_probability.at(parts.index).astype(float), minlength=parts.count)
    return parts.mask_of(total < LEAST_SURE * parts.sizes)


def taken_for_struts(stent: Stent, struts: SparseMap, counting: SparseMap, geometry: Geometry) -> tuple[str, ...]:
    """A sentence on a stent and what `struts_among` gave and what not; none where there is nothing of both."""
    where = (
        f"The {stent.vessel.label} is bright all around from {stent.from_mm:.0f} to {stent.to_mm:.0f} mm from its "
        f"ostium, as a stent is."
    )
    told = []
    count, places = count_and_places(struts, geometry)
    if count:
        found, was = ("One calcification", "was") if count == 1 else (f"{count} calcifications", "were")
        told.append(f"{found} there {was} left out, since struts look like calcium: {places}. {accept_if(count)}")
    count, places = count_and_places(counting, geometry)
    if count:
        found, it = ("One there counts", "it") if count == 1 else (f"{count} there count", "them")
        told.append(f"{found}, since the first network is sure of {it}: {places}. Reject what you see as struts.")
    return (" ".join((where, *told)),) if told else ()
