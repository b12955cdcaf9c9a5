"""What lies under the diaphragm: liver with its veins, stomach, spleen, and the colon's left flexure.

Organs fill the domes and vary in size, place, content and enhancement; between them lies fat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cacnet.phantom.canvas import Box, Canvas
from cacnet.phantom.chest import Chest, box_geometry, evaluate, texture
from cacnet.phantom.patient import Patient
from cacnet.phantom.strokes import paint_line, part_of, whole

AIR_HU = -1000.0
DIAPHRAGM_MM = 1.8
WALL_MM = 3.0
CONTRAST_MEAL = 0.06

Points = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Organs:
    """Signed distances (mm) of points to the organs of one patient, each clear of those before it."""

    under: Callable[[Points], np.ndarray]
    liver: Callable[[Points], np.ndarray]
    stomach: Callable[[Points], np.ndarray]
    spleen: Callable[[Points], np.ndarray]
    colon: Callable[[Points], np.ndarray]
    stomach_y: float


def paint_abdomen(canvas: Canvas, chest: Chest, patient: Patient) -> None:
    """Paint everything below the diaphragm's domes."""
    low = np.asarray(canvas.geometry.origin_mm_lps) - 1.0
    below = part_of(canvas, low, np.array([1e3, 1e3, max(chest.dome_z) + 22.0]))
    if below is None:
        return
    rng = patient.rng("abdomen")
    organs = draw_organs(chest, rng)
    under = evaluate(below, organs.under)
    if under.min() > DIAPHRAGM_MM:
        return
    box = whole(below)
    grid = box_geometry(below, box)
    tissue = patient.attenuation
    below.paint(box, below.coverage(under - DIAPHRAGM_MM), tissue.muscle)
    grain = texture(grid, rng, 4.0)
    strands = 60.0 * np.clip(grain - 1.5, 0.0, 1.5)
    below.paint(box, below.coverage(under), tissue.fat - 8.0 + 6.0 * grain + strands)
    wavy = texture(grid, rng, 22.0)
    liver = evaluate(below, organs.liver) + 0.8 * wavy
    below.paint(box, below.coverage(np.maximum(liver, under)), tissue.liver + 3.0 * grain)
    _paint_liver_veins(canvas, chest, patient, organs, rng)
    # In the arterial phase the spleen is striped.
    early = float(rng.uniform(0.0, 28.0)) * patient.contrast
    spleen = evaluate(below, organs.spleen)
    dense = tissue.liver + (float(rng.uniform(10, 80)) if patient.contrast else -5.0)
    below.paint(box, below.coverage(np.maximum(spleen, under)), dense + early * texture(grid, rng, 9.0))
    _paint_stomach(below, box, organs, under, tissue.muscle, rng)
    _paint_colon(below, box, organs, under, rng)


def draw_organs(chest: Chest, rng: np.random.Generator) -> Organs:
    """The shapes and places of this patient's organs."""
    half, top = chest.half_width, chest.dome_z[1]
    edge, slope, rise = rng.uniform(15, 85), rng.uniform(0.15, 0.5), rng.uniform(0.25, 0.7)
    size = np.array([rng.uniform(0.26, 0.44) * half, rng.uniform(30, 58), rng.uniform(30, 52)])
    centre = np.array(
        [rng.uniform(0.42, 0.62) * half, chest.front_y + rng.uniform(45, 85), top - rng.uniform(0.7, 1.0) * size[2]]
    )
    flesh = np.array([rng.uniform(24, 36), rng.uniform(32, 50), rng.uniform(34, 52)])
    back = np.array([rng.uniform(0.72, 0.86) * half, chest.spine_y - rng.uniform(0, 18), top - rng.uniform(26, 52)])
    bowel = np.array([rng.uniform(0.40, 0.80) * half, chest.front_y + rng.uniform(18, 40), top - rng.uniform(18, 60)])
    calibre, lean = rng.uniform(13, 26), rng.uniform(-0.6, 0.6)

    def under(points: Points) -> np.ndarray:
        return np.maximum(chest.cage(points) + 3.0, chest.diaphragm(points) + 2.5)

    def liver(points: Points) -> np.ndarray:
        x, y, z = points[0] - chest.midline_x, points[1], points[2]
        side = 0.8 * (x - edge + slope * (y - chest.front_y) + rise * (z - top))
        side = side + 6.0 * np.sin(y / 17.0 + edge) + 5.0 * np.sin(z / 14.0 + y / 31.0)
        return np.maximum(np.maximum(under(points) - 0.4, side), 38.0 - np.hypot(x, y - chest.spine_y))

    def stomach(points: Points) -> np.ndarray:
        shift = 0.35 * (points[2] - centre[2])
        own = _ellipsoid(points, centre + np.array([chest.midline_x, 0, 0]), size, shift)
        return np.maximum(np.maximum(own, under(points) + 0.4), 2.0 - liver(points))

    def spleen(points: Points) -> np.ndarray:
        own = _ellipsoid(points, back + np.array([chest.midline_x, 0, 0]), flesh, 0.0 * points[2])
        return np.maximum(np.maximum(own, under(points) + 1.0), np.maximum(2.0 - stomach(points), 2.0 - liver(points)))

    def colon(points: Points) -> np.ndarray:
        x, y, z = points[0] - chest.midline_x - bowel[0], points[1] - bowel[1], points[2] - bowel[2]
        pouch = 1.0 + 0.16 * np.cos(x / 6.5) * np.cos(0.7 * y / 6.5)
        own = np.hypot(z - lean * x - 8.0 * np.sin(x / 25.0), y - 0.25 * x) - calibre * pouch
        own = np.maximum(own, np.abs(x) - 50.0)
        nearest = np.minimum(np.minimum(liver(points), stomach(points)), spleen(points))
        return np.maximum(np.maximum(own, under(points) + 1.0), 2.0 - nearest)

    return Organs(under, liver, stomach, spleen, colon, float(centre[1]))


