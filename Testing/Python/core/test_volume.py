"""Voxel indices (z, y, x) and positions in the patient (LPS mm) agree, whatever the direction of the axes."""

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.volume import Geometry, GeometryMismatchError, Volume, geometry_of, to_sitk

# index x runs to the back (+y), index y to the head (+z), index z to the left (+x)
TURNED = Geometry((3, 4, 5), (2.0, 1.0, 0.5), (10.0, 20.0, 30.0), (0, 0, 1, 1, 0, 0, 0, 1, 0))


def test_index_becomes_position_along_each_axis():
    # 1 step of z is 2 mm along x, 2 of y are 2 mm along z, 3 of x are 1.5 mm along y
    np.testing.assert_allclose(TURNED.index_to_lps(np.array([1, 2, 3])), (12.0, 21.5, 32.0))


def test_position_becomes_the_same_index_again():
    indices = np.array([[0, 0, 0], [2, 3, 4], [0.5, 1.25, 2.75]])
    np.testing.assert_allclose(TURNED.lps_to_index(TURNED.index_to_lps(indices)), indices)


def test_positions_are_those_of_simpleitk():
    image = to_sitk(np.zeros((3, 4, 5), np.int16), TURNED)
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((3, 2, 1)), TURNED.index_to_lps(np.array([1, 2, 3])))
    assert geometry_of(image) == TURNED


def test_bool_array_becomes_an_image():
    image = to_sitk(np.ones((3, 4, 5), bool), TURNED)
    assert image.GetPixelID() == sitk.sitkUInt8
    assert sitk.GetArrayViewFromImage(image).sum() == 60


def test_volume_of_a_voxel_and_extent_of_the_grid():
    assert TURNED.voxel_volume_mm3 == 1.0
    assert TURNED.extent_mm_zyx == (6.0, 4.0, 2.5)


def test_grid_is_the_same_within_a_twentieth_of_a_voxel():
    def moved(mm: float) -> Geometry:
        return Geometry(TURNED.shape_zyx, TURNED.spacing_mm_zyx, (10.0 + mm, 20.0, 30.0), TURNED.direction_lps)

    assert TURNED.same_grid(moved(0.02))
    assert not TURNED.same_grid(moved(0.03))  # 5% of the smallest spacing, 0.5 mm, is 0.025 mm


def test_other_shape_is_another_grid_and_named():
    other = Geometry((3, 4, 6), TURNED.spacing_mm_zyx, TURNED.origin_mm_lps, TURNED.direction_lps)
    with pytest.raises(GeometryMismatchError, match=r"the mask has 6 × 4 × 3 voxels.*5 × 4 × 3 voxels"):
        TURNED.require_same_grid(other, "mask")
    TURNED.require_same_grid(TURNED, "mask")


def test_grid_is_described_with_x_first():
    assert TURNED.describe() == "5 × 4 × 3 voxels of 0.5 × 1 × 2 mm at (10.0, 20.0, 30.0) mm"


def test_volume_needs_an_array_of_its_geometry():
    with pytest.raises(GeometryMismatchError, match=r"\(3, 4, 6\)"):
        Volume(np.zeros((3, 4, 6), np.int16), TURNED)
