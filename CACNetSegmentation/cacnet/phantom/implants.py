"""What only some patients carry: stents, surgery's remains, pacing leads, calcified nodes and pericardium.

Painted last, over heart and plaque. Attenuation of thin metal is what a voxel of the canvas holds on average.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline

from cacnet.phantom.body_devices import paint_breast_implants, paint_electrodes, paint_pacemaker, paint_port
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.chest import Chest, box_geometry, draw_chest, texture
from cacnet.phantom.coronary_tree import Branch, CoronaryTree
from cacnet.phantom.devices import Distractor
from cacnet.phantom.heart import Heart
from cacnet.phantom.heart_sampling import distance_on_box
from cacnet.phantom.heart_template import TRICUSPID_CENTRE, in_ventricle
from cacnet.phantom.interventions import paint_grafts, paint_metal, paint_prosthesis, paint_sternal_wires
from cacnet.phantom.lungs import hilum
from cacnet.phantom.patient import Patient
from cacnet.phantom.strokes import cone_distance, mark, whole
from cacnet.phantom.vessel_voxels import near_branch

DENSE_CONTRAST_HU = 600.0
STENTED = 0.11
OPERATED = 0.07
GRAFTED = 0.06
VALVED = 0.04
PACED = 0.07
CATHETER = 0.03
NODES = 0.25
PERICARDIUM = 0.05
ELECTRODES = 0.8
BREASTS = 0.03
"""How many patients carry each; more than in a clinic, because a network must learn to leave them alone."""


def paint_implants(canvas: Canvas, heart: Heart, tree: CoronaryTree, patient: Patient) -> None:
    """Paint what this patient carries and enter it in the layer 'distractor'; metal replaces calcium."""
    rng = patient.rng("implants")
    kinds = ("stent", "operation", "lead", "node", "pericardium", "graft", "valve", "catheter", "electrode", "breast")
    has = dict(zip(kinds, rng.random(len(kinds)), strict=True))
    chest = draw_chest(patient, heart)
    _mark_dense_contrast(canvas, heart)
    if has["breast"] < BREASTS * (patient.sex == "F"):
        paint_breast_implants(canvas, chest, patient)
    if has["pericardium"] < PERICARDIUM:
        _paint_pericardial_calcium(canvas, heart, patient)
    if has["node"] < NODES:
        _paint_nodes(canvas, heart, chest, patient)
    if has["stent"] < STENTED * (0.5 + patient.calcium_burden):
        _paint_stents(canvas, tree, patient)
    grafted = has["graft"] < GRAFTED * (0.5 + patient.calcium_burden)
    if grafted:
        paint_grafts(canvas, heart, chest, tree, patient)
    if grafted or has["operation"] < OPERATED:
        paint_sternal_wires(canvas, chest, patient.rng("operation"))
    if has["valve"] < VALVED:
        paint_prosthesis(canvas, heart, patient.rng("valve prosthesis"))
    if has["lead"] < PACED:
        _paint_leads(canvas, heart, patient)
        paint_pacemaker(canvas, chest, heart, patient)
    if has["catheter"] < CATHETER:
        paint_port(canvas, heart, patient)
    if has["electrode"] < ELECTRODES:
        paint_electrodes(canvas, chest, patient)


def _paint_stents(canvas: Canvas, tree: CoronaryTree, patient: Patient) -> None:
    rng = patient.rng("stents")
    names = ("LAD", "RCA", "LCx", "LM", "OM1", "D1")
    for _ in range(1 + int(rng.poisson(0.6))):
        branch = tree.branch(str(rng.choice(names, p=(0.4, 0.28, 0.17, 0.05, 0.06, 0.04))))
        length, start = float(rng.uniform(10, 34)), float(rng.uniform(2, 45))
        hu, mesh = float(rng.uniform(2000, 5000)), float(rng.uniform(1.0, 1.8))
        if branch is not None:
            _paint_stent(canvas, branch, (start, start + length), hu, mesh)


def _paint_stent(canvas: Canvas, branch: Branch, reach_mm: tuple[float, float], hu: float, mesh_mm: float) -> None:
    """A cylinder of struts just inside the wall, wavy along and around the vessel."""
    voxels = near_branch(canvas, branch, 1.0)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(branch.points_mm, axis=0), axis=1))])[voxels.sample]
    artery = canvas.layers["coronary"].ravel()[voxels.index] > 0
    within = (along >= reach_mm[0]) & (along <= reach_mm[1]) & artery
    shell = np.abs(voxels.across_mm - branch.radius_mm[voxels.sample] + 0.1) - 0.16
    z, y, x = np.unravel_index(voxels.index, canvas.hu.shape)
    wave = np.sin(2 * np.pi * along / mesh_mm + 2.2 * canvas.spacing_mm * (x + y - z))
    coverage = np.where(within, canvas.coverage(shell), 0.0) * (0.35 + 0.65 * wave**2)
    target = canvas.hu.ravel()
    target[voxels.index] += (coverage * (hu - target[voxels.index])).astype(np.float32)
    metal = voxels.index[within & (canvas.coverage(shell) >= 0.3)]
    canvas.layers["distractor"].ravel()[metal] = Distractor.STENT
    canvas.layers["calcium_fraction"].ravel()[metal] = 0.0
    canvas.layers["calcium"].ravel()[metal] = 0


def _paint_leads(canvas: Canvas, heart: Heart, patient: Patient) -> None:
    """One or two leads through the superior vena cava and right atrium, one of them on to the apex of the ventricle."""
    rng = patient.rng("leads")
    ventricle = [[-39, 2, 140], [-39, 2, 85], [-41, 6, 35], [-46, 0, 4], [-38, -14, -10], list(TRICUSPID_CENTRE)]
    ventricle += [list(p) for p in (in_ventricle(30, 34, 12), in_ventricle(62, 24, 12), in_ventricle(72, 20, 8))]
    atrium = [[-37, 4, 140], [-37, 4, 85], [-42, 5, 35], [-46, 2, 8], [-44, -14, 4], [-36, -28, 20]]
    kinds = [ventricle] if rng.random() < 0.5 else [ventricle, atrium]
    for way in kinds:
        template = np.asarray(way, float) + rng.normal(0, 1.5, (len(way), 3))
        points = heart.frame.to_patient(template.T).T
        line = CubicSpline(np.arange(len(points)), points)(np.linspace(0, len(points) - 1, 160))
        paint_metal(canvas, line, 0.9, float(rng.uniform(2500, 4500)), Distractor.LEAD)
        paint_metal(canvas, line[-7:], 1.1, 8000.0, Distractor.LEAD)
        if rng.random() < 0.4 and way is ventricle:
            paint_metal(canvas, line[95:145], 1.4, 6500.0, Distractor.LEAD)


def _paint_nodes(canvas: Canvas, heart: Heart, chest: Chest, patient: Patient) -> None:
    """Calcified nodes at the hila and below the carina, and granulomas in the lungs."""
    rng = patient.rng("nodes")
    top = float(heart.upper_mm_xyz[2])
    for _ in range(1 + int(rng.poisson(2.0))):
        side = float(rng.choice([-1.0, 0.0, 1.0]))
        spread = (6.0, 6.0, 12.0) if rng.random() < 0.75 else (30.0, 25.0, 40.0)
        at = hilum(chest, side, top) + rng.normal(0, 1, 3) * spread
        size, dense = float(rng.uniform(1.2, 4.5)), float(rng.uniform(350, 1300))
        box = canvas.box(at - size - 3, at + size + 3)
        if box is None:
            continue
        # Tissue inside the heart is not lymph node.
        outside = heart.pericardium_distance(box)
        grain = texture(
            box_geometry(canvas, box), np.random.default_rng([patient.seed, int(1000 * size)]), 1.6, at - 9, at + 9
        )
        ball = np.sqrt((box.x_mm - at[0]) ** 2 + (box.y_mm - at[1]) ** 2 + (box.z_mm - at[2]) ** 2) - size
        node = np.maximum(ball, -outside - 1.0)
        coverage = canvas.coverage(np.maximum(node, 0.6 * grain - 0.4))
        canvas.paint(box, canvas.coverage(node - 1.5), 45.0)
        canvas.paint(box, coverage, dense * patient.attenuation.calcium_gain)
        mark(canvas, box, coverage >= 0.5, Distractor.NODE)


def _paint_pericardial_calcium(canvas: Canvas, heart: Heart, patient: Patient) -> None:
    rng = patient.rng("pericardial calcium")
    distance = heart.pericardium_distance(whole(canvas))
    for _ in range(1 + int(rng.poisson(2.5))):
        way = rng.normal(size=3)
        way /= np.linalg.norm(way)
        at = way * (0.5 * (heart.upper_mm_xyz - heart.lower_mm_xyz)) * 0.9
        size, thick = rng.uniform(4, 16), float(rng.uniform(0.5, 1.6))
        box = canvas.box(at - 1.6 * size, at + 1.6 * size)
        hu = float(rng.uniform(400, 1300)) * patient.attenuation.calcium_gain
        if box is None:
            continue
        ball = cone_distance(box, at - way * size, at + way * size, size, size)
        shell = np.abs(distance[box.slices]) - thick
        coverage = canvas.coverage(np.maximum(shell, ball))
        canvas.paint(box, coverage, hu)
        mark(canvas, box, coverage >= 0.5, Distractor.PERICARDIAL)


def _mark_dense_contrast(canvas: Canvas, heart: Heart) -> None:
    """Blood of the right heart that is denser than most calcium."""
    layer = canvas.layers["distractor"]
    candidate = (canvas.hu > DENSE_CONTRAST_HU) & (layer == Distractor.NONE)
    if not candidate.any():
        return
    box = whole(canvas)
    pools = (heart.template.superior_vena_cava, heart.template.right_atrium, heart.template.right_ventricle)
    for pool in pools:
        inside = distance_on_box(pool.blood, heart.frame, box) < 0.0
        layer[candidate & inside] = Distractor.DENSE_CONTRAST
