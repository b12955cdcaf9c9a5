"""Spine, ribs, sternum and costal cartilage: cortex, marrow and the texture between."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline

from cacnet.phantom.canvas import Box, Canvas
from cacnet.phantom.chest import Chest, box_geometry, texture
from cacnet.phantom.devices import Distractor
from cacnet.phantom.patient import Patient
from cacnet.phantom.strokes import mark, paint_line

CORTEX_MM = 0.9
VERTEBRA_PITCH_MM = 24.5


def paint_bones(canvas: Canvas, chest: Chest, patient: Patient) -> None:
    """Paint every bone that meets the canvas."""
    rng = patient.rng("bones")
    gain = patient.attenuation.calcium_gain
    marrow = (240.0 - 130.0 * chest.age_bone) * gain
    cortex = float(rng.uniform(520, 850)) * gain
    first_z = float(rng.uniform(0, VERTEBRA_PITCH_MM))
    levels = first_z + VERTEBRA_PITCH_MM * np.arange(-8, 8)
    _paint_sternum(canvas, chest, patient, marrow, cortex)
    for level in levels:
        _paint_vertebra(canvas, chest, float(level), patient, marrow, cortex)
    for level in levels:
        for side in (-1.0, 1.0):
            _paint_rib(canvas, chest, float(level), side, patient, marrow, cortex)
    _paint_scapulae(canvas, chest, marrow, cortex)


def _bone(canvas: Canvas, box: Box, distance: np.ndarray, marrow: float | np.ndarray, cortex: float) -> None:
    outer = canvas.coverage(distance)
    canvas.paint(box, outer, cortex)
    canvas.paint(box, canvas.coverage(distance + CORTEX_MM), marrow)
    mark(canvas, box, outer >= 0.5, Distractor.BONE)


def _grain(canvas: Canvas, box: Box, rng: np.random.Generator, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Relative HU of marrow with the texture of trabecular bone over a box, defined between two corners."""
    return 1.0 + 0.2 * texture(box_geometry(canvas, box), rng, 1.7, lower, upper)


def _paint_vertebra(canvas: Canvas, chest: Chest, level: float, patient: Patient, marrow: float, cortex: float) -> None:
    rng = patient.rng(f"vertebra{level:.1f}")
    x0, y0 = chest.midline_x, float(chest.spine_at(level))
    wide, deep = rng.uniform(15.5, 18.0), rng.uniform(13.0, 15.0)
    if level < -40:
        wide, deep = wide * 1.1, deep * 1.08
    height = VERTEBRA_PITCH_MM - rng.uniform(4.0, 6.5)
    centre, half = np.array([x0, y0, level]), np.array([32.0, 26.0, 17.0])
    lower, upper = centre - half, centre + half
    box = canvas.box(lower, upper)
    if box is not None:
        x, y, z = box.x_mm - x0, box.y_mm - y0, box.z_mm - level
        waist = 1.0 - 0.10 * np.cos(np.clip(np.pi * z / height, -np.pi / 2, np.pi / 2))
        lip = 1.0 + 0.10 * chest.age_bone * np.clip(np.abs(z) / height - 0.35, 0, 0.3) / 0.15
        flat_back = np.where(y > 0, 1.12, 1.0)
        k = np.sqrt((x / (wide * waist * lip)) ** 2 + (y * flat_back / (deep * waist * lip)) ** 2)
        radial = np.hypot(x, y) * (1 - 1 / np.maximum(k, 1e-3))
        disc = canvas.coverage(np.maximum(radial + 0.5, np.abs(z) - VERTEBRA_PITCH_MM / 2))
        canvas.paint(box, disc, 85.0)
        body = np.maximum(radial, np.abs(z) - height / 2)
        grain = _grain(canvas, box, patient.rng(f"grain{level:.1f}"), lower, upper)
        _bone(canvas, box, body, marrow * grain, cortex * 0.75)
        if rng.random() < 0.25 * chest.age_bone + 0.03:
            side = rng.choice([-1.0, 1.0])
            off = (x - side * wide * 0.8, y + deep * 0.8, 0.5 * (z - 12))
            spur = np.sqrt(off[0] ** 2 + off[1] ** 2 + off[2] ** 2) - rng.uniform(3, 8)
            _bone(canvas, box, spur, cortex * 0.7, cortex * 0.8)
    _paint_arch(canvas, np.array([x0, y0 + deep, level]), marrow, cortex)


