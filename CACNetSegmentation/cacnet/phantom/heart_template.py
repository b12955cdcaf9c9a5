"""The template heart: chambers and great vessels as implicit shapes in template coordinates, drawn anew per patient.

Template axes are those of the patient (x left, y back, z head; mm). The ventricles are laid out in the left
ventricle's own frame: `a` from base to apex (left, anterior, inferior), `s` towards the right ventricle,
`t` towards the diaphragm. Positions were measured on contrast-enhanced CT hearts; normal sizes: left ventricle
48 x 90 mm with a wall of 9-11 mm, right ventricular wall 3 mm, left atrium 38-45 mm deep, aortic root 30-36 mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from cacnet.phantom.patient import Patient
from cacnet.phantom.shapes import Complement, Ellipsoid, HalfSpace, Intersection, Rippled, Shape, Shrunk, Tube, Union


def unit(vector: object) -> np.ndarray:
    """The vector at length 1."""
    array = np.asarray(vector, float)
    return array / np.linalg.norm(array)


LV_BASE = np.array([10.0, 7.0, 2.0])
LV_A = unit([0.62, -0.60, -0.50])
LV_S = unit(np.array([-0.72, -0.69, -0.06]) - LV_A * (LV_A @ np.array([-0.72, -0.69, -0.06])))
LV_T = np.cross(LV_A, LV_S)
LV_AXES = np.stack([LV_A, LV_S, LV_T])
AORTIC_AXIS = unit([-0.45, -0.12, 0.88])


def in_ventricle(a_mm: float, s_mm: float, t_mm: float) -> np.ndarray:
    """Template point of left-ventricular coordinates."""
    return LV_BASE + a_mm * LV_A + s_mm * LV_S + t_mm * LV_T


MITRAL_CENTRE = in_ventricle(0, -11, 0)
AORTIC_CENTRE = in_ventricle(-4, 16, -11)
TRICUSPID_CENTRE = np.array([-30.0, -17.0, -9.0])
TRICUSPID_NORMAL = unit([0.90, -0.40, -0.10])
RIGHT_CORONARY_WAY = ([-12.0, -27.0, 23.0], [-20.0, -32.5, 19.0], [-28.0, -36.0, 14.0], [-36.0, -38.0, 7.0])
PULMONARY_CENTRE = np.array([7.0, -37.0, 37.0])


@dataclass(frozen=True)
class Hollow:
    """A wall's outer surface, the blood inside it, and the outer surface without its branches where it has any."""

    outer: Shape
    blood: Shape
    trunk: Shape | None = None

    @property
    def body(self) -> Shape:
        """The outer surface without the vessels that branch off."""
        return self.trunk or self.outer


@dataclass(frozen=True)
class HeartTemplate:
    """All shapes of one patient's heart, and points on it, in template coordinates (mm).

    Attributes:
        lv_size: the factor by which this left ventricle is wider than the template's.
        appendage_tip: (3,), end of the left atrial appendage.
        sinus_directions: (3, 3) from the root's axis to the right, left and non-coronary sinus.
    """

    left_ventricle: Hollow
    right_ventricle: Hollow
    left_atrium: Hollow
    right_atrium: Hollow
    aorta: Hollow
    pulmonary_trunk: Hollow
    superior_vena_cava: Hollow
    inferior_vena_cava: Hollow
    pulmonary_veins: Hollow
    epicardium: Shape
    pericardium: Shape
    lv_size: float
    root_radius_mm: float
    sinus_directions: np.ndarray
    sinus_centre: np.ndarray
    left_ostium: np.ndarray
    right_ostium: np.ndarray
    appendage_tip: np.ndarray


