"""Calcium of the heart that is not coronary: aortic root and wall, aortic valve, mitral annulus, papillary muscles.

Present more often than in patients (about 30 % each), because a network must learn to leave it alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from cacnet.phantom.canvas import Box, Canvas
from cacnet.phantom.devices import Distractor
from cacnet.phantom.heart_frame import HeartFrame
from cacnet.phantom.heart_interior import aortic_leaflet_distance
from cacnet.phantom.heart_template import (
    AORTIC_AXIS,
    AORTIC_CENTRE,
    LV_S,
    LV_T,
    MITRAL_CENTRE,
    HeartTemplate,
    in_ventricle,
)
from cacnet.phantom.patient import Patient
from cacnet.phantom.shapes import Shape, Tube

SUB_VOXELS = 2


@dataclass(frozen=True)
class Deposit:
    """A lump or a flat patch of calcium, in template coordinates.

    Attributes:
        surface: the shape on whose surface it lies as a patch, or which it fills where `thickness_mm` is None.
        centre: (3,).
        extent_mm: its half length.
        thickness_mm: of a patch.
        offset_mm: of the patch's middle from the surface, outwards.
        hu: before blur.
        code: what the 'distractor' layer calls it.
    """

    surface: Shape
    centre: np.ndarray
    extent_mm: float
    thickness_mm: float | None
    offset_mm: float
    hu: float
    code: Distractor


def paint_heart_calcium(canvas: Canvas, template: HeartTemplate, frame: HeartFrame, patient: Patient) -> None:
    """Paint this patient's extracoronary calcium and mark it in the 'distractor' layer, created where absent."""
    rng = patient.rng("heart calcium")
    layer = canvas.layers.setdefault("distractor", np.zeros(canvas.hu.shape, np.uint8))
    for deposit in draw_deposits(template, patient, rng):
        _paint(canvas, frame, deposit, rng, layer)


def draw_deposits(template: HeartTemplate, patient: Patient, rng: np.random.Generator) -> list[Deposit]:
    """Which deposits a patient has; commoner and larger with age."""
    share = float(np.clip(0.30 + 0.008 * (patient.age_years - 60), 0.1, 0.5))
    deposits: list[Deposit] = []
    if rng.random() < share * 1.2:
        deposits += [_aortic(template, patient, rng) for _ in range(1 + int(rng.poisson(4.0)))]
    if rng.random() < share:
        deposits += [_valvular(template, patient, rng) for _ in range(1 + int(rng.poisson(3.0)))]
    if rng.random() < share:
        deposits += [_annular(patient, rng) for _ in range(1 + int(rng.poisson(1.0)))]
    if rng.random() < 0.1:
        deposits.append(_papillary(template, patient, rng))
    return deposits


def _hu(patient: Patient, rng: np.random.Generator) -> float:
    return float(np.clip(rng.lognormal(np.log(950), 0.3), 450, 1800)) * patient.attenuation.calcium_gain


def _aortic(template: HeartTemplate, patient: Patient, rng: np.random.Generator) -> Deposit:
    if rng.random() < 0.4:
        ostium = template.left_ostium if rng.random() < 0.5 else template.right_ostium
        guess = ostium + rng.normal(0, 4.0, 3)
    else:
        around = rng.normal(size=3)
        around -= AORTIC_AXIS * (around @ AORTIC_AXIS)
        guess = AORTIC_CENTRE + AORTIC_AXIS * rng.uniform(8, 62) + 14 * around / np.linalg.norm(around)
    centre = onto_surface(template.aorta.blood, guess)
    size = float(np.clip(rng.lognormal(np.log(2.5), 0.6), 0.8, 9.0))
    return Deposit(
        template.aorta.blood, centre, size, float(rng.uniform(0.5, 1.8)), 0.5, _hu(patient, rng), Distractor.AORTIC
    )


def _valvular(template: HeartTemplate, patient: Patient, rng: np.random.Generator) -> Deposit:
    def leaflets(points: np.ndarray) -> np.ndarray:
        return aortic_leaflet_distance(points, template)

    around = rng.normal(size=3)
    around -= AORTIC_AXIS * (around @ AORTIC_AXIS)
    guess = AORTIC_CENTRE + AORTIC_AXIS * rng.uniform(1, 10) + rng.uniform(2, 12) * around / np.linalg.norm(around)
    centre = onto_surface(leaflets, guess)
    size = float(np.clip(rng.lognormal(np.log(2.2), 0.5), 0.8, 6.0))
    return Deposit(leaflets, centre, size, float(rng.uniform(0.8, 3.0)), 0.0, _hu(patient, rng), Distractor.VALVE)


