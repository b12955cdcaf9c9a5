"""Everything around the heart: skin, muscle, lungs, mediastinum, abdomen, great vessels of the back, and the bones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.interpolate import CubicSpline

from cacnet.phantom.abdomen import paint_abdomen
from cacnet.phantom.bones import paint_bones
from cacnet.phantom.canvas import Box, Canvas
from cacnet.phantom.chest import Chest, coarse_box, draw_chest, evaluate, texture, upsample
from cacnet.phantom.devices import Distractor
from cacnet.phantom.great_vessels import paint_great_vessels
from cacnet.phantom.heart import Heart
from cacnet.phantom.heart_sampling import distance_on_box
from cacnet.phantom.lungs import Depth, hilum, paint_lung_vessels
from cacnet.phantom.patient import Patient
from cacnet.phantom.strokes import paint_line, whole

AIR_HU = -1000.0
PLEURA_MM = 2.0


def paint_thorax(canvas: Canvas, heart: Heart, patient: Patient) -> None:
    """Paint the chest onto an empty canvas, before the heart is painted over it.

    Bone, calcified cartilage and calcium of the descending aorta are entered in the layer 'distractor'.
    """
    chest = draw_chest(patient, heart)
    heart_box = np.array([heart.lower_mm_xyz, heart.upper_mm_xyz], float)
    box = whole(canvas)
    canvas.hu[...] = AIR_HU
    _paint_table(canvas, box, chest, patient.rng("table"))
    cage = evaluate(canvas, chest.cage)
    _paint_wall(canvas, chest, patient, cage)
    middle = mediastinum_distance(canvas, chest, heart)
    abdomen = evaluate(canvas, chest.diaphragm)
    _paint_mediastinal_fat(canvas, box, cage, patient)
    paint_abdomen(canvas, chest, patient)
    lung = np.maximum(np.maximum(cage + PLEURA_MM, 1.0 - middle), 0.5 - abdomen)
    _paint_lungs(canvas, box, chest, heart, patient, lung)
    _paint_pleural_fluid(canvas, chest, patient, lung, box)
    paint_bones(canvas, chest, patient)
    _paint_chest_wall_vessels(canvas, chest, patient)
    _paint_gullet(canvas, chest, patient)
    _paint_airway_trunk(canvas, chest, heart_box)
    paint_great_vessels(canvas, chest, heart, patient)


def _paint_table(canvas: Canvas, box: Box, chest: Chest, rng: np.random.Generator) -> None:
    """The curved table top under the patient: a carbon skin around foam, with a mattress between them."""
    y = np.arange(chest.spine_y, chest.spine_y + 160.0, 1.0)
    skin = chest.skin((np.full_like(y, chest.midline_x), y, np.zeros_like(y)))
    back = chest.spine_y + float(np.count_nonzero(skin < 0)) + float(rng.uniform(0.0, 12.0))
    thick, half = float(rng.uniform(18, 45)), float(rng.uniform(195, 235))
    curve = back - float(rng.uniform(0.0002, 0.0012)) * (box.x_mm - chest.midline_x - float(rng.normal(0, 15))) ** 2
    pad = float(rng.uniform(0.0, 18.0))
    side = np.abs(box.x_mm - chest.midline_x) - half + 0.0 * box.z_mm
    mattress = np.maximum(np.maximum(curve - box.y_mm, box.y_mm - curve - pad), side)
    depth = np.maximum(np.maximum(curve + pad - box.y_mm, box.y_mm - curve - pad - thick), side)
    if min(depth.min(), mattress.min()) > 1.0:
        return
    canvas.paint(box, canvas.coverage(mattress), float(rng.uniform(-990, -900)))
    canvas.paint(box, canvas.coverage(depth), float(rng.uniform(-350, -80)))
    canvas.paint(box, canvas.coverage(depth + rng.uniform(1.0, 2.2)), float(rng.uniform(-980, -900)))


def _paint_wall(canvas: Canvas, chest: Chest, patient: Patient, cage: np.ndarray) -> None:
    """Skin, subcutaneous fat with its septa, and the muscles with fat between them, outside the rib cage."""
    skin = evaluate(canvas, chest.skin)
    where = (skin < canvas.spacing_mm) & (cage > -canvas.spacing_mm)
    if not where.any():
        return
    fat = patient.attenuation.fat - 12.0
    depth = skin[where]
    wavy = texture(canvas.geometry, patient.rng("wall"), 15.0)[where]
    septa = np.maximum(np.abs(wavy) * 12.0 - 0.4, depth + 2.0)
    muscle = np.maximum(evaluate(canvas, chest.muscle)[where] + 1.2 * wavy, depth + 2.5)
    # Fat between the layers of muscle: a thin wavy sheet about half way through.
    sheet = np.abs(muscle + 0.5 * chest.muscle_mm + 4.0 + 1.6 * wavy) - (0.25 + 0.9 * np.clip(wavy, 0, None))
    hu = canvas.hu[where]
    for distance, part, value in (
        (depth, 1.0, 20.0),
        (depth + 1.6, 1.0, fat),
        (septa, 0.4, 10.0),
        (muscle, 1.0, patient.attenuation.muscle + 6.0 * wavy),
        (np.maximum(sheet, muscle), 1.0, fat),
    ):
        hu += part * canvas.coverage(distance) * (value - hu)
    canvas.hu[where] = hu


def mediastinum_distance(canvas: Canvas, chest: Chest, heart: Heart) -> np.ndarray:
    """Signed distance to the surface between the lungs: round the heart, the spine, the great vessels and their fat."""
    box, axes = coarse_box(canvas)
    top = float(heart.upper_mm_xyz[2])
    x, y, z = box.x_mm - chest.midline_x, box.y_mm, box.z_mm
    # Fat pads lie on the pericardium here and there; below, the heart rests on the diaphragm and not in the lung.
    pads = 5.0 * np.sin(x / 17.0 + 1.0) * np.sin(y / 21.0 + x / 40.0) * np.sin(z / 19.0 + y / 33.0) + 3.0 * (
        z < -25
    ) * (y < 0)
    parts = [heart.pericardium_distance(box) - 0.8 - np.clip(pads, 0.0, None)]
    for drop in (14.0, 28.0):
        lowered = replace(box, z_mm=box.z_mm + np.float32(drop))
        parts.append(np.maximum(heart.pericardium_distance(lowered), z - heart.lower_mm_xyz[2] - 38.0))
    for vessel in (
        heart.template.inferior_vena_cava,
        heart.template.superior_vena_cava,
        heart.template.pulmonary_trunk,
    ):
        parts.append(distance_on_box(vessel.outer, heart.frame, box) - 2.0)
    upper = np.hypot(x * 0.95, (y - chest.front_at(z) - 48.0) * 0.62) - 31.0
    parts.append(np.maximum(upper, top - 35.0 - z))
    parts.append(np.hypot(x, (y - chest.spine_at(z)) * 0.95) - 22.5)
    parts.append(np.hypot(x - 8.0, (y - chest.spine_at(z) + 30.0) * 0.9) - 13.0)
    parts.append(np.hypot(x * 0.8, (y - chest.front_at(z)) * 1.3) - 13.0)
    parts.append(np.hypot(np.hypot(x * 0.55, y - chest.spine_y + 44.0), (z - top + 34.0) * 0.6) - 15.0)
    result = parts[0]
    for part in parts[1:]:
        mixed = np.clip(9.0 - np.abs(result - part), 0, None)
        result = np.minimum(result, part) - mixed**2 / 36.0
    return upsample(canvas.geometry, result.astype(np.float32), axes)


def _paint_lungs(canvas: Canvas, box: Box, chest: Chest, heart: Heart, patient: Patient, lung: np.ndarray) -> None:
    if lung.min() > canvas.spacing_mm:
        return
    rng = patient.rng("parenchyma")
    hang = (box.y_mm - 0.5 * (chest.front_y + chest.back_y)) / (chest.back_y - chest.front_y)
    tissue = patient.attenuation.lung + 55.0 * hang + 14.0 * texture(canvas.geometry, rng, 12.0)
    tissue = tissue + 22.0 * texture(canvas.geometry, rng, 2.5)
    where = lung < canvas.spacing_mm
    hu, depth = canvas.hu[where], lung[where]
    hu += canvas.coverage(depth) * (tissue[where] - hu)
    for tilt, offset in ((0.75, rng.uniform(-12, 12)), (-0.05, rng.uniform(5, 25))):
        plane = 0.8 * (box.z_mm - offset - tilt * box.y_mm + 5.0 * np.sin((box.x_mm + offset) / 30.0))
        fissure = np.maximum(np.abs(plane)[where] - 0.35, depth + 1.0)
        hu += 0.5 * canvas.coverage(fissure) * (-550.0 - hu)
    canvas.hu[where] = hu
    paint_lung_vessels(canvas, chest, heart, patient, _lung_depth(chest, heart))


def _lung_depth(chest: Chest, heart: Heart) -> Depth:
    """Signed distance of points (n, 3) to the lungs, from a coarse canvas over the whole chest."""
    from scipy.ndimage import map_coordinates

    lower, upper = np.array([chest.midline_x - 150, chest.front_y - 10, -120.0]), np.array([0, 0, 160.0])
    upper[:2] = chest.midline_x + 150, chest.back_y + 10
    room = Canvas.filled(lower, upper, 6.0, AIR_HU)
    cage, middle = evaluate(room, chest.cage), mediastinum_distance(room, chest, heart)
    lung = np.maximum(np.maximum(cage, -middle), -evaluate(room, chest.diaphragm))

    def depth(points_mm: np.ndarray) -> np.ndarray:
        return map_coordinates(lung, room.geometry.lps_to_index(points_mm).T, order=1, mode="nearest")

    return depth


def _paint_mediastinal_fat(canvas: Canvas, box: Box, cage: np.ndarray, patient: Patient) -> None:
    """Fat inside the rib cage with its fine strands, small vessels and nodes."""
    rng = patient.rng("mediastinal fat")
    grain = texture(canvas.geometry, rng, 3.5)
    fat = patient.attenuation.fat + 7.0 * grain
    # Where the texture is highest, something other than fat: 2 SD is about 2 % of the volume.
    fat += 55.0 * np.clip(grain - 1.6, 0.0, 1.5)
    canvas.paint(box, canvas.coverage(cage), fat)


def _paint_gullet(canvas: Canvas, chest: Chest, patient: Patient) -> None:
    """Oesophagus, with some air in half of all patients, rarely with contrast, a hiatus hernia below in one of ten."""
    rng = patient.rng("gullet")
    z = np.linspace(170, -150, 54)
    before = np.interp(z, [-150, 0, 60, 170], [36, 25, 24, 28])
    x = chest.midline_x + np.interp(z, [-150, 0, 170], [22, 6, 0]) + rng.normal(0, 2)
    line = np.stack([x, chest.spine_at(z) - before, z], -1)
    wide = rng.uniform(4.2, 6.2) * (1.0 + 0.25 * np.sin(z / rng.uniform(14, 30) + rng.uniform(0, 6)))
    if rng.random() < 0.1:
        wide = wide + rng.uniform(6, 15) * np.exp(-(((z + 45.0) / 22.0) ** 2))
    for shift in (-3.0, 0.0, 3.0):
        paint_line(canvas, line + np.array([shift, 0, 0]), wide, float(rng.uniform(38, 62)), Distractor.NONE)
    first, radius = int(rng.integers(0, 40)), rng.uniform(1.0, 3.2)
    if rng.random() < 0.5:
        paint_line(canvas, line[first : first + 12] - np.array([0, 1.5, 0]), np.full(12, radius), -900.0)
    elif rng.random() < 0.08:
        meal = float(rng.uniform(150, 700))
        part = line[first : first + 16]
        paint_line(canvas, part, np.full(len(part), radius), meal, Distractor.DENSE_CONTRAST)


def _paint_chest_wall_vessels(canvas: Canvas, chest: Chest, patient: Patient) -> None:
    """Internal mammary arteries and veins beside the sternum, with their branches between the ribs."""
    rng = patient.rng("mammary")
    blood = patient.attenuation
    z = np.linspace(-90, 165, 40)
    dim = max(0.35 * blood.superior_vena_cava, 45.0) if patient.contrast else blood.superior_vena_cava
    for side in (-1.0, 1.0):
        beside = rng.uniform(11, 17) + 19.0
        wave = 1.5 * np.sin(z / 17.0 + rng.uniform(0, 6))
        y = chest.front_at(z) + rng.uniform(1.5, 3.5)
        artery = np.stack([chest.midline_x + side * (beside + wave), y, z], -1)
        vein = artery + np.array([-side * rng.uniform(2.5, 4.0), rng.normal(0, 0.4), 0.0])
        paint_line(canvas, artery, np.full(40, 2.6), blood.fat)
        paint_line(canvas, vein, np.full(40, rng.uniform(0.8, 1.6)), min(dim, 600.0))
        paint_line(canvas, artery, np.full(40, rng.uniform(0.7, 1.4)), blood.aorta)


def _paint_pleural_fluid(canvas: Canvas, chest: Chest, patient: Patient, lung: np.ndarray, box: Box) -> None:
    """In a few patients fluid behind the lungs, and collapsed lung in front of it."""
    rng = patient.rng("pleura")
    present, level = rng.random() < 0.07, float(rng.uniform(8, 55))
    sides = rng.random(2) < 0.7
    if not present:
        return
    surface = chest.back_y - level + 0.12 * (box.z_mm + 60.0)
    behind = (surface - box.y_mm) + 0.0 * lung
    for side, shown in zip((-1.0, 1.0), sides, strict=True):
        if shown:
            here = np.maximum(np.maximum(behind, lung), 3.0 - side * (box.x_mm - chest.midline_x))
            canvas.paint(box, canvas.coverage(here - 6.0) * (lung < 0), 30.0)
            canvas.paint(box, canvas.coverage(here), float(rng.uniform(0, 25)))


def _paint_airway_trunk(canvas: Canvas, chest: Chest, heart_box: np.ndarray) -> None:
    """Trachea, main bronchi and their first branches, with wall and air."""
    top = float(heart_box[1, 2])
    fork = np.array([chest.midline_x + 2, chest.spine_y - 38.0, top - 4.0])
    lines = [(np.array([fork, fork + np.array([0, -4, 110])]), np.array([8.5, 8.5]))]
    for side in (-1.0, 1.0):
        root = hilum(chest, side, top)
        low = root + np.array([side * 10, 6, -28])
        line = CubicSpline([0, 1, 2], np.stack([fork, root + np.array([-side * 6, 4, 10]), low]))(np.linspace(0, 2, 9))
        lines.append((line, np.linspace(7.0, 3.2, 9)))
    for line, radii in lines:
        paint_line(canvas, line, radii + 1.2, 10.0)
    for line, radii in lines:
        paint_line(canvas, line, radii, -985.0)
