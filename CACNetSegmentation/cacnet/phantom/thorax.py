"""Everything around the heart: skin, muscle, lungs, mediastinum, abdomen, great vessels of the back, and the bones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.interpolate import CubicSpline

from cacnet.phantom.bones import paint_bones
from cacnet.phantom.canvas import Box, Canvas
from cacnet.phantom.chest import Chest, box_geometry, coarse_box, draw_chest, evaluate, texture, upsample
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
    _paint_table(canvas, box, chest)
    cage = evaluate(canvas, chest.cage)
    _paint_wall(canvas, chest, patient, cage)
    middle = mediastinum_distance(canvas, chest, heart)
    abdomen = evaluate(canvas, chest.diaphragm)
    _paint_mediastinal_fat(canvas, box, cage, patient)
    below = canvas.box(np.asarray(canvas.geometry.origin_mm_lps), np.array([1e3, 1e3, max(chest.dome_z) + 4.0]))
    if below is not None:
        _paint_abdomen(canvas, below, chest, patient, np.maximum(cage + 3.0, abdomen + 2.5)[below.slices])
    lung = np.maximum(np.maximum(cage + PLEURA_MM, 1.0 - middle), 0.5 - abdomen)
    _paint_lungs(canvas, box, chest, heart, patient, lung)
    paint_bones(canvas, chest, patient)
    _paint_gullet(canvas, chest, patient)
    _paint_airway_trunk(canvas, chest, heart_box)
    paint_great_vessels(canvas, chest, heart, patient)


def _paint_table(canvas: Canvas, box: Box, chest: Chest) -> None:
    """The curved table top under the patient: a carbon skin around foam."""
    back = chest.back_y + 40.0 + chest.muscle_mm + chest.skin_fat_mm
    curve = back + 6.0 - 0.0011 * (box.x_mm - chest.midline_x) ** 2
    depth = np.maximum(curve - box.y_mm, box.y_mm - curve - 32.0)
    depth = np.maximum(depth, np.abs(box.x_mm - chest.midline_x) - 205.0) + 0.0 * box.z_mm
    if depth.min() > 1.0:
        return
    canvas.paint(box, canvas.coverage(depth), -120.0)
    canvas.paint(box, canvas.coverage(depth + 1.5), -945.0)


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


def _paint_abdomen(canvas: Canvas, box: Box, chest: Chest, patient: Patient, under: np.ndarray) -> None:
    """Liver on the right and under the heart, stomach with air and food, spleen; muscle of the diaphragm above them."""
    if under.min() > 2.5:
        return
    rng = patient.rng("abdomen")
    tissue = patient.attenuation
    canvas.paint(box, canvas.coverage(under - 2.5), tissue.muscle)
    canvas.paint(box, canvas.coverage(under), tissue.fat - 8.0)
    x, y, z = box.x_mm - chest.midline_x, box.y_mm, box.z_mm
    edge = rng.uniform(15, 60)
    grid = box_geometry(canvas, box)
    wavy = texture(grid, rng, 28.0)
    liver_side = 0.8 * (x - edge + 0.35 * (y - chest.front_y) + 0.5 * (z - chest.dome_z[1]) + 7.0 * wavy)
    liver = np.maximum(under - 0.8, liver_side)
    liver = np.maximum(liver, 40.0 - np.hypot(x, y - chest.spine_y))
    canvas.paint(box, canvas.coverage(liver), tissue.liver + 3.0 * texture(grid, rng, 7.0))
    centre = np.array([rng.uniform(55, 72), chest.front_y + rng.uniform(50, 75), chest.dome_z[1] - rng.uniform(26, 40)])
    size = rng.uniform(24, 38, 3)
    k = np.sqrt(((x - centre[0]) / size[0]) ** 2 + ((y - centre[1]) / size[1]) ** 2 + ((z - centre[2]) / size[2]) ** 2)
    stomach = np.maximum((k - 1.0) * float(size.min()) + 3.0 * wavy, under + 0.5)
    stomach = np.maximum(stomach, 3.0 - liver)
    canvas.paint(box, canvas.coverage(stomach), tissue.muscle)
    food = 25.0 + 45.0 * texture(grid, rng, 8.0)
    air = y < centre[1] - rng.uniform(-10, 15)
    canvas.paint(box, canvas.coverage(stomach + 3.5), np.where(air, AIR_HU, food).astype(np.float32))
    spleen = np.hypot(np.hypot((x - 105.0) / 1.0, (y - chest.spine_y + 5) / 1.6), (z - chest.dome_z[1] + 48) / 1.5) - 26
    canvas.paint(box, canvas.coverage(np.maximum(np.maximum(spleen, under + 1.5), 3 - stomach)), tissue.liver + 25.0)


def _paint_mediastinal_fat(canvas: Canvas, box: Box, cage: np.ndarray, patient: Patient) -> None:
    """Fat inside the rib cage with its fine strands, small vessels and nodes."""
    rng = patient.rng("mediastinal fat")
    grain = texture(canvas.geometry, rng, 3.5)
    fat = patient.attenuation.fat + 7.0 * grain
    # Where the texture is highest, something other than fat: 2 SD is about 2 % of the volume.
    fat += 55.0 * np.clip(grain - 1.6, 0.0, 1.5)
    canvas.paint(box, canvas.coverage(cage), fat)


def _paint_gullet(canvas: Canvas, chest: Chest, patient: Patient) -> None:
    """Oesophagus, with some air in half of all patients."""
    rng = patient.rng("gullet")
    z = np.linspace(170, -150, 54)
    before = np.interp(z, [-150, 0, 60, 170], [36, 25, 24, 28])
    x = chest.midline_x + np.interp(z, [-150, 0, 170], [22, 6, 0]) + rng.normal(0, 2)
    line = np.stack([x, chest.spine_at(z) - before, z], -1)
    for shift in (-3.0, 0.0, 3.0):
        paint_line(canvas, line + np.array([shift, 0, 0]), np.full(len(z), 5.2), 50.0, Distractor.NONE)
    first, radius = int(rng.integers(0, 40)), rng.uniform(1.0, 3.2)
    if rng.random() < 0.5:
        paint_line(canvas, line[first : first + 12] - np.array([0, 1.5, 0]), np.full(12, radius), -900.0)


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