def _annular(patient: Patient, rng: np.random.Generator) -> Deposit:
    """A lumpy arc, mostly of the posterior annulus, beside the circumflex artery."""
    middle, half = rng.normal(np.pi, 0.7), np.radians(rng.uniform(8, 70))
    angle = np.linspace(middle - half, middle + half, 9)[:, None]
    ring = MITRAL_CENTRE + rng.uniform(16, 19) * (np.cos(angle) * LV_S + np.sin(angle) * LV_T)
    radius = float(rng.uniform(0.8, 3.2))
    tube = Tube(ring, radius * rng.uniform(0.4, 1.0, 9))
    extent = 18.0 * float(half) + radius + 2.0
    return Deposit(tube, ring[4], extent, None, 0.0, _hu(patient, rng), Distractor.ANNULUS)


def _papillary(template: HeartTemplate, patient: Patient, rng: np.random.Generator) -> Deposit:
    angle = np.radians(float(rng.choice([225.0, 118.0])))
    across = 14.0 * template.lv_size
    foot, tip = (in_ventricle(a, across * np.cos(angle), across * np.sin(angle)) for a in (38.0, 31.0))
    tube = Tube(np.stack([foot, tip]), rng.uniform(0.6, 1.8, 2))
    return Deposit(tube, tip, 9.0, None, 0.0, _hu(patient, rng), Distractor.PAPILLARY)


def onto_surface(shape: Shape, point: np.ndarray) -> np.ndarray:
    """The point moved to a shape's surface by damped Newton steps."""
    moved = np.asarray(point, float)[:, None]
    steps = 0.2 * np.concatenate([np.zeros((3, 1)), np.eye(3)], axis=1)
    for _ in range(12):
        values = np.asarray(shape(moved + steps), float)
        slope = (values[1:] - values[0]) / 0.2
        moved = moved - (0.8 * values[0] * slope / max(float(slope @ slope), 0.3))[:, None]
    return moved[:, 0]


def _paint(canvas: Canvas, frame: HeartFrame, deposit: Deposit, rng: np.random.Generator, layer: np.ndarray) -> None:
    lattice = gaussian_filter(rng.standard_normal((24, 24, 24)).astype(np.float32), 0.9, mode="wrap")
    box = _box(canvas, frame, deposit)
    if box is None:
        return
    grid = np.stack(np.broadcast_arrays(box.x_mm, box.y_mm, box.z_mm)).reshape(3, -1)
    noise = _Noise(lattice / lattice.std())
    near = _signed(deposit, frame.to_template(grid), noise) * frame.scale < 1.8 * canvas.spacing_mm
    shift = ((np.arange(SUB_VOXELS) + 0.5) / SUB_VOXELS - 0.5) * canvas.spacing_mm
    cell = np.stack(np.meshgrid(shift, shift, shift)).reshape(3, 1, -1).astype(np.float32)
    fine = (grid[:, near, None] + cell).reshape(3, -1)
    signed = _signed(deposit, frame.to_template(fine), noise) * frame.scale
    cover = np.clip(0.5 - signed / (canvas.spacing_mm / SUB_VOXELS), 0, 1)
    fraction = np.zeros(canvas.hu[box.slices].shape, np.float32)
    fraction.ravel()[near] = cover.reshape(-1, SUB_VOXELS**3).mean(axis=1)
    canvas.paint(box, fraction, deposit.hu)
    layer[box.slices][fraction >= 0.5] = deposit.code


@dataclass(frozen=True)
class _Noise:
    """Unit-variance noise that breaks up outlines."""

    lattice: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return map_coordinates(self.lattice, points / 0.8, order=1, mode="grid-wrap")


def _box(canvas: Canvas, frame: HeartFrame, deposit: Deposit) -> Box | None:
    if isinstance(deposit.surface, Tube):
        core, reach = deposit.surface.points_mm, float(deposit.surface.radii_mm.max()) + 1.5
    else:
        core, reach = deposit.centre[None], 1.5 * deposit.extent_mm + 1.0
    placed, reach = frame.to_patient(core.T), reach * frame.scale
    return canvas.box(placed.min(axis=1) - reach, placed.max(axis=1) + reach)


def _signed(deposit: Deposit, points: np.ndarray, noise: _Noise) -> np.ndarray:
    """Template distance to a deposit's rough outline."""
    distance, rough = deposit.surface(points), noise(points)
    if deposit.thickness_mm is None:
        return distance + 0.5 * rough
    away = np.sqrt(sum((points[i] - np.float32(deposit.centre[i])) ** 2 for i in range(3)))
    sheet = np.abs(distance - deposit.offset_mm) - deposit.thickness_mm * (1 + 0.3 * rough) / 2
    return np.maximum(sheet, away - deposit.extent_mm * (1 + 0.3 * rough))
