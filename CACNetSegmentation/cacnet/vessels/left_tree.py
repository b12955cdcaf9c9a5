"""Tell the left main apart: the common way to the LAD and the LCx."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csgraph, csr_matrix
from scipy.spatial import cKDTree

from cacnet.anatomy import Vessel
from cacnet.vessels.centerlines import GAP_COST

ARTERY_SHARE = 0.4
"""A branch of the fork leads to at least this share of its artery; less is an error of naming."""
ARTERY_MM = 15.0
"""… and to at least this much; less is a twig."""

LONGEST_MAIN_MM = 32.0
"""A left main is some 5–25 mm long; LAD and LCx that part further away do not part at its end."""

LOST_START_MM = 20.0
"""A gap at the start of the LAD or the LCx is at most this long."""

FORK_RADII = 0.8
"""Centre lines part this many radii before the walls of the two branches do."""

FORK_MM = 3.0
"""Branches that leave the left main this near to its end leave it at its end."""

WORKING_STEP_MM = 1.2
"""Mean length of centre line per point on the working grid (1 mm straight, 1.4 and 1.7 mm diagonal)."""


@dataclass(frozen=True, eq=False)
class _Tree:
    """The shortest-path tree from the left ostium, over its own points in order of distance.

    `lad_mm` and `lcx_mm` are the lengths of each artery downstream of every point, itself included.
    """

    distance: np.ndarray
    radius_mm: np.ndarray
    parent: np.ndarray
    lad_mm: np.ndarray
    lcx_mm: np.ndarray


def divide_left_tree(
    names: np.ndarray,
    radius_mm: np.ndarray,
    distance_mm: np.ndarray,
    predecessor: np.ndarray,
    members: np.ndarray,
) -> tuple[np.ndarray, list[str]]:
    """The vessel of each of `members`, and notes on what could not be decided.

    The left main ends where the LAD and the LCx part. Each branch beyond it is one artery, the one to which most of it
    was given. Where nothing parts, the names stay as they are.

    Args:
        names: (n,) LAD or LCX for each point of the left tree.
        radius_mm: (n,) of the vessel.
        distance_mm, predecessor: of all centre-line points, along the vessels from the ostium.
        members: indices of the points of the left tree.
    """
    order = members[np.argsort(distance_mm[members], kind="stable")]
    position = np.full(len(names), -1)
    position[order] = np.arange(len(order))
    parent = np.where(predecessor[order] < 0, -1, position[np.maximum(predecessor[order], 0)])
    is_lad, is_lcx = (_downstream_mm(names[order] == v, parent) for v in (Vessel.LAD, Vessel.LCX))
    tree = _Tree(distance_mm[order], radius_mm[order], parent, is_lad, is_lcx)
    vessel, notes = _divided(tree, names[order])
    return vessel[position[members]], notes


def with_lost_start(
    links: csr_matrix, points_mm_lps: np.ndarray, names: np.ndarray, distance_mm: np.ndarray
) -> csr_matrix:
    """The links, with one more where the LAD or the LCx has lost its start and so hangs on nothing.

    The largest loose piece of an artery that the left tree lacks is tied to the point of the tree that it comes nearest
    to, if that may be the end of the left main.
    """
    reached = np.isfinite(distance_mm)
    trunk = np.flatnonzero(reached & np.isin(names, (Vessel.LAD, Vessel.LCX)) & (distance_mm <= LONGEST_MAIN_MM))
    _, piece = csgraph.connected_components(links, directed=False)
    for artery in (Vessel.LAD, Vessel.LCX):
        loose = np.flatnonzero((names == artery) & ~reached)
        if (reached & (names == artery)).sum() * WORKING_STEP_MM >= ARTERY_MM or not len(loose) or not len(trunk):
            continue
        sizes = np.bincount(piece[loose])
        members = np.flatnonzero(piece == sizes.argmax())
        gap_mm, nearest = cKDTree(points_mm_lps[trunk]).query(points_mm_lps[members])
        at = int(gap_mm.argmin())
        if sizes.max() * WORKING_STEP_MM < ARTERY_MM or gap_mm[at] > LOST_START_MM:
            continue
        a, b, length = members[at], trunk[nearest[at]], GAP_COST * gap_mm[at]
        return (links + csr_matrix(([length, length], ([a, b], [b, a])), shape=links.shape)).tocsr()
    return links


def _downstream_mm(own: np.ndarray, parent: np.ndarray) -> np.ndarray:
    length = own * WORKING_STEP_MM
    for i in range(len(parent) - 1, 0, -1):
        if parent[i] >= 0:
            length[parent[i]] += length[i]
    return np.asarray(length)


def _divided(tree: _Tree, names: np.ndarray) -> tuple[np.ndarray, list[str]]:
    vessel = names.copy()
    main = _leads_to(tree.lad_mm) & _leads_to(tree.lcx_mm)
    if not main.any():
        only = _more_of(tree, 0)
        vessel[:] = only
        what = f"so no left main is named and what begins there is named {only.label} from its course"
        return vessel, [f"The left tree does not fork into LAD and LCx near its ostium, {what}."]
    if tree.distance[main].max() > LONGEST_MAIN_MM:
        return vessel, ["The LAD and the LCx part too far from the ostium for a left main, so none is named."]
    fork = int(np.argmax(np.where(main, tree.distance, -1)))
    end_mm = tree.distance[fork] + FORK_RADII * tree.radius_mm[fork]
    left_at = np.arange(len(vessel))
    for i in np.flatnonzero(~main).tolist():
        above = tree.parent[i]
        left_at[i] = left_at[above]
        branches = above < 0 or main[above]
        vessel[i] = _more_of(tree, i) if branches else vessel[above]
    at_fork = tree.distance[left_at] >= tree.distance[fork] - FORK_MM
    vessel[main | (at_fork & (tree.distance <= end_mm))] = Vessel.LM
    return vessel, []


def _leads_to(downstream_mm: np.ndarray) -> np.ndarray:
    return np.asarray(downstream_mm >= max(ARTERY_MM, ARTERY_SHARE * downstream_mm.max()))


def _more_of(tree: _Tree, point: int) -> Vessel:
    return Vessel.LAD if tree.lad_mm[point] >= tree.lcx_mm[point] else Vessel.LCX
