"""Atherosclerotic plaque in its branch's coordinates, painted at several times the canvas's resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronary_labels import join_vessels
from cacnet.phantom.coronary_tree import Branch, CoronaryTree
from cacnet.phantom.patient import Patient
from cacnet.phantom.plaque_draw import Plaque, PlaqueRecord, draw_plaques
from cacnet.phantom.vessel_voxels import tangents

__all__ = ["PlaqueRecord", "paint_plaque"]

FINEST_MM = 0.17


def paint_plaque(canvas: Canvas, tree: CoronaryTree, patient: Patient) -> tuple[PlaqueRecord, ...]:
    """Paint this patient's plaque; fill 'calcium_fraction' and 'calcium', extend 'coronary' around plaque.

    Returns what was painted, in the order drawn; a plaque wholly outside the canvas is left out. The layers are created
    where the canvas lacks them.
    """
    for name, kind in (
        ("calcium_fraction", np.float32),
        ("calcium", np.uint8),
        ("coronary", np.uint8),
        ("distractor", np.uint8),
    ):
        canvas.layers.setdefault(name, np.zeros(canvas.hu.shape, kind))
    records = []
    plaques = draw_plaques(tree, patient)
    for plaque in sorted(plaques, key=lambda p: p.calcified):
        record = _paint_one(canvas, tree, plaque)
        if record is not None:
            records.append(record)
    _settle_labels(canvas)
    return tuple(records)


@dataclass(frozen=True)
class _Patch:
    """The canvas voxels around a plaque, each cut into sub-voxels.

    Attributes:
        index: (m,) flat canvas indices.
        positions_mm: (m * n, 3) centres of the sub-voxels, those of one voxel together.
        sub_mm: their edge.
    """

    index: np.ndarray
    positions_mm: np.ndarray
    sub_mm: float


def _paint_one(canvas: Canvas, tree: CoronaryTree, plaque: Plaque) -> PlaqueRecord | None:
    branch = tree.arteries[plaque.branch]
    wall = tree.wall_mm(branch)
    patch = _patch(canvas, branch, wall, plaque)
    if patch is None:
        return None
    signed, core = plaque_distance(branch, wall, plaque, patch.positions_mm)
    cover = np.clip(0.5 - signed / patch.sub_mm, 0, 1).reshape(len(patch.index), -1)
    fraction = cover.mean(axis=1).astype(np.float32)
    total = float(fraction.sum()) * canvas.spacing_mm**3
    if total == 0.0:
        return None
    density = (cover * core.reshape(cover.shape)).sum(axis=1) / np.maximum(cover.sum(axis=1), 1e-9)
    hu, target = canvas.hu.ravel(), patch.index
    hu[target] += (fraction * (plaque.hu * density - hu[target])).astype(np.float32)
    if plaque.calcified:
        known = canvas.layers["calcium_fraction"].ravel()
        stronger = fraction > known[target]
        known[target] = np.maximum(known[target], fraction)
        # However little of a voxel is filled: a thin plaque is nowhere half of one.
        vessel = canvas.layers["calcium"].ravel()
        vessel[target[stronger]] = branch.vessel
    coronary = canvas.layers["coronary"].ravel()
    inside = (fraction >= 0.5) & (coronary[target] == 0)
    coronary[target[inside]] = branch.vessel
    return PlaqueRecord(
        branch.vessel,
        branch.name,
        plaque.kind,
        plaque.calcified,
        tuple(branch.points_mm[plaque.sample]),
        plaque.length_mm,
        plaque.thickness_mm,
        plaque.arc_deg,
        plaque.hu,
        total,
    )


def _settle_labels(canvas: Canvas) -> None:
    """Where calcium fills half a voxel, that is the artery's, and nothing there is called a distractor."""
    calcium = canvas.layers["calcium"]
    inside = canvas.layers["calcium_fraction"] >= 0.5
    coronary = canvas.layers["coronary"]
    coronary[inside] = calcium[inside]
    join_vessels(coronary)
    # Plaque at a bifurcation belongs to the vessel that its voxels are connected to.
    named = (calcium > 0) & (coronary > 0)
    calcium[named] = coronary[named]
    canvas.layers["distractor"][inside] = 0


def _patch(canvas: Canvas, branch: Branch, wall_mm: np.ndarray, plaque: Plaque) -> _Patch | None:
    half = plaque.length_mm / 2 + 1.0
    span = np.abs(branch.from_ostium_mm - branch.from_ostium_mm[plaque.sample]) <= half
    reach = float(branch.radius_mm[span].max()) + 1.2 + plaque.thickness_mm
    box = canvas.box(branch.points_mm[span].min(axis=0) - reach, branch.points_mm[span].max(axis=0) + reach)
    if box is None:
        return None
    grid = np.stack(np.broadcast_arrays(box.x_mm, box.y_mm, box.z_mm), axis=-1).reshape(-1, 3).astype(float)
    near = cKDTree(branch.points_mm[span]).query(grid, distance_upper_bound=reach + canvas.spacing_mm)[0] < np.inf
    near[near] = _may_hold(branch, wall_mm, plaque, grid[near], canvas.spacing_mm)
    ranges = [np.arange(s.start, s.stop) for s in box.slices]
    index = np.ravel_multi_index(np.meshgrid(*ranges, indexing="ij"), canvas.hu.shape).ravel()[near]
    if not len(index):
        return None
    parts = max(1, round(canvas.spacing_mm / FINEST_MM))
    sub = canvas.spacing_mm / parts
    shift = (np.arange(parts) - (parts - 1) / 2) * sub
    cell = np.stack(np.meshgrid(shift, shift, shift, indexing="ij"), axis=-1).reshape(-1, 3)
    return _Patch(index, (grid[near][:, None, :] + cell[None]).reshape(-1, 3), sub)


