"""DICOM folders become one volume with the right values at the right places, or a sentence that says why not."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from cacnet.errors import CacnetError
from cacnet.findings import Severity
from cacnet.reading import (
    InputNotFoundError,
    IrregularSlicesError,
    MultiPhaseError,
    NoImageFoundError,
    NotCtError,
    TiltedSeriesError,
    UnreadableImageError,
    UnsupportedShapeError,
    list_series,
    read_ct,
)
from cacnet.volume import Volume
from core.dicom_files import write_enhanced, write_series, write_slice
from pydicom.uid import RLELossless
from shared_data import shared_data


def ramp(slices: int = 6) -> np.ndarray:
    """Values that tell every voxel's index: 100 z + 10 y + x."""
    z, y, x = np.indices((slices, 5, 4))
    return 100 * z + 10 * y + x


def codes(volume: Volume) -> list[str]:
    return [finding.code for finding in volume.reading_findings]


def rewrite(folder: Path, change) -> None:
    """Apply `change` to every file of a series, given its dataset; drop the files for which it returns False."""
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        if change(dataset) is False:
            path.unlink()
        else:
            dataset.save_as(path)


def z_index(dataset) -> int:
    return dataset.InstanceNumber - 1


def test_slices_are_ordered_by_position_and_lie_where_the_headers_say(tmp_path):
    write_series(tmp_path, ramp())
    volume = read_ct(tmp_path)
    np.testing.assert_array_equal(volume.hu, ramp())
    assert volume.hu.dtype == np.int16
    assert volume.geometry.spacing_mm_zyx == pytest.approx((0.5, 0.4, 0.5))
    # voxel z=2, y=3, x=1 lies at (-10 + 0.5, -20 + 3 * 0.4, 100 + 2 * 0.5)
    np.testing.assert_allclose(volume.geometry.index_to_lps(np.array([2, 3, 1])), (-9.5, -18.8, 101.0))
    assert codes(volume) == []


def test_increment_comes_from_positions_and_not_from_slice_thickness(tmp_path):
    write_series(tmp_path, ramp(), increment_mm=1.5, SliceThickness=3)
    volume = read_ct(tmp_path)
    assert volume.geometry.spacing_mm_zyx[0] == pytest.approx(1.5)
    assert volume.acquisition.slice_thickness_mm == 3


def test_coronal_slices_keep_their_direction(tmp_path):
    for k in range(4):
        stored = (ramp()[k] + 1024).astype(np.int16)
        write_slice(
            tmp_path / str(k),
            stored,
            (0.0, 2.0 * k, 50.0),
            ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
            SeriesInstanceUID="1.2.3",
        )
    volume = read_ct(tmp_path)
    # rows run down (-z): the normal x × (-z) is +y, so slice k = z index k, and index y goes to -z in space
    np.testing.assert_array_equal(volume.hu, ramp()[:4])
    np.testing.assert_allclose(volume.geometry.index_to_lps(np.array([3, 2, 1])), (0.5, 6.0, 50 - 2 * 0.4))


def test_every_slice_is_rescaled_by_its_own_slope_and_intercept(tmp_path):
    write_series(tmp_path, ramp())

    def rescale_third(dataset):
        if z_index(dataset) == 3:
            dataset.RescaleSlope, dataset.RescaleIntercept = 2, -2048

    rewrite(tmp_path, rescale_third)
    expected = ramp()
    expected[3] = 2 * (ramp()[3] + 1024) - 2048
    np.testing.assert_array_equal(read_ct(tmp_path).hu, expected)


def test_fractional_slope_gives_float_values(tmp_path):
    write_series(tmp_path, ramp(), RescaleSlope=0.5, RescaleIntercept=0)
    volume = read_ct(tmp_path)
    assert volume.hu.dtype == np.float32
    np.testing.assert_allclose(volume.hu, (ramp() + 1024) / 2)


def test_missing_rescale_is_said(tmp_path):
    write_series(tmp_path, ramp(), RescaleSlope=None, RescaleIntercept=None)
    assert codes(read_ct(tmp_path)) == ["rescale-missing"]


