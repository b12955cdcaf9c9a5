"""Volume nodes become LPS volumes and come back, whatever their orientation."""

import math

import numpy as np
import pytest
from cacnet.volume import Geometry, Volume

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
import vtk  # noqa: E402
from CACNetSegmentationLib.scene.volumes import (  # noqa: E402
    NoImageError,
    SkewedGridError,
    TransformError,
    geometry_of_node,
    node_from_volume,
    volume_from_node,
)
from slicer.util import arrayFromVolume  # noqa: E402

C, S = math.cos(0.4), math.sin(0.4)
ORIENTATIONS = {
    "axial": (1, 0, 0, 0, 1, 0, 0, 0, 1),
    "feet_first_left_handed": (1, 0, 0, 0, 1, 0, 0, 0, -1),
    "coronal": (1, 0, 0, 0, 0, 1, 0, -1, 0),
    "oblique": (C, -S, 0, S * C, C * C, -S, S * S, C * S, C),
}


def _volume(direction_lps, dtype=np.int16):
    hu = np.arange(2 * 3 * 4).reshape(2, 3, 4).astype(dtype) - 7
    return Volume(hu, Geometry((2, 3, 4), (0.5, 0.4, 0.3), (11.0, -22.0, 33.0), tuple(map(float, direction_lps))))


@pytest.fixture
def ct_node(scene):
    return node_from_volume(scene, _volume(ORIENTATIONS["axial"]), "CT")


def _put_under(scene, node, matrix_rows):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Table shift")
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy([float(value) for row in matrix_rows for value in row])
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())


@pytest.mark.parametrize("direction", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
def test_a_volume_survives_the_way_into_the_scene_and_back(scene, direction):
    volume = _volume(direction)
    back = volume_from_node(node_from_volume(scene, volume, "CT"))
    assert back.geometry.same_grid(volume.geometry)
    np.testing.assert_allclose(back.geometry.direction_lps, volume.geometry.direction_lps, atol=1e-12)
    np.testing.assert_array_equal(back.hu, volume.hu)
    assert back.hu.dtype == np.int16
    assert back.source == "CT"


def test_ras_of_a_voxel_is_lps_with_the_first_two_signs_turned(ct_node):
    matrix = vtk.vtkMatrix4x4()
    ct_node.GetIJKToRASMatrix(matrix)
    # Voxel i=1, j=2, k=1 lies at LPS (11 + 0.3, -22 + 0.8, 33 + 0.5).
    assert matrix.MultiplyPoint((1, 2, 1, 1)) == pytest.approx((-11.3, 21.2, 33.5, 1))


def test_the_volume_does_not_share_memory_with_the_scene(ct_node):
    volume = volume_from_node(ct_node)
    arrayFromVolume(ct_node)[:] = 0
    assert volume.hu[0, 0, 0] == -7


@pytest.mark.parametrize(("dtype", "expected"), [(np.int32, np.int16), (np.uint16, np.int16), (np.float64, np.float32)])
def test_voxels_are_int16_where_they_fit_and_float_otherwise(scene, dtype, expected):
    node = node_from_volume(scene, Volume(np.full((1, 2, 2), 300, dtype), Geometry((1, 2, 2), (1.0, 1.0, 1.0))), "CT")
    volume = volume_from_node(node)
    assert volume.hu.dtype == expected
    assert (volume.hu == 300).all()


def test_values_beyond_int16_are_kept(scene):
    node = node_from_volume(scene, Volume(np.full((1, 1, 2), 40000, np.int32), Geometry((1, 1, 2), (1.0,) * 3)), "CT")
    assert volume_from_node(node).hu[0, 0, 0] == 40000


def test_a_rigid_transform_moves_the_volume_and_leaves_the_node_alone(scene, ct_node):
    _put_under(scene, ct_node, [(0, -1, 0, 10), (1, 0, 0, 0), (0, 0, 1, 5), (0, 0, 0, 1)])
    geometry = geometry_of_node(ct_node)
    # The origin is RAS (-11, 22, 33); turned by 90 degrees and shifted it is RAS (-12, -11, 38).
    assert geometry.origin_mm_lps == pytest.approx((12, 11, 38))
    assert geometry.spacing_mm_zyx == pytest.approx((0.5, 0.4, 0.3))
    assert ct_node.GetOrigin() == pytest.approx((-11, 22, 33))


def test_a_scaling_transform_is_refused_by_name(scene, ct_node):
    _put_under(scene, ct_node, [(1.1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)])
    with pytest.raises(TransformError, match=r"'Table shift'.*harden"):
        volume_from_node(ct_node)


def test_a_deforming_transform_is_refused(scene, ct_node):
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode", "Warp")
    spline = vtk.vtkThinPlateSplineTransform()
    for points in (spline.SetSourceLandmarks, spline.SetTargetLandmarks):
        landmarks = vtk.vtkPoints()
        for point in ((0, 0, 0), (50, 0, 0), (0, 50, 0), (0, 0, 50)):
            landmarks.InsertNextPoint(point)
        points(landmarks)
    transform.SetAndObserveTransformToParent(spline)
    ct_node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(TransformError, match="'Warp'"):
        volume_from_node(ct_node)


def test_skewed_slices_are_refused(ct_node):
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 2, 0.3)
    ct_node.SetIJKToRASMatrix(matrix)
    with pytest.raises(SkewedGridError, match="gantry tilt"):
        volume_from_node(ct_node)


def test_no_node_is_a_sentence():
    with pytest.raises(NoImageError, match="no CT volume is chosen"):
        volume_from_node(None)


def test_a_node_without_an_image_is_refused(scene):
    with pytest.raises(NoImageError, match="holds no image"):
        volume_from_node(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty"))


def test_a_colour_image_is_refused(scene):
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Photo")
    image = vtk.vtkImageData()
    image.SetDimensions(2, 2, 2)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    node.SetAndObserveImageData(image)
    with pytest.raises(NoImageError, match="3 values per voxel"):
        volume_from_node(node)
