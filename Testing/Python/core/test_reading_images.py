"""NRRD, NIfTI and MetaImage files become one volume in LPS, or a sentence that says why not."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.findings import Severity
from cacnet.reading import (
    NotCtError,
    NotFiniteError,
    TiltedSeriesError,
    UnreadableImageError,
    UnsupportedShapeError,
    read_ct,
)

FORMATS = ["ct.nrrd", "ct.nhdr", "ct.nii", "ct.nii.gz", "ct.mha", "ct.mhd"]
AXIS_ORIENTATIONS = [
    (order, signs) for order in itertools.permutations(range(3)) for signs in itertools.product((1, -1), repeat=3)
]


def ct_image(dtype=np.int16) -> sitk.Image:
    """5 × 6 × 7 voxels (x, y, z); -900 HU everywhere but 400 HU in voxel x=1, y=2, z=3."""
    hu = np.full((7, 6, 5), -900, dtype=dtype)
    hu[3, 2, 1] = 400
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing((0.4, 0.5, 0.75))
    image.SetOrigin((-30.0, 12.0, 140.0))
    return image


def write(image: sitk.Image, path: Path, compress: bool = False) -> Path:
    sitk.WriteImage(image, str(path), useCompression=compress)
    return path


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_volume(tmp_path, name, compress):
    volume = read_ct(write(ct_image(), tmp_path / name, compress))
    assert volume.hu.dtype == np.int16
    assert volume.source == name
    assert volume.geometry.spacing_mm_zyx == pytest.approx((0.75, 0.5, 0.4), abs=1e-6)
    (bright,) = np.argwhere(volume.hu == 400)
    # x: -30 + 0.4, y: 12 + 2 * 0.5, z: 140 + 3 * 0.75
    np.testing.assert_allclose(volume.geometry.index_to_lps(bright), (-29.6, 13.0, 142.25), atol=1e-4)


@pytest.mark.parametrize("orientation", AXIS_ORIENTATIONS)
def test_nifti_of_any_orientation_keeps_every_point_of_the_patient(tmp_path, orientation):
    order, signs = orientation
    direction = np.zeros((3, 3))
    direction[list(order), range(3)] = signs  # index axis k runs along patient axis order[k]
    image = ct_image()
    image.SetDirection(direction.ravel().tolist())
    volume = read_ct(write(image, tmp_path / "ct.nii.gz"))
    expected_mm = np.array([-30.0, 12.0, 140.0])
    for k, offset_mm in enumerate((0.4, 1.0, 2.25)):
        expected_mm[order[k]] += signs[k] * offset_mm
    (bright,) = np.argwhere(volume.hu == 400)
    np.testing.assert_allclose(volume.geometry.index_to_lps(bright), expected_mm, atol=1e-4)


def test_whole_numbers_stored_as_float_become_int16(tmp_path):
    assert read_ct(write(ct_image(np.float64), tmp_path / "ct.nrrd")).hu.dtype == np.int16


def test_fractional_values_stay_float32(tmp_path):
    volume = read_ct(write(ct_image(np.float64) + 0.25, tmp_path / "ct.nrrd"))
    assert volume.hu.dtype == np.float32
    assert volume.hu[3, 2, 1] == 400.25


def test_values_beyond_int16_are_kept(tmp_path):
    volume = read_ct(write(ct_image(np.int32) * 100, tmp_path / "ct.nrrd"))
    assert volume.hu[3, 2, 1] == 40_000


def test_padding_becomes_air_and_is_said(tmp_path):
    image = ct_image()
    image[0, 0, 0] = -3024
    volume = read_ct(write(image, tmp_path / "ct.nii"))
    assert volume.hu[0, 0, 0] == -1024
    assert [finding.code for finding in volume.reading_findings] == ["padding-replaced"]


def test_single_time_point_in_four_dimensions_is_a_volume(tmp_path):
    volume = read_ct(write(sitk.JoinSeries([ct_image()]), tmp_path / "ct.nrrd"))
    assert volume.hu.shape == (7, 6, 5)


def test_several_time_points_are_refused(tmp_path):
    path = write(sitk.JoinSeries([ct_image(), ct_image()]), tmp_path / "ct.nii.gz")
    with pytest.raises(UnsupportedShapeError, match=r"4-dimensional \(5 × 6 × 7 × 2\)"):
        read_ct(path)


@pytest.mark.parametrize("name", FORMATS)
def test_colour_is_refused(tmp_path, name):
    channel = sitk.Cast(ct_image() + 1000, sitk.sitkUInt8)
    with pytest.raises(UnsupportedShapeError, match="3 values in every voxel"):
        read_ct(write(sitk.Compose(channel, channel, channel), tmp_path / name))


def test_two_dimensional_image_is_refused(tmp_path):
    with pytest.raises(UnsupportedShapeError, match="2-dimensional"):
        read_ct(write(ct_image()[:, :, 3], tmp_path / "ct.mha"))


def test_two_slices_are_refused(tmp_path):
    with pytest.raises(UnsupportedShapeError, match="only 2 voxels deep"):
        read_ct(write(ct_image()[:, :, :2], tmp_path / "ct.nrrd"))


def test_complex_numbers_are_refused(tmp_path):
    image = sitk.RealAndImaginaryToComplex(ct_image(np.float32), ct_image(np.float32))
    with pytest.raises(UnsupportedShapeError, match=r"complex|2 values"):
        read_ct(write(image, tmp_path / "ct.nii"))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(tmp_path, bad):
    image = ct_image(np.float32)
    image[1, 1, 4] = bad
    with pytest.raises(NotFiniteError, match="1 values of slice 4"):
        read_ct(write(image, tmp_path / "ct.nrrd"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz"])
def test_nan_in_nifti_is_refused_although_itk_would_make_it_zero(tmp_path, name, dtype):
    image = ct_image(dtype)
    image[1, 1, 4] = np.nan
    with pytest.raises(NotFiniteError, match="1 values of 'ct.nii"):
        read_ct(write(image, tmp_path / name))


@pytest.mark.parametrize("lost_bytes", [9, 9000])
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("name", ["ct.nrrd", "ct.nii", "ct.nii.gz", "ct.mha"])
def test_file_cut_short_is_refused_with_one_sentence_only(tmp_path, capfd, name, compress, lost_bytes):
    noise = np.random.default_rng(0).integers(-1000, 1000, (20, 30, 40)).astype(np.int16)
    path = write(sitk.GetImageFromArray(noise), tmp_path / name, compress)
    path.write_bytes(path.read_bytes()[:-lost_bytes])
    with pytest.raises(UnreadableImageError, match=name):
        read_ct(path)
    assert capfd.readouterr().err == ""


def test_header_that_declares_more_than_any_file_could_hold_is_refused_before_reading(tmp_path):
    path = tmp_path / "ct.nrrd"
    path.write_text(
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 100000 100000 100000\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nendian: little\nencoding: gzip\n\nshort"
    )
    with pytest.raises(UnreadableImageError, match="100000 × 100000 × 100000"):
        read_ct(path)


@pytest.mark.parametrize("name", ["ct.nhdr", "ct.mhd"])
def test_header_without_its_data_file_is_refused(tmp_path, name):
    path = write(ct_image(), tmp_path / name)
    (data,) = [other for other in tmp_path.iterdir() if other != path]
    data.unlink()
    with pytest.raises(UnreadableImageError, match=rf"{data.name}|{name}"):
        read_ct(path)


@pytest.mark.parametrize("name", FORMATS)
def test_file_of_another_kind_is_refused(tmp_path, name, capfd):
    (tmp_path / name).write_bytes(b"this is no image at all" * 40)
    with pytest.raises(UnreadableImageError, match=name):
        read_ct(tmp_path / name)
    assert capfd.readouterr().err == ""


def test_sheared_nrrd_is_refused(tmp_path):
    path = write(ct_image(), tmp_path / "ct.nrrd")
    header, data = path.read_bytes().split(b"\n\n", 1)
    start = header.index(b"space directions:")
    end = header.index(b"\n", start)
    sheared = header[:start] + b"space directions: (0.4,0,0) (0,0.5,0) (0,0.2,0.75)" + header[end:]
    path.write_bytes(sheared + b"\n\n" + data)
    with pytest.raises(TiltedSeriesError, match="not perpendicular"):
        read_ct(path)


def test_meta_image_of_another_modality_is_refused(tmp_path):
    path = write(ct_image(), tmp_path / "ct.mha")
    path.write_bytes(path.read_bytes().replace(b"NDims = 3", b"NDims = 3\nModality = MET_MOD_MR"))
    with pytest.raises(NotCtError, match="MR"):
        read_ct(path)


def test_nifti_without_orientation_is_warned_about(tmp_path):
    path = write(ct_image(), tmp_path / "ct.nii")
    raw = bytearray(path.read_bytes())
    raw[252:256] = bytes(4)  # qform_code and sform_code of the NIfTI-1 header
    path.write_bytes(raw)
    (finding,) = read_ct(path).reading_findings
    assert (finding.code, finding.severity) == ("orientation-unknown", Severity.WARNING)


def test_nothing_is_known_of_the_acquisition(tmp_path):
    assert read_ct(write(ct_image(), tmp_path / "ct.nii")).acquisition.kvp is None
