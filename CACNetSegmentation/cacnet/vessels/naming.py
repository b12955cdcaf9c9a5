"""The most plausible artery of every centre-line point: where it lies, and that a branch keeps its parent's name."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csgraph, csr_matrix
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from cacnet.anatomy import Vessel
from cacnet.vessels.alignment import Alignment
from cacnet.vessels.atlas import ARTERIES, LEFT_FORK, Atlas
from cacnet.vessels.centerlines import Centerlines

NAMES = (*ARTERIES, Vessel.UNASSIGNED)
LAD, LCX, RCA, NONE = range(len(NAMES))

FAR = 8.0
"""Most that one point's place can speak against an artery, in units of half a squared spread."""
NOWHERE = 3.0
"""What a point without an artery costs: one 2.4 spreads away from an artery's courses is as well in none."""

CHANGE = 60.0
"""What a change of the name costs along a vessel. Some 30 mm that lie clearly elsewhere outweigh it."""
CHANGE_AT_FORK, FORK_REACH_MM = 4.0, 22.0
"""LAD and LCx part where the left main ends, this near to its usual place in the atlas."""
CHANGE_OF_TREE, THIN_MM = 45.0, 1.3
"""Left and right arteries, and veins, touch and then merge in a mask. A merger is thin: the cost of a change grows with
the vessel's radius, counting once at this one …"""
TRUNK_TREE_CHANGE, TRUNK_REACH_MM = 120.0, 35.0
"""… and they never merge this near to the aortic root."""
CHANGE_OVER_GAP = 5.0
"""A gap may have been bridged wrongly."""
SMOOTHING_MM = 3.0

CHANGE_OF_NOTHING = 25.0
"""What is no artery hangs on one: a vein, a rib, a piece of a chamber."""

SURE = 6.0
"""Log odds by which a name must be better than every other one."""


def name_points(lines: Centerlines, alignment: Alignment, atlas: Atlas) -> tuple[np.ndarray, np.ndarray]:
    """(n,) `Vessel` of each point, LAD, LCX, RCA or UNASSIGNED, and (n,) bool, whether it is sure.

    The left main is counted to the LAD or the LCX; which of them is sure only for the arteries beyond it.

    Minimises, over the tree of vessels, the misfit between each point's place and the usual courses of the artery that
    it is given to, plus a cost for every change of name. A point whose best name is not clearly better than every other
    one is UNASSIGNED, unless only LAD and LCX compete.
    """
    placed = alignment.to_atlas(lines.points_mm_lps)
    places = place_costs(placed, atlas)
    edges = _spanning_edges(lines.bridged_mm)
    changes = _change_costs(lines, placed, edges)
    marginals = _min_marginals(places, edges, changes)
    ranked = np.sort(marginals, axis=1)
    sure = ranked[:, 1] - ranked[:, 0] >= SURE
    left = marginals[:, [LAD, LCX]].min(axis=1)
    names = np.array(NAMES, dtype=np.uint8)[marginals.argmin(axis=1)]
    names[(marginals[:, [RCA, NONE]].min(axis=1) - left < SURE) & ~sure] = Vessel.UNASSIGNED
    return names, sure


def place_costs(placed: np.ndarray, atlas: Atlas) -> np.ndarray:
    """(n, 4) how much each point's place in the atlas speaks against each of NAMES."""
    misfit = 0.5 * (cdist(placed, atlas.points_mm) / atlas.width_mm) ** 2
    costs = np.full((len(placed), len(NAMES)), NOWHERE)
    for artery in range(len(ARTERIES)):
        costs[:, artery] = np.minimum((misfit + atlas.cost[:, artery]).min(axis=1), FAR)
    return costs


def _spanning_edges(links: csr_matrix) -> np.ndarray:
    """(k, 2) the shortest spanning forest as pairs of parent and child, parents first; roots have the parent −1."""
    forest = csgraph.minimum_spanning_tree(links)
    _, piece = csgraph.connected_components(forest, directed=False)
    pairs: list[tuple[int, int]] = []
    for root in np.unique(piece, return_index=True)[1]:
        order, before = csgraph.breadth_first_order(forest, root, directed=False)
        pairs += [(int(before[i]) if before[i] >= 0 else -1, int(i)) for i in order]
    return np.array(pairs)


def _change_costs(lines: Centerlines, placed: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(k, 4, 4) cost of the names of the two ends of each edge."""
    parent, child = np.maximum(edges[:, 0], 0), edges[:, 1]
    middle = (placed[parent] + placed[child]) / 2
    around = cKDTree(lines.points_mm_lps).query_ball_point(lines.points_mm_lps, SMOOTHING_MM)
    smooth = np.array([lines.radius_mm[near].mean() for near in around])
    radius = np.minimum(smooth[parent], smooth[child])
    near_fork = np.linalg.norm(middle - np.array(LEFT_FORK), axis=1) < FORK_REACH_MM
    near_root = np.linalg.norm(middle, axis=1) < TRUNK_REACH_MM
    over_gap = np.asarray(lines.lengths_mm[parent, child]).ravel() == 0
    between_trees = np.where(near_root, TRUNK_TREE_CHANGE, CHANGE_OF_TREE * np.clip(radius / THIN_MM, 0.5, 2.0))
    costs = np.tile(between_trees[:, None, None], (1, 4, 4))
    costs[:, LAD, LCX] = costs[:, LCX, LAD] = np.where(near_fork, CHANGE_AT_FORK, CHANGE)
    costs[:, NONE, :] = costs[:, :, NONE] = CHANGE_OF_NOTHING
    costs[over_gap] = np.minimum(costs[over_gap], CHANGE_OVER_GAP)
    costs[:, range(4), range(4)] = 0
    return costs


def _min_marginals(places: np.ndarray, edges: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """(n, 4) least total cost with each point's name held; exact, by passing messages up and down the forest."""
    up, to_parent = places.copy(), np.zeros((len(places), places.shape[1]))
    for k in range(len(edges) - 1, -1, -1):
        parent, child = edges[k]
        if parent >= 0:
            to_parent[child] = (changes[k] + up[child]).min(axis=1)
            up[parent] += to_parent[child]
    total = up.copy()
    for k, (parent, child) in enumerate(edges):
        if parent >= 0:
            total[child] += (changes[k] + (total[parent] - to_parent[child])).min(axis=1)
    return total
