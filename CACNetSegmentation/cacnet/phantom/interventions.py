"""What heart surgery and catheters leave behind: bypass grafts, prosthetic valves, rings, occluders, sternal wires.

All of it is a distractor. Grafts carry contrast and their own calcium, and are no native coronary artery.
"""

from __future__ import annotations

import numpy as np

from cacnet.phantom.canvas import Canvas
from cacnet.phantom.chest import Chest
from cacnet.phantom.coronary_tree import CoronaryTree
from cacnet.phantom.devices import Distractor
from cacnet.phantom.great_vessels import smooth_line
from cacnet.phantom.heart import Heart
from cacnet.phantom.heart_template import AORTIC_AXIS, AORTIC_CENTRE, LV_A, MITRAL_CENTRE
from cacnet.phantom.patient import Patient
from cacnet.phantom.shapes import gradient
from cacnet.phantom.strokes import mark, spans

WALL_HU = 50.0
AORTIC_STARTS = ([-8.0, -20.0, 50.0], [-14.0, -22.0, 46.0], [-22.0, -20.0, 52.0])
"""Where vein grafts leave the front of the ascending aorta, in template coordinates."""


def paint_metal(canvas: Canvas, points_mm: np.ndarray, radius_mm: float, hu: float, distractor: int) -> None:
    """A thin wire: its attenuation is spread over a voxel where it is thinner than one. Metal replaces calcium."""
    shown = max(radius_mm, 0.6 * canvas.spacing_mm)
    fraction = canvas.layers.get("calcium_fraction")
    for box, distance in spans(canvas, points_mm, np.full(len(points_mm), shown)):
        coverage = canvas.coverage(distance)
        canvas.paint(box, coverage, hu * (radius_mm / shown) ** 2)
        mark(canvas, box, coverage >= 0.5, distractor)
        if fraction is not None:
            fraction[box.slices][coverage >= 0.5] = 0.0


def paint_sternal_wires(canvas: Canvas, chest: Chest, rng: np.random.Generator) -> None:
    """Five to eight wires round the sternum, some of them in figures of eight."""
    turn = np.linspace(0, 2 * np.pi, 33)
    crossed = rng.random() < 0.3
    for level in np.arange(-34, 110, rng.uniform(17, 27)):
        level += rng.normal(0, 2.0)
        centre = np.array([chest.midline_x + rng.normal(0, 1.5), float(chest.front_at(level)) - 6.5, level])
        tall = rng.uniform(7, 11) if crossed else rng.uniform(0, 4)
        height = tall * np.sin((2 if crossed else 1) * turn + rng.uniform(0, 6))
        loop = np.stack([19 * np.cos(turn), rng.uniform(7.5, 9.0) * np.sin(turn), height], -1)
        paint_metal(canvas, centre + loop, 0.45, 9000.0, Distractor.CLIP)
        knot = centre + np.array([rng.normal(0, 5), -9.0, 0.0])
        tip = knot + rng.normal(0, 1, 3) * (5, 1, 4)
        paint_metal(canvas, np.stack([knot, tip]), 0.7, 9000.0, Distractor.CLIP)


def paint_grafts(canvas: Canvas, heart: Heart, chest: Chest, tree: CoronaryTree, patient: Patient) -> None:
    """One to four bypass grafts with clips: a mammary artery to the LAD, veins from the aorta to other arteries."""
    rng = patient.rng("grafts")
    if rng.random() < 0.8:
        top = np.array([chest.midline_x + rng.uniform(16, 26), float(chest.front_at(120.0)) + 6, 130.0])
        middle = np.array([chest.midline_x + rng.uniform(20, 34), chest.front_y + rng.uniform(5, 12), 25.0])
        _graft(canvas, heart, tree, patient, rng, "LAD", [top, 0.5 * (top + middle), middle], rng.uniform(0.9, 1.5))
    names = [n for n in ("RCA", "OM1", "LCx", "D1") if rng.random() < 0.45]
    for name, start in zip(names, AORTIC_STARTS, strict=False):
        root = heart.frame.to_patient(np.array([start]).T).T[0] + rng.normal(0, 2.0, 3)
        _graft(canvas, heart, tree, patient, rng, name, [root], rng.uniform(1.5, 3.0))


def _graft(
    canvas: Canvas,
    heart: Heart,
    tree: CoronaryTree,
    patient: Patient,
    rng: np.random.Generator,
    name: str,
    start: list[np.ndarray],
    radius: float,
) -> None:
    branch = tree.branch(name)
    if branch is None:
        return
    at = int(len(branch.points_mm) * rng.uniform(0.4, 0.75))
    middle = 0.5 * (heart.lower_mm_xyz + heart.upper_mm_xyz)
    goal = branch.points_mm[at]
    outward = (goal - middle) / np.linalg.norm(goal - middle)
    goal = goal + (branch.radius_mm[at] + 0.5 * radius) * outward
    line = smooth_line([*start, 0.45 * start[-1] + 0.55 * goal + 14.0 * outward, goal], 70)
    line = _outside(heart, line, radius + 1.2)
    radii = np.full(len(line), radius) * np.exp(rng.normal(0, 0.04, len(line)))
    patent = patient.attenuation.coronary_artery if rng.random() < 0.85 else WALL_HU
    _tube(canvas, line, radii + 3.0, patient.attenuation.fat, only_air=True)
    _tube(canvas, line, radii + 0.6, WALL_HU)
    _tube(canvas, line, radii, patent, Distractor.GRAFT)
    if rng.random() < 0.35:
        for spot in rng.integers(3, len(line) - 3, int(rng.integers(1, 5))):
            aside = rng.normal(0, 1.0, 3)
            aside *= (radius + 0.3) / np.linalg.norm(aside)
            ends = line[spot : spot + 2] + aside
            _tube(canvas, ends, rng.uniform(0.5, 1.1, 2), rng.uniform(600, 1300), Distractor.GRAFT)
    for spot in np.flatnonzero(rng.random(len(line)) < rng.uniform(0.04, 0.2)):
        way, aside = rng.normal(size=3), rng.normal(size=3)
        tip = line[spot] + aside / np.linalg.norm(aside) * (radius + 1.8)
        ends = np.stack([tip, tip + way / np.linalg.norm(way) * rng.uniform(1.5, 4.0)])
        _tube(canvas, ends, np.full(2, 0.6), 7000.0, Distractor.CLIP)