def compress_by_gdcm(dataset, compressor: str, folder: Path) -> None:
    """Exchange the pixels of `dataset` for the same ones compressed by another library."""
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor(compressor)
    writer.SetFileName(str(folder / "compressed.dcm"))
    writer.Execute(sitk.GetImageFromArray(dataset.pixel_array))
    compressed = pydicom.dcmread(folder / "compressed.dcm")
    dataset.PixelData = compressed.PixelData
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = compressed.file_meta.TransferSyntaxUID


@pytest.mark.parametrize("syntax", ["RLE", "JPEG2000", "JPEG"])
def test_losslessly_compressed_slices_are_read(tmp_path, syntax):
    hu = np.random.default_rng(1).integers(-900, 900, (4, 16, 16))
    write_series(tmp_path / "series", hu)

    def compress(dataset):
        if syntax == "RLE":
            dataset.compress(RLELossless)
        else:
            compress_by_gdcm(dataset, syntax, tmp_path)

    rewrite(tmp_path / "series", compress)
    np.testing.assert_array_equal(read_ct(tmp_path / "series").hu, hu)


def test_padding_becomes_air_and_is_said(tmp_path):
    hu = ramp()
    hu[:, 0, :] = -2048
    hu[:, 1, :] = -1100
    hu[:, 2, :] = -1200
    write_series(tmp_path, hu, PixelPaddingValue=-1200 + 1024)
    volume = read_ct(tmp_path)
    assert (volume.hu[:, 0] == -1024).all()
    assert (volume.hu[:, 1] == -1100).all(), "an undershoot beside metal is no padding"
    assert (volume.hu[:, 2] == -1024).all(), "declared in the header"
    (note,) = volume.reading_findings
    assert note.code == "padding-replaced"
    assert "40.0%" in note.message  # 2 of 5 rows


def test_declared_padding_of_a_tissue_value_is_not_trusted(tmp_path):
    write_series(tmp_path, ramp(), PixelPaddingValue=1024)  # 0 HU
    np.testing.assert_array_equal(read_ct(tmp_path).hu, ramp())


def test_missing_slice_is_interpolated_and_named(tmp_path):
    write_series(tmp_path, ramp(30))
    rewrite(tmp_path, lambda dataset: z_index(dataset) != 10)
    volume = read_ct(tmp_path)
    np.testing.assert_array_equal(volume.hu, ramp(30))  # linear values: interpolation restores them
    (finding,) = volume.reading_findings
    assert (finding.code, finding.severity) == ("slices-missing", Severity.WARNING)
    assert "1 of 30 slices are missing (1 after slice 10" in finding.message


def test_many_missing_slices_are_an_error(tmp_path):
    write_series(tmp_path, ramp(30))
    rewrite(tmp_path, lambda dataset: z_index(dataset) not in (10, 11, 12))
    (finding,) = read_ct(tmp_path).reading_findings
    assert (finding.code, finding.severity) == ("slices-missing", Severity.ERROR)


def test_duplicate_slices_are_dropped_and_counted(tmp_path):
    uid = write_series(tmp_path / "a", ramp())
    stored = (ramp()[2] + 1024).astype(np.int16)
    write_slice(tmp_path / "a" / "copy", stored, (-10, -20, 101), SeriesInstanceUID=uid, InstanceNumber=99)
    volume = read_ct(tmp_path)
    np.testing.assert_array_equal(volume.hu, ramp())
    assert codes(volume) == ["duplicate-slices"]
    assert "1 of 7 slices" in volume.reading_findings[0].message


def test_irregular_slices_are_refused_with_their_distances(tmp_path):
    write_series(tmp_path, ramp())

    def stretch(dataset):
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, z + (0.2 if z_index(dataset) >= 3 else 0)]

    rewrite(tmp_path, stretch)
    with pytest.raises(IrregularSlicesError, match=r"0\.5 mm \(4×\), 0\.7 mm \(1×\)"):
        read_ct(tmp_path)