def draw_template(patient: Patient) -> HeartTemplate:
    """The shapes of this patient's heart."""
    rng = patient.rng("heart template")

    def vary(spread: float) -> float:
        return float(np.exp(np.clip(rng.normal(0, spread), -2 * spread, 2 * spread)))

    lv_size, root = vary(0.07), vary(0.08) * (1 + 0.003 * (patient.age_years - 60))
    aorta, sinus_centre, directions = _aorta(root, rng)
    left_ventricle = _left_ventricle(lv_size, 10.0 * vary(0.16), 3.5 * vary(0.3), root)
    right_ventricle = _right_ventricle(vary(0.08), 3.0 * vary(0.2))
    veins = _pulmonary_veins(vary(0.12), rng)
    left_atrium, appendage_tip = _left_atrium(vary(0.11), veins, rng)
    cava, inferior_cava = _venae_cavae(vary(0.12), rng)
    right_atrium = _right_atrium(vary(0.10), rng)
    trunk = _pulmonary_trunk(vary(0.10))
    body = (left_ventricle.outer, right_ventricle.outer, left_atrium.body, right_atrium.outer)
    vessels = (_up_to(aorta.outer, 58.0), _up_to(trunk.body, 58.0), _up_to(cava.outer, 45.0))
    left, right = directions[1], directions[0]
    return HeartTemplate(
        left_ventricle=left_ventricle,
        right_ventricle=right_ventricle,
        left_atrium=left_atrium,
        right_atrium=right_atrium,
        aorta=aorta,
        pulmonary_trunk=trunk,
        superior_vena_cava=cava,
        inferior_vena_cava=inferior_cava,
        pulmonary_veins=veins,
        epicardium=Union((*body, *vessels[:2]), 1.0),
        pericardium=_pericardium((*body, *vessels), patient, rng),
        lv_size=lv_size,
        root_radius_mm=15.0 * root,
        sinus_directions=directions,
        sinus_centre=sinus_centre,
        left_ostium=_surface(aorta.blood, sinus_centre + 3.0 * AORTIC_AXIS, left),
        right_ostium=_surface(aorta.blood, sinus_centre + 4.0 * AORTIC_AXIS, right),
        appendage_tip=appendage_tip,
    )


def _left_ventricle(size: float, wall_mm: float, apex_mm: float, root: float) -> Hollow:
    outer = Ellipsoid(in_ventricle(28, 0, 0), LV_AXES, np.array([60.0, 33.5 * size, 33.5 * size]))
    base = HalfSpace(in_ventricle(-3, 0, 0), -LV_A)
    cavity = Intersection((Shrunk(outer, wall_mm, apex_mm, LV_BASE, LV_A), base), 4.0)
    outflow = Tube.through(
        [in_ventricle(22, 3, -2), in_ventricle(8, 12, -4), AORTIC_CENTRE + 3 * AORTIC_AXIS],
        [13, 11.5 * root, 11.5 * root],
    )
    inflow = Tube.through([in_ventricle(16, -6, 0), MITRAL_CENTRE - 6 * LV_A], [15.0, 15.5])
    return Hollow(Intersection((outer, base), 6.0), Union((cavity, outflow, inflow), 5.0))


def _right_ventricle(size: float, wall_mm: float) -> Hollow:
    body = Ellipsoid(
        in_ventricle(22, 31, 2), LV_AXES, np.array([53.0, 27.0 * size, 36.0 * size]), shear=(-0.213, -0.10)
    )
    closed = Intersection((body, HalfSpace(TRICUSPID_CENTRE, -TRICUSPID_NORMAL)), 8.0)
    infundibulum = Tube.through(
        [[6, -28, -4], [5, -38, 14], [6, -39, 27], PULMONARY_CENTRE], [17 * size, 15.5 * size, 14.5 * size, 13.5 * size]
    )
    # The right coronary artery leaves between infundibulum and atrial appendage; the muscle leaves it room there.
    groove = Tube.through([[-7, -19, 23], *RIGHT_CORONARY_WAY], [4.0, 5.0, 5.5, 5.5, 5.0])
    outer = Intersection((Union((closed, infundibulum), 8.0), Complement(groove)), 6.0)
    inflow = Tube.through(
        [TRICUSPID_CENTRE - 4 * TRICUSPID_NORMAL, TRICUSPID_CENTRE + 8 * TRICUSPID_NORMAL], [17.0, 17.0]
    )
    return Hollow(outer, Union((Shrunk(outer, wall_mm), inflow), 4.0))