def _outside(heart: Heart, line: np.ndarray, least_mm: float) -> np.ndarray:
    """The line pushed off the heart's muscle, its ends kept."""
    inner = heart.frame.to_template(line.T)
    shape, least = heart.template.epicardium, least_mm / heart.frame.scale
    free = np.clip(np.minimum(np.arange(len(line)), np.arange(len(line))[::-1]) / 5.0, 0, 1)
    for _ in range(6):
        missing = np.clip(least - shape(inner), 0, 6) * free
        slope = gradient(shape, inner)
        inner = inner + missing * slope / np.maximum(np.linalg.norm(slope, axis=0), 0.3)
        inner[:, 1:-1] = 0.25 * inner[:, :-2] + 0.5 * inner[:, 1:-1] + 0.25 * inner[:, 2:]
    return heart.frame.to_patient(inner).T


def _tube(
    canvas: Canvas,
    line: np.ndarray,
    radii: np.ndarray,
    hu: float,
    distractor: int | None = None,
    *,
    only_air: bool = False,
) -> None:
    """A tube that spares the native arteries and their calcium."""
    native = canvas.layers["coronary"]
    for box, distance in spans(canvas, line, np.asarray(radii, float)):
        coverage = canvas.coverage(distance) * (native[box.slices] == 0)
        if only_air:
            coverage = coverage * (canvas.hu[box.slices] < -300)
        canvas.paint(box, coverage, hu)
        if distractor is not None:
            mark(canvas, box, coverage >= 0.5, distractor)


def paint_prosthesis(canvas: Canvas, heart: Heart, rng: np.random.Generator) -> None:
    """A mechanical or tissue valve, a stented one, or a ring round the mitral valve."""
    kind = str(rng.choice(["mechanical", "tissue", "stented", "ring"], p=[0.25, 0.25, 0.35, 0.15]))
    if kind == "stented":
        _stented_valve(canvas, heart, rng)
        return
    aortic = kind != "ring" and rng.random() < 0.65
    centre, axis, radius = (
        (AORTIC_CENTRE + 3 * AORTIC_AXIS, AORTIC_AXIS, 11.5) if aortic else (MITRAL_CENTRE, LV_A, 14.5)
    )
    radius *= float(rng.uniform(0.88, 1.1))
    first = np.cross(axis, rng.normal(size=3))
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    turn = np.linspace(0, 2 * np.pi, 49)[:, None]
    ring = centre + radius * (np.cos(turn) * first + np.sin(turn) * second)
    if kind == "ring":
        ring = (ring + 1.5 * np.sin(2 * turn) * axis)[: int(rng.integers(34, 50))]
    _wire(canvas, heart, ring, float(rng.uniform(0.7, 1.6)), float(rng.uniform(2500, 7000)))
    if kind == "tissue":
        for angle in np.radians([0.0, 120.0, 240.0]):
            foot = centre + radius * (np.cos(angle) * first + np.sin(angle) * second)
            _wire(canvas, heart, np.stack([foot, foot + 11.0 * (axis if aortic else LV_A)]), 0.6, 5000.0)
    if kind == "mechanical":
        lean = np.radians(rng.uniform(10, 75))
        for side in (-1.0, 1.0):
            for offset in np.linspace(-0.8, 0.8, 9):
                root = centre + 0.1 * radius * side * first + offset * radius * second
                reach = radius * float(np.sqrt(1 - offset**2)) * 0.85
                tip = root + reach * (side * np.cos(lean) * first + np.sin(lean) * axis)
                _wire(canvas, heart, np.stack([root, tip]), 0.75, 4500.0)


def _wire(canvas: Canvas, heart: Heart, template_points: np.ndarray, radius: float, hu: float) -> None:
    points = heart.frame.to_patient(np.asarray(template_points, float).T).T
    paint_metal(canvas, points, radius, hu, Distractor.PROSTHESIS)


def _stented_valve(canvas: Canvas, heart: Heart, rng: np.random.Generator) -> None:
    """A transcatheter aortic valve: a lattice of struts in the outflow tract and root."""
    length, radius = float(rng.uniform(16, 42)), float(rng.uniform(10.5, 13.0))
    below = float(rng.uniform(3, 8))
    first = np.cross(AORTIC_AXIS, [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    second = np.cross(AORTIC_AXIS, first)
    cells, rows = int(rng.integers(9, 15)), max(int(length / rng.uniform(6, 10)), 2)
    height = np.linspace(0, length, 12 * rows)
    waist = 1.0 + 0.12 * np.cos(2 * np.pi * height / length)
    hu = float(rng.uniform(2500, 6000))
    for cell in range(cells):
        for way in (-1.0, 1.0):
            wave = np.abs((height / length * rows) % 2 - 1.0)
            angle = 2 * np.pi / cells * (cell + way * 0.5 * wave)
            ring = np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second
            at = AORTIC_CENTRE + (height - below)[:, None] * AORTIC_AXIS + (radius * waist)[:, None] * ring
            _wire(canvas, heart, at, 0.3, hu)