def test_mixed_thickness_is_named(tmp_path):
    write_series(tmp_path, ramp())

    def thicken(dataset):
        dataset.SliceThickness = 0.6 if z_index(dataset) < 3 else 1.2

    rewrite(tmp_path, thicken)
    volume = read_ct(tmp_path)
    assert codes(volume) == ["mixed-thickness"]
    assert "0.6 and 1.2 mm" in volume.reading_findings[0].message
    assert volume.acquisition.slice_thickness_mm == 1.2


def test_tilted_gantry_is_refused_with_its_angle(tmp_path):
    write_series(tmp_path, ramp(), increment_mm=5)

    def shear(dataset):
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y + np.tan(np.radians(20)) * (z - 100), z]

    rewrite(tmp_path, shear)
    with pytest.raises(TiltedSeriesError, match=r"20\.0°"):
        read_ct(tmp_path)


def test_slices_shifted_sideways_are_refused(tmp_path):
    write_series(tmp_path, ramp())

    def shift(dataset):
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x + (3 if z_index(dataset) in (2, 3) else 0), y, z]

    rewrite(tmp_path, shift)
    with pytest.raises(IrregularSlicesError, match="sideways"):
        read_ct(tmp_path)


def test_bolus_tracking_at_one_position_is_no_volume(tmp_path):
    write_series(tmp_path, ramp(), increment_mm=0.0)
    with pytest.raises(NoImageFoundError, match=r"\(6 slices of 0\.6 mm\): 1 position"):
        read_ct(tmp_path)


def test_single_phase_is_preferred_to_a_series_of_phases(tmp_path):
    for phase in (40, 75):
        write_series(tmp_path / str(phase), ramp(9), SeriesInstanceUID="1.2.3", NominalPercentageOfCardiacPhase=phase)
    write_series(tmp_path / "single", ramp(5))
    assert read_ct(tmp_path).hu.shape[0] == 5


def test_phases_in_one_series_are_refused_and_named(tmp_path):
    write_series(tmp_path, ramp(), SeriesInstanceUID="1.2.3", NominalPercentageOfCardiacPhase=40)
    write_series(tmp_path / "b", ramp(), SeriesInstanceUID="1.2.3", NominalPercentageOfCardiacPhase=75)
    with pytest.raises(MultiPhaseError, match=r"2 images at each of its 6 positions .*40.*75"):
        read_ct(tmp_path)


def test_thin_axial_series_is_chosen_and_the_others_are_listed(tmp_path):
    write_series(tmp_path / "thick", ramp(4), increment_mm=3, SliceThickness=3, SeriesDescription="thick")
    write_series(tmp_path / "thin", ramp(8), SeriesDescription="thin")
    sagittal = {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "SeriesInstanceUID": "1.2.9"}
    for k in range(9):
        stored = np.zeros((5, 4), np.int16)
        write_slice(tmp_path / f"s{k}", stored, (k, 0, 0), SeriesDescription="sagittal", **sagittal)
    volume = read_ct(tmp_path)
    assert volume.hu.shape == (8, 5, 4)
    (note,) = volume.reading_findings
    assert (note.code, note.severity) == ("other-series", Severity.NOTE)
    assert "'thick' (4 slices of 3 mm)" in note.message
    assert "'sagittal' (9 slices" in note.message
    assert [one.description for one in list_series(tmp_path)] == ["thin", "thick", "sagittal"]


def test_series_is_chosen_by_uid_or_by_one_of_its_files(tmp_path):
    write_series(tmp_path, ramp(8))
    thick_uid = write_series(tmp_path, ramp(4), increment_mm=3)
    assert read_ct(tmp_path, series_uid=thick_uid).hu.shape[0] == 4
    one_file = next(path for path in tmp_path.iterdir() if path.name.startswith(thick_uid[-6:]))
    assert read_ct(one_file).hu.shape[0] == 4
    with pytest.raises(NoImageFoundError, match="chosen UID"):
        read_ct(tmp_path, series_uid="1.2.3.4")


