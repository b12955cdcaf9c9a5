"""Painting the heart's chambers: fat, pericardium, walls and blood with its mixing, in the order they overlie."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from cacnet.phantom.canvas import Canvas
from cacnet.phantom.heart_frame import HeartFrame
from cacnet.phantom.heart_interior import paint_papillary_muscles, paint_trabeculae, paint_valves
from cacnet.phantom.heart_sampling import CoarseField
from cacnet.phantom.heart_template import HeartTemplate, in_ventricle
from cacnet.phantom.patient import Patient

EFFUSION = 0.08
FIBROUS_HU = 45.0
"""Pericardium and the walls of great vessels."""


def paint_chambers(canvas: Canvas, template: HeartTemplate, frame: HeartFrame, patient: Patient) -> None:
    """Paint the whole heart but its coronary arteries, veins and calcium."""
    field = CoarseField.over(canvas, frame)
    rng = patient.rng("heart texture")
    muscle = myocardium_hu(rng, field, template, patient)
    _paint_fat(field, template, patient, rng)
    right, left = right_blood_hu(rng, field, template, patient), left_blood_hu(rng, field, template, patient)
    for wall, hu in (
        (template.right_atrium, muscle),
        (template.right_ventricle, muscle),
        (template.superior_vena_cava, FIBROUS_HU),
        (template.inferior_vena_cava, FIBROUS_HU),
        (template.pulmonary_trunk, FIBROUS_HU),
    ):
        paint_shape(field, field.distance(wall.outer), hu)
    for pool in (
        template.right_atrium,
        template.right_ventricle,
        template.superior_vena_cava,
        template.inferior_vena_cava,
        template.pulmonary_trunk,
    ):
        paint_shape(field, field.distance(pool.blood), right)
    paint_trabeculae(field, template.right_ventricle.blood, muscle, rng, "right ventricle")
    paint_trabeculae(field, template.right_atrium.blood, muscle, rng, "right atrium")
    paint_shape(field, field.distance(template.left_atrium.outer), muscle)
    paint_shape(field, field.distance(template.left_ventricle.outer), muscle)
    paint_shape(field, field.distance(template.left_atrium.blood), left)
    paint_shape(field, field.distance(template.aorta.outer), FIBROUS_HU)
    paint_shape(field, field.distance(template.left_ventricle.blood), left)
    paint_trabeculae(field, template.left_ventricle.blood, muscle, rng, "left ventricle")
    paint_papillary_muscles(field, template, muscle, rng)
    paint_shape(field, field.distance(template.aorta.blood), left)
    paint_valves(field, template, patient)


def myocardium_hu(
    rng: np.random.Generator, field: CoarseField, template: HeartTemplate, patient: Patient
) -> np.ndarray:
    """HU of muscle at the nodes: unevenly perfused, in some patients with an infarct or fat under the endocardium."""
    mean = patient.attenuation.myocardium
    hu = mean + 6.0 * noise_field(rng, field, 5.0) + float(rng.uniform(2, 9)) * noise_field(rng, field, 22.0)
    scarred, fatty = rng.random() < 0.12, rng.random() < 0.3
    place, reach = in_ventricle(rng.uniform(15, 75), *rng.normal(0, 22.0, 2)), float(rng.uniform(10, 24))
    if scarred:
        away = np.sqrt(sum((field.points[i] - np.float32(place[i])) ** 2 for i in range(3)))
        inner = np.clip(1.4 - field.distance(template.left_ventricle.blood) / 5.0, 0, 1)
        scar = np.clip((reach - away) / 4.0, 0, 1) * inner
        hu = hu + scar * ((float(rng.uniform(-60, 30)) if fatty else 0.62 * mean) - hu)
    return hu.astype(np.float32)


def paint_shape(field: CoarseField, distance: np.ndarray, hu: float | np.ndarray) -> None:
    """Paint the inside of a surface given at the coarse nodes; `hu` is one value or one per node."""
    found = field.fine(distance, distance < 2.5)
    if found is None:
        return
    box, fine = found
    value = field.fine_in(hu, box) if isinstance(hu, np.ndarray) else hu
    field.canvas.paint(box, field.canvas.coverage(fine), value)


def noise_field(rng: np.random.Generator, field: CoarseField, size_mm: float) -> np.ndarray:
    """Smooth noise of unit variance at the coarse nodes, its blobs about `size_mm` wide; the same on every canvas."""
    lattice = gaussian_filter(rng.standard_normal((32, 32, 32), np.float32), 1.0, mode="wrap")
    lattice /= np.float32(lattice.std() + 1e-9)
    return map_coordinates(lattice, field.points * np.float32(2.4 / size_mm), order=1, mode="grid-wrap")


def right_blood_hu(
    rng: np.random.Generator, field: CoarseField, template: HeartTemplate, patient: Patient
) -> np.ndarray:
    """HU of right-heart blood at the nodes: dense from the superior cava, unopacified from the inferior, swirling."""
    hu = patient.attenuation
    cava = field.distance(template.superior_vena_cava.blood)
    atrium, ventricle = field.distance(template.right_atrium.blood), field.distance(template.right_ventricle.blood)
    trunk = field.distance(template.pulmonary_trunk.blood)
    unmixed = 60.0 + 0.25 * (hu.right_atrium - 60.0) if patient.contrast else hu.right_atrium
    result = blend(
        [cava, atrium, ventricle, trunk, field.distance(template.inferior_vena_cava.blood)],
        [hu.superior_vena_cava, hu.right_atrium, hu.right_ventricle, hu.pulmonary_artery, unmixed],
        6.0 * field.scale,
    )
    swirl = 0.7 * noise_field(rng, field, 14.0) + 0.5 * noise_field(rng, field, 5.0)
    in_atrium = np.clip(0.75 - atrium / 40.0, 0.25, 1.0)
    # One patient in four is scanned while contrast still streams in: the right heart is patchy.
    strength = float(rng.uniform(0.35, 0.6) if rng.random() < 0.25 else rng.uniform(0.05, 0.35))
    strength = strength if patient.contrast else 0.0
    return (result * np.exp(strength * in_atrium * swirl)).astype(np.float32)


def left_blood_hu(
    rng: np.random.Generator, field: CoarseField, template: HeartTemplate, patient: Patient
) -> np.ndarray:
    """HU of left-heart blood at the nodes, even but for a slight drift and texture."""
    hu = patient.attenuation
    result = blend(
        [
            field.distance(template.left_atrium.blood),
            field.distance(template.left_ventricle.blood),
            field.distance(template.aorta.blood),
            field.distance(template.pulmonary_veins.blood),
        ],
        [hu.left_atrium, hu.left_ventricle, hu.aorta, hu.pulmonary_vein],
        6.0 * field.scale,
    )
    # Mostly even; where the bolus has not settled, streams of it, above all in the aorta and the root.
    streams, slow = rng.random() < 0.12, rng.random() < 0.16
    spread = (float(rng.uniform(0.04, 0.12)) if streams else 0.015) * patient.contrast
    result = result * (1 + spread * noise_field(rng, field, 18.0) + 0.5 * spread * noise_field(rng, field, 7.0))
    # A slow atrial appendage fills late: dark towards its tip, as a thrombus is.
    emptiness = float(rng.uniform(0.3, 0.95)) if slow and patient.contrast else 0.0
    away = np.sqrt(sum((field.points[i] - np.float32(template.appendage_tip[i])) ** 2 for i in range(3)))
    empty = emptiness * np.clip((float(rng.uniform(14, 26)) - away) / 9.0, 0, 1)
    return (result + empty * (45.0 - result)).astype(np.float32)


def blend(distances: list[np.ndarray], values: list[float], width_mm: float) -> np.ndarray:
    """Values of several regions, passing smoothly from one to the next where they meet."""
    weights = [np.exp(np.clip(-d / width_mm, -20, 6)) for d in distances]
    total = sum(weights) + np.float32(1e-12)
    return np.asarray(sum(w * np.float32(v) for w, v in zip(weights, values, strict=True)) / total)


def _paint_fat(field: CoarseField, template: HeartTemplate, patient: Patient, rng: np.random.Generator) -> None:
    distance = field.smooth_distance(template.pericardium)
    fat = patient.attenuation.fat + 7.0 * noise_field(rng, field, 6.0)
    found = field.fine(distance, distance < 2.5)
    if found is None:
        return
    box, fine = found
    coverage = field.canvas.coverage(fine)
    field.canvas.paint(box, coverage, field.fine_in(fat.astype(np.float32), box))
    if rng.random() < EFFUSION:
        _paint_effusion(field, distance, rng)
    # The sac shows as a line where fat lies on both sides of it and it runs across the plane; here and there it fades.
    seen = float(rng.uniform(0.15, 0.85)) * np.clip(0.55 + 0.55 * noise_field(rng, field, 30.0), 0.0, 1.0)
    thickness = float(rng.uniform(0.6, 1.3))
    wavy = fine + field.fine_in(0.5 * noise_field(rng, field, 12.0), box)
    line = np.clip(field.canvas.coverage(np.abs(wavy + thickness / 2) - thickness / 2), 0, 1)
    field.canvas.paint(box, line * field.fine_in(seen.astype(np.float32), box) * coverage, FIBROUS_HU)


def _paint_effusion(field: CoarseField, distance: np.ndarray, rng: np.random.Generator) -> None:
    """Fluid inside the sac, deepest where the patient lies on it."""
    x, y, z = (field.points[i] for i in range(3))
    depth = float(rng.uniform(0.5, 9.0)) + 3.0 * noise_field(rng, field, 35.0)
    depth = depth * np.clip(0.55 + 0.012 * y - 0.006 * z + 0.0 * x, 0.0, 1.3)
    found = field.fine(distance, distance < 2.5)
    if found is not None:
        box, fine = found
        inner = -fine - field.fine_in(depth.astype(np.float32), box)
        field.canvas.paint(box, field.canvas.coverage(np.maximum(fine, inner)), float(rng.uniform(2, 40)))