def plaque_distance(
    branch: Branch, wall_mm: np.ndarray, plaque: Plaque, positions_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance (m,) of positions to a plaque, and its relative density there (dense core, weaker rim).

    A plaque is a lens in (length along the branch, angle about it), `thickness_mm` thick at its centre, its outline
    broken up by noise.
    """
    sample, across, along, turn = _coordinates(branch, plaque, positions_mm)
    half_arc = np.radians(plaque.arc_deg) / 2
    noise = _outline_noise(plaque, positions_mm)
    inside = 1 - (2 * along / plaque.length_mm) ** 2 - (turn / half_arc) ** 2 + plaque.roughness * noise
    thick = plaque.thickness_mm * np.sqrt(np.clip(inside, 0, 1.2))
    middle = branch.radius_mm[sample] + 0.5 * wall_mm[sample] + (0.5 - plaque.encroachment) * thick
    signed = np.abs(across - middle) - thick / 2
    # There is no arterial wall inside the aortic lumen.
    within = (inside > 0) & ~branch.in_aorta[sample]
    signed = np.where(within, signed, np.maximum(signed, 0.3))
    if not plaque.calcified:
        return signed, _soft_density(plaque, inside)
    core = np.clip(0.72 + 0.34 * np.sqrt(np.clip(inside, 0, 1)) + 0.06 * noise, 0.5, 1.15)
    return signed, core


def _soft_density(plaque: Plaque, inside: np.ndarray) -> np.ndarray:
    """Attenuation relative to the rim's: that of the lipid core where a soft plaque is deepest."""
    if plaque.core_hu is None:
        return np.ones_like(inside)
    depth = np.clip((inside - 0.35) / 0.2, 0, 1)
    return 1 + depth * (plaque.core_hu / plaque.hu - 1)


def _coordinates(
    branch: Branch, plaque: Plaque, positions_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Nearest sample, distance from the centre line, length and angle (rad) from the plaque's middle; each (m,)."""
    _, sample = cKDTree(branch.points_mm).query(positions_mm)
    direction, first = tangents(branch), frame_normals(branch)
    second = np.cross(direction, first)
    offset = positions_mm - branch.points_mm[sample]
    ahead = np.einsum("ij,ij->i", offset, direction[sample])
    u = np.einsum("ij,ij->i", offset, first[sample])
    v = np.einsum("ij,ij->i", offset, second[sample])
    across, angle = np.hypot(u, v), np.arctan2(v, u)
    along = branch.from_ostium_mm[sample] + ahead - branch.from_ostium_mm[plaque.sample]
    turn = np.abs((angle - plaque.angle + plaque.twist * along + np.pi) % (2 * np.pi) - np.pi)
    return sample, across, along, turn


def _may_hold(
    branch: Branch, wall_mm: np.ndarray, plaque: Plaque, centres_mm: np.ndarray, spacing_mm: float
) -> np.ndarray:
    """Which voxels (m,) a plaque can reach, with its outline's noise at its most; the others need no sub-voxels."""
    sample, across, along, turn = _coordinates(branch, plaque, centres_mm)
    margin = 0.9 * spacing_mm
    swell = np.sqrt(1 + 5 * plaque.roughness)
    off_wall = across - branch.radius_mm[sample] - 0.5 * wall_mm[sample]
    thick = 1.1 * plaque.thickness_mm
    reach_rad = margin / np.maximum(across - margin, 0.2)
    return (
        (off_wall > -plaque.encroachment * thick - margin)
        & (off_wall < (1 - plaque.encroachment) * thick + margin)
        & (np.abs(along) < swell * plaque.length_mm / 2 + margin)
        & (turn < swell * np.radians(plaque.arc_deg) / 2 + reach_rad)
    )


def frame_normals(branch: Branch) -> np.ndarray:
    """Unit normals (n, 3) carried along the centre line without twisting (projection method)."""
    direction = tangents(branch)
    normals = np.empty_like(direction)
    helper = np.eye(3)[int(np.argmin(np.abs(direction[0])))]
    for i, t in enumerate(direction):
        helper = helper - (helper @ t) * t
        helper = helper / max(float(np.linalg.norm(helper)), 1e-9)
        normals[i] = helper
    return normals


def _outline_noise(plaque: Plaque, positions_mm: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(plaque.noise_seed)
    lattice = gaussian_filter(rng.standard_normal((20, 20, 20)), 0.8, mode="wrap")
    lattice /= lattice.std()
    return map_coordinates(lattice, positions_mm.T / 0.6, order=1, mode="grid-wrap")