def test_localizer_in_the_same_series_is_left_out(tmp_path):
    uid = write_series(tmp_path, ramp())
    scout = {"SeriesInstanceUID": uid, "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "SeriesDescription": "scout"}
    write_slice(tmp_path / "scout", np.zeros((9, 9), np.int16), (0, 0, 0), **scout)
    volume = read_ct(tmp_path)
    assert volume.hu.shape == (6, 5, 4)
    assert "'scout' (1 slice of 0.6 mm), localizer" in volume.reading_findings[0].message


def test_folder_with_only_a_localizer_is_refused(tmp_path):
    write_series(tmp_path, ramp(2), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    with pytest.raises(NoImageFoundError, match="localizer"):
        read_ct(tmp_path)


def test_two_slices_are_no_volume(tmp_path):
    write_series(tmp_path, ramp(2))
    with pytest.raises(NoImageFoundError, match="2 positions"):
        read_ct(tmp_path)


def test_mr_is_refused_by_name(tmp_path):
    write_series(tmp_path, ramp(), Modality="MR")
    with pytest.raises(NotCtError, match="modality MR"):
        read_ct(tmp_path)


def test_spectral_map_is_refused(tmp_path):
    write_series(tmp_path, ramp(), RescaleType="MGML")
    with pytest.raises(NotCtError, match="MGML"):
        read_ct(tmp_path)


def test_colour_series_is_refused(tmp_path):
    write_series(tmp_path, ramp(), SamplesPerPixel=3, BitsAllocated=8)
    with pytest.raises(UnsupportedShapeError, match="colour"):
        read_ct(tmp_path)


def test_image_without_position_is_counted_but_not_read(tmp_path):
    write_series(tmp_path, ramp())
    write_slice(tmp_path / "capture", np.zeros((5, 4), np.int16), (0, 0, 0), ImageOrientationPatient=None)
    volume = read_ct(tmp_path)
    assert codes(volume) == ["objects-skipped"]
    assert "1 × CT image without a position" in volume.reading_findings[0].message


def test_truncated_slice_is_refused_by_name(tmp_path):
    write_series(tmp_path, ramp())
    victim = sorted(tmp_path.iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:-30])
    with pytest.raises(UnreadableImageError, match=victim.name):
        read_ct(tmp_path)


@pytest.mark.parametrize("syntax", ["RLE", "JPEG2000"])
def test_truncated_compressed_slice_is_refused_silently_but_for_one_sentence(tmp_path, capfd, syntax):
    write_series(tmp_path / "series", np.random.default_rng(1).integers(-900, 900, (4, 32, 32)))

    def compress(dataset):
        if syntax == "RLE":
            dataset.compress(RLELossless)
        else:
            compress_by_gdcm(dataset, syntax, tmp_path)

    rewrite(tmp_path / "series", compress)
    victim = sorted((tmp_path / "series").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:-900])
    with pytest.raises(UnreadableImageError, match=victim.name):
        read_ct(tmp_path / "series")
    assert capfd.readouterr().err == ""


def test_damaged_header_is_counted(tmp_path):
    write_series(tmp_path, ramp())
    write_slice(tmp_path / "odd", np.zeros((5, 4), np.int16), (0, 0, 0), ImageOrientationPatient=[0, 0, 0, 0, 0, 0])
    volume = read_ct(tmp_path)
    assert codes(volume) == ["files-unreadable"]


def test_a_file_cut_off_anywhere_in_its_header_ends_in_a_sentence(tmp_path):
    whole = write_slice(tmp_path / "whole", np.zeros((5, 4), np.int16), (0, 0, 0)).read_bytes()
    cut = tmp_path / "folder" / "cut.dcm"
    cut.parent.mkdir()
    for length in range(0, len(whole) - 40, 3):
        cut.write_bytes(whole[:length])
        for ct in (cut, cut.parent):
            with pytest.raises(CacnetError):
                read_ct(ct)


@pytest.mark.parametrize("byte", [0x00, 0x7F, 0xFF])
def test_a_header_overwritten_anywhere_ends_in_a_sentence(tmp_path, byte):
    whole = write_slice(tmp_path / "whole", np.zeros((5, 4), np.int16), (0, 0, 0)).read_bytes()
    damaged = tmp_path / "folder" / "damaged.dcm"
    damaged.parent.mkdir()
    for place in range(128, len(whole) - 40, 7):
        damaged.write_bytes(whole[:place] + bytes([byte] * 4) + whole[place + 4 :])
        with pytest.raises(CacnetError):
            read_ct(damaged)


