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

# How many mm of height one unit of each feature is worth; set on simulated hearts, where they leave a wide margin.
RADIUS_WEIGHT, TAPER_WEIGHT, BLOOD_WEIGHT, REACHED_WEIGHT = 8.0, 25.0, 40.0, 60.0

MAX_WORTH_BEHIND = 40.0
"""Two tips of one piece are the ostia of merged trees only if both are this near to the best tip's worth. On simulated
hearts the ostia are within 20 mm of each other and 30 mm above every other tip."""

MIN_PATH_MM = 100.0
"""… and if the way between them along the vessels is at least this long: an RCA alone has 120–140 mm."""

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
    if len(tips) == 0:
        return Ostia(None, None)
    distance = csgraph.dijkstra(lines.bridged_mm, directed=False, indices=tips)
    worth = _worth_of_tips(lines, tips, distance, coronary_zyx, hu_zyx, geometry)
    best = _best_pair(lines, tips, distance, worth)
    return best or _single(lines, tips, distance, worth)


def _candidates(lines: Centerlines) -> np.ndarray:
    """The tips of trees, those with the thickest vessel behind them first."""
    _, piece = csgraph.connected_components(lines.bridged_mm, directed=False)
    long_enough = (np.bincount(piece) * WORKING_STEP_MM >= MIN_TREE_MM)[piece]
    tips = lines.tips[long_enough[lines.tips]]
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


def _outwards_mm(lines: Centerlines, tips: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """How far to the patient's left, on average, the first part of each tip's tree lies; negative to the right."""
    x = lines.points_mm_lps[:, 0]
    return np.array([x[d <= OUTWARDS_WITHIN_MM].mean() - x[t] for t, d in zip(tips, distance, strict=True)])


def _best_pair(lines: Centerlines, tips: np.ndarray, distance: np.ndarray, worth: np.ndarray) -> Ostia | None:
    outwards_mm = _outwards_mm(lines, tips, distance)
    _, piece = csgraph.connected_components(lines.lengths_mm, directed=False)
    best, best_worth = None, -np.inf
    for i in np.flatnonzero(outwards_mm > 0):
        for j in np.flatnonzero(outwards_mm < 0):
            if piece[tips[i]] == piece[tips[j]]:
                limit = worth[piece[tips] == piece[tips[i]]].max() - MAX_WORTH_BEHIND
                if min(worth[i], worth[j]) < limit:
                    continue
            fit = _fit_of_pair(lines, tips[i], tips[j], distance[i], distance[j])
            if fit is None:
                continue
            pair_worth = worth[i] + worth[j] + outwards_mm[i] - outwards_mm[j] + fit
            if pair_worth > best_worth:
                best, best_worth = Ostia(int(tips[i]), int(tips[j])), pair_worth
    return best


def _fit_of_pair(
    lines: Centerlines, left: int, right: int, from_left_mm: np.ndarray, from_right_mm: np.ndarray
) -> float | None:
    """How well two tips go together as ostia, in mm of height; None if they cannot."""
    points = lines.points_mm_lps
    apart_mm = float(np.linalg.norm(points[left] - points[right]))
    if not OSTIA_APART_MM[0] <= apart_mm <= OSTIA_APART_MM[1] or points[left, 0] <= points[right, 0]:
        return None
    # Two tips of one tree are as near along the vessel as through the air; the two ostia are not.
    if from_left_mm[right] < MIN_PATH_MM:
        return None
    of_left, of_right = from_left_mm < from_right_mm, from_right_mm < from_left_mm
    if min(of_left.sum(), of_right.sum()) * WORKING_STEP_MM < MIN_TREE_MM:
        return None
    if points[of_left, 0].mean() <= points[of_right, 0].mean():
        return None
    return float(REACHED_WEIGHT * (of_left | of_right).mean() - abs(apart_mm - USUAL_OSTIA_APART_MM))


def _single(lines: Centerlines, tips: np.ndarray, distance: np.ndarray, worth: np.ndarray) -> Ostia:
    """The best tip of the largest tree; which side it is on follows from where its vessels go."""
    outwards_mm = _outwards_mm(lines, tips, distance)
    reached = np.isfinite(distance).sum(axis=1)
    best = int(np.argmax(np.where(reached == reached.max(), worth + np.abs(outwards_mm), -np.inf)))
    return Ostia(int(tips[best]), None) if outwards_mm[best] > 0 else Ostia(None, int(tips[best]))
