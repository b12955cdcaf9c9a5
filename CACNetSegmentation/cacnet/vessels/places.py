"""Where along its artery a lesion lies: distance from the ostium, third of the course, distance to the wall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from cacnet.anatomy import Vessel

USUAL_LENGTH_MM: Mapping[Vessel, float] = MappingProxyType({Vessel.LAD: 115.0, Vessel.LCX: 90.0, Vessel.RCA: 130.0})
"""The course that is divided in thirds is at most this long: what goes on beyond is a terminal branch. Middle of the
usual lengths, LAD 100–130, LCx 80–100 and RCA 120–140 mm."""

REACH_MM = 10.0
"""A lesion further from every centre-line point of its artery than this has no place along it."""


MOUTH_MM = 2.0
"""Calcium of the aortic wall is taken for the artery's at its mouth: of seven lesions within this length of it in 40
simulated patients six were the aorta's, of 131 others four."""


class Third(StrEnum):
    """A third of an artery's course. These are not the segments of the SCCT's model, which ends them at branches."""

    PROXIMAL = "proximal"
    MID = "mid"
    DISTAL = "distal"


@dataclass(frozen=True, eq=False)
class Courses:
    """The named centre lines.

    Attributes:
        points_mm_lps: (n, 3).
        vessel: (n,) `Vessel` numbers.
        from_ostium_mm: (n,) length along the artery from its ostium in the aorta, the left main's included for LAD and
            LCx; NaN where no path leads there.
        radius_mm: (n,) of the artery with its wall.
    """

    points_mm_lps: np.ndarray
    vessel: np.ndarray
    from_ostium_mm: np.ndarray
    radius_mm: np.ndarray


@dataclass(frozen=True)
class Place:
    """Where a lesion lies; None where the arteries do not tell.

    Attributes:
        third: None for the left main, which is too short to be divided.
        from_ostium_mm: along the artery, of the centre-line point nearest to the lesion's centre.
        to_wall_mm: from the lesion's centre to the artery's outer wall: about 0 at the wall, its radius on the axis.
    """

    third: Third | None = None
    from_ostium_mm: float | None = None
    to_wall_mm: float | None = None


NOWHERE = Place()


def place_of(position_mm_lps: tuple[float, float, float], vessel: Vessel, courses: Courses | None) -> Place:
    """The place of a position on an artery."""
    if courses is None or vessel is Vessel.UNASSIGNED:
        return NOWHERE
    own = np.flatnonzero((courses.vessel == vessel) & np.isfinite(courses.from_ostium_mm))
    if not len(own):
        return NOWHERE
    away_mm = np.linalg.norm(courses.points_mm_lps[own] - np.asarray(position_mm_lps), axis=1)
    nearest = int(np.argmin(away_mm))
    if away_mm[nearest] > REACH_MM:
        return NOWHERE
    at_mm = courses.from_ostium_mm[own]
    to_wall_mm = float(courses.radius_mm[own[nearest]] - away_mm[nearest])
    return Place(_third(float(at_mm[nearest]), at_mm, vessel), float(at_mm[nearest]), to_wall_mm)


def _third(at_mm: float, course_mm: np.ndarray, vessel: Vessel) -> Third | None:
    if vessel not in USUAL_LENGTH_MM:
        return None
    start = float(course_mm.min())
    length = min(float(course_mm.max()) - start, USUAL_LENGTH_MM[vessel])
    part = (at_mm - start) / length if length > 0 else 0.0
    return Third.PROXIMAL if part < 1 / 3 else Third.MID if part < 2 / 3 else Third.DISTAL


def lengths_from_ostium(points_mm_lps: np.ndarray, distance: np.ndarray, predecessor: np.ndarray) -> np.ndarray:
    """(n,) mm along the shortest paths, gaps at their true length; NaN where there is no path.

    Args:
        distance: (n,) cost of the path to each point, infinite without one; predecessor: (n,) the point before it.
    """
    length_mm = np.full(len(points_mm_lps), np.nan)
    for point in np.argsort(distance, kind="stable"):
        if not np.isfinite(distance[point]):
            break
        before = predecessor[point]
        step = 0.0 if before < 0 else float(np.linalg.norm(points_mm_lps[point] - points_mm_lps[before]))
        length_mm[point] = step + (length_mm[before] if before >= 0 else 0.0)
    return length_mm
