"""Where the two coronary trees leave the aorta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from cacnet.vessels.centerlines import Centerlines
from cacnet.volume import Geometry

OSTIA_APART_MM = (10.0, 55.0)
"""The aortic root is 30–36 mm wide; its two ostia are rarely further apart than that."""
USUAL_OSTIA_APART_MM = 28.0

MIN_TREE_MM = 30.0
"""Less centre line than this is no tree."""

WORKING_STEP_MM = 1.2
"""Mean length of centre line per point on the working grid (1 mm straight, 1.4 and 1.7 mm diagonal)."""

MAX_CANDIDATES = 60
TRUNK_REACH_MM = 6.0

OUTWARDS_WITHIN_MM = 25.0
"""Over its first 25 mm the left tree runs to the patient's left and the right coronary artery to the right."""

# Weights of the features in `_pair_cost`, in mm: how many mm of height one unit of the feature is worth.
RADIUS_WEIGHT, TAPER_WEIGHT, BLOOD_WEIGHT, REACHED_WEIGHT = 8.0, 25.0, 40.0, 60.0

BLOOD_SHELL_MM = (1.5, 6.0)
BRIGHT_SHARE_OF_LUMEN = 0.75


@dataclass(frozen=True)
class Ostia:
    """Indices of the centre-line points where the left and the right tree begin; None where a tree was not found."""

    left: int | None
    right: int | None


def find_ostia(lines: Centerlines, coronary_zyx: np.ndarray, hu_zyx: np.ndarray, geometry: Geometry) -> Ostia:
    """The pair of tips that look most like the two ostia, or the one tip of a single tree.

    An ostium is a tip that is thick, high, and opens into blood outside the mask; its tree tapers away from it. The two
    lie the width of the aortic root apart, the right one to the patient's right, and reach all of the mask.
    """
    tips = _candidates(lines)
    distance = csgraph.dijkstra(lines.bridged_mm, directed=False, indices=tips)
    worth = _worth_of_tips(lines, tips, distance, coronary_zyx, hu_zyx, geometry)
    best = _best_pair(lines, tips, distance, worth)
    return best or _single(lines, tips, distance, worth)


def _candidates(lines: Centerlines) -> np.ndarray:
    """The tips with the thickest vessel behind them."""
    tips = lines.tips if len(lines.tips) else np.array([int(np.argmax(lines.points_mm_lps[:, 2]))])
    return tips[np.argsort(-_trunk_radius(lines, tips), kind="stable")][:MAX_CANDIDATES]


def _trunk_radius(lines: Centerlines, tips: np.ndarray) -> np.ndarray:
    """Largest radius within a few mm of each tip: at the tip itself the mask's end makes it small."""
    around = cKDTree(lines.points_mm_lps).query_ball_point(lines.points_mm_lps[tips], TRUNK_REACH_MM)
    return np.array([lines.radius_mm[near].max() for near in around])


def _worth_of_tips(
    lines: Centerlines,
    tips: np.ndarray,
    distance: np.ndarray,
    coronary_zyx: np.ndarray,
    hu_zyx: np.ndarray,
    geometry: Geometry,
) -> np.ndarray:
    """How much each tip looks like an ostium, in mm of height."""
    points = lines.points_mm_lps
    height_mm = points[tips, 2] - points[:, 2].max()
    taper = np.array([_taper(lines.radius_mm, d) for d in distance])
    blood = _blood_around(points[tips], coronary_zyx, hu_zyx, geometry)
    return height_mm + RADIUS_WEIGHT * _trunk_radius(lines, tips) + TAPER_WEIGHT * taper + BLOOD_WEIGHT * blood


def _taper(radius_mm: np.ndarray, distance_mm: np.ndarray) -> float:
    """Minus the correlation of radius and distance within the tree; 0 where either does not vary."""
    reached = np.isfinite(distance_mm)
    radius, distance = radius_mm[reached], distance_mm[reached]
    if len(radius) < 10 or radius.std() < 1e-6 or distance.std() < 1e-6:
        return 0.0
    return -float(np.corrcoef(radius, distance)[0, 1])


def _blood_around(points: np.ndarray, coronary_zyx: np.ndarray, hu_zyx: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Share of the shell around each point, outside the mask, that is as bright as the lumen."""
    bright_hu = BRIGHT_SHARE_OF_LUMEN * float(np.median(hu_zyx[coronary_zyx]))
    inner, outer = BLOOD_SHELL_MM
    axis = np.arange(-outer, outer + 0.5)
    offsets = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3)
    far = np.linalg.norm(offsets, axis=1)
    offsets = offsets[(far >= inner) & (far <= outer)]
    index = np.rint(geometry.lps_to_index(points[:, None] + offsets)).astype(int)
    within = ((index >= 0) & (index < coronary_zyx.shape)).all(axis=-1)
    at = tuple(np.moveaxis(np.clip(index, 0, np.array(coronary_zyx.shape) - 1), -1, 0))
    return np.asarray((within & ~coronary_zyx[at] & (hu_zyx[at] >= bright_hu)).mean(axis=1))


def _best_pair(lines: Centerlines, tips: np.ndarray, distance: np.ndarray, worth: np.ndarray) -> Ostia | None:
    points = lines.points_mm_lps
    best, best_worth = None, -np.inf
    outwards_mm = [
        float((points[d <= OUTWARDS_WITHIN_MM, 0]).mean() - points[t, 0]) for t, d in zip(tips, distance, strict=True)
    ]
    for i, left in enumerate(tips):
        for j, right in enumerate(tips):
            apart_mm = float(np.linalg.norm(points[left] - points[right]))
            if not OSTIA_APART_MM[0] <= apart_mm <= OSTIA_APART_MM[1] or points[left, 0] <= points[right, 0]:
                continue
            # Two tips of one tree are as near along the vessel as through the air; the two ostia are not.
            if distance[i, right] < 100.0:
                continue
            if outwards_mm[i] <= 0 or outwards_mm[j] >= 0:
                continue
            nearer_left = distance[i] < distance[j]
            nearer_right = distance[j] < distance[i]
            if min(nearer_left.sum(), nearer_right.sum()) * WORKING_STEP_MM < MIN_TREE_MM:
                continue
            if points[nearer_left, 0].mean() <= points[nearer_right, 0].mean():
                continue
            reached = (nearer_left | nearer_right).mean()
            pair_worth = worth[i] + worth[j] - abs(apart_mm - USUAL_OSTIA_APART_MM) + REACHED_WEIGHT * reached
            if pair_worth > best_worth:
                best, best_worth = Ostia(int(left), int(right)), pair_worth
    return best


def _single(lines: Centerlines, tips: np.ndarray, distance: np.ndarray, worth: np.ndarray) -> Ostia:
    """The best tip of the largest tree; which side it is on follows from where its vessels go."""
    reached = np.isfinite(distance)
    if reached.sum(axis=1).max() * WORKING_STEP_MM < MIN_TREE_MM:
        return Ostia(None, None)
    best = int(np.argmax(np.where(reached.sum(axis=1) == reached.sum(axis=1).max(), worth, -np.inf)))
    leftwards_mm = float((lines.points_mm_lps[reached[best], 0] - lines.points_mm_lps[tips[best], 0]).mean())
    return Ostia(int(tips[best]), None) if leftwards_mm > 0 else Ostia(None, int(tips[best]))
