"""Where the two coronary trees leave the aorta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from cacnet.anatomy import Vessel
from cacnet.vessels.alignment import BRIGHT_SHARE_OF_LUMEN, Alignment
from cacnet.vessels.atlas import LEFT_OSTIUM, RIGHT_OSTIUM, Point
from cacnet.vessels.centerlines import Centerlines
from cacnet.volume import Geometry

REACH_MM = 20.0
"""An ostium lies this near to its usual place in the atlas."""

TRUNK_REACH_MM = 6.0

# How many mm nearer to the usual place one unit of each feature is worth: being a tip (the aorta ends the mask there;
# LAD and LCx that leave it side by side have none), mm of radius, and the share of blood around.
TIP_WORTH, RADIUS_WORTH, BLOOD_WORTH = 6.0, 3.0, 12.0

BLOOD_SHELL_MM = (1.5, 6.0)


@dataclass(frozen=True)
class Ostia:
    """Indices of the centre-line points where the left and the right tree begin; None where the mask lacks it."""

    left: int | None
    right: int | None


def find_ostia(
    lines: Centerlines,
    names: np.ndarray,
    alignment: Alignment,
    coronary_zyx: np.ndarray,
    lumen_hu: float,
    hu_zyx: np.ndarray,
    geometry: Geometry,
) -> Ostia:
    """The points of the left and of the right arteries that look most like their beginnings.

    An ostium lies near its usual place, is mostly a tip, thick, and opens into blood outside the mask.

    Args:
        names: (n,) `Vessel` of each point, the left main counted to LAD or LCX.
        lumen_hu: median over the coronary mask.
    """

    def best(members: np.ndarray, usual: Point) -> int | None:
        usual_mm_lps = alignment.to_patient(np.array([usual], dtype=float))[0]
        away_mm = np.linalg.norm(lines.points_mm_lps - usual_mm_lps, axis=1) * alignment.scale
        near = np.flatnonzero(members & (away_mm <= REACH_MM))
        if not len(near):
            return None
        worth = TIP_WORTH * np.isin(near, lines.tips) + RADIUS_WORTH * _trunk_radius(lines, near)
        worth += BLOOD_WORTH * _blood_around(lines.points_mm_lps[near], coronary_zyx, lumen_hu, hu_zyx, geometry)
        return int(near[np.argmax(worth - away_mm[near])])

    return Ostia(best(np.isin(names, (Vessel.LAD, Vessel.LCX)), LEFT_OSTIUM), best(names == Vessel.RCA, RIGHT_OSTIUM))


def _trunk_radius(lines: Centerlines, tips: np.ndarray) -> np.ndarray:
    """Largest radius within a few mm of each point: at the tip itself the mask's end makes it small."""
    around = cKDTree(lines.points_mm_lps).query_ball_point(lines.points_mm_lps[tips], TRUNK_REACH_MM)
    return np.array([lines.radius_mm[near].max() for near in around])


def _blood_around(
    points: np.ndarray, coronary_zyx: np.ndarray, lumen_hu: float, hu_zyx: np.ndarray, geometry: Geometry
) -> np.ndarray:
    """Share of the shell around each point, outside the mask, that is as bright as the lumen."""
    bright_hu = BRIGHT_SHARE_OF_LUMEN * lumen_hu
    inner, outer = BLOOD_SHELL_MM
    axis = np.arange(-outer, outer + 0.5)
    offsets = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3)
    far = np.linalg.norm(offsets, axis=1)
    offsets = offsets[(far >= inner) & (far <= outer)]
    index = np.rint(geometry.lps_to_index(points[:, None] + offsets)).astype(int)
    within = ((index >= 0) & (index < coronary_zyx.shape)).all(axis=-1)
    at = tuple(np.moveaxis(np.clip(index, 0, np.array(coronary_zyx.shape) - 1), -1, 0))
    return np.asarray((within & ~coronary_zyx[at] & (hu_zyx[at] >= bright_hu)).mean(axis=1))
