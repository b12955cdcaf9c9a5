"""What is reviewed in the scene leaves it as it stands: for training, and as DICOM."""

import json

import numpy as np
import pydicom
import pytest
from cacnet.anatomy import Vessel
from cacnet.dataset.errors import NotApprovedError
from cacnet.dataset.export import ExportLayout
from cacnet.dataset.layouts import list_cases
from cacnet.dicom.errors import SourceImagesError
from cacnet.edits.review import RejectReason
from cacnet.volume import Acquisition
from dicom_files import write_slice
from pydicom.uid import generate_uid
from review_case import GRID, SHAPE, ct, labels, paint

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
from CACNetSegmentationLib.scene import exports  # noqa: E402


def write_source(folder):
    """The CT of the review as the DICOM series that it was loaded from."""
    folder.mkdir(parents=True)
    study, series, frame = (generate_uid() for _ in range(3))
    cosines = [GRID.direction_lps[row * 3 + column] for column in (0, 1) for row in range(3)]
    for z, values in enumerate(ct()):
        write_slice(
            folder / f"{z}.dcm",
            (values + 1024).astype(np.int16),
            tuple(GRID.index_to_lps(np.array([z, 0, 0]))),
            SeriesInstanceUID=series,
            StudyInstanceUID=study,
            FrameOfReferenceUID=frame,
            PixelSpacing=[0.5, 0.5],
            ImageOrientationPatient=cosines,
            InstanceNumber=z + 1,
        )
    return folder


def test_corrections_and_strokes_are_in_the_exported_labels(review, tmp_path):
    review.reject([2], RejectReason.VALVE)
    paint(review.segmentation_node, "LCx", (slice(6, 7), slice(2, 6), slice(2, 6)))
    sentence = exports.export_labels(review, tmp_path / "set", acquisition=Acquisition(kvp=120.0))
    assert sentence.startswith("Added case-")
    assert "partly" in sentence
    [listed] = list_cases(tmp_path / "set")
    read = listed.read()
    expected = labels()
    expected[1, 2:6, 12:16] = 0
    expected[6, 2:6, 2:6] = Vessel.LCX
    np.testing.assert_array_equal(read.calcium, expected)
    np.testing.assert_array_equal(read.distractor > 0, (labels() == 2) & (expected == 0))
    assert read.volume.acquisition.kvp == 120.0
    assert read.provenance.review.model_id == "test-net"


def test_arteries_are_named_by_their_centre_lines(review):
    coronary = exports.reviewed_case(review).coronary
    assert coronary.shape == SHAPE
    assert set(np.unique(coronary)) <= {0, Vessel.LCX, Vessel.UNASSIGNED}
    assert (coronary[1:4, 1:20, 1:20] > 0).all()


def test_an_unapproved_review_stays_out_of_nnunet(review, tmp_path):
    with pytest.raises(NotApprovedError):
        exports.export_labels(review, tmp_path / "set", ExportLayout.NNUNET)
    review.accept_all()
    review.approve("AB")
    assert "approved" in exports.export_labels(review, tmp_path / "set", ExportLayout.NNUNET)
    index = json.loads((tmp_path / "set" / "dataset.json").read_text("utf-8"))
    assert index["numTraining"] == 1


def test_dicom_objects_lie_on_the_images_of_the_ct(review, tmp_path):
    source = write_source(tmp_path / "dicom")
    sentence = exports.export_objects(review, tmp_path / "out", exports.DicomSource(source, None))
    assert "carry the patient's name" in sentence
    found = pydicom.dcmread(tmp_path / "out" / "segmentation.dcm")
    study = pydicom.dcmread(next(source.iterdir())).StudyInstanceUID
    assert study == found.StudyInstanceUID
    assert [item.SegmentLabel for item in found.SegmentSequence] == ["LAD calcium", "RCA calcium", "Coronary arteries"]
    lad = [
        frame
        for frame, groups in zip(found.pixel_array, found.PerFrameFunctionalGroupsSequence, strict=True)
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 1
    ]
    np.testing.assert_array_equal(lad, [labels()[1] == Vessel.LAD])


class FakeDatabase:
    def __init__(self, files):
        self.files = files

    def fileForInstance(self, instance_uid):  # noqa: N802 - as ctkDICOMDatabase names it
        return self.files.get(instance_uid, "")

    def instanceValue(self, instance_uid, tag):  # noqa: N802
        file = self.files.get(instance_uid)
        group, element = (int(part, 16) for part in tag.split(","))
        return str(pydicom.dcmread(file)[group, element].value) + " " if file else ""


def test_the_dicom_folder_is_where_the_files_of_the_ct_are(review, tmp_path):
    source = write_source(tmp_path / "dicom")
    review.volume_node.SetAttribute("DICOM.instanceUIDs", "1.2 1.3")
    database = FakeDatabase({"1.2": str(source / "0.dcm")})
    series = pydicom.dcmread(source / "0.dcm").SeriesInstanceUID
    assert exports.dicom_source(review.volume_node, database) == exports.DicomSource(source, series)


def test_of_two_patients_on_one_grid_the_objects_are_of_the_one_whose_ct_it_is(review, tmp_path):
    ours, other = write_source(tmp_path / "archive" / "ours"), write_source(tmp_path / "archive" / "other")
    uid = pydicom.dcmread(ours / "0.dcm").SeriesInstanceUID
    for folder, there in ((ours, uid), (other, pydicom.dcmread(other / "0.dcm").SeriesInstanceUID)):
        exports.export_objects(review, tmp_path / folder.name, exports.DicomSource(tmp_path / "archive", there))
        made = pydicom.dcmread(tmp_path / folder.name / "segmentation.dcm")
        assert made.StudyInstanceUID == pydicom.dcmread(folder / "0.dcm").StudyInstanceUID
        assert made.ReferencedSeriesSequence[0].SeriesInstanceUID == there


@pytest.mark.parametrize("files", [{}, {"1.2": "/nowhere/0.dcm"}])
def test_a_ct_without_its_dicom_files_is_a_sentence(review, files):
    review.volume_node.SetAttribute("DICOM.instanceUIDs", "1.2")
    with pytest.raises(SourceImagesError, match="not loaded from DICOM files"):
        exports.dicom_source(review.volume_node, FakeDatabase(files))


def test_a_ct_that_was_no_dicom_is_a_sentence(review):
    with pytest.raises(SourceImagesError, match="not loaded from DICOM files"):
        exports.dicom_source(review.volume_node, None)
