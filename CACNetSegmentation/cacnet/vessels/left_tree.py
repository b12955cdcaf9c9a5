"""Divide the left coronary tree into left main, LAD and LCx."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cacnet.anatomy import Vessel

LONG_BRANCH_MM = 22.0
"""A branch that reaches less far is a side branch; the first diagonal and marginal leave after the fork."""

FORK_WITHIN_MM = 32.0
"""A left main is some 5–25 mm long; a first fork beyond this is one of the LAD or the LCx."""

TRIFURCATION_MM = 4.0
"""Branches that leave within this distance leave together (ramus intermedius)."""

CLEARLY = 0.15
"""A branch runs to the front or the back if its direction's part along that axis exceeds this (about 9°)."""


@dataclass(frozen=True, eq=False)
class _Tree:
    """The shortest-path tree from the left ostium, over the tree's own points in order of distance."""

    points: np.ndarray
    distance: np.ndarray
    parent: np.ndarray
    reach_mm: np.ndarray


def name_left_tree(
    points_mm_lps: np.ndarray, distance_mm: np.ndarray, predecessor: np.ndarray, members: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """The vessel of each of `members`, and notes on what could not be decided.

    Args:
        points_mm_lps, distance_mm, predecessor: of all centre-line points, along the vessels from the ostium.
        members: indices of the points of the left tree.
    """
    order = members[np.argsort(distance_mm[members], kind="stable")]
    position = np.full(len(points_mm_lps), -1)
    position[order] = np.arange(len(order))
    parent = np.where(predecessor[order] < 0, -1, position[np.maximum(predecessor[order], 0)])
    tree = _Tree(points_mm_lps[order], distance_mm[order], parent, _reach(distance_mm[order], parent))
    vessel_in_order, notes = _divide(tree)
    return vessel_in_order[position[members]], notes


def _reach(distance: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """Distance of the furthest point downstream of each."""
    reach = distance.copy()
    for i in range(len(parent) - 1, 0, -1):
        if parent[i] >= 0:
            reach[parent[i]] = max(reach[parent[i]], reach[i])
    return reach


def _divide(tree: _Tree) -> tuple[np.ndarray, list[str]]:
    fork_mm = _first_fork(tree)
    if fork_mm is None:
        return _undivided(tree)
    branches = _long_branches(tree, fork_mm + TRIFURCATION_MM)
    if len(branches) < 2:
        branches = _long_branches(tree, fork_mm)
    downstream = [_downstream(tree, b) for b in branches]
    trunk_end = tree.points[_upstream(tree, branches[0], fork_mm)[-1]]
    backwards = np.array([backwardness(tree.points[d], trunk_end) for d in downstream])
    if backwards.max() < -CLEARLY or backwards.min() > CLEARLY or np.ptp(backwards) < CLEARLY:
        return _undivided(tree)
    middle = (backwards.max() + backwards.min()) / 2
    vessel = np.zeros(len(tree.points), dtype=np.uint8)
    for branch, members, back in zip(branches, downstream, backwards, strict=True):
        name = Vessel.LCX if back > middle else Vessel.LAD
        vessel[members] = name
        vessel[_upstream(tree, branch, fork_mm)[:-1]] = name
    vessel[tree.distance <= fork_mm] = Vessel.LM
    for i in range(len(vessel)):
        if vessel[i] == 0:
            vessel[i] = vessel[tree.parent[i]]
    return vessel, []


def _first_fork(tree: _Tree) -> float | None:
    """Distance from the ostium at which two long branches first run side by side."""
    for cut_mm in np.arange(1.0, FORK_WITHIN_MM, 0.5):
        if len(_long_branches(tree, cut_mm)) >= 2:
            return float(cut_mm)
    return None


def _long_branches(tree: _Tree, cut_mm: float) -> np.ndarray:
    """The first points beyond `cut_mm` that lead far enough."""
    crosses = (tree.distance > cut_mm) & (tree.parent >= 0) & (tree.distance[tree.parent] <= cut_mm)
    return np.flatnonzero(crosses & (tree.reach_mm - cut_mm >= LONG_BRANCH_MM))


def _downstream(tree: _Tree, branch: int) -> np.ndarray:
    inside = np.zeros(len(tree.parent), dtype=bool)
    inside[branch] = True
    for i in range(branch + 1, len(tree.parent)):
        inside[i] = tree.parent[i] >= 0 and inside[tree.parent[i]]
    return np.flatnonzero(inside)


def _upstream(tree: _Tree, branch: int, until_mm: float) -> list[int]:
    """The points from before a branch towards the ostium, up to the first one at most `until_mm` from it."""
    path = [int(tree.parent[branch])]
    while tree.distance[path[-1]] > until_mm:
        path.append(int(tree.parent[path[-1]]))
    return path


def backwardness(points: np.ndarray, origin: np.ndarray) -> float:
    """Part of the mean direction from `origin` that points to the patient's back, −1 to 1."""
    towards = points.mean(axis=0) - origin
    return float(towards[1] / max(np.linalg.norm(towards), 1e-9))


def _undivided(tree: _Tree) -> tuple[np.ndarray, list[str]]:
    """No fork into front and back: name the whole by where it runs, or do not."""
    back = backwardness(tree.points, tree.points[0])
    if abs(back) < CLEARLY:
        named, what = Vessel.UNASSIGNED, "so it is not named"
    else:
        named = Vessel.LCX if back > 0 else Vessel.LAD
        what = f"so all of it is named {named.label} from its course"
    note = f"The left tree does not fork into a front and a back branch near its origin, {what}."
    return np.full(len(tree.points), named, dtype=np.uint8), [note]