def _paint_arch(canvas: Canvas, root: np.ndarray, marrow: float, cortex: float) -> None:
    """Pedicles, laminae, transverse and spinous processes behind the body, round the canal."""
    x, y, z = root
    canal = np.array([[x, y + 8, z - 13], [x, y + 8, z + 13]])
    paint_line(canvas, canal, np.array([8.5, 8.5]), 25.0)
    paint_line(canvas, canal, np.array([5.0, 5.0]), 38.0)
    top = np.array([x, y + 18, z - 2])
    lines = [([top, top + np.array([0, 10, -9]), top + np.array([0, 17, -19])], [3.2, 2.6, 3.4])]
    for s in (-1.0, 1.0):
        pedicle = np.array([x + s * 11, y - 3, z + 4])
        joint = np.array([x + s * 12, y + 9, z + 2])
        lines.append(([pedicle, joint], [3.6, 4.0]))
        lines.append(([joint, top], [3.2, 2.8]))
        lines.append(([joint, joint + np.array([s * 10, 6, 3]), joint + np.array([s * 21, 12, 5])], [3.5, 3.2, 4.2]))
    for way, thickness in lines:
        points, radii = np.array(way), np.array(thickness)
        paint_line(canvas, points, radii, cortex, Distractor.BONE)
        paint_line(canvas, points, np.clip(radii - CORTEX_MM, 0.4, None), marrow, Distractor.BONE)


