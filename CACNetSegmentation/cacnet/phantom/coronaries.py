"""The coronary tree: arteries and veins in their grooves with published calibres, and their painting.

Calibres: Dodge 1992 (doi:10.1161/01.CIR.86.1.232) and CT normals (PMID 29452689); they depend on dominance and sex, and
taper. Each branch starts on its parent's centre line, so that a vessel is one connected tree from its ostium.
"""

from __future__ import annotations

import numpy as np

from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronary_disease import diseased
from cacnet.phantom.coronary_labels import join_vessels
from cacnet.phantom.coronary_layout import Layout, draw_calibres
from cacnet.phantom.coronary_left import lay_left
from cacnet.phantom.coronary_right import lay_right
from cacnet.phantom.coronary_tree import Branch, CoronaryTree
from cacnet.phantom.coronary_twigs import add_sinus_node, add_twigs
from cacnet.phantom.coronary_variants import draw_variant
from cacnet.phantom.coronary_veins import lay_veins
from cacnet.phantom.devices import Distractor
from cacnet.phantom.heart import Heart
from cacnet.phantom.patient import Patient
from cacnet.phantom.vessel_voxels import VesselVoxels, near_branch

__all__ = ["Branch", "CoronaryTree", "build_coronaries", "paint_coronaries"]

WALL_HU = 50.0
OCCLUDED_HU = 45.0


def build_coronaries(patient: Patient, heart: Heart) -> CoronaryTree:
    """The arteries and veins of this patient on this heart; deterministic."""
    variant = draw_variant(patient.rng("coronary variant"))
    layout = Layout(patient, heart, patient.rng("coronary arteries"), variant)
    sex = 0.91 if patient.sex == "F" else 1.0
    sizes = draw_calibres(layout.rng, patient.dominance, sex)
    lay_left(layout, sizes, sex)
    lay_right(layout, sizes, sex)
    add_sinus_node(layout, sex)
    add_twigs(layout)
    arteries = diseased(tuple(layout.branches), patient)
    return CoronaryTree(arteries=arteries, veins=lay_veins(patient, heart, arteries))


def paint_coronaries(canvas: Canvas, tree: CoronaryTree, patient: Patient) -> None:
    """Paint veins, then arterial walls, then lumina; fill the 'coronary' and 'distractor' layers.

    The layers are created where the canvas lacks them.
    """
    coronary = canvas.layers.setdefault("coronary", np.zeros(canvas.hu.shape, np.uint8))
    distractor = canvas.layers.setdefault("distractor", np.zeros(canvas.hu.shape, np.uint8))
    for vein in tree.veins:
        voxels = near_branch(canvas, vein, 1.0)
        _fill(canvas, voxels, voxels.across_mm - vein.radius_mm[voxels.sample] - 0.3, WALL_HU)
        _fill(canvas, voxels, voxels.across_mm - vein.radius_mm[voxels.sample], patient.attenuation.cardiac_vein)
        inside = canvas.coverage(voxels.across_mm - vein.radius_mm[voxels.sample]) >= 0.5
        distractor.ravel()[voxels.index[inside]] = Distractor.VEIN
    near = [near_branch(canvas, branch, 1.6) for branch in tree.arteries]
    for branch, voxels in zip(tree.arteries, near, strict=True):
        outer = (branch.radius_mm + tree.wall_mm(branch))[voxels.sample]
        # The part inside the aortic lumen only joins vessel and aorta: it has no wall.
        _fill(canvas, voxels, np.where(branch.in_aorta[voxels.sample], np.inf, voxels.across_mm - outer), WALL_HU)
    for branch, voxels in zip(tree.arteries, near, strict=True):
        _fill(
            canvas, voxels, voxels.across_mm - branch.radius_mm[voxels.sample], lumen_hu(branch, patient)[voxels.sample]
        )
    _label(canvas, tree, near, coronary, distractor)


def lumen_hu(branch: Branch, patient: Patient) -> np.ndarray:
    """HU of the lumen along a branch: it falls by about 15 % over 120 mm from the ostium (10-20 % to distal)."""
    ostial = patient.attenuation.coronary_artery
    if not patient.contrast:
        return np.full(len(branch.radius_mm), ostial)
    fall = float(patient.rng("coronary fall").uniform(0.10, 0.20))
    hu = ostial * (1 - fall * np.clip(branch.from_ostium_mm / 120.0, 0, 1.2))
    return hu if branch.filling is None else branch.filling * hu + (1 - branch.filling) * OCCLUDED_HU


def _fill(canvas: Canvas, voxels: VesselVoxels, signed_distance_mm: np.ndarray, hu: float | np.ndarray) -> None:
    target = canvas.hu.ravel()
    coverage = canvas.coverage(signed_distance_mm)
    target[voxels.index] += (coverage * (hu - target[voxels.index])).astype(np.float32)


def _label(
    canvas: Canvas, tree: CoronaryTree, near: list[VesselVoxels], coronary: np.ndarray, distractor: np.ndarray
) -> None:
    """Each covered voxel gets the vessel whose lumen it is deepest in or nearest to."""
    index, depth, vessel = [], [], []
    for branch, voxels in zip(tree.arteries, near, strict=True):
        radius = branch.radius_mm[voxels.sample]
        signed = voxels.across_mm - radius - tree.wall_mm(branch)[voxels.sample]
        keep = (canvas.coverage(signed) >= 0.5) & branch.labelled & ~branch.in_aorta[voxels.sample]
        index.append(voxels.index[keep])
        depth.append((voxels.across_mm - radius)[keep])
        vessel.append(np.full(int(keep.sum()), branch.vessel, np.uint8))
    order = np.argsort(-np.concatenate(depth))
    at = np.concatenate(index)[order]
    coronary.ravel()[at] = np.concatenate(vessel)[order]
    distractor.ravel()[at] = 0
    join_vessels(coronary)
