"""Vessels beyond the heart: aortic arch and its branches, descending aorta and its calcium, veins to the cava.

They begin where the template heart's own vessels end, and are painted before it.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline

from cacnet.phantom.canvas import Canvas
from cacnet.phantom.chest import Chest
from cacnet.phantom.devices import Distractor
from cacnet.phantom.heart import Heart
from cacnet.phantom.patient import Patient
from cacnet.phantom.strokes import cone_distance, mark, paint_line

WALL_HU = 55.0
WALL_MM = 1.4
ASCENDING_END = np.array([[-20.0, -9, 57], [-18, -4, 73], [-10, 6, 86]])
"""The last points of the template's ascending aorta (template coordinates, as those below)."""
CAVA_END = np.array([-38.0, 2, 84])
LOWEST_MM = -150.0


def smooth_line(points_mm: object, samples: int) -> np.ndarray:
    """A cubic spline (samples, 3) through points, evenly in their order."""
    points = np.asarray(points_mm, float)
    return CubicSpline(np.arange(len(points)), points)(np.linspace(0, len(points) - 1, samples))


def paint_great_vessels(canvas: Canvas, chest: Chest, heart: Heart, patient: Patient) -> None:
    """Paint arteries and veins outside the pericardium; aortic calcium goes to the layer 'distractor'."""
    rng = patient.rng("back vessels")
    blood = patient.attenuation
    line = aorta_line(chest, heart, rng)
    radius = float((11.0 + 0.03 * (patient.age_years - 30) + rng.normal(0, 0.9)) * patient.heart_scale**0.5)
    radii = radius * np.linspace(1.12, 0.92, len(line))
    _paint_venous(canvas, chest, heart, patient, line)
    branches = _arch_branches(chest, line, rng)
    for way, thick in branches:
        _artery(canvas, way, thick, blood.aorta)
    _artery(canvas, line, radii, blood.aorta)
    _paint_calcium(canvas, line, radii, chest, patient)


def _artery(canvas: Canvas, line: np.ndarray, radii: np.ndarray, hu: float) -> None:
    # A spur of the spine ends at the vessel, and so does its label.
    paint_line(canvas, line, radii + WALL_MM, WALL_HU, Distractor.NONE)
    paint_line(canvas, line, radii, hu)


def aorta_line(chest: Chest, heart: Heart, rng: np.random.Generator) -> np.ndarray:
    """Centre line of the aorta (n, 3) from the end of the ascending part through the arch down to the abdomen."""
    ascending = heart.frame.to_patient(ASCENDING_END.T).T
    top = ascending[-1]
    z = np.array([top[2] - 12.0, 45.0, 10.0, -35.0, -85.0, LOWEST_MM])
    beside = np.array([27.0, 28.0, 26.0, 21.0, 13.0, 5.0]) + rng.normal(0, 2.0) + rng.normal(0, 1.5, 6)
    before = np.array([-12.0, -12.0, -14.0, -18.0, -25.0, -29.0]) + rng.normal(0, 1.5, 6)
    descending = np.stack([chest.midline_x + beside, chest.spine_at(z) + before, z], -1)
    crown = 0.5 * (top + descending[0]) + np.array([2.0, 0.0, 17.0 + rng.normal(0, 2.0)])
    return smooth_line([*ascending[1:], crown, *descending], 70)


def _arch_branches(chest: Chest, line: np.ndarray, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Brachiocephalic trunk, left carotid and left subclavian artery, from the arch up out of the chest."""
    result = []
    for part, x, y, radius in ((0.10, -20.0, -4.0, 6.0), (0.20, 12.0, -2.0, 3.8), (0.28, 30.0, 8.0, 4.8)):
        start = line[int(part * len(line))]
        end = np.array([chest.midline_x + x, start[1] + y, 175.0])
        middle = 0.6 * start + 0.4 * end + np.array([0.25 * x, 0.0, 0.0]) + rng.normal(0, 1.5, 3)
        result.append((smooth_line([start, middle, end], 12), np.full(12, radius)))
    return result


def _paint_venous(canvas: Canvas, chest: Chest, heart: Heart, patient: Patient, aorta: np.ndarray) -> None:
    """Both brachiocephalic veins, the injected arm's dense and the other's not, and the azygos with its arch."""
    rng = patient.rng("venous")
    blood = patient.attenuation
    cava = heart.frame.to_patient(CAVA_END[:, None])[:, 0]
    quiet = 60.0 + 0.25 * (blood.superior_vena_cava - 60.0)
    dense_right = rng.random() < 0.7
    right = smooth_line([cava, cava + np.array([-2, 2, 25]), cava + np.array([-14, 8, 95])], 14)
    before = np.array([chest.midline_x + 4, float(chest.front_at(cava[2] + 24)) + 22, cava[2] + 24])
    left_way = [cava + np.array([0, 0, 10]), before, before + np.array([22, 9, 26]), before + np.array([26, 20, 80])]
    left = smooth_line(left_way, 20)
    order = ((left, not dense_right), (right, dense_right))
    for way, dense in order:
        radii = np.full(len(way), rng.uniform(6.5, 8.5))
        paint_line(canvas, way, radii + 0.8, WALL_HU)
        paint_line(canvas, way, radii, blood.superior_vena_cava if dense or not patient.contrast else quiet)
    level = cava[2] - 22
    spine = [[chest.midline_x - 12, float(chest.spine_at(z)) - 19, z] for z in (level - 8, 20.0, -40.0, LOWEST_MM)]
    arch = cava + np.array([0, 9, -24])
    azygos = smooth_line([arch, [chest.midline_x - 22, float(chest.spine_at(level)) - 34, level + 4], *spine], 50)
    paint_line(canvas, azygos, np.full(50, rng.uniform(2.5, 4.2)), max(40.0, 0.3 * blood.right_atrium))


def _paint_calcium(canvas: Canvas, line: np.ndarray, radii: np.ndarray, chest: Chest, patient: Patient) -> None:
    """Plaques in the wall of arch and descending aorta."""
    rng = patient.rng("aortic calcium")
    for _ in range(int(rng.poisson(10 * chest.age_bone * (0.4 + 0.6 * patient.calcium_burden)))):
        i = int(rng.integers(2, len(line) - 2))
        ahead = (line[i + 1] - line[i - 1]) / np.linalg.norm(line[i + 1] - line[i - 1])
        aside = rng.normal(size=3)
        aside -= ahead * (aside @ ahead)
        at = line[i] + (radii[i] + 0.6) * aside / np.linalg.norm(aside)
        size, thick, hu = rng.uniform(1.0, 5.0), rng.uniform(0.4, 1.2), float(rng.uniform(500, 1400))
        box = canvas.box(at - size - 2, at + size + 2)
        if box is None:
            continue
        tube = np.abs(cone_distance(box, line[i - 1], line[i + 1], radii[i], radii[i]) - 0.5) - thick
        ball = np.sqrt((box.x_mm - at[0]) ** 2 + (box.y_mm - at[1]) ** 2 + (box.z_mm - at[2]) ** 2) - size
        coverage = canvas.coverage(np.maximum(tube, ball))
        canvas.paint(box, coverage, hu * patient.attenuation.calcium_gain)
        mark(canvas, box, coverage >= 0.5, Distractor.AORTIC)
