"""Name the arteries of a coronary mask: LM, LAD, LCx and RCA with their side branches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.sparse import csgraph, csr_matrix
from scipy.spatial import cKDTree

from cacnet.anatomy import Vessel
from cacnet.vessels.centerlines import Centerlines, find_centerlines
from cacnet.vessels.left_tree import CLEARLY, backwardness, name_left_tree
from cacnet.vessels.ostia import Ostia, find_ostia
from cacnet.vessels.places import Courses, lengths_from_ostium
from cacnet.vessels.separation import part_trees
from cacnet.volume import Geometry, GeometryMismatchError

ADOPTION_MM = 15.0
"""A loose piece this near to exactly one named artery belongs to it."""
ADOPTION_LEAD_MM = 5.0
"""… if every other artery is at least this much further away."""

ARTERY_POINTS = 25
"""A loose piece of this many centre-line points (30 mm) is no side branch."""

RIGHT_DOMINANT_RCA_MM = 100.0
LEFT_DOMINANT_RCA_MM = 85.0
LEFT_DOMINANT_LCX_MM = 110.0
"""Usual lengths are RCA 120–140 and LCx 80–100 mm; the artery that supplies the inferior wall is the longer one."""
RETURN_MM = 20.0
"""The dominant artery turns back towards the midline under the heart by at least this much."""


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
        labels: uint8 (z, y, x): `Vessel` numbers on the coronary mask, 0 elsewhere.
        dominance: None where the mask does not show it.
        notes: one sentence for each thing that could not be decided.
        aortic_root_mm_lps: the middle between the two ostia, a good place to measure the blood pool; None without both.
        courses: the named centre lines, by which a lesion's place along its artery is told; None without any.
    """

    labels: np.ndarray
    dominance: Dominance | None
    notes: tuple[str, ...]
    aortic_root_mm_lps: tuple[float, float, float] | None = None
    courses: Courses | None = None


def label_territories(coronary_zyx: np.ndarray, hu_zyx: np.ndarray, geometry: Geometry) -> TerritoryMap:
    """Name every voxel of a coronary mask.

    The mask becomes centre lines; the two ostia are found; each point belongs to the ostium that it is nearer to along
    the vessel; the left tree is divided at the first fork into two long branches, of which the LAD runs to the front
    and the LCx to the back; side branches follow their parent. What hangs on nothing is UNASSIGNED. Any mask is
    accepted.

    Args:
        coronary_zyx: bool mask, best on the network's isotropic 0.5 mm grid.
        hu_zyx: HU on the same grid; they help to find the ostia.
        geometry: that grid, in any orientation.

    Raises:
        GeometryMismatchError: an array without the grid's shape.
    """
    for name, array in (("coronary mask", coronary_zyx), ("CT", hu_zyx)):
        if array.shape != geometry.shape_zyx:
            raise GeometryMismatchError(
                f"the {name} has the shape {array.shape} (z, y, x)", f"the grid's shape, {geometry.shape_zyx}"
            )
    coronary = coronary_zyx.astype(bool)
    labels = np.where(coronary, np.uint8(Vessel.UNASSIGNED), np.uint8(0))
    lines = find_centerlines(coronary, geometry)
    if lines is None:
        what = "is empty" if not coronary.any() else "does not look like a tree of vessels"
        return TerritoryMap(labels, None, (f"The coronary mask {what}, so no artery is named.",))
    ostia = find_ostia(lines, coronary, hu_zyx, geometry)
    named = _name_points(lines, ostia)
    inside = np.argwhere(coronary)
    distance_mm, nearest = cKDTree(lines.points_mm_lps).query(geometry.index_to_lps(inside))
    far = distance_mm > REACH_RADII * lines.radius_mm[nearest] + REACH_MM
    labels[tuple(inside.T)] = np.where(far, np.uint8(Vessel.UNASSIGNED), named.vessel[nearest])
    courses = Courses(lines.points_mm_lps, named.vessel, named.from_ostium_mm, lines.radius_mm)
    return TerritoryMap(labels, named.dominance, named.notes, _root(lines, ostia), courses)


@dataclass(frozen=True, eq=False)
class _Named:
    vessel: np.ndarray
    dominance: Dominance | None
    notes: tuple[str, ...]
    from_ostium_mm: np.ndarray


def _name_points(lines: Centerlines, ostia: Ostia) -> _Named:
    """The artery of every centre-line point."""
    n = len(lines.points_mm_lps)
    vessel = np.full(n, Vessel.UNASSIGNED, dtype=np.uint8)
    sources = [i for i in (ostia.left, ostia.right) if i is not None]
    if not sources:
        nowhere = np.full(n, np.nan)
        return _Named(vessel, None, ("No coronary tree long enough to be named was found.",), nowhere)
    links = lines.bridged_mm if len(sources) == 1 else part_trees(lines, *sources)
    distance, predecessor, source = csgraph.dijkstra(
        links, directed=False, indices=sources, min_only=True, return_predecessors=True
    )
    notes: list[str] = []
    if ostia.right is None:
        notes.append("The right coronary artery was not found.")
    else:
        vessel[np.isfinite(distance) & (source == ostia.right)] = Vessel.RCA
    if ostia.left is None:
        notes.append("The left coronary tree was not found.")
    else:
        of_left = np.flatnonzero(np.isfinite(distance) & (source == ostia.left))
        vessel[of_left], left_notes = name_left_tree(lines.points_mm_lps, distance, predecessor, of_left)
        notes += left_notes
    _adopt_loose_pieces(lines.points_mm_lps, links, vessel, np.isfinite(distance), ostia.left)
    return _Named(
        vessel,
        _dominance(lines.points_mm_lps, distance, vessel),
        tuple(notes),
        lengths_from_ostium(lines.points_mm_lps, distance, predecessor),
    )


def _adopt_loose_pieces(
    points: np.ndarray, links: csr_matrix, vessel: np.ndarray, attached: np.ndarray, left_ostium: int | None
) -> None:
    """Give each piece that no path reaches to the artery beside it, if there is exactly one.

    A piece as long as an artery beside the LM, LAD or LCx is itself one of the two, and its course says which.
    """
    _, piece = csgraph.connected_components(links, directed=False)
    trees = {
        v: cKDTree(points[attached & (vessel == v)]) for v in np.unique(vessel[attached]) if v != Vessel.UNASSIGNED
    }
    for loose in np.unique(piece[~attached]):
        members = piece == loose
        gaps = sorted((float(tree.query(points[members])[0].min()), v) for v, tree in trees.items())
        if not gaps or gaps[0][0] > ADOPTION_MM:
            continue
        beside = [v for gap, v in gaps if gap - gaps[0][0] < ADOPTION_LEAD_MM]
        if left_ostium is not None and Vessel.RCA not in beside and members.sum() >= ARTERY_POINTS:
            back = backwardness(points[members], points[left_ostium])
            vessel[members] = Vessel.LCX if back > CLEARLY else Vessel.LAD if back < -CLEARLY else Vessel.UNASSIGNED
        elif len(beside) == 1:
            vessel[members] = beside[0]


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
