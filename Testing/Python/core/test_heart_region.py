"""Finding the heart: a schematic chest with two lungs, a heart, a liver dome and a spine."""

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet import heart_region
from cacnet.heart_region import HeartRegion, find_heart_region
from cacnet.volume import Geometry, Volume, geometry_of
from shared_data import shared_data

HEART_CENTRE_MM_LPS = np.array([15.0, -20.0, 0.0])
HEART_RADIUS_MM = np.array([55.0, 50.0, 55.0])


def schematic_chest(contrast_hu: float, lower_mm=(-170.0, -120.0, -130.0), upper_mm=(170.0, 120.0, 130.0)) -> Volume:
    """A chest on a 4 mm grid: body, lungs, an ellipsoid heart, a mediastinum above and the liver's dome below."""
    h = 4.0
    axes = [np.arange(lo, up, h) for lo, up in zip(lower_mm[::-1], upper_mm[::-1], strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    hu = np.full(z.shape, -1000.0)
    body = (x / 160) ** 2 + (y / 110) ** 2 < 1
    hu[body] = 40
    lungs = (((np.abs(x) - 75) / 62) ** 2 + (y / 85) ** 2 < 1) & (z > -75) & (z < 120)
    middle = (np.abs(x) < 20) & (y > -60) & (y < 60) & (z < 120)
    hu[lungs & ~middle] = -850
    p = np.stack([x, y, z], -1)
    hu[(((p - HEART_CENTRE_MM_LPS) / HEART_RADIUS_MM) ** 2).sum(-1) < 1] = contrast_hu
    hu[(((p - [-75.0, 0.0, -80.0]) / [60.0, 70.0, 45.0]) ** 2).sum(-1) < 1] = 60
    hu[(np.hypot(x, y - 75) < 18)] = 250
    return Volume(hu.astype(np.int16), Geometry(z.shape, (h, h, h), (axes[2][0], axes[1][0], axes[0][0])))


@pytest.mark.parametrize("contrast_hu", [45, 120, 420])
def test_the_heart_is_inside_its_region_in_any_contrast_phase(contrast_hu: float) -> None:
    region = find_heart_region(schematic_chest(contrast_hu))
    assert region.found
    assert (np.array(region.lower_mm_lps) < HEART_CENTRE_MM_LPS - HEART_RADIUS_MM + 4).all()
    assert (np.array(region.upper_mm_lps) > HEART_CENTRE_MM_LPS + HEART_RADIUS_MM - 4).all()


def test_the_region_is_much_smaller_than_the_chest() -> None:
    region = find_heart_region(schematic_chest(420))
    extent = np.subtract(region.upper_mm_lps, region.lower_mm_lps)
    assert (extent <= [186, 156, 186]).all()


def test_a_field_planned_on_the_heart_is_kept_from_edge_to_edge() -> None:
    """There is too little lung at its sides to say where the heart ends."""
    volume = schematic_chest(420, lower_mm=(-60.0, -90.0, -70.0), upper_mm=(92.0, 50.0, 80.0))
    region = find_heart_region(volume)
    lower, upper = volume.geometry.bounds_mm_lps
    assert region.found
    np.testing.assert_allclose(region.lower_mm_lps, lower)
    np.testing.assert_allclose(region.upper_mm_lps, upper)


def test_there_is_room_beside_the_apex() -> None:
    region = find_heart_region(schematic_chest(420))
    assert region.upper_mm_lps[0] - (HEART_CENTRE_MM_LPS[0] + HEART_RADIUS_MM[0]) > 20


@pytest.mark.parametrize(("millilitres", "found"), [(200, False), (300, True)])
def test_a_piece_too_small_for_a_heart_is_none(
    monkeypatch: pytest.MonkeyPatch, millilitres: float, found: bool
) -> None:
    def piece(between: np.ndarray, _slices: slice) -> np.ndarray:
        mask = np.zeros_like(between)
        mask[30:50].reshape(20, -1)[:, : round(millilitres * 1000 / 27 / 20)] = True
        return mask

    monkeypatch.setattr(heart_region, "_followed_downwards", piece)
    volume = schematic_chest(420)
    region = find_heart_region(volume)
    assert region.found is found
    assert (region.upper_mm_lps == tuple(volume.geometry.bounds_mm_lps[1])) is not found


def test_a_flipped_and_permuted_array_gives_the_same_region() -> None:
    volume = schematic_chest(420)
    reference = find_heart_region(volume)
    image = sitk.GetImageFromArray(volume.hu)
    image.SetSpacing((4.0, 4.0, 4.0))
    image.SetOrigin(volume.geometry.origin_mm_lps)
    turned = sitk.Flip(sitk.PermuteAxes(image, [2, 0, 1]), [True, False, True])
    region = find_heart_region(Volume(sitk.GetArrayFromImage(turned), geometry_of(turned)))
    np.testing.assert_allclose(region.lower_mm_lps, reference.lower_mm_lps, atol=6)
    np.testing.assert_allclose(region.upper_mm_lps, reference.upper_mm_lps, atol=6)


def test_without_lungs_the_region_is_the_whole_volume_and_says_so() -> None:
    volume = Volume(np.full((20, 30, 40), 40, np.int16), Geometry((20, 30, 40), (3.0, 2.0, 1.0), (5.0, 6.0, 7.0)))
    region = find_heart_region(volume)
    assert not region.found
    np.testing.assert_allclose(region.lower_mm_lps, (4.5, 5.0, 5.5))
    np.testing.assert_allclose(region.upper_mm_lps, (44.5, 65.0, 65.5))


def test_the_axis_is_the_middle_of_a_found_box_and_unknown_for_the_whole_volume() -> None:
    assert HeartRegion((0.0, 10.0, 0.0), (4.0, 30.0, 9.0), found=True).axis_mm_lps == (2.0, 20.0)
    assert HeartRegion((0.0, 10.0, 0.0), (4.0, 30.0, 9.0), found=False).axis_mm_lps is None


def test_the_grid_of_a_region_fills_it_from_face_to_face() -> None:
    volume = Volume(np.full((20, 30, 40), 40, np.int16), Geometry((20, 30, 40), (3.0, 2.0, 1.0), (5.0, 6.0, 7.0)))
    grid = find_heart_region(volume).grid(0.5)
    assert grid.shape_zyx == (120, 120, 80)
    assert grid.origin_mm_lps == (4.75, 5.25, 5.75)


def test_the_heart_of_a_real_chest_is_inside_its_region() -> None:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(shared_data("chest_ct_contrast"))))
    image = reader.Execute()
    region = find_heart_region(Volume(sitk.GetArrayFromImage(image).astype(np.int16), geometry_of(image)))
    # Read off the images: right atrium, sternal side, apex on the diaphragm; left wall, left atrium, pulmonary trunk.
    assert (np.array(region.lower_mm_lps) < (-50, -255, -150)).all()
    assert (np.array(region.upper_mm_lps) > (80, -135, -80)).all()
