"""Between volume nodes (RAS, IJK) and `cacnet` volumes (LPS, zyx). The one place where RAS and LPS meet in Slicer."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from cacnet.errors import CacnetError
from cacnet.volume import Acquisition, Geometry, Volume
from slicer.util import arrayFromVolume
from vtk.util.numpy_support import get_vtk_array_type, numpy_to_vtk

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
AXES_TOLERANCE = 1e-3
"""Largest deviation of the axes from being perpendicular unit vectors, as an entry of DᵀD − I."""


class NoImageError(CacnetError):
    """The node is no volume, or a volume without one value per voxel."""


class SkewedGridError(CacnetError):
    """The voxel axes are not perpendicular, so that slices would be scored with a wrong area."""


class TransformError(CacnetError):
    """The volume lies under a transform that changes sizes."""


def volume_from_node(volume_node: slicer.vtkMRMLScalarVolumeNode, acquisition: Acquisition | None = None) -> Volume:
    """The CT of a node, in world coordinates: a rigid parent transform is applied, the scene stays as it is.

    Args:
        volume_node: a scalar volume in Hounsfield units.
        acquisition: how the scan was made, where the caller knows.

    Returns:
        A volume with its own copy of the voxels, int16 where they fit, float32 otherwise.

    Raises:
        NoImageError, SkewedGridError, TransformError: what the user can do about it is in the message.
    """
    geometry = geometry_of_node(volume_node)
    return Volume(
        _hounsfield(arrayFromVolume(volume_node)), geometry, acquisition or Acquisition(), volume_node.GetName()
    )


def geometry_of_node(volume_node: slicer.vtkMRMLScalarVolumeNode) -> Geometry:
    """The grid of a volume node in world coordinates. Raises as `volume_from_node`."""
    _require_image(volume_node)
    affine_lps = RAS_FROM_LPS @ world_from_local(volume_node) @ ijk_to_ras(volume_node)
    spacing_mm_xyz = np.linalg.norm(affine_lps[:3, :3], axis=0)
    direction = affine_lps[:3, :3] / spacing_mm_xyz
    if not _orthonormal(direction):
        raise SkewedGridError(
            found=f"the slices of '{volume_node.GetName()}' are skewed, as after a gantry tilt",
            expected="voxel axes that are perpendicular to one another",
            action="Resample the volume to a straight grid, for example with Crop Volume, and choose the result",
        )
    sx, sy, sz = (float(s) for s in spacing_mm_xyz)
    x, y, z = volume_node.GetImageData().GetDimensions()
    ox, oy, oz = (float(o) for o in affine_lps[:3, 3])
    return Geometry((z, y, x), (sz, sy, sx), (ox, oy, oz), tuple(float(d) for d in direction.ravel()))


def node_from_volume(scene: slicer.vtkMRMLScene, volume: Volume, name: str) -> slicer.vtkMRMLScalarVolumeNode:
    """A new volume node in `scene` with a copy of the voxels of `volume`, shown with a window for contrast CT."""
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(ijk_to_ras_matrix(volume.geometry))
    node.SetAndObserveImageData(image_data(volume.hu))
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(1000, 300)
    return node


def ijk_to_ras_matrix(geometry: Geometry) -> vtk.vtkMatrix4x4:
    """MRML's IJKToRAS of a grid."""
    ijk_to_lps = geometry.affine_zyx_to_lps[:, [2, 1, 0, 3]]
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy((RAS_FROM_LPS @ ijk_to_lps).ravel())
    return matrix


def image_data(array_zyx: np.ndarray) -> vtk.vtkImageData:
    """VTK image with a copy of the array; spacing and origin are left to the node."""
    image = vtk.vtkImageData()
    image.SetDimensions(*array_zyx.shape[::-1])
    contiguous = np.ascontiguousarray(array_zyx)
    scalars = numpy_to_vtk(contiguous.ravel(), deep=True, array_type=get_vtk_array_type(contiguous.dtype))
    scalars.SetName("ImageScalars")
    image.GetPointData().SetScalars(scalars)
    return image


def _require_image(volume_node: slicer.vtkMRMLScalarVolumeNode | None) -> None:
    if volume_node is None or not volume_node.IsA("vtkMRMLScalarVolumeNode"):
        raise NoImageError("no CT volume is chosen", action="Load a contrast CT and choose it as the input")
    image = volume_node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0:
        raise NoImageError(f"the volume '{volume_node.GetName()}' holds no image", "a CT", "Load it again")
    if image.GetNumberOfScalarComponents() != 1:
        raise NoImageError(
            found=f"the volume '{volume_node.GetName()}' has {image.GetNumberOfScalarComponents()} values per voxel",
            expected="one CT value per voxel",
            action="Choose the CT itself, not a colour picture or a vector volume made of it",
        )


def ijk_to_ras(volume_node: slicer.vtkMRMLScalarVolumeNode) -> np.ndarray:
    """4×4 from voxel (i, j, k) to local RAS mm."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return _array(matrix)


def world_from_local(volume_node: slicer.vtkMRMLScalarVolumeNode) -> np.ndarray:
    """4×4 of the parent transforms; raises TransformError where they do more than turn and shift."""
    transform = volume_node.GetParentTransformNode()
    if transform is None:
        return np.eye(4)
    matrix = vtk.vtkMatrix4x4()
    rigid = transform.IsTransformToWorldLinear() and transform.GetMatrixTransformToWorld(matrix)
    if not rigid or not _orthonormal(_array(matrix)[:3, :3]):
        raise TransformError(
            found=f"'{volume_node.GetName()}' is deformed or scaled by the transform '{transform.GetName()}'",
            expected="no transform, or one that only turns and shifts",
            action="Take the volume out of the transform, or harden the transform, in the Data module",
        )
    return _array(matrix)


def _orthonormal(axes: np.ndarray) -> bool:
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() <= AXES_TOLERANCE)


def _array(matrix: vtk.vtkMatrix4x4) -> np.ndarray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def _hounsfield(array: np.ndarray) -> np.ndarray:
    if np.issubdtype(array.dtype, np.integer):
        limits = np.iinfo(np.int16)
        if array.min() >= limits.min and array.max() <= limits.max:
            return array.astype(np.int16)
    return array.astype(np.float32)
