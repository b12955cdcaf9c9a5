"""Labels on the grid of the source images, whatever order and direction of axes they were reviewed in."""

from __future__ import annotations

import numpy as np

from cacnet.volume import GRID_TOLERANCE_VOXELS, Geometry


def placed_on(target: Geometry, labels_zyx: np.ndarray, geometry: Geometry) -> np.ndarray | None:
    """The labels on the target's grid, voxel for voxel, zeros around them; None where the voxels do not coincide.

    Axes may be turned by right angles or mirrored, and the labels' grid may be a part of the target's, as after
    reordering or cropping in a viewer.
    """
    steps = np.linalg.inv(target.affine_zyx_to_lps) @ geometry.affine_zyx_to_lps
    turn, offset = np.rint(steps[:3, :3]).astype(int), np.rint(steps[:3, 3]).astype(int)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in geometry.shape_zyx], indexing="ij")).reshape(3, -1)
    there = steps[:3, :3] @ corners + steps[:3, 3:]
    whole = turn @ corners + offset[:, None]
    inside = (whole.min(axis=1) >= 0).all() and (whole.max(axis=1) < target.shape_zyx).all()
    permutes = (np.abs(turn).sum(axis=0) == 1).all() and (np.abs(turn).sum(axis=1) == 1).all()
    if not (permutes and inside and np.abs(there - whole).max() <= 2 * GRID_TOLERANCE_VOXELS):
        return None
    axes = np.abs(turn).argmax(axis=1)
    turned = labels_zyx.transpose(axes)
    turned = np.flip(turned, tuple(axis for axis in range(3) if turn[axis, axes[axis]] < 0))
    placed = np.zeros(target.shape_zyx, labels_zyx.dtype)
    start = whole.min(axis=1)
    placed[tuple(slice(a, a + n) for a, n in zip(start, turned.shape, strict=True))] = turned
    return placed