def _ellipsoid(points: Points, centre: np.ndarray, size: np.ndarray, shift: np.ndarray) -> np.ndarray:
    x, y, z = (p - c for p, c in zip(points, centre, strict=True))
    k = np.sqrt(((x - shift) / size[0]) ** 2 + (y / size[1]) ** 2 + (z / size[2]) ** 2)
    return (k - 1.0) * float(size.min())


def _paint_liver_veins(
    canvas: Canvas, chest: Chest, patient: Patient, organs: Organs, rng: np.random.Generator
) -> None:
    """Hepatic veins towards the cava and portal branches, darker or brighter than the liver."""
    root = np.array([chest.midline_x - 22.0, chest.spine_y - 32.0, min(chest.dome_z) - 8.0])
    hu = patient.attenuation.liver + (float(rng.normal(5, 25)) if patient.contrast else -12.0)
    for _ in range(int(rng.integers(8, 16))):
        end = root + np.array([rng.uniform(-90, 40), rng.uniform(-90, 25), rng.uniform(-55, 8)])
        middle = 0.5 * (root + end) + rng.normal(0, 7, 3)
        line = np.stack([root, middle, end])
        inside = [float(organs.liver(tuple(np.array([v]) for v in p))[0]) for p in line]  # type: ignore[arg-type]
        if max(inside[1:]) < -6.0:
            first = 1 if inside[0] > -4.0 else 0
            paint_line(canvas, line[first:], np.linspace(rng.uniform(2.5, 5.0), 1.0, 3)[first:], hu)


def _paint_stomach(
    canvas: Canvas, box: Box, organs: Organs, under: np.ndarray, muscle: float, rng: np.random.Generator
) -> None:
    """Wall with its folds, and what it holds: gas above fluid or food, rarely contrast."""
    outer = evaluate(canvas, organs.stomach)
    folds = rng.uniform(0.0, 2.5) * np.clip(texture(box_geometry(canvas, box), rng, 6.0), 0, None)
    canvas.paint(box, canvas.coverage(np.maximum(outer, under)), muscle + rng.uniform(-5, 35))
    meal = float(rng.uniform(150, 420)) if rng.random() < CONTRAST_MEAL else float(rng.uniform(0, 45))
    food = meal + float(rng.uniform(2, 60)) * texture(box_geometry(canvas, box), rng, 8.0)
    level = organs.stomach_y + float(rng.uniform(-30, 30))
    inside = np.where(box.y_mm < level, AIR_HU, food).astype(np.float32)
    canvas.paint(box, canvas.coverage(outer + WALL_MM + folds), inside)


def _paint_colon(canvas: Canvas, box: Box, organs: Organs, under: np.ndarray, rng: np.random.Generator) -> None:
    present, gas = rng.random() < 0.75, float(rng.uniform(-1.5, 2.5))
    outer = evaluate(canvas, organs.colon, 2.0)
    lumps = texture(box_geometry(canvas, box), rng, 7.0)
    if not present:
        return
    canvas.paint(box, canvas.coverage(np.maximum(outer, under)), 40.0)
    filling = np.where(lumps < gas, AIR_HU, -60.0 + 70.0 * lumps).astype(np.float32)
    canvas.paint(box, canvas.coverage(outer + 1.6), filling)