def rib_line(chest: Chest, level: float, side: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Centre line of a rib (n, 3) and of its cartilage (m, 3), from the spine round to the sternum."""
    drop = float(np.clip(62 - 0.12 * level, 35, 85)) * rng.uniform(0.9, 1.1)
    phi = np.linspace(0.13, 0.80, 26) * np.pi
    z = level + 4 - drop * np.sin(np.clip((phi / np.pi - 0.08) / 0.72, 0, 1) * np.pi / 2) ** 1.2
    outside = 5.0
    a = chest.half_width * chest.narrowing(z) + outside
    front, back = chest.front_at(z), chest.spine_at(z) + 20.0
    b, centre = 0.5 * (back - front) + outside, 0.5 * (back + front)
    # The superellipse of Chest.cage in polar form.
    c, s = np.cos(phi), np.sin(phi)
    r = (np.abs(s / a) ** 2.5 + np.abs(c / b) ** 2.5) ** -0.4
    angle = np.arctan2(c, side * s)
    r = r - sum(w * np.sin((i + 2) * angle + p) for i, (w, p) in enumerate(chest.waves))
    ring = np.stack([chest.midline_x + side * r * s, centre + r * c, z], -1)
    spine = chest.spine_at(level)
    head = np.array(
        [
            [chest.midline_x + side * 17, spine + 5, level + 7],
            [chest.midline_x + side * 30, spine + 21, level + 6],
        ]
    )
    rib = CubicSpline(np.arange(28), np.concatenate([head, ring]))(np.linspace(0, 27, 60))
    end = rib[-1]
    rise = np.clip(end[2] + 42, -30, 150)
    target = np.array([chest.midline_x + side * 17, float(chest.front_at(rise)) - 6, rise])
    middle = 0.5 * (end + target) + (0, -5, -10)
    cartilage = CubicSpline([0, 1, 2], np.stack([end, middle, target]))(np.linspace(0, 2, 9))
    return rib, cartilage


def _paint_rib(
    canvas: Canvas, chest: Chest, level: float, side: float, patient: Patient, marrow: float, cortex: float
) -> None:
    rng = patient.rng(f"rib{level:.1f}{side}")
    rib, cartilage = rib_line(chest, level, side, rng)
    _paint_cartilage(canvas, cartilage, chest, rng, cortex)
    half_high, half_thick = rng.uniform(5.0, 6.8), rng.uniform(2.6, 3.5)
    ahead = np.gradient(rib, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    centre = np.array([chest.midline_x, 0.5 * (chest.front_y + chest.back_y), 0])
    for i in range(len(rib) - 1):
        length = float(np.linalg.norm(rib[i + 1] - rib[i]))
        box = canvas.box(np.minimum(rib[i], rib[i + 1]) - 8, np.maximum(rib[i], rib[i + 1]) + 8)
        if box is None:
            continue
        outward = (rib[i] - centre) * (1, 1, 0)
        outward -= ahead[i] * (outward @ ahead[i])
        outward /= np.linalg.norm(outward)
        upward = np.cross(ahead[i], outward)
        middle = 0.5 * (rib[i] + rib[i + 1])
        offset = (box.x_mm - middle[0], box.y_mm - middle[1], box.z_mm - middle[2])
        t, u, v = (sum(np.float32(d[j]) * offset[j] for j in range(3)) for d in (ahead[i], outward, upward))
        k = np.sqrt((u / half_thick) ** 2 + (v / half_high) ** 2)
        round_distance = np.hypot(u, v) * (1 - 1 / np.maximum(k, 1e-3))
        within = np.abs(t) <= length / 2 + 0.75 * canvas.spacing_mm
        distance = np.where(within, round_distance, 9.0).astype(np.float32)
        _bone(canvas, box, distance, marrow * 0.75, cortex)


def _paint_cartilage(canvas: Canvas, line: np.ndarray, chest: Chest, rng: np.random.Generator, cortex: float) -> None:
    radii = np.full(len(line), 5.2)
    paint_line(canvas, line, radii, float(rng.uniform(80, 130)))
    for _ in range(rng.poisson(9 * chest.age_bone)):
        i = int(rng.integers(0, len(line) - 1))
        at = line[i] + rng.random() * (line[i + 1] - line[i]) + rng.normal(0, 2.2, 3)
        tip = at + rng.normal(0, 3.0, 3)
        paint_line(
            canvas, np.stack([at, tip]), rng.uniform(0.5, 1.6, 2), cortex * rng.uniform(0.3, 0.9), Distractor.BONE
        )


def _paint_sternum(canvas: Canvas, chest: Chest, patient: Patient, marrow: float, cortex: float) -> None:
    rng = patient.rng("sternum")
    half_width, half_thick = rng.uniform(15, 20), rng.uniform(4.8, 6.5)
    low, high = rng.uniform(-50, -30), 150.0
    y_range = sorted((float(chest.front_at(low)), float(chest.front_at(high))))
    lower = np.array([chest.midline_x - 36, y_range[0] - 20, low - 4])
    upper = np.array([chest.midline_x + 36, y_range[1] + 6, high + 4])
    box = canvas.box(lower, upper)
    if box is None:
        return
    x, y = box.x_mm - chest.midline_x, box.y_mm - (chest.front_at(box.z_mm) - half_thick - 1.0)
    width = half_width * (0.8 + 0.10 * np.cos((box.z_mm + 10) / 16.0) + 0.003 * np.clip(box.z_mm, 0, 100))
    k = ((np.abs(x) / width) ** 3 + (np.abs(y) / half_thick) ** 3) ** (1 / 3)
    radial = np.hypot(x, y) * (1 - 1 / np.maximum(k, 1e-3))
    distance = np.maximum(radial, np.maximum(low - box.z_mm, box.z_mm - high))
    grain = _grain(canvas, box, patient.rng("grain-sternum"), lower, upper)
    _bone(canvas, box, distance, 0.7 * marrow * grain, cortex * 0.9)


def _paint_scapulae(canvas: Canvas, chest: Chest, marrow: float, cortex: float) -> None:
    """Shoulder blades: thin plates that lie on the muscle behind the upper ribs, their border thicker."""
    for side in (-1.0, 1.0):
        inner, outer = (chest.midline_x + side * x for x in (58.0, 150.0))
        lower = np.array([min(inner, outer), chest.spine_y - 75.0, 15.0])
        box = canvas.box(lower, np.array([max(inner, outer), chest.spine_y + 60.0, 170.0]))
        if box is None:
            continue
        cage = chest.cage((box.x_mm, box.y_mm, box.z_mm))
        across = np.abs(box.x_mm - chest.midline_x)
        border = np.maximum(62.0 - across + 0.1 * (box.z_mm - 60.0), across - 84.0 - 0.32 * (box.z_mm - 20.0))
        border = np.maximum(border, np.maximum(22.0 - box.z_mm, chest.spine_y - 62.0 - box.y_mm))
        thick = 1.6 + 2.2 * np.exp(-((border + 4.0) ** 2) / 18.0)
        _bone(canvas, box, np.maximum(np.abs(cage - 20.0) - thick, border), marrow, cortex)
