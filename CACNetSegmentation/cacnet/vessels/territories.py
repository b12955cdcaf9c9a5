"""Name the arteries of a coronary mask: LM, LAD, LCx and RCA with their side branches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy.sparse import csgraph, csr_matrix
from scipy.spatial import cKDTree

from cacnet.anatomy import Vessel
from cacnet.sparse_maps import SparseMap, as_sparse
from cacnet.vessels.alignment import align
from cacnet.vessels.atlas import atlas
from cacnet.vessels.centerlines import Centerlines, find_centerlines
from cacnet.vessels.left_tree import divide_left_tree, with_lost_start
from cacnet.vessels.naming import name_points
from cacnet.vessels.ostia import Ostia, find_ostia
from cacnet.vessels.places import Courses, lengths_from_ostium
from cacnet.volume import Geometry, GeometryMismatchError

RIGHT_DOMINANT_RCA_MM = 100.0
LEFT_DOMINANT_RCA_MM = 85.0
LEFT_DOMINANT_LCX_MM = 110.0
"""Usual lengths are RCA 120–140 and LCx 80–100 mm; the artery that supplies the inferior wall is the longer one."""
RETURN_MM = 20.0
"""The dominant artery turns back towards the midline under the heart by at least this much."""


LEFT = (Vessel.LAD, Vessel.LCX)

REACH_RADII, REACH_MM = 1.5, 2.0
"""A voxel further from its centre line than this many radii and mm lies in a part too thick for an artery."""


class Dominance(StrEnum):
    """Which artery supplies the inferior wall."""

    RIGHT = "right"
    LEFT = "left"


@dataclass(frozen=True, eq=False)
class TerritoryMap:
    """The named arteries.

    Attributes:
        labels: uint8, `Vessel` numbers on the coronary mask.
        dominance: None where the mask does not show it.
        notes: one sentence for each thing that could not be decided.
        aortic_root_mm_lps: the middle between the two ostia, a good place to measure the blood pool; None without both.
        courses: the named centre lines, by which a lesion's place along its artery is told; None without any.
    """

    labels: SparseMap
    dominance: Dominance | None
    notes: tuple[str, ...]
    aortic_root_mm_lps: tuple[float, float, float] | None = None
    courses: Courses | None = None


def label_territories(coronary_zyx: np.ndarray | SparseMap, hu_zyx: np.ndarray, geometry: Geometry) -> TerritoryMap:
    """Name every voxel of a coronary mask.

    The mask becomes centre lines; an atlas of the arteries' usual courses is laid over them; each point takes the
    artery that fits its place and the vessel that it hangs on; the left main is the common way to LAD and LCx. What
    fits none or several is UNASSIGNED. Any mask is accepted.

    Args:
        coronary_zyx: bool mask, best on the network's isotropic 0.5 mm grid.
        hu_zyx: HU on the same grid; they help to find the aortic root.
        geometry: that grid, in any orientation.

    Raises:
        GeometryMismatchError: an array without the grid's shape.
    """
    for name, array in (("coronary mask", coronary_zyx), ("CT", hu_zyx)):
        if array.shape != geometry.shape_zyx:
            raise GeometryMismatchError(
                f"the {name} has the shape {array.shape} (z, y, x)", f"the grid's shape, {geometry.shape_zyx}"
            )
    coronary = as_sparse(coronary_zyx)
    inside = coronary.voxels
    lines = find_centerlines(inside, geometry)
    if lines is None:
        labels = np.full(len(inside), np.uint8(Vessel.UNASSIGNED))
        what = "does not look like a tree of vessels" if len(inside) else "is empty"
        return TerritoryMap(
            replace(coronary, values=labels), None, (f"The coronary mask {what}, so no artery is named.",)
        )
    courses = atlas()
    lumen_hu = float(np.median(hu_zyx[tuple(inside.T)]))
    alignment = align(lines, courses, lumen_hu, hu_zyx, geometry)
    vessel, sure = name_points(lines, alignment, courses)
    mask = SparseMap.mask(coronary.index, coronary.shape).dense()
    ostia = find_ostia(lines, vessel, alignment, mask, lumen_hu, hu_zyx, geometry)
    named = _with_left_main(lines, vessel, sure, ostia)
    distance_mm, nearest = cKDTree(lines.points_mm_lps).query(geometry.index_to_lps(inside))
    far = distance_mm > REACH_RADII * lines.radius_mm[nearest] + REACH_MM
    labels = np.where(far, np.uint8(Vessel.UNASSIGNED), named.vessel[nearest])
    found = Courses(lines.points_mm_lps, named.vessel, named.from_ostium_mm, lines.radius_mm)
    return TerritoryMap(replace(coronary, values=labels), named.dominance, named.notes, _root(lines, ostia), found)


@dataclass(frozen=True, eq=False)
class _Named:
    vessel: np.ndarray
    dominance: Dominance | None
    notes: tuple[str, ...]
    from_ostium_mm: np.ndarray


def _with_left_main(lines: Centerlines, names: np.ndarray, sure: np.ndarray, ostia: Ostia) -> _Named:
    """The names with the left main, and what follows from the way along the vessels."""
    vessel, notes = names.copy(), _missing(names)
    sources = [i for i in (ostia.left, ostia.right) if i is not None]
    if not sources:
        vessel[~sure] = Vessel.UNASSIGNED
        return _Named(vessel, None, tuple(notes), np.full(len(names), np.nan))
    links = _within_trees(lines.bridged_mm, names)
    distance, predecessor = _paths(links, sources)
    if ostia.left is not None:
        links = with_lost_start(links, lines.points_mm_lps, names, distance)
        distance, predecessor = _paths(links, sources)
    left = np.isin(names, LEFT)
    of_left = np.flatnonzero(np.isfinite(distance) & left)
    vessel[left & ~sure] = Vessel.UNASSIGNED
    if len(of_left):
        vessel[of_left], left_notes = divide_left_tree(names, lines.radius_mm, distance, predecessor, of_left)
        notes += left_notes
    return _Named(
        vessel,
        _dominance(lines.points_mm_lps, distance, vessel),
        tuple(notes),
        lengths_from_ostium(lines.points_mm_lps, distance, predecessor),
    )


def _missing(names: np.ndarray) -> list[str]:
    if (names == Vessel.UNASSIGNED).all():
        return ["No coronary tree that could be named was found."]
    notes = []
    if not (names == Vessel.RCA).any():
        notes.append("The right coronary artery was not found.")
    if not np.isin(names, LEFT).any():
        notes.append("The left coronary tree was not found.")
    return notes


def _within_trees(links: csr_matrix, names: np.ndarray) -> csr_matrix:
    """The links between points of the same tree: left, right, or none."""
    tree = np.where(np.isin(names, LEFT), Vessel.LAD, names)
    pairs = links.tocoo()
    same = tree[pairs.row] == tree[pairs.col]
    return csr_matrix((pairs.data[same], (pairs.row[same], pairs.col[same])), shape=links.shape)


def _paths(links: csr_matrix, sources: list[int]) -> tuple[np.ndarray, np.ndarray]:
    distance, predecessor, _ = csgraph.dijkstra(
        links, directed=False, indices=sources, min_only=True, return_predecessors=True
    )
    return distance, predecessor


def _dominance(points: np.ndarray, distance: np.ndarray, vessel: np.ndarray) -> Dominance | None:
    """By which artery reaches the inferior wall and turns back to the midline; None unless it is clear."""
    reached = np.isfinite(distance)
    rca, lcx = (reached & (vessel == v) for v in (Vessel.RCA, Vessel.LCX))
    if not rca.any() or not lcx.any():
        return None
    rca_mm, lcx_mm = distance[rca].max(), distance[lcx].max()
    rca_end, lcx_end = (points[np.flatnonzero(m)[np.argmax(distance[m])]] for m in (rca, lcx))
    if rca_mm >= RIGHT_DOMINANT_RCA_MM and rca_end[0] - points[rca, 0].min() >= RETURN_MM:
        return Dominance.RIGHT
    returns = points[lcx, 0].max() - lcx_end[0] >= RETURN_MM
    if rca_mm < LEFT_DOMINANT_RCA_MM and lcx_mm >= LEFT_DOMINANT_LCX_MM and returns:
        return Dominance.LEFT
    return None


def _root(lines: Centerlines, ostia: Ostia) -> tuple[float, float, float] | None:
    if ostia.left is None or ostia.right is None:
        return None
    x, y, z = lines.points_mm_lps[[ostia.left, ostia.right]].mean(axis=0)
    return float(x), float(y), float(z)
