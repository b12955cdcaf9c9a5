"""A result on disk opens again with its CT and corrections, and the commands export and dicom run on it."""

import json

import numpy as np
import pytest
from cacnet.cli import main
from cacnet.dataset.case_folder import write_array
from cacnet.dataset.layouts import list_cases
from cacnet.edits import journal
from cacnet.edits.journal import JournalError
from cacnet.edits.stored_json import read_review, write_review
from cacnet.edits.stored_review import ModelIdentity, ReviewFileError, Rules, store_result
from cacnet.lesions import find_lesions
from cacnet.reading import read_ct
from cacnet.result_folder import ResultFolderError, open_result
from cacnet.volume import GeometryMismatchError
from dataset_folders import hu, spots, write_coca_series, write_image
from reviewed_cases import LITERATURE, approve, correct, reviewed_case
from test_dicom_export import TAGS


@pytest.fixture
def ct(tmp_path):
    write_coca_series(tmp_path / "ct", hu(), **TAGS)
    return tmp_path / "ct"


@pytest.fixture
def result(tmp_path, ct):
    """The files of a result that corrections need."""
    volume = read_ct(ct)
    folder = tmp_path / "result"
    folder.mkdir()
    write_array(folder / "coronary.nii.gz", reviewed_case(volume).coronary, volume.geometry)
    found = find_lesions(spots(), volume.hu, volume.geometry, LITERATURE)
    model = ModelIdentity("cacnet-simulated-v1", "ab" * 32)
    write_review(folder / "review.json", store_result(volume, found, LITERATURE, Rules("literature"), model))
    (folder / "report.json").write_text(json.dumps({"model": {"statement": "Trained on simulated CCTA."}}), "utf-8")
    return folder


@pytest.fixture
def corrected(ct):
    return approve(correct(reviewed_case(read_ct(ct))))


@pytest.fixture
def corrections(tmp_path, corrected):
    journal.save(corrected.session, tmp_path / "journal.json")
    return tmp_path / "journal.json"


def test_a_result_opens_as_the_network_left_it(result, ct):
    case = open_result(result, ct)
    np.testing.assert_array_equal(case.calcium, spots())
    np.testing.assert_array_equal(case.coronary, reviewed_case(read_ct(ct)).coronary)
    assert (case.model.id, case.model.statement) == ("cacnet-simulated-v1", "Trained on simulated CCTA.")
    assert case.resolved.protocol.name == "literature"


def test_corrections_are_made_again(result, ct, corrections, corrected):
    case = open_result(result, ct, corrections)
    np.testing.assert_array_equal(case.calcium, corrected.calcium)
    assert case.reviewer == "AB"


def test_a_stored_review_will_do_as_corrections(result, ct, corrected, tmp_path):
    stored = read_review(result / "review.json")
    write_review(tmp_path / "later.json", stored.with_work(corrected.session, Rules("literature")))
    np.testing.assert_array_equal(open_result(result, ct, tmp_path / "later.json").calcium, corrected.calcium)


def test_a_result_without_its_report_opens_without_the_models_statement(result, ct):
    (result / "report.json").unlink()
    assert open_result(result, ct).model.statement is None


@pytest.mark.parametrize("name", ["review.json", "coronary.nii.gz"])
def test_an_incomplete_result_is_refused(result, ct, name):
    (result / name).unlink()
    with pytest.raises(ResultFolderError, match=name):
        open_result(result, ct)


def test_another_ct_is_refused(result, tmp_path):
    other = hu()
    other[3, 5, 6] += 1
    write_coca_series(tmp_path / "other", other, **TAGS)
    with pytest.raises(ReviewFileError, match="other values"):
        open_result(result, tmp_path / "other")
    with pytest.raises(GeometryMismatchError):
        open_result(result, write_image(tmp_path / "small.nrrd", hu()[:4]))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1}'])
def test_corrections_that_are_none_are_refused(result, ct, tmp_path, text):
    (tmp_path / "bad.json").write_text(text, "utf-8")
    with pytest.raises(JournalError):
        open_result(result, ct, tmp_path / "bad.json")


def test_corrections_of_another_result_are_refused(result, ct, tmp_path):
    other = reviewed_case(read_ct(ct), spots({1: 1, 2: 2}))
    journal.save(other.session, tmp_path / "other.json")
    with pytest.raises(JournalError, match="another result"):
        open_result(result, ct, tmp_path / "other.json")


@pytest.mark.parametrize("layout", ["ours", "nnunet"])
def test_export_adds_the_corrected_case(result, ct, corrections, corrected, tmp_path, capsys, layout):
    arguments = ["export", str(result), "--ct", str(ct), "--corrections", str(corrections), "--layout", layout]
    assert main([*arguments, "--dataset", str(tmp_path / "set")]) == 0
    assert capsys.readouterr().out == f"Added {corrected.pseudonym()} (approved).\n"
    [listed] = list_cases(tmp_path / "set")
    np.testing.assert_array_equal(listed.read().calcium, corrected.calcium)


def test_export_to_nnunet_asks_for_approval(result, ct, tmp_path, capsys):
    arguments = ["export", str(result), "--ct", str(ct), "--dataset", str(tmp_path / "set"), "--layout", "nnunet"]
    assert main(arguments) == 2
    assert "approved" in capsys.readouterr().err
    assert main([*arguments, "--any-state"]) == 0


def test_dicom_writes_both_objects_and_says_that_they_name_the_patient(result, ct, tmp_path, capsys):
    assert main(["dicom", str(result), "--source", str(ct), "--output", str(tmp_path / "out")]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"segmentation.dcm", "scores.dcm"}
    assert "carry the patient's name" in capsys.readouterr().out


def test_dicom_of_a_ct_that_was_no_dicom_is_a_sentence(result, tmp_path, capsys):
    path = write_image(tmp_path / "images" / "ct.nrrd", hu())
    assert main(["dicom", str(result), "--source", str(path.parent), "--output", str(tmp_path / "out")]) == 2
    assert "none of them DICOM" in capsys.readouterr().err
