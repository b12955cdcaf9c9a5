"""Our own exports: what was corrected comes back, and an export from elsewhere cannot lead out of its folder."""

import json

import numpy as np
import pytest
from cacnet.dataset import corrections
from cacnet.dataset.corrections import list_cases, write_corrected_case
from cacnet.dataset.errors import DatasetFileError, IncompleteCaseError, LabelError, UnsafeNameError
from cacnet.dataset.scan import Provenance, Review, ReviewState
from dataset_folders import corrected_scan, write_nnunet


def index_of(folder):
    return json.loads((folder / "dataset.json").read_text("utf-8"))


def changed(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def test_an_export_has_the_files_that_its_layout_names(tmp_path):
    folder = write_corrected_case(tmp_path, corrected_scan())
    assert folder == tmp_path / "cases" / "case-0a1b"
    assert {path.name for path in folder.iterdir()} == {
        "ct.nii.gz",
        "calcium.nii.gz",
        "coronary.nii.gz",
        "hard_negatives.nii.gz",
        "record.json",
    }
    record = json.loads((folder / "record.json").read_text("utf-8"))
    assert record["review"] == {
        "state": "approved",
        "protocol": "ccta-adaptive",
        "reviewer": None,
        "model": {"id": "cacnet-simulated-v1", "weights_sha256": "ab" * 32},
    }
    assert {"schema_version", "geometry", "acquisition"} <= set(record)


def test_overlaps_and_label_values_survive(tmp_path):
    scan = corrected_scan()
    write_corrected_case(tmp_path, scan)
    [case] = list_cases(tmp_path)
    read = case.read()
    overlap = (scan.calcium > 0) & (scan.coronary > 0) & (scan.distractor > 0)
    assert overlap.any()
    for name in ("calcium", "coronary", "distractor"):
        np.testing.assert_array_equal(getattr(read, name), getattr(scan, name))
    assert read.volume.geometry == scan.volume.geometry
    assert read.provenance == scan.provenance


def test_the_index_lists_every_case_with_its_state(tmp_path):
    partly = Provenance("cacnet", "rule", review=Review(ReviewState.PARTLY))
    write_corrected_case(tmp_path, corrected_scan("case-b"))
    write_corrected_case(tmp_path, corrected_scan("case-a", provenance=partly))
    assert index_of(tmp_path) == {
        "schema_version": 1,
        "layout": "cacnet-corrections",
        "cases": [
            {"id": "case-a", "folder": "cases/case-a", "state": "partly"},
            {"id": "case-b", "folder": "cases/case-b", "state": "approved"},
        ],
    }
    assert corrections.recognises(tmp_path)


def test_exporting_a_case_again_replaces_it(tmp_path):
    write_corrected_case(tmp_path, corrected_scan())
    write_corrected_case(tmp_path, corrected_scan(distractor=None))
    [case] = list_cases(tmp_path)
    assert case.read().distractor is None
    assert len(index_of(tmp_path)["cases"]) == 1


def test_a_case_that_the_index_lost_is_still_found(tmp_path):
    write_corrected_case(tmp_path, corrected_scan("case-a"))
    write_corrected_case(tmp_path, corrected_scan("case-b"))
    changed(tmp_path / "dataset.json", cases=[])
    assert [case.name for case in list_cases(tmp_path)] == ["case-a", "case-b"]


def test_a_damaged_case_does_not_keep_others_from_being_exported(tmp_path):
    damaged = write_corrected_case(tmp_path, corrected_scan("case-a"))
    (damaged / "record.json").write_text("{", "utf-8")
    write_corrected_case(tmp_path, corrected_scan("case-b"))
    assert [case["state"] for case in index_of(tmp_path)["cases"]] == [None, "approved"]
    first, second = list_cases(tmp_path)
    with pytest.raises(DatasetFileError):
        first.read()
    assert second.read().calcium.any()


def test_a_case_without_its_folder_is_reported(tmp_path):
    write_corrected_case(tmp_path, corrected_scan())
    changed(tmp_path / "dataset.json", cases=[{"id": "gone", "folder": "cases/gone"}])
    gone = next(case for case in list_cases(tmp_path) if case.name == "gone")
    assert gone.files == ()
    with pytest.raises(IncompleteCaseError, match="cases/gone"):
        gone.read()


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "../x", "folder": "cases/x"},
        {"id": "x", "folder": "../x"},
        {"id": "x", "folder": "/etc"},
        {"id": "x"},
        {"folder": "cases/x"},
    ],
)
def test_an_entry_that_leads_out_of_the_export_is_refused(tmp_path, entry):
    write_corrected_case(tmp_path, corrected_scan())
    changed(tmp_path / "dataset.json", cases=[entry])
    bad = next(case for case in list_cases(tmp_path) if case.name != "case-0a1b")
    assert bad.files == ()
    with pytest.raises(UnsafeNameError):
        bad.read()


@pytest.mark.parametrize("changes", [{"schema_version": 2}, {"cases": None}, {"cases": ["x"]}])
def test_an_index_of_another_form_is_refused(tmp_path, changes):
    write_corrected_case(tmp_path, corrected_scan())
    changed(tmp_path / "dataset.json", **changes)
    with pytest.raises(DatasetFileError):
        list_cases(tmp_path)


def test_a_record_of_another_case_is_refused(tmp_path):
    folder = write_corrected_case(tmp_path, corrected_scan())
    changed(folder / "record.json", case="case-other")
    [case] = list_cases(tmp_path)
    with pytest.raises(DatasetFileError, match="'case-other'"):
        case.read()


def test_a_record_without_review_is_refused(tmp_path):
    folder = write_corrected_case(tmp_path, corrected_scan())
    changed(folder / "record.json", review=None)
    [case] = list_cases(tmp_path)
    with pytest.raises(DatasetFileError, match="whether it was reviewed"):
        case.read()


def test_a_scan_without_review_cannot_be_exported(tmp_path):
    with pytest.raises(LabelError, match="no review state"):
        write_corrected_case(tmp_path, corrected_scan(provenance=Provenance("nnunet", "rule")))
    assert not list(tmp_path.iterdir())


def test_an_id_that_leads_elsewhere_cannot_be_exported(tmp_path):
    with pytest.raises(UnsafeNameError):
        write_corrected_case(tmp_path, corrected_scan("../x"))
    assert not list(tmp_path.iterdir())


def test_other_data_sets_are_not_taken_for_an_export(tmp_path):
    assert not corrections.recognises(tmp_path)
    assert not corrections.recognises(write_nnunet(tmp_path))