def test_enhanced_multi_frame_ct_is_read_like_single_slices(tmp_path):
    write_enhanced(tmp_path / "enhanced.dcm", ramp())
    volume = read_ct(tmp_path / "enhanced.dcm")
    np.testing.assert_array_equal(volume.hu, ramp())
    assert volume.geometry.spacing_mm_zyx == pytest.approx((0.5, 0.4, 0.5))
    assert volume.geometry.origin_mm_lps == pytest.approx((-10, -20, 100))


def test_acquisition_is_filled_and_no_identity_is_kept(tmp_path):
    write_series(tmp_path, ramp())
    acquisition = asdict(read_ct(tmp_path).acquisition)
    assert acquisition == {
        "modality": "CT",
        "kvp": 120.0,
        "slice_thickness_mm": 0.6,
        "kernel": "Bv40",
        "manufacturer": "Maker",
        "contrast_agent": "Iodine",
        "series_description": "CCTA 75%",
        "patient_age_years": 63.0,
        "patient_sex": "F",
    }
    assert "Secret" not in repr(list_series(tmp_path))


@pytest.mark.filterwarnings("ignore:Invalid value for VR AS")
@pytest.mark.parametrize(("age", "years"), [("018M", 1.5), ("000Y", 0.0), ("", None), ("63", None), ("YYYY", None)])
def test_age_strings(tmp_path, age, years):
    write_series(tmp_path, ramp(3), PatientAge=age)
    assert read_ct(tmp_path).acquisition.patient_age_years == years


def test_empty_folder_and_missing_path_are_refused(tmp_path):
    with pytest.raises(NoImageFoundError, match="no files"):
        read_ct(tmp_path)
    with pytest.raises(InputNotFoundError, match="nowhere"):
        read_ct(tmp_path / "nowhere")
    with pytest.raises(InputNotFoundError, match="nowhere"):
        list_series(tmp_path / "nowhere")


def test_folder_of_other_files_is_refused_with_a_hint(tmp_path):
    (tmp_path / "ct.nrrd").write_text("no DICOM")
    with pytest.raises(NoImageFoundError, match=r"Give the file itself, such as 'ct\.nrrd'"):
        read_ct(tmp_path)


def test_file_that_is_no_image_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no DICOM")
    (tmp_path / "empty.dcm").touch()
    with pytest.raises(UnreadableImageError, match=r"notes\.txt"):
        read_ct(tmp_path / "notes.txt")
    with pytest.raises(UnreadableImageError, match="empty"):
        read_ct(tmp_path / "empty.dcm")


def test_cancelling_stops_the_reading(tmp_path):
    from cacnet.errors import Cancelled

    def cancel(stage, fraction):
        if stage == "read":
            raise Cancelled("cancelled")

    write_series(tmp_path, ramp())
    with pytest.raises(Cancelled):
        read_ct(tmp_path, progress=cancel)


def test_real_tilted_head_is_refused_with_angle_and_both_thicknesses():
    with pytest.raises(TiltedSeriesError, match=r"18\.5°.*4 and 7 mm"):
        read_ct(shared_data("tilted_dicom_ge"))


def test_real_mixed_folder_reads_the_axial_series_and_names_the_rest():
    volume = read_ct(shared_data("mixed_dicom_philips"))
    assert volume.hu.shape == (28, 512, 512)
    assert codes(volume) == ["other-series", "objects-skipped"]
    assert "localizer" in volume.reading_findings[0].message
    assert "2 × Media Storage Directory" in volume.reading_findings[1].message


def test_real_phantom_is_read_without_its_padding():
    volume = read_ct(shared_data("qrm_calcium_phantom"))
    assert volume.geometry.spacing_mm_zyx == pytest.approx((3, 0.488, 0.488))
    assert volume.hu.min() > -1500
    assert codes(volume) == ["padding-replaced"]
