"""Every scan of a folder is found once, whatever it lies in."""

from __future__ import annotations

from pathlib import Path

import pytest
from cacnet.cohort.scans import NoScansError, find_scans
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


def dicom(path: Path, study: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    header.StudyInstanceUID = study
    header.save_as(path, enforce_file_format=True)


def found(folder: Path, **options) -> list[str]:
    return [scan.path.relative_to(folder).as_posix() for scan in find_scans(folder, **options)]


def test_image_files_are_scans_and_our_own_label_maps_are_not(tmp_path: Path) -> None:
    names = (
        "a.nrrd",
        "b/ct.nii.gz",
        "b/calcium.nii.gz",
        "b/coronary.nii.gz",
        "b/x.seg.nrrd",
        "b/truth.json",
        ".h.nrrd",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert found(tmp_path) == ["a.nrrd", "b/ct.nii.gz"]


def test_a_study_in_several_folders_is_one_scan(tmp_path: Path) -> None:
    for name in ("one/native/1", "one/contrast/1", "one/contrast/2"):
        dicom(tmp_path / name, "1.2.1")
    dicom(tmp_path / "two" / "1", "1.2.2")
    assert found(tmp_path) == ["one", "two"]


def test_folders_with_other_studies_among_them_stay_apart(tmp_path: Path) -> None:
    dicom(tmp_path / "a" / "1", "1.2.1")
    dicom(tmp_path / "b" / "1", "1.2.2")
    dicom(tmp_path / "c" / "1", "1.2.1")
    assert found(tmp_path) == ["a", "b", "c"]


def test_a_folder_of_several_studies_is_named_and_not_guessed_at(tmp_path: Path) -> None:
    dicom(tmp_path / "mixed" / "1", "1.2.1")
    dicom(tmp_path / "mixed" / "2", "1.2.2")
    [scan] = find_scans(tmp_path)
    assert scan.problem is not None
    assert "several DICOM studies" in scan.problem


def test_what_is_no_dicom_is_passed_over(tmp_path: Path) -> None:
    dicom(tmp_path / "one" / "IM1", "1.2.1")
    dicom(tmp_path / "one" / "DICOMDIR", "1.2.9")
    (tmp_path / "one" / "README").write_text("x" * 200)
    (tmp_path / "one" / "damaged").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 9)
    [scan] = find_scans(tmp_path)
    assert (scan.path.name, scan.problem) == ("one", None)


def test_a_folder_of_damaged_files_is_a_case_that_will_fail(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "damaged").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 9)
    dicom(tmp_path / "two" / "1", "1.2.2")
    assert found(tmp_path) == ["one", "two"]


def test_the_results_of_an_earlier_run_are_no_scans(tmp_path: Path) -> None:
    for name in ("a.nrrd", "out/case-1/b.nrrd"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert found(tmp_path, leave_out=tmp_path / "out") == ["a.nrrd"]


def test_a_folder_without_scans_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(NoScansError, match="holds no scan"):
        find_scans(tmp_path)
    with pytest.raises(NoScansError, match="no folder"):
        find_scans(tmp_path / "missing")
