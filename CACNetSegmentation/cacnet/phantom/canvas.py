"""The fine grid that anatomy is painted on: attenuation in HU, painted in order, later structures over earlier ones.

Patient coordinates are LPS mm, origin at the heart's centre: x to the patient's left, y to the back, z to the head.
Shapes are signed distances (mm, negative inside), so partial volume at their surface is exact to first order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cacnet.volume import Geometry


@dataclass(frozen=True)
class Box:
    """A part of a canvas: the slices that cut it out, and the coordinates of its voxel centres, ready to broadcast.

    z_mm has shape (nz, 1, 1), y_mm (1, ny, 1), x_mm (1, 1, nx).
    """

    slices: tuple[slice, slice, slice]
    z_mm: np.ndarray
    y_mm: np.ndarray
    x_mm: np.ndarray


@dataclass
class Canvas:
    """Tissue on a fine isotropic grid, in patient coordinates.

    Attributes:
        geometry: axis-aligned LPS grid.
        hu: (z, y, x) float32, attenuation before the scanner's blur and noise.
        layers: further (z, y, x) arrays on the same grid by name: 'calcium_fraction' (float32, calcified part of each
            voxel), 'calcium' (uint8: 1 LM, 2 LAD, 3 LCx, 4 RCA, wherever there is some) and 'coronary' (the same
            numbers), 'distractor' (uint8, see `devices`).
    """

    geometry: Geometry
    hu: np.ndarray
    layers: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def filled(cls, lower_mm_xyz: np.ndarray, upper_mm_xyz: np.ndarray, spacing_mm: float, hu: float) -> Canvas:
        """A canvas over the box between two corners, filled with one attenuation."""
        lower, upper = np.asarray(lower_mm_xyz, float), np.asarray(upper_mm_xyz, float)
        shape = tuple(int(np.ceil(e / spacing_mm)) + 1 for e in (upper - lower)[::-1])
        geometry = Geometry(shape, (spacing_mm,) * 3, tuple(float(v) for v in lower))  # type: ignore[arg-type]
        return cls(geometry, np.full(shape, hu, np.float32))

    @property
    def spacing_mm(self) -> float:
        """Edge of the isotropic voxels."""
        return self.geometry.spacing_mm_zyx[0]

    def box(self, lower_mm_xyz: np.ndarray, upper_mm_xyz: np.ndarray) -> Box | None:
        """The part of the canvas between two corners, one voxel larger; None where they do not meet."""
        h = self.spacing_mm
        origin_zyx = np.asarray(self.geometry.origin_mm_lps)[::-1]
        low = np.floor((np.asarray(lower_mm_xyz, float)[::-1] - origin_zyx) / h).astype(int) - 1
        high = np.ceil((np.asarray(upper_mm_xyz, float)[::-1] - origin_zyx) / h).astype(int) + 2
        low, high = np.maximum(low, 0), np.minimum(high, self.geometry.shape_zyx)
        if np.any(high <= low):
            return None
        axes = [(np.arange(a, b) * h + o).astype(np.float32) for a, b, o in zip(low, high, origin_zyx, strict=True)]
        return Box(
            tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True)),  # type: ignore[arg-type]
            axes[0][:, None, None],
            axes[1][None, :, None],
            axes[2][None, None, :],
        )

    def coverage(self, signed_distance_mm: np.ndarray) -> np.ndarray:
        """The part of each voxel (0 to 1) inside a surface, from its signed distance (negative inside)."""
        return np.clip(0.5 - signed_distance_mm / self.spacing_mm, 0.0, 1.0)

    def paint(self, box: Box, coverage: np.ndarray, hu: float | np.ndarray) -> None:
        """Replace the covered part of each voxel of `box` by tissue of `hu`."""
        target = self.hu[box.slices]
        target += coverage * (hu - target)
