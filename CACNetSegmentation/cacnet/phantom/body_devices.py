"""What lies on and under the skin: ECG electrodes with their wires, a pacemaker, a venous port, breast implants."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cacnet.phantom.canvas import Canvas
from cacnet.phantom.chest import Chest
from cacnet.phantom.devices import Distractor
from cacnet.phantom.great_vessels import smooth_line
from cacnet.phantom.heart import Heart
from cacnet.phantom.interventions import paint_metal
from cacnet.phantom.patient import Patient
from cacnet.phantom.strokes import mark

Surface = Callable[[tuple[np.ndarray, np.ndarray, np.ndarray]], np.ndarray]


def front_of(surface: Surface, x_mm: float, z_mm: float, level_mm: float = 0.0) -> np.ndarray:
    """The foremost point (3,) at x and z that lies `level_mm` outside a surface (negative: inside)."""
    y = np.arange(-220.0, 80.0, 1.0)
    inside = surface((np.full_like(y, x_mm), y, np.full_like(y, z_mm))) < level_mm
    return np.array([x_mm, float(y[int(np.argmax(inside))]) if inside.any() else 80.0, z_mm])


def paint_electrodes(canvas: Canvas, chest: Chest, patient: Patient) -> None:
    """Three to five electrodes on the chest, their metal snaps and wires dense."""
    rng = patient.rng("electrodes")
    places = [(-85, 95), (85, 95), (95, -45), (-80, -60), (40, 20)][: int(rng.integers(3, 6))]
    for beside, above in places:
        x, z = float(beside + rng.normal(0, 12)), float(above + rng.normal(0, 15))
        at = front_of(chest.skin, chest.midline_x + x, z, 1.0)
        snap = np.stack([at, at - np.array([0.0, rng.uniform(1.5, 4.0), 0.0])])
        paint_metal(canvas, snap, float(rng.uniform(1.0, 2.5)), float(rng.uniform(800, 6000)), Distractor.SURFACE)
        turn = np.linspace(0, 1, 8)[:, None]
        way = [front_of(chest.skin, chest.midline_x + x * (1 - t), z + 60.0 * t, 2.5) for t in turn[:, 0]]
        if rng.random() < 0.7:
            paint_metal(canvas, smooth_line(way, 30), 0.5, float(rng.uniform(500, 5000)), Distractor.SURFACE)


def paint_pacemaker(canvas: Canvas, chest: Chest, heart: Heart, patient: Patient) -> None:
    """The can below the collar bone and its lead on to the superior vena cava."""
    rng = patient.rng("pacemaker")
    side = 1.0 if rng.random() < 0.85 else -1.0
    z = float(heart.upper_mm_xyz[2]) + rng.uniform(25, 75)
    at = front_of(chest.muscle, chest.midline_x + side * rng.uniform(62, 85), z, 4.0)
    half = np.array([rng.uniform(19, 25), rng.uniform(3.5, 6.0), rng.uniform(18, 26)])
    box = canvas.box(at - half - 3, at + half + 3)
    if box is not None:
        u, v, w = ((c - m) / h for c, m, h in zip((box.x_mm, box.y_mm, box.z_mm), at, half, strict=True))
        distance = ((np.abs(u) ** 4 + np.abs(v) ** 4 + np.abs(w) ** 4) ** 0.25 - 1.0) * float(half.min())
        coverage = canvas.coverage(distance)
        canvas.paint(box, coverage, 9000.0)
        mark(canvas, box, coverage >= 0.5, Distractor.LEAD)
    top = heart.frame.to_patient(np.array([[-39.0, 2.0, 140.0]]).T).T[0]
    rise = np.array([0.5 * (at[0] + top[0]), 0.5 * (at[1] + top[1]), max(at[2], top[2]) + 12.0])
    paint_metal(canvas, smooth_line([at, rise, top], 40), 0.9, 3500.0, Distractor.LEAD)


def paint_port(canvas: Canvas, heart: Heart, patient: Patient) -> None:
    """A catheter in the superior vena cava, its tip near the right atrium."""
    rng = patient.rng("port")
    way = [[-39, 2, 140], [-39, 3, 85], [-40, 6, 45], [-42, 6, rng.uniform(8, 36)]]
    points = heart.frame.to_patient((np.asarray(way, float) + rng.normal(0, 1.0, (4, 3))).T).T
    paint_metal(canvas, smooth_line(points, 60), 1.1, float(rng.uniform(500, 1800)), Distractor.LEAD)


def paint_breast_implants(canvas: Canvas, chest: Chest, patient: Patient) -> None:
    """Silicone or saline in front of the pectoral muscle, its capsule sometimes calcified."""
    rng = patient.rng("breast implants")
    hu, capsule = (float(rng.uniform(60, 120)) if rng.random() < 0.7 else 8.0), rng.random() < 0.3
    half = np.array([rng.uniform(42, 58), rng.uniform(14, 24), rng.uniform(40, 55)])
    for side in (-1.0, 1.0):
        centre = front_of(chest.muscle, chest.midline_x + side * 0.58 * chest.half_width, 5.0, 0.0)
        centre = centre - np.array([0.0, 0.7 * half[1], 0.0])
        box = canvas.box(centre - half - 8, centre + half + 8)
        if box is None:
            continue
        u, v, w = ((c - m) / h for c, m, h in zip((box.x_mm, box.y_mm, box.z_mm), centre, half, strict=True))
        distance = (np.sqrt(u**2 + v**2 + w**2) - 1.0) * float(half.min())
        cage = chest.cage((box.x_mm, box.y_mm, box.z_mm))
        distance = np.maximum(distance, 12.0 - cage)
        # What stands out beyond the old skin takes its skin along.
        canvas.paint(box, canvas.coverage(distance - 5.0) * (canvas.hu[box.slices] < -400), patient.attenuation.fat)
        shell = float(rng.uniform(300, 900)) if capsule else 70.0
        canvas.paint(box, canvas.coverage(distance - 0.6), shell)
        canvas.paint(box, canvas.coverage(distance + 0.6), hu)
        if capsule:
            mark(canvas, box, np.abs(distance) < 0.6, Distractor.SURFACE)
