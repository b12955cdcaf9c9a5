"""The common case folder: what was labelled comes back exactly, what was not stays unknown, nothing is half-written."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.dataset.case_folder import read_case_folder, unknown_labels, write_case_folder
from cacnet.dataset.errors import DatasetFileError, IncompleteCaseError, LabelError, UnsafeNameError
from cacnet.dataset.scan import Provenance
from cacnet.files import UnwritableOutputError
from cacnet.masks import read_labels
from cacnet.reading import read_ct
from cacnet.volume import Acquisition, Volume
from dataset_folders import corrected_scan, hu


def same(one, other):
    return (one is None and other is None) or (one.dtype == other.dtype and np.array_equal(one, other))


def test_a_scan_comes_back_exactly(tmp_path):
    scan = corrected_scan()
    read = read_case_folder(write_case_folder(tmp_path / "case", scan))
    assert read.case_id == scan.case_id
    assert same(read.volume.hu, scan.volume.hu)
    assert read.volume.geometry == scan.volume.geometry, "to the last digit, although NIfTI has 32 bits"
    assert read.volume.acquisition == scan.volume.acquisition
    assert read.provenance == scan.provenance
    for name in ("calcium", "coronary", "distractor"):
        assert same(getattr(read, name), getattr(scan, name)), name


def test_a_ct_of_fractions_stays_one(tmp_path):
    scan = corrected_scan()
    volume = Volume(hu().astype(np.float32) + np.float32(0.25), scan.volume.geometry, Acquisition(), "x")
    read = read_case_folder(write_case_folder(tmp_path / "case", corrected_scan(volume=volume)))
    assert same(read.volume.hu, volume.hu)


def test_what_is_unknown_has_no_file_and_is_named_in_the_record(tmp_path):
    provenance = Provenance("nnunet", "rule", named_vessels=())
    scan = corrected_scan(coronary=None, distractor=None, provenance=provenance)
    folder = write_case_folder(tmp_path / "case", scan)
    assert {path.name for path in folder.iterdir()} == {"ct.nii.gz", "calcium.nii.gz", "record.json"}
    assert unknown_labels(folder) == {"coronary", "distractor", "vessels"}
    read = read_case_folder(folder)
    assert read.coronary is None
    assert read.distractor is None


def test_evaluation_reads_the_files(tmp_path):
    scan = corrected_scan()
    folder = write_case_folder(tmp_path / "case", scan)
    volume = read_ct(folder / "ct.nii.gz")
    assert same(read_labels(folder / "calcium.nii.gz", volume.geometry, "calcium"), scan.calcium)
    assert same(read_labels(folder / "coronary.nii.gz", volume.geometry, "coronary"), scan.coronary)
    assert same(sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "distractors.nii.gz"))), scan.distractor)


def test_a_simulated_case_without_record_knows_everything(tmp_path):
    assert unknown_labels(tmp_path) == frozenset()


def test_a_damaged_list_of_unknowns_is_refused(tmp_path):
    (tmp_path / "record.json").write_text('{"unknown": "coronary"}', "utf-8")
    with pytest.raises(DatasetFileError, match="unknown"):
        unknown_labels(tmp_path)


def test_a_case_that_is_replaced_keeps_nothing_of_the_old_one(tmp_path):
    write_case_folder(tmp_path / "case", corrected_scan())
    write_case_folder(tmp_path / "case", corrected_scan(coronary=None))
    assert not (tmp_path / "case" / "coronary.nii.gz").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["case"]


def test_nothing_is_left_where_writing_fails(tmp_path, monkeypatch):
    write_case_folder(tmp_path / "old", corrected_scan())

    def full_disk(*_args, **_options):
        raise RuntimeError("no space left")

    monkeypatch.setattr(sitk, "WriteImage", full_disk)
    for name in ("old", "new"):
        with pytest.raises(UnwritableOutputError, match="no space left"):
            write_case_folder(tmp_path / name, corrected_scan(coronary=None))
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    monkeypatch.undo()
    assert read_case_folder(tmp_path / "old").coronary is not None


def test_a_folder_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(UnwritableOutputError):
        write_case_folder(tmp_path / "file" / "case", corrected_scan())


def test_the_record_holds_no_text_in_which_names_occur(tmp_path):
    volume = Volume(
        hu(), corrected_scan().volume.geometry, Acquisition("CT", series_description="Dr Smith"), "Smith_John.nii.gz"
    )
    folder = write_case_folder(tmp_path / "case", corrected_scan(volume=volume))
    assert "Smith" not in (folder / "record.json").read_text("utf-8")


def changed_record(folder, **changes):
    path = folder / "record.json"
    record = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**record, **changes}), "utf-8")
    return folder


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": 2},
        {"geometry": None},
        {"geometry": {"shape_zyx": [1, 2, 3]}},
        {"acquisition": {"colour": 1}},
        {"named_vessels": ["PDA"]},
        {"review": {"state": "perfect", "protocol": None, "model": {"id": None, "weights_sha256": None}}},
        {"review": {"state": "approved"}},
        {"unknown": None},
    ],
)
def test_a_damaged_record_is_refused(tmp_path, changes):
    folder = changed_record(write_case_folder(tmp_path / "case", corrected_scan()), **changes)
    with pytest.raises(DatasetFileError):
        read_case_folder(folder)


def test_a_record_that_knows_nothing_is_refused(tmp_path):
    folder = changed_record(write_case_folder(tmp_path / "case", corrected_scan()), unknown=["calcium", "coronary"])
    with pytest.raises(LabelError, match="neither"):
        read_case_folder(folder)


def test_unknown_calcium_comes_back_as_unknown(tmp_path):
    folder = write_case_folder(tmp_path / "case", corrected_scan(calcium=None))
    assert not (folder / "calcium.nii.gz").exists()
    assert unknown_labels(folder) == {"calcium"}
    assert read_case_folder(folder).calcium is None


def test_a_record_with_a_name_that_leads_elsewhere_is_refused(tmp_path):
    folder = changed_record(write_case_folder(tmp_path / "case", corrected_scan()), case="../x")
    with pytest.raises(UnsafeNameError):
        read_case_folder(folder)


def test_a_label_file_that_went_missing_is_no_empty_label_map(tmp_path):
    folder = write_case_folder(tmp_path / "case", corrected_scan())
    (folder / "coronary.nii.gz").unlink()
    with pytest.raises(IncompleteCaseError, match=r"coronary\.nii\.gz"):
        read_case_folder(folder)


def test_a_label_file_with_numbers_beyond_8_bits_is_refused(tmp_path):
    folder = write_case_folder(tmp_path / "case", corrected_scan())
    image = sitk.ReadImage(str(folder / "distractors.nii.gz"), sitk.sitkInt16) + 250
    sitk.WriteImage(image, str(folder / "distractors.nii.gz"))
    with pytest.raises(DatasetFileError, match="up to 450"):
        read_case_folder(folder)
