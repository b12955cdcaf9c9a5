"""The true Agatston score of a patient: what an ideal scan without contrast would count in the painted calcium.

The arteries are painted once more without iodine at 120 kVp, averaged over 3 mm slices, blurred in plane by a smooth
kernel and left without noise and motion, so a scan with contrast and its twin without share one score.
"""

from __future__ import annotations

import numpy as np

from cacnet.anatomy import NAMED_VESSELS
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronaries import paint_coronaries
from cacnet.phantom.coronary_tree import CoronaryTree
from cacnet.phantom.patient import Patient, draw_patient
from cacnet.phantom.plaque import paint_plaque
from cacnet.phantom.separable import FWHM_PER_SD, Axis, area_weights, axes_of, gaussian_weights, resample
from cacnet.phantom.strokes import part_of
from cacnet.scoring import protocol_named, resolve, score_lesion
from cacnet.volume import Geometry

SLICE_MM = 3.0
PIXEL_MM = 0.5
PSF_FWHM_MM = 0.8
"""Smooth cardiac kernel of calcium scoring."""
REACH_MM = 8.0
LEAST_SHARE = 0.02
"""A voxel of the ideal scan belongs to the calcium where its blur leaves at least this share of it."""
TOTAL = "total"


def agatston_without_contrast(tree: CoronaryTree, patient: Patient, canvas_spacing_mm: float) -> dict[str, float]:
    """Agatston score (130 HU, 3 mm slices) by vessel name, and 'total', of a patient's painted coronary calcium."""
    twin = draw_patient(patient.seed, contrast=False)
    points = np.concatenate([branch.points_mm for branch in tree.arteries])
    low, high = points.min(axis=0) - REACH_MM, points.max(axis=0) + REACH_MM
    canvas = Canvas.filled(low, high, canvas_spacing_mm, twin.attenuation.fat)
    paint_coronaries(canvas, tree, twin)
    paint_plaque(canvas, tree, twin)
    return ideal_agatston(canvas)


def ideal_agatston(canvas: Canvas) -> dict[str, float]:
    """Agatston score by vessel name, and 'total', of the layer 'calcium' in an ideal scan of a canvas."""
    names = [vessel.label for vessel in NAMED_VESSELS]
    found = np.argwhere(canvas.layers["calcium"] > 0)
    if not len(found):
        return dict.fromkeys([*names, TOTAL], 0.0)
    origin = np.asarray(canvas.geometry.origin_mm_lps)
    low, high = (origin + edge[::-1] * canvas.spacing_mm for edge in (found.min(axis=0), found.max(axis=0)))
    near = part_of(canvas, low - REACH_MM / 2, high + REACH_MM / 2) or canvas
    target, weights = _ideal_grid(near)
    hu = resample(near.hu, weights)
    part = near.layers["calcium"], near.layers["calcium_fraction"]
    shares = np.stack([resample(part[1] * (part[0] == vessel), weights) for vessel in NAMED_VESSELS])
    owner = np.where(shares.max(axis=0) >= LEAST_SHARE, shares.argmax(axis=0), -1)
    rules = resolve(protocol_named("literature"))
    scores = {
        vessel.label: score_lesion(owner == number, hu, target, rules).agatston
        for number, vessel in enumerate(NAMED_VESSELS)
    }
    return {**scores, TOTAL: float(sum(scores.values()))}


def _ideal_grid(canvas: Canvas) -> tuple[Geometry, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The grid of the ideal scan over a canvas, and the weights that bring the canvas to it."""
    source = axes_of(canvas.geometry)
    goal = []
    for axis, step in zip(source, (SLICE_MM, PIXEL_MM, PIXEL_MM), strict=True):
        # On a lattice of the patient's, not of the canvas's, so that the score does not depend on what is scanned.
        first = np.floor((axis.start_mm - 0.5 * axis.step_mm) / step) * step
        goal.append(Axis(float(first + 0.5 * step), step, int(np.ceil((axis.centres_mm[-1] - first) / step)) + 1))
    sd = PSF_FWHM_MM / FWHM_PER_SD
    z, y, x = zip(source, goal, strict=True)
    shape = tuple(axis.size for axis in goal)
    start = tuple(axis.start_mm for axis in goal[::-1])
    geometry = Geometry(shape, (SLICE_MM, PIXEL_MM, PIXEL_MM), start)  # type: ignore[arg-type]
    return geometry, (area_weights(*z), gaussian_weights(*y, sd), gaussian_weights(*x, sd))
