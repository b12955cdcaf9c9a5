"""SEG and SR: valid, in the study of the CT, on its images, with the right codes, and readable by others."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from cacnet.anatomy import Vessel
from cacnet.dicom.errors import NothingToStateError, SourceImagesError
from cacnet.dicom.export import export_dicom
from cacnet.dicom.segmentation import make_segmentation
from cacnet.dicom.source import find_source
from cacnet.files import UnwritableOutputError
from cacnet.reading import read_ct
from cacnet.volume import Geometry, Volume
from dataset_folders import SHAPE_ZYX, hu, spots, write_coca_series
from dicom_files import write_enhanced
from pydicom.uid import Comprehensive3DSRStorage, SegmentationStorage, generate_uid
from reviewed_cases import approve, correct, reviewed_case
from shared_data import shared_data

STUDY, FRAME = "1.2.826.0.1.3680043.10.511.3.1", "1.2.826.0.1.3680043.10.511.3.2"
TAGS = {
    "StudyInstanceUID": STUDY,
    "FrameOfReferenceUID": FRAME,
    "SpecificCharacterSet": "ISO_IR 100",
    "PatientName": "Müller^Jörg",
    "PatientID": "P-7",
    "PatientBirthDate": "19600101",
    "StudyID": "1",
    "StudyDate": "20250101",
    "StudyTime": "101010",
    "AccessionNumber": "A1",
    "SeriesNumber": 3,
}


def scores(group):
    """(method's code, unit, value) of each measurement of a group."""
    return [(m.method.value, m.unit.value, float(m.value)) for m in group.get_measurements()]


@pytest.fixture(scope="module")
def ct(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    write_coca_series(folder / "ct", hu(), **TAGS)
    write_coca_series(folder / "scout", hu()[:2], **TAGS)
    return folder


@pytest.fixture(scope="module")
def case(ct):
    return approve(correct(reviewed_case(read_ct(ct))))


@pytest.fixture(scope="module")
def written(ct, case, tmp_path_factory):
    return export_dicom(tmp_path_factory.mktemp("dicom"), case, ct)


@pytest.fixture
def seg(written):
    import highdicom as hd

    return hd.seg.segread(written.segmentation)


@pytest.fixture
def sr(written):
    import highdicom as hd

    return hd.sr.srread(written.report)


def images_by_depth(ct):
    found = [pydicom.dcmread(path) for path in (ct / "ct").iterdir()]
    return sorted(found, key=lambda image: image.ImagePositionPatient[2])


def test_both_belong_to_the_study_and_the_patient_of_the_ct(seg, sr):
    assert (seg.SOPClassUID, sr.SOPClassUID) == (SegmentationStorage, Comprehensive3DSRStorage)
    for dataset in (seg, sr):
        assert dataset.StudyInstanceUID == STUDY
        assert str(dataset.PatientName) == "Müller^Jörg"
        assert (dataset.PatientID, dataset.PatientBirthDate) == ("P-7", "19600101")
        assert (dataset.AccessionNumber, dataset.StudyDate) == ("A1", "20250101")
    assert seg.FrameOfReferenceUID == FRAME
    assert seg.SeriesInstanceUID != sr.SeriesInstanceUID


def test_the_sentence_says_that_the_patient_is_named(written):
    assert "carry the patient's name" in written.sentence
    assert "not for diagnosis" in written.sentence


def test_segments_carry_their_names_codes_and_how_they_were_made(seg):
    rows = [
        (
            item.SegmentLabel,
            item.SegmentedPropertyTypeCodeSequence[0].CodeValue,
            item.AnatomicRegionSequence[0].CodeValue,
            item.SegmentAlgorithmType,
        )
        for item in seg.SegmentSequence
    ]
    assert rows == [
        ("LM calcium", "18115005", "3227004", "AUTOMATIC"),
        ("LCx calcium", "18115005", "57396003", "SEMIAUTOMATIC"),
        ("Coronary arteries", "41801008", "41801008", "SEMIAUTOMATIC"),
    ]
    algorithm = seg.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    assert algorithm.AlgorithmName == "CACNet cacnet-simulated-v1"
    assert "Trained on simulated CCTA" in str(algorithm.AlgorithmParameters)
    assert "not for diagnosis" in str(algorithm.AlgorithmParameters)


def test_an_untouched_result_is_automatic_throughout(ct):
    segmentation = make_segmentation(reviewed_case(read_ct(ct)), find_source(ct, read_ct(ct).geometry))
    assert {item.SegmentAlgorithmType for item in segmentation.SegmentSequence} == {"AUTOMATIC"}


def test_frames_lie_on_the_images_that_they_were_drawn_on(seg, ct, case):
    images = {image.SOPInstanceUID: image for image in images_by_depth(ct)}
    depth = {image.SOPInstanceUID: z for z, image in enumerate(images_by_depth(ct))}
    labels = {1: case.calcium == 1, 2: case.calcium == 3, 3: case.coronary_covering_calcium > 0}
    seen = {number: np.zeros(SHAPE_ZYX, bool) for number in labels}
    for frame, groups in zip(seg.pixel_array, seg.PerFrameFunctionalGroupsSequence, strict=True):
        [derivation] = groups.DerivationImageSequence
        [reference] = derivation.SourceImageSequence
        image = images[reference.ReferencedSOPInstanceUID]
        assert groups.PlanePositionSequence[0].ImagePositionPatient == image.ImagePositionPatient
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        seen[number][depth[image.SOPInstanceUID]] = frame > 0
    for number, expected in labels.items():
        np.testing.assert_array_equal(seen[number], expected)
    shared = seg.SharedFunctionalGroupsSequence[0]
    assert list(shared.PlaneOrientationSequence[0].ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
    assert list(shared.PixelMeasuresSequence[0].PixelSpacing) == [2.5, 2.5]


def test_another_reader_sees_the_same_voxels(written, case):
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(written.segmentation))
    frames = sitk.GetArrayFromImage(reader.Execute()) > 0
    calcium, arteries = case.calcium, case.coronary_covering_calcium > 0
    assert frames.shape[1:] == SHAPE_ZYX[1:]
    assert frames.sum() == ((calcium == 1) | (calcium == 3)).sum() + arteries.sum()


def test_scores_of_patient_arteries_and_lesions_are_those_on_screen(sr, case):
    groups = {g.tracking_identifier: g for g in _groups(sr)}
    assert list(groups) == [
        "Total",
        *(f"{name} calcium" for name in ("LM", "LAD", "LCx", "RCA")),
        "Lesion 1 LM",
        "Lesion 2 LCx",
    ]
    totals = case.session.scores.totals
    assert scores(groups["Total"]) == [
        ("112055", "1", round(totals.agatston, 3)),
        ("112056", "mm3", round(totals.volume_mm3, 3)),
        ("112057", "mg", round(totals.mass_mg, 3)),
    ]
    assert totals.agatston > 0
    assert scores(groups["LAD calcium"]) == [("112055", "1", 0.0), ("112056", "mm3", 0.0), ("112057", "mg", 0.0)]
    parts = [scores(groups[f"{name} calcium"])[0][2] for name in ("LM", "LAD", "LCx", "RCA")]
    assert sum(parts) == pytest.approx(totals.agatston, abs=0.002)
    lesion = case.session.scores.lesions[1]
    assert scores(groups["Lesion 1 LM"])[0] == ("112055", "1", round(lesion.agatston, 3))
    [measurement, *_] = groups["Total"].get_measurements()
    assert (measurement.name.scheme_designator, measurement.name.value) == ("SCT", "450360000")


def _groups(sr):
    content = sr.content
    found = [
        *content.get_image_measurement_groups(),
        *content.get_volumetric_roi_measurement_groups(),
    ]
    order = [group.tracking_identifier for group in found]
    places = str(sr)
    return sorted(found, key=lambda group: places.index(f"'{group.tracking_identifier}'")) if order else []


def test_arteries_refer_to_their_segments_and_share_their_tracking(sr, seg):
    groups = sr.content.get_volumetric_roi_measurement_groups()
    assert {group.tracking_identifier for group in groups} == {"LM calcium", "LCx calcium"}
    for group in groups:
        segment = next(item for item in seg.SegmentSequence if item.TrackingUID == group.tracking_uid)
        reference = group.referenced_segment[0]
        assert reference.referenced_sop_instance_uid == seg.SOPInstanceUID
        assert list(reference.referenced_segment_numbers) == [segment.SegmentNumber]
        assert group.finding_sites[0].value.value == segment.AnatomicRegionSequence[0].CodeValue


def test_lesions_refer_to_the_images_that_they_lie_in(sr, ct):
    [group] = [g for g in sr.content.get_image_measurement_groups() if g.tracking_identifier == "Lesion 2 LCx"]
    images = images_by_depth(ct)
    assert [image.referenced_sop_instance_uid for image in group.source_images] == [images[6].SOPInstanceUID]


def test_the_report_names_its_evidence_its_state_and_its_reader(sr, seg, ct):
    evidence = {
        reference.ReferencedSOPInstanceUID
        for study in sr.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    }
    assert evidence == {seg.SOPInstanceUID, *(image.SOPInstanceUID for image in images_by_depth(ct))}
    assert (sr.CompletionFlag, sr.VerificationFlag) == ("COMPLETE", "UNVERIFIED")
    assert "AB^" in str(sr)


def test_a_review_that_is_not_closed_makes_a_partial_report(ct, tmp_path):
    written = export_dicom(tmp_path, correct(reviewed_case(read_ct(ct))), ct)
    assert pydicom.dcmread(written.report).CompletionFlag == "PARTIAL"


def test_a_validator_of_the_standard_finds_no_error(written):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    for path in (written.segmentation, written.report):
        said = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
        assert "Error" not in said.stderr + said.stdout


@pytest.mark.slow
def test_a_real_ct_gets_valid_objects_in_its_own_study(tmp_path):
    folder = shared_data("chest_ct_contrast")
    volume = read_ct(folder)
    labels, coronary = (np.zeros(volume.geometry.shape_zyx, np.uint8) for _ in range(2))
    labels[50:52, 250:256, 250:256] = 2
    coronary[45:60, 245:260, 245:260] = 2
    bright = replace(volume, hu=np.where(labels > 0, 600, volume.hu).astype(np.int16))
    written = export_dicom(tmp_path, reviewed_case(bright, labels, coronary), folder)
    found = pydicom.dcmread(written.segmentation, stop_before_pixels=True)
    source = pydicom.dcmread(next(folder.glob("*.dcm")), stop_before_pixels=True)
    assert (found.StudyInstanceUID, found.PatientID) == (source.StudyInstanceUID, source.PatientID)
    assert found.FrameOfReferenceUID == source.FrameOfReferenceUID
    test_a_validator_of_the_standard_finds_no_error(written)


@pytest.mark.parametrize("flipped", [(0,), (1, 2), (0, 1, 2)])
def test_a_result_whose_axes_a_viewer_mirrored_lands_on_the_same_voxels(ct, case, flipped):
    source = find_source(ct, case.volume.geometry)
    expected = make_segmentation(reviewed_case(case.volume), source).pixel_array
    grid = case.volume.geometry
    origin = grid.index_to_lps(np.array([grid.shape_zyx[a] - 1 if a in flipped else 0 for a in range(3)]))
    direction = np.diag([-1.0 if 2 - column in flipped else 1.0 for column in range(3)])
    mirrored = Geometry(grid.shape_zyx, grid.spacing_mm_zyx, tuple(origin), tuple(direction.ravel()))
    volume = Volume(np.flip(case.volume.hu, flipped), mirrored)
    original = reviewed_case(case.volume)
    turned = replace(
        reviewed_case(volume, np.flip(spots(), flipped)), coronary=np.flip(original.coronary, flipped).copy()
    )
    found = make_segmentation(turned, find_source(ct, mirrored))
    np.testing.assert_array_equal(found.pixel_array, expected)
    assert list(found.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient) == [
        *(1, 0, 0),
        *(0, 1, 0),
    ]


def test_slices_stored_from_head_to_feet_are_referenced_right(tmp_path):
    reversed_cosines = [1.0, 0.0, 0.0, 0.0, -1.0, 0.0]
    write_coca_series(tmp_path / "ct", hu(), **TAGS, ImageOrientationPatient=reversed_cosines)
    volume = read_ct(tmp_path / "ct")
    labels = np.zeros(SHAPE_ZYX, np.uint8)
    labels[2, 5:7, 6:8] = 2
    segmentation = make_segmentation(
        reviewed_case(Volume(np.where(labels, 400, volume.hu).astype(np.int16), volume.geometry), labels),
        find_source(tmp_path / "ct", volume.geometry),
    )
    frame = next(
        groups
        for groups in segmentation.PerFrameFunctionalGroupsSequence
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 1
    )
    position = volume.geometry.index_to_lps(np.array([2, 0, 0]))
    assert np.allclose(frame.PlanePositionSequence[0].ImagePositionPatient, position)
    [reference] = frame.DerivationImageSequence[0].SourceImageSequence
    [image] = [i for i in images_by_depth(tmp_path) if i.SOPInstanceUID == reference.ReferencedSOPInstanceUID]
    assert np.allclose(image.ImagePositionPatient, position)


def test_calcium_in_a_slice_that_was_missing_stays_without_an_image(tmp_path):
    write_coca_series(tmp_path / "ct", hu(), **TAGS)
    gap = images_by_depth(tmp_path)[6]
    for path in (tmp_path / "ct").iterdir():
        if pydicom.dcmread(path).SOPInstanceUID == gap.SOPInstanceUID:
            path.unlink()
    volume = read_ct(tmp_path / "ct")
    values = volume.hu.copy()
    values[6] = hu()[6]
    written = export_dicom(tmp_path / "out", reviewed_case(replace(volume, hu=values)), tmp_path / "ct")
    import highdicom as hd

    found = hd.seg.segread(written.segmentation)
    depths = {
        float(groups.PlanePositionSequence[0].ImagePositionPatient[2])
        for groups in found.PerFrameFunctionalGroupsSequence
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 2
    }
    assert depths == {100.0 + 3 * 6}


def test_an_enhanced_ct_is_referenced_by_its_frames(tmp_path):
    values = hu()
    path = tmp_path / "enhanced.dcm"
    write_enhanced(path, values, increment_mm=3.0)
    dataset = pydicom.dcmread(path)
    for name, value in TAGS.items():
        setattr(dataset, name, value)
    dataset.save_as(path)
    volume = read_ct(tmp_path)
    source = find_source(tmp_path, volume.geometry)
    assert [slot[1] for slot in source.slots] == list(range(len(values), 0, -1))
    written = export_dicom(tmp_path / "out", reviewed_case(volume), tmp_path)
    frames = pydicom.dcmread(written.segmentation).PerFrameFunctionalGroupsSequence
    [reference] = frames[0].DerivationImageSequence[0].SourceImageSequence
    assert reference.ReferencedSOPInstanceUID == dataset.SOPInstanceUID


def test_another_series_is_refused(ct, case, tmp_path):
    elsewhere = replace(case.volume.geometry, origin_mm_lps=(0.0, 0.0, 0.0))
    with pytest.raises(SourceImagesError, match="no CT series"):
        find_source(ct, elsewhere)
    with pytest.raises(SourceImagesError, match="no CT series"):
        find_source(ct, case.volume.geometry, generate_uid())
    assert not list(tmp_path.iterdir())


def test_images_without_a_study_are_refused(tmp_path, case):
    write_coca_series(tmp_path / "ct", hu())
    with pytest.raises(SourceImagesError, match="StudyInstanceUID, FrameOfReferenceUID"):
        find_source(tmp_path / "ct", read_ct(tmp_path / "ct").geometry)


@pytest.mark.parametrize("artery", [0, Vessel.UNASSIGNED])
def test_where_no_artery_was_recognised_a_score_of_0_is_not_stated(ct, tmp_path, artery):
    nothing, coronary = np.zeros(SHAPE_ZYX, np.uint8), np.zeros(SHAPE_ZYX, np.uint8)
    coronary[2:5, 8, 9] = artery
    empty = reviewed_case(read_ct(ct), nothing, coronary)
    with pytest.raises(NothingToStateError, match="no coronary artery was recognised"):
        export_dicom(tmp_path / "out", empty, ct)
    assert not (tmp_path / "out").exists()
    empty.session.approve("AB")
    if artery:
        assert export_dicom(tmp_path / "out", empty, ct).report.is_file()
    else:
        with pytest.raises(NothingToStateError, match="neither coronary arteries nor calcium"):
            export_dicom(tmp_path / "out", empty, ct)


def test_arteries_without_calcium_state_a_score_of_0(ct, tmp_path):
    empty = reviewed_case(read_ct(ct), np.zeros(SHAPE_ZYX, np.uint8))
    written = export_dicom(tmp_path, empty, ct)
    import highdicom as hd

    report = hd.sr.srread(written.report)
    [total] = [g for g in report.content.get_image_measurement_groups() if g.tracking_identifier == "Total"]
    assert [row[2] for row in scores(total)] == [0.0, 0.0, 0.0]


def test_an_output_that_cannot_be_written_is_said(ct, case, tmp_path):
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(UnwritableOutputError):
        export_dicom(tmp_path / "file" / "out", case, ct)
