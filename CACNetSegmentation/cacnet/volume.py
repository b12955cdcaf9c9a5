"""A CT volume and where it lies in the patient. Every array is (z, y, x); every position is LPS in mm."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import SimpleITK as sitk

from cacnet.bounding_box import Box
from cacnet.errors import CacnetError
from cacnet.findings import Finding

# Two geometries are the same grid if no voxel centre differs by more than this fraction of the smallest spacing.
GRID_TOLERANCE_VOXELS = 0.05


class GeometryMismatchError(CacnetError):
    """Two arrays that must share a grid do not."""


@dataclass(frozen=True)
class Geometry:
    """The grid of a (z, y, x) array.

    Attributes:
        shape_zyx: number of voxels.
        spacing_mm_zyx: distance between voxel centres.
        origin_mm_lps: centre of voxel [0, 0, 0] as (x, y, z) in LPS.
        direction_lps: row-major 3×3 whose columns are the LPS unit vectors of the x, y and z index axes (as SimpleITK).
    """

    shape_zyx: tuple[int, int, int]
    spacing_mm_zyx: tuple[float, float, float]
    origin_mm_lps: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction_lps: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        # Plain Python numbers, whatever was passed: SimpleITK takes no numpy integers, JSON no numpy floats.
        object.__setattr__(self, "shape_zyx", tuple(int(n) for n in self.shape_zyx))
        for name in ("spacing_mm_zyx", "origin_mm_lps", "direction_lps"):
            object.__setattr__(self, name, tuple(float(v) for v in getattr(self, name)))

    @cached_property
    def affine_zyx_to_lps(self) -> np.ndarray:
        """4×4 matrix from a homogeneous voxel index (z, y, x, 1) to LPS mm (x, y, z, 1)."""
        direction = np.asarray(self.direction_lps, dtype=float).reshape(3, 3)
        affine = np.eye(4)
        affine[:3, :3] = (direction * np.asarray(self.spacing_mm_zyx)[::-1])[:, ::-1]
        affine[:3, 3] = self.origin_mm_lps
        return affine

    def index_to_lps(self, index_zyx: np.ndarray) -> np.ndarray:
        """LPS mm of (…, 3) voxel indices; indices may be fractional."""
        return np.asarray(index_zyx, dtype=float) @ self.affine_zyx_to_lps[:3, :3].T + self.affine_zyx_to_lps[:3, 3]

    def lps_to_index(self, point_mm_lps: np.ndarray) -> np.ndarray:
        """Fractional (z, y, x) voxel indices of (…, 3) LPS points in mm."""
        inverse = np.linalg.inv(self.affine_zyx_to_lps)
        return np.asarray(point_mm_lps, dtype=float) @ inverse[:3, :3].T + inverse[:3, 3]

    def crop(self, box: Box) -> Geometry:
        """The grid of the part of an array that `box` cuts out of it."""
        shape = tuple(side.stop - side.start for side in box)
        origin = self.index_to_lps(np.array([side.start for side in box]))
        return replace(self, shape_zyx=shape, origin_mm_lps=tuple(origin))

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel."""
        return float(np.prod(self.spacing_mm_zyx))

    @property
    def extent_mm_zyx(self) -> tuple[float, float, float]:
        """Size of the grid, from the outer face of the first voxel to the outer face of the last."""
        z, y, x = (n * s for n, s in zip(self.shape_zyx, self.spacing_mm_zyx, strict=True))
        return z, y, x

    @property
    def bounds_mm_lps(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner (x, y, z) of the LPS-aligned box around the outer faces of all voxels."""
        faces = np.stack(np.meshgrid(*[(-0.5, n - 0.5) for n in self.shape_zyx], indexing="ij"), -1).reshape(-1, 3)
        points = self.index_to_lps(faces)
        return points.min(0), points.max(0)

    def same_grid(self, other: Geometry) -> bool:
        """Whether both grids have the same shape and the same voxel centres (see GRID_TOLERANCE_VOXELS)."""
        if self.shape_zyx != other.shape_zyx:
            return False
        corners = np.stack(np.meshgrid(*[(0, n - 1) for n in self.shape_zyx], indexing="ij"), -1).reshape(-1, 3)
        distance = np.abs(self.index_to_lps(corners) - other.index_to_lps(corners)).max()
        return bool(distance <= GRID_TOLERANCE_VOXELS * min(self.spacing_mm_zyx))

    def require_same_grid(self, other: Geometry, name: str) -> None:
        """Raise GeometryMismatchError, naming `name`, unless `other` is this grid."""
        if not self.same_grid(other):
            raise GeometryMismatchError(
                found=f"the {name} has {other.describe()}",
                expected=f"the CT's own grid, {self.describe()}",
                action=f"Resample the {name} to the CT, or choose the {name} that was drawn on this CT",
            )

    def describe(self) -> str:
        """The grid in words, x first as users read it: '512 × 512 × 400 voxels of 0.35 × 0.35 × 0.5 mm at (…) mm'."""
        shape = " × ".join(str(n) for n in self.shape_zyx[::-1])
        spacing = " × ".join(f"{s:.4g}" for s in self.spacing_mm_zyx[::-1])
        origin = ", ".join(f"{o:.1f}" for o in self.origin_mm_lps)
        return f"{shape} voxels of {spacing} mm at ({origin}) mm"


@dataclass(frozen=True)
class Acquisition:
    """How the scan was made, as far as its headers say. None where they do not. Never identifies a patient."""

    modality: str | None = None
    kvp: float | None = None
    slice_thickness_mm: float | None = None
    kernel: str | None = None
    manufacturer: str | None = None
    contrast_agent: str | None = None
    series_description: str | None = None
    patient_age_years: float | None = None
    patient_sex: str | None = None
    """'M' or 'F'."""


@dataclass(frozen=True)
class Volume:
    """A CT in Hounsfield units.

    Attributes:
        hu: (z, y, x), int16 or float32; not to be written to.
        geometry: its grid.
        acquisition: what the headers say of the scan.
        source: file or folder name for messages and reports, without its path.
        reading_findings: what the reader noticed that the array no longer shows (gaps, duplicates, other series).
    """

    hu: np.ndarray
    geometry: Geometry
    acquisition: Acquisition = field(default_factory=Acquisition)
    source: str = "unnamed"
    reading_findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if self.hu.shape != self.geometry.shape_zyx:
            raise GeometryMismatchError(
                found=f"an array of shape {self.hu.shape} (z, y, x)",
                expected=f"the shape of its geometry, {self.geometry.shape_zyx}",
            )


def geometry_of(image: sitk.Image) -> Geometry:
    """The grid of a 3-D SimpleITK image."""
    x, y, z = image.GetSize()
    sx, sy, sz = image.GetSpacing()
    ox, oy, oz = image.GetOrigin()
    return Geometry((z, y, x), (sz, sy, sx), (ox, oy, oz), tuple(image.GetDirection()))


def to_sitk(array_zyx: np.ndarray, geometry: Geometry) -> sitk.Image:
    """A SimpleITK image of an array on `geometry` (copies; bool becomes uint8)."""
    if array_zyx.dtype == bool:
        array_zyx = array_zyx.astype(np.uint8)
    image = sitk.GetImageFromArray(array_zyx)
    image.SetSpacing(geometry.spacing_mm_zyx[::-1])
    image.SetOrigin(geometry.origin_mm_lps)
    image.SetDirection(geometry.direction_lps)
    return image
