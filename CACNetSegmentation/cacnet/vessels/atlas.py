"""The usual courses of the coronary arteries, in a frame of their own: where an artery may be expected.

Origin in the middle between the two ostia, axes as LPS (x to the patient's left, y to the back, z to the head), mm. The
courses are means over trees of the simulator (`cacnet.phantom`), whose shapes come from text-book directions and
published lengths; they have not been compared with measured ones. Hearts differ from them by the widths given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from cacnet.anatomy import Vessel

Point = tuple[float, float, float]

TRUNK_MM, BRANCH_MM = 6.0, 9.0
"""Spread of a trunk around its usual course, and of a branch, whose place and length vary more."""

STEP_MM = 4.0

LEFT_OSTIUM: Point = (7, 9, 4)
RIGHT_OSTIUM: Point = (-7, -10, -4)
LEFT_FORK: Point = (15, 6, 5)

ARTERIES = (Vessel.LAD, Vessel.LCX, Vessel.RCA)
"""What the atlas tells apart; the left main is the common start of LAD and LCx."""


@dataclass(frozen=True)
class Course:
    """A trunk or branch along points (mm), and the arteries that it may belong to with what each costs.

    Attributes:
        arteries: cost of each owner; 0 for the usual one, more for an unusual one, absent for none.
        width_mm: spread between hearts at its two ends.
        trunk: whether (nearly) every heart has it.
    """

    points: tuple[Point, ...]
    arteries: Mapping[Vessel, float]
    width_mm: tuple[float, float] = (BRANCH_MM, BRANCH_MM)
    trunk: bool = False


def _only(vessel: Vessel) -> Mapping[Vessel, float]:
    return MappingProxyType({vessel: 0.0})


EITHER_LEFT = MappingProxyType({Vessel.LAD: 0.0, Vessel.LCX: 0.0})
RATHER_LAD = MappingProxyType({Vessel.LAD: 0.0, Vessel.LCX: 0.5})
INFERIOR = MappingProxyType({Vessel.RCA: 0.0, Vessel.LCX: 0.3})
"""The inferior wall: the RCA's in five of six hearts, else the LCx's."""

COURSES = (
    Course((LEFT_OSTIUM, (11, 8, 6), LEFT_FORK), EITHER_LEFT, (TRUNK_MM, TRUNK_MM), True),
    Course(
        (LEFT_FORK, (12, -3, 1), (15, -11, -3), (22, -17, -7), (28, -23, -13), (34, -28, -20), (39, -35, -30)),
        _only(Vessel.LAD),
        (TRUNK_MM, 7.0),
        True,
    ),
    Course(((39, -35, -30), (44, -39, -42), (44, -38, -54), (38, -32, -64), (30, -22, -66)), _only(Vessel.LAD)),
    Course(((16, -12, -4), (28, -13, -5), (38, -15, -9), (48, -17, -15), (55, -19, -23)), _only(Vessel.LAD)),
    Course(((28, -22, -13), (37, -23, -15), (47, -24, -19), (54, -26, -26), (60, -26, -34)), _only(Vessel.LAD)),
    Course((LEFT_FORK, (25, 5, 2), (35, 3, -2), (43, -2, -8), (50, -8, -14), (56, -13, -21)), RATHER_LAD),
    Course(
        (LEFT_FORK, (19, 15, 2), (24, 24, -2), (27, 31, -9), (26, 37, -17)), _only(Vessel.LCX), (TRUNK_MM, 7.0), True
    ),
    Course(((26, 37, -17), (21, 39, -25), (20, 38, -34), (22, 34, -42), (24, 28, -48)), _only(Vessel.LCX)),
    Course(
        ((25, 33, -13), (33, 30, -17), (41, 24, -22), (48, 19, -28), (54, 12, -34), (59, 5, -40)), _only(Vessel.LCX)
    ),
    Course(
        ((24, 37, -21), (32, 33, -26), (39, 28, -31), (46, 23, -36), (51, 16, -42), (56, 9, -47)), _only(Vessel.LCX)
    ),
    Course(
        (RIGHT_OSTIUM, (-15, -15, -5), (-23, -18, -10), (-29, -17, -17), (-31, -20, -26), (-29, -20, -35)),
        _only(Vessel.RCA),
        (TRUNK_MM, TRUNK_MM),
        True,
    ),
    Course(
        (
            (-29, -20, -35),
            (-29, -16, -43),
            (-29, -9, -49),
            (-28, 0, -50),
            (-25, 9, -48),
            (-21, 15, -42),
            (-14, 19, -37),
        ),
        _only(Vessel.RCA),
        (TRUNK_MM, 8.0),
    ),
    Course(((-14, 19, -37), (-7, 23, -32), (3, 28, -31)), INFERIOR),
    Course(((3, 28, -31), (10, 33, -28), (21, 39, -25)), MappingProxyType({Vessel.LCX: 0.0, Vessel.RCA: 0.0})),
    Course(((-11, 21, -35), (-7, 18, -43), (0, 14, -51), (7, 7, -58), (14, -1, -63), (21, -10, -66)), INFERIOR),
    Course(((3, 28, -31), (7, 31, -45), (16, 23, -55), (27, 15, -62)), INFERIOR),
    Course(((-29, -10, -48), (-21, -16, -52), (-11, -22, -57), (1, -28, -60), (12, -32, -62)), _only(Vessel.RCA)),
    Course(((-30, -20, -28), (-23, -26, -30), (-15, -31, -36), (-6, -35, -42)), _only(Vessel.RCA)),
    Course(((-10, -13, -4), (-11, -25, -2), (-3, -36, -5), (11, -36, -8)), _only(Vessel.RCA)),
    Course(((-16, -16, -6), (-20, -11, 1), (-28, -3, 5), (-32, 7, 10)), _only(Vessel.RCA)),
)


@dataclass(frozen=True, eq=False)
class Atlas:
    """The courses as points.

    Attributes:
        points_mm: (m, 3); width_mm: (m,); cost: (m, 3) by ARTERIES, infinite where the artery never runs there.
        trunk: (m,) bool.
    """

    points_mm: np.ndarray
    width_mm: np.ndarray
    cost: np.ndarray
    trunk: np.ndarray


def atlas() -> Atlas:
    """The courses, a point every few mm."""
    points, width, cost, trunk = [], [], [], []
    for course in COURSES:
        corners = np.array(course.points, dtype=float)
        along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
        at = np.linspace(0, along[-1], max(2, round(along[-1] / STEP_MM) + 1))
        points.append(np.stack([np.interp(at, along, corners[:, axis]) for axis in range(3)], axis=1))
        width.append(np.interp(at, (0, along[-1]), course.width_mm))
        owners = [course.arteries.get(vessel, np.inf) for vessel in ARTERIES]
        cost.append(np.tile(owners, (len(at), 1)))
        trunk.append(np.full(len(at), course.trunk))
    return Atlas(np.concatenate(points), np.concatenate(width), np.concatenate(cost), np.concatenate(trunk))
