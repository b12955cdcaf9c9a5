"""Voxels near a vessel in the vessel's own coordinates: nearest centre-line sample, distance and angle about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronary_tree import Branch


@dataclass(frozen=True)
class VesselVoxels:
    """Voxels around a branch.

    Attributes:
        index: (m,) flat canvas indices.
        sample: (m,) nearest centre-line sample.
        across_mm: (m,) distance from the centre line.
    """

    index: np.ndarray
    sample: np.ndarray
    across_mm: np.ndarray


def near_branch(canvas: Canvas, branch: Branch, margin_mm: float) -> VesselVoxels:
    """The voxels within radius + margin of a branch's centre line."""
    shape, h = canvas.geometry.shape_zyx, canvas.spacing_mm
    origin = np.asarray(canvas.geometry.origin_mm_lps)
    reach = float(branch.radius_mm.max()) + margin_mm + h
    stride = max(1, int(0.8 / 0.3))
    centres = np.rint((np.concatenate([branch.points_mm[::stride], branch.points_mm[-1:]]) - origin) / h).astype(
        np.int64
    )
    span = np.arange(-int(np.ceil(reach / h)) - 1, int(np.ceil(reach / h)) + 2)
    ball = np.stack(np.meshgrid(span, span, span, indexing="ij"), axis=-1).reshape(-1, 3)
    ball = ball[(ball**2).sum(axis=1) <= (reach / h + 1.5) ** 2]
    xyz = (centres[:, None, :] + ball[None]).reshape(-1, 3)
    xyz = xyz[np.all((xyz >= 0) & (xyz < np.asarray(shape)[::-1]), axis=1)]
    index = np.unique(np.ravel_multi_index((xyz[:, 2], xyz[:, 1], xyz[:, 0]), shape))
    z, y, x = np.unravel_index(index, shape)
    positions = np.stack([x, y, z], axis=1) * h + origin
    sample, across = project(branch, positions)
    keep = across <= branch.radius_mm[sample] + margin_mm + h
    return VesselVoxels(index[keep], sample[keep], across[keep])


def project(branch: Branch, positions_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest centre-line sample of positions (m, 3), and their distance from the line through it."""
    if not len(positions_mm):
        return np.zeros(0, int), np.zeros(0)
    distance, sample = cKDTree(branch.points_mm).query(positions_mm)
    offset = positions_mm - branch.points_mm[sample]
    along = np.einsum("ij,ij->i", offset, tangents(branch)[sample])
    inner = (sample > 0) & (sample < len(branch.points_mm) - 1)
    across = np.sqrt(np.maximum(distance**2 - np.where(inner, along, 0.0) ** 2, 0.0))
    return sample, across


def tangents(branch: Branch) -> np.ndarray:
    """Unit tangents (n, 3) of the centre line."""
    direction = np.gradient(branch.points_mm, axis=0)
    return direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
