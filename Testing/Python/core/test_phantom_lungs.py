"""Trees of lung vessels."""

import numpy as np
from cacnet.phantom.lungs import LEAF_RADIUS_MM, MURRAY, grow_tree


def tree_of(count: int):
    rng = np.random.default_rng(0)
    return grow_tree(np.zeros(3), rng.uniform(20, 80, (count, 3)), rng, largest_mm=50.0)


def test_every_parent_comes_before_its_children_and_the_root_has_none():
    tree = tree_of(40)
    assert tree.parent[0] == -1
    assert (tree.parent[1:] < np.arange(1, len(tree.parent))).all()


def test_the_root_carries_all_leaves_by_the_branching_law():
    tree = tree_of(40)
    leaves = np.setdiff1d(np.arange(len(tree.parent)), tree.parent)
    assert tree.radius_mm[0] == LEAF_RADIUS_MM * len(leaves) ** (1 / MURRAY)
    assert (tree.radius_mm[leaves] == LEAF_RADIUS_MM).all()


def test_vessels_taper_outwards():
    tree = tree_of(40)
    assert (tree.radius_mm[1:] <= tree.radius_mm[tree.parent[1:]]).all()


def test_the_trunk_is_no_wider_than_the_hilum_allows():
    rng = np.random.default_rng(0)
    tree = grow_tree(np.zeros(3), rng.uniform(20, 80, (40, 3)), rng, largest_mm=1.5)
    assert tree.radius_mm.max() == 1.5
