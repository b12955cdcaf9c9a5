"""What fills the lungs: arteries and veins that taper from the hila to the pleura, airways beside them, fissures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cacnet.phantom.canvas import Canvas
from cacnet.phantom.chest import Chest
from cacnet.phantom.heart import Heart
from cacnet.phantom.patient import Patient
from cacnet.phantom.strokes import paint_line

LEAVES_PER_LUNG = 520
STEP_MM = 9.0
LEAF_RADIUS_MM = 0.6
MURRAY = 2.5
"""Exponent of the branching law r_parent^m = Σ r_child^m; 2.3–2.9 is measured in pulmonary arteries."""


RIGHT_ROOTS = (np.array([-50.0, 18, 54]), np.array([[-76.0, 9, 43], [-76, 55, 6]]))
LEFT_ROOTS = (np.array([51.0, 26, 62]), np.array([[59.0, 15, 52], [55, 61, 5]]))
"""Where the template's pulmonary artery and its upper and lower vein end, in template coordinates."""

Depth = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class VesselTree:
    """A branching tree of nodes; node 0 is the root and every parent comes before its children.

    Attributes:
        points_mm: (n, 3).
        parent: (n,) index of the parent; -1 at the root.
        radius_mm: (n,).
    """

    points_mm: np.ndarray
    parent: np.ndarray
    radius_mm: np.ndarray


def grow_tree(root_mm: np.ndarray, targets_mm: np.ndarray, rng: np.random.Generator, largest_mm: float) -> VesselTree:
    """A tree from a root to every target, nearest first, each leaving the tree where the way is short."""
    order = np.argsort(np.linalg.norm(targets_mm - root_mm, axis=1))
    points, parent, depth = [root_mm], [-1], [0.0]
    for target in targets_mm[order]:
        known, lengths = np.asarray(points), np.asarray(depth)
        way = np.linalg.norm(known - target, axis=1)
        start = int(np.argmin(way + 0.45 * lengths))
        steps = max(int(way[start] / STEP_MM), 1)
        bend = rng.normal(0, 0.10 * way[start], 3)
        last = start
        for k in range(1, steps + 1):
            t = k / steps
            points.append(known[start] * (1 - t) + target * t + bend * t * (1 - t) * 2)
            depth.append(depth[last] + way[start] / steps)
            parent.append(last)
            last = len(points) - 1
    return VesselTree(np.asarray(points), np.asarray(parent), _radii(np.asarray(parent), largest_mm))


def _radii(parent: np.ndarray, largest_mm: float) -> np.ndarray:
    flow = np.zeros(len(parent))
    has_child = np.zeros(len(parent), bool)
    has_child[parent[1:]] = True
    flow[~has_child] = 1.0
    for node in range(len(parent) - 1, 0, -1):
        flow[parent[node]] += flow[node]
    return np.minimum(LEAF_RADIUS_MM * flow ** (1 / MURRAY), largest_mm)


def hilum(chest: Chest, side: float, top_of_heart_mm: float) -> np.ndarray:
    """Where the vessels of the right (-1) or left (+1) lung leave the mediastinum."""
    return np.array([chest.midline_x + side * 34.0 + 4.0, chest.spine_y - 48.0, top_of_heart_mm - 38.0])


def paint_lung_vessels(canvas: Canvas, chest: Chest, heart: Heart, patient: Patient, inside: Depth) -> None:
    """Paint arteries, veins and airways of both lungs, from where the heart's own vessels end.

    Args:
        inside: of points (n, 3) the signed distance to the lungs' surface, negative inside.
    """
    blood = patient.attenuation
    for side, artery_root, vein_roots in ((-1.0, *RIGHT_ROOTS), (1.0, *LEFT_ROOTS)):
        rng = patient.rng(f"lung{side}")
        targets = _points_inside(chest, side, inside, rng)
        half = len(targets) // 2
        arteries = grow_tree(heart.frame.to_patient(artery_root[:, None])[:, 0], targets[:half], rng, 6.5)
        _paint_airways(canvas, arteries, rng)
        _paint_tree(canvas, arteries, blood.pulmonary_artery)
        roots = heart.frame.to_patient(vein_roots.T).T
        nearest = np.argmin(np.linalg.norm(targets[half:, None] - roots[None], axis=2), axis=1)
        for number, root in enumerate(roots):
            veins = grow_tree(root, targets[half:][nearest == number], rng, 4.4)
            _paint_tree(canvas, veins, blood.pulmonary_vein)


def _points_inside(chest: Chest, side: float, inside: Depth, rng: np.random.Generator) -> np.ndarray:
    """Random ends of vessels in one lung, some of them right at the pleura."""
    outer = chest.midline_x + side * chest.half_width
    low = np.array([min(chest.midline_x, outer), chest.front_y, -110.0])
    high = np.array([max(chest.midline_x, outer), chest.back_y + 5, 150.0])
    points = rng.uniform(low, high, (LEAVES_PER_LUNG * 5, 3))
    depth = inside(points)
    return points[depth < -4.0][: 2 * LEAVES_PER_LUNG]


def _paint_tree(canvas: Canvas, tree: VesselTree, hu: float) -> None:
    for node in range(1, len(tree.parent)):
        ends = np.stack([tree.points_mm[tree.parent[node]], tree.points_mm[node]])
        radius = tree.radius_mm[node]
        first = min(tree.radius_mm[tree.parent[node]], 1.35 * radius)
        paint_line(canvas, ends, np.array([first, radius]), hu)


def _paint_airways(canvas: Canvas, tree: VesselTree, rng: np.random.Generator) -> None:
    aside = rng.normal(size=3)
    aside /= np.linalg.norm(aside)
    for hu, shrink in ((-150.0, 0.0), (-970.0, 1.0)):
        for node in range(1, len(tree.parent)):
            radius = tree.radius_mm[node]
            if radius < 1.4:
                continue
            ends = np.stack([tree.points_mm[tree.parent[node]], tree.points_mm[node]]) + aside * 2.1 * radius
            lumen = 0.85 * radius - shrink * (0.35 + 0.12 * radius)
            if lumen > 0.2:
                paint_line(canvas, ends, np.array([lumen, lumen]), hu)