def _left_atrium(size: float, veins: Hollow, rng: np.random.Generator) -> tuple[Hollow, np.ndarray]:
    axes = np.stack([unit([0.95, -0.30, -0.1]), unit([0.30, 0.95, 0.1]), [0.0, 0.0, 1.0]])
    axes[2] = np.cross(axes[0], axes[1])
    flat = np.exp(rng.normal(0, 0.06, 3))
    body = Ellipsoid(np.array([-10.0, 32.0, 17.0]), axes, np.array([31.0, 22.5, 26.0]) * size * flat / flat.mean())
    vestibule = Tube.through([[-4, 28, 13], MITRAL_CENTRE - 2 * LV_A], [18.0 * size, 17.0])
    appendage, tip = _left_appendage(rng)
    outer = Union((body, vestibule, *appendage), 5.0)
    return Hollow(Union((outer, veins.outer), 6.0), Union((Shrunk(outer, 2.0), veins.blood), 6.0), outer), tip


def _left_appendage(rng: np.random.Generator) -> tuple[tuple[Shape, ...], np.ndarray]:
    """The left atrial appendage: short to long, straight to hooked, its end in one to three lobes; and its tip."""
    length, wide = float(rng.uniform(0.55, 1.0)), float(rng.uniform(0.72, 1.05))
    bend = np.clip(rng.normal(0, 2.2, (2, 3)), -4, 4)
    way = np.array([[10.0, 22, 30], [22, 10, 38], [30, -5, 40] + bend[0], [30, -19, 35] + bend[1]])
    # It ends before the groove of the anterior descending artery.
    line = CubicSpline(np.arange(4), way)(np.linspace(0, 3 * length, 7))
    radii = np.interp(np.linspace(0, 3 * length, 7), [0, 1, 2, 3], [11.0, 9.0, 7.8, 5.5]) * wide
    lobes = []
    for _ in range(int(rng.integers(1, 4))):
        root = line[-1 - int(rng.integers(0, 3))]
        aside = rng.normal(0, 1.0, 3) * (0.6, 0.6, 1.0)
        end = root + aside / np.linalg.norm(aside) * rng.uniform(4, 8)
        lobes.append(Tube(np.stack([root, end]), np.array([0.75, 0.5]) * radii[-2]))
    return (Tube(line, radii), *lobes), line[-1]


def _right_atrium(size: float, rng: np.random.Generator) -> Hollow:
    body = Ellipsoid(
        np.array([-44.0, 2.0, 1.0]),
        np.stack([unit([1, -0.3, 0]), unit([0.3, 1, 0]), [0.0, 0, 1]]),
        np.array([21.0, 26.0, 31.0]) * size,
    )
    vestibule = Tube.through([[-40, -2, -4], TRICUSPID_CENTRE], [20.0 * size, 19.0])
    tip = rng.normal(0, 3.0, (2, 3))
    appendage = Tube.through(
        [[-46, -8, 16], np.array([-43, -22, 28]) + tip[0], np.array([-27, -31, 34]) + tip[1]], [15.0, 11.5, 7.0]
    )
    outer = Union((body, vestibule, appendage), 6.0)
    return Hollow(outer, Shrunk(outer, 2.0))


def _aorta(size: float, rng: np.random.Generator) -> tuple[Hollow, np.ndarray, np.ndarray]:
    centre = AORTIC_CENTRE + 10 * AORTIC_AXIS
    turn = np.radians(rng.normal(0, 8))
    first = unit(np.cross(np.cross(AORTIC_AXIS, [-0.2, -1.0, 0.0]), AORTIC_AXIS))
    second = np.cross(AORTIC_AXIS, first)
    angles = turn + np.radians([0.0, 120.0, 240.0])
    directions = np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * second
    sinuses = tuple(
        Ellipsoid(
            centre + 7.0 * size * d,
            np.stack([d, np.cross(AORTIC_AXIS, d), AORTIC_AXIS]),
            np.array([9.5, 10.5, 11.0]) * size,
        )
        for d in directions
    )
    stretch = float(np.exp(rng.normal(0, 0.08)))
    path = [
        AORTIC_CENTRE,
        centre,
        AORTIC_CENTRE + 22 * AORTIC_AXIS,
        [-17, -10, 42],
        [-20, -9, 57],
        [-18, -4, 73],
        [-10, 6, 86],
    ]
    tube = Tube.through(
        path, np.array([12.5, 14.0, 13.5, 15 * stretch, 15.5 * stretch, 15 * stretch, 14 * stretch]) * size
    )
    blood = Union((tube, *sinuses), 3.0)
    return Hollow(Shrunk(blood, -1.6), blood), centre, directions


def _pulmonary_trunk(size: float) -> Hollow:
    trunk = Tube.through(
        [PULMONARY_CENTRE, [11, -31, 47], [15, -17, 54], [18, 0, 61], [30, 14, 65], [52, 26, 62]],
        np.array([13.0, 13.5, 13.0, 12.0, 10.0, 8.0]) * size,
    )
    right = Tube.through(
        [[16, -4, 60], [2, 9, 60], [-20, 14, 57], [-52, 18, 54]], np.array([11.0, 10.5, 10.0, 7.0]) * size
    )
    blood = Union((trunk, right), 4.0)
    main = Tube(trunk.points_mm[:11], trunk.radii_mm[:11] + 1.0)
    return Hollow(Shrunk(blood, -1.0), blood, main)


def _venae_cavae(size: float, rng: np.random.Generator) -> tuple[Hollow, Hollow]:
    superior = Tube.through(
        [[-42, 4, 18], [-41, 7, 35], [-40, 5, 55], [-38, 2, 85]], np.array([12.0, 10.0, 9.5, 9.0]) * size
    )
    inferior = Tube.through(
        [[-42, 8, -14], [-38, 15, -30], [-35, 20, -50], [-34, 24, -80]], np.array([14.0, 13, 12.5, 12]) * size
    )
    return Hollow(Shrunk(superior, -1.0), superior), Hollow(Shrunk(inferior, -1.0), inferior)


def _pulmonary_veins(size: float, rng: np.random.Generator) -> Hollow:
    paths = (
        [[-28, 28, 26], [-44, 24, 30], [-58, 18, 36], [-78, 8, 44]],
        [[-26, 38, 14], [-44, 42, 13], [-58, 47, 11], [-78, 56, 6]],
        [[10, 32, 28], [24, 29, 34], [38, 24, 41], [60, 14, 52]],
        [[10, 40, 16], [22, 44, 14], [36, 52, 11], [56, 62, 4]],
    )
    tubes = tuple(
        Tube.through(
            np.asarray(path) + rng.normal(0, 2.0, (1, 3)),
            np.array([7.5, 6.3, 5.6, 4.2]) * size * np.exp(rng.normal(0, 0.1)),
        )
        for path in paths
    )
    blood = Union(tubes, 2.0)
    return Hollow(Shrunk(blood, -1.0), blood)


def _pericardium(parts: tuple[Shape, ...], patient: Patient, rng: np.random.Generator) -> Shape:
    """The sac around all parts: it bridges their grooves, and the fat inside it is unevenly thick."""
    fat = patient.fat_thickness_mm
    vectors = rng.normal(size=(6, 3))
    vectors *= (2 * np.pi / rng.uniform(45, 110, 6) / np.linalg.norm(vectors, axis=1))[:, None]
    sac = Shrunk(Union(parts, float(rng.uniform(20, 32))), -0.3 * fat - 2.2)
    return Rippled(sac, vectors, rng.uniform(0, 2 * np.pi, 6), rng.normal(0, 0.09 * fat, 6))


def _up_to(shape: Shape, z_mm: float) -> Shape:
    return Intersection((shape, HalfSpace(np.array([0.0, 0.0, z_mm]), np.array([0.0, 0.0, 1.0]))), 4.0)


def _surface(shape: Shape, start: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Where a ray from inside a shape leaves it."""
    steps = np.arange(0.0, 40.0, 0.25)
    points = start[:, None] + direction[:, None] * steps
    outside = np.flatnonzero(shape(points) > 0)
    return points[:, outside[0]] if len(outside) else points[:, -1]
