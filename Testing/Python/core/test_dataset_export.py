"""A reviewed case leaves as labels for training: exactly, whole or not at all, not saying who the patient is."""

import gzip
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.dataset import corrections, nnunet
from cacnet.dataset.errors import DatasetFileError, LabelError, NotApprovedError
from cacnet.dataset.export import (
    ERASED,
    HARD_NEGATIVES,
    UNFINISHED,
    ExportLayout,
    export_case,
    hard_negatives,
    labelled_scan,
)
from cacnet.dataset.layouts import list_cases
from cacnet.dataset.nnunet_export import combined, index_document, write_nnunet_case
from cacnet.dataset.scan import ReviewState
from cacnet.edits import journal, operations
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import RejectReason
from cacnet.edits.session import Action
from cacnet.files import UnwritableOutputError
from cacnet.reading import read_ct
from cacnet.reviewed_case import initials
from cacnet.volume import GeometryMismatchError, Volume
from dataset_folders import GEOMETRY, SHAPE_ZYX, corrected_scan, hu, spots, write_nnunet
from dicom_files import PATIENT_NAME, write_series
from reviewed_cases import LITERATURE, approve, correct, reviewed_case

LAYOUTS = (ExportLayout.OURS, ExportLayout.NNUNET)


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def record_in(dataset):
    [path] = dataset.rglob("record.json")
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_labels_come_back_voxel_by_voxel_with_their_overlaps(tmp_path, layout):
    case = approve(correct(reviewed_case()))
    export_case(tmp_path, case, layout)
    [listed] = list_cases(tmp_path)
    read = listed.read()
    np.testing.assert_array_equal(read.volume.hu, hu())
    np.testing.assert_array_equal(read.calcium, case.session.review.label_map())
    np.testing.assert_array_equal(read.distractor, hard_negatives(case.session))
    expected = np.where(case.coronary > 0, case.coronary, read.calcium)
    np.testing.assert_array_equal(read.coronary, expected)
    assert ((read.calcium > 0) & (read.coronary != read.calcium)).any()
    assert read.volume.geometry == GEOMETRY
    assert read.provenance.review == labelled_scan(case).provenance.review
    assert (read.provenance.review.state, read.provenance.review.reviewer) == (ReviewState.APPROVED, "AB")
    assert read.case_id == case.pseudonym()


def test_calcium_is_what_counts_and_hard_negatives_are_what_was_rejected_or_erased():
    case = correct(reviewed_case())
    expected = spots({1: 1, 2: 3})
    expected[6, 8, 11] = 3
    np.testing.assert_array_equal(case.calcium, expected)
    np.testing.assert_array_equal(
        hard_negatives(case.session), spots({3: HARD_NEGATIVES[RejectReason.STENT], 4: ERASED})
    )


def test_a_voxel_trimmed_off_a_lesion_is_no_hard_negative():
    case = reviewed_case()
    session = case.session
    session.apply(Action.ERASE, operations.erase(session.review, session.review.lesion(1).index[:1]))
    assert not hard_negatives(session).any()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_replaying_the_exported_corrections_gives_the_same_labels(tmp_path, layout):
    case = approve(correct(reviewed_case()))
    export_case(tmp_path, case, layout)
    [path] = tmp_path.rglob("journal.json")
    again = journal.load(path, LiveScores(case.volume.hu, GEOMETRY, LITERATURE), SHAPE_ZYX)
    np.testing.assert_array_equal(again.review.label_map(), case.calcium)
    np.testing.assert_array_equal(again.original.label_map(), spots())
    assert journal.labels_sha256(again.review) == record_in(tmp_path)["labels_sha256"]


def test_the_record_says_what_the_network_found_and_what_was_done(tmp_path):
    export_case(tmp_path, approve(correct(reviewed_case())))
    record = record_in(tmp_path)
    assert record["network"]["lesions"] == 4
    assert record["reviewed"]["lesions"] == 2
    assert record["network"]["agatston"] > record["reviewed"]["agatston"] > 0
    assert record["corrections"] == {
        "accept": 1,
        "accept all": 1,
        "approve": 1,
        "erase": 1,
        "paint": 1,
        "reject": 1,
        "relabel": 1,
    }
    assert record["review"] == {
        "state": "approved",
        "protocol": "literature",
        "reviewer": "AB",
        "model": {"id": "cacnet-simulated-v1", "weights_sha256": "ab" * 32},
    }
    assert record["protocol"] == {"name": "literature", "threshold_hu": 130.0}


def test_the_state_follows_the_review():
    case = reviewed_case()
    assert case.state is ReviewState.UNREVIEWED
    correct(case)
    assert case.state is ReviewState.PARTLY
    approve(case)
    assert case.state is ReviewState.APPROVED
    fresh = reviewed_case()
    assert approve(fresh).state is ReviewState.APPROVED


def test_an_accepted_lesion_alone_makes_a_case_partly_reviewed():
    case = reviewed_case()
    case.session.apply(Action.ACCEPT, operations.accept(case.session.review, [1]))
    assert case.state is ReviewState.PARTLY
    case.session.undo()
    assert case.state is ReviewState.UNREVIEWED


@pytest.mark.parametrize("layout", LAYOUTS)
def test_adding_a_case_twice_updates_it(tmp_path, layout):
    case = correct(reviewed_case())
    first = export_case(tmp_path, case, layout, any_state=True)
    second = export_case(tmp_path, approve(case), layout, any_state=True)
    assert (first.replaced, second.replaced) == (False, True)
    assert first.case_id == second.case_id
    assert len(list_cases(tmp_path)) == 1
    assert UNFINISHED[layout] in first.sentence
    assert UNFINISHED[layout] not in second.sentence
    assert record_in(tmp_path)["review"]["state"] == "approved"


def test_a_reader_learns_that_nnunet_knows_no_states(tmp_path):
    exported = export_case(tmp_path, correct(reviewed_case()), ExportLayout.NNUNET, any_state=True)
    assert "takes it for truth" in exported.sentence
    assert "leaves it out" not in exported.sentence


def test_two_scans_lie_side_by_side_in_both_layouts(tmp_path):
    other = hu()
    other[0, 0, 0] += 1
    for layout in LAYOUTS:
        for values in (hu(), other):
            export_case(tmp_path / layout, approve(reviewed_case(Volume(values, GEOMETRY))), layout)
        assert len(list_cases(tmp_path / layout)) == 2
    assert json.loads((tmp_path / "nnunet" / "dataset.json").read_text())["numTraining"] == 2


def test_the_same_scan_has_the_same_id_whatever_type_its_values_were_read_as():
    ours = reviewed_case(Volume(hu(), GEOMETRY)).pseudonym()
    assert reviewed_case(Volume(hu().astype(np.float32), GEOMETRY, source="other")).pseudonym() == ours


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_crash_at_any_step_leaves_the_data_set_as_it_was(tmp_path, monkeypatch, layout):
    case = correct(reviewed_case())
    export_case(tmp_path, case, layout, any_state=True)
    approve(case)
    before = files_of(tmp_path)
    for failing in range(1, 100):
        with monkeypatch.context() as patch:
            steps = _fail_at(patch, failing)
            try:
                export_case(tmp_path, case, layout)
            except UnwritableOutputError:
                assert files_of(tmp_path) == before, f"step {failing}"
                assert not list(tmp_path.glob(".cacnet-*"))
                continue
        break
    assert steps[0] == failing - 1 >= 15
    assert files_of(tmp_path) != before


def _fail_at(patch, failing):
    """Let the n-th file that is written or moved fail; counts them."""
    count = [0]

    def failing_at(work):
        def step(*args, **options):
            count[0] += 1
            if count[0] == failing:
                raise OSError(28, "No space left on device")
            return work(*args, **options)

        return step

    patch.setattr(os, "replace", failing_at(os.replace))
    patch.setattr(sitk, "WriteImage", failing_at(sitk.WriteImage))
    patch.setattr(json, "dumps", failing_at(json.dumps))
    return count


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_that_is_written_says_who_the_patient_is(tmp_path, layout, capfd):
    secrets = {
        "PatientName": PATIENT_NAME,
        "PatientID": "Secret-ID",
        "PatientBirthDate": "19610203",
        "AccessionNumber": "SecretAcc7",
        "StudyDate": "20250607",
        "SeriesDate": "20250607",
        "InstitutionName": "SecretClinic",
        "ReferringPhysicianName": "Secret^Doctor",
        "StudyDescription": "SecretStudy",
        "SeriesDescription": "Secret series of Name",
        "ContrastBolusAgent": "Iodine for Secret Name",
        "ImageComments": "SecretComment",
    }
    folder = tmp_path / "Secret_Name_19610203"
    uid = write_series(folder, hu(), increment_mm=3.0, **secrets)
    volume = read_ct(folder)
    case = approve(correct(reviewed_case(replace(volume, source=folder.name))), "Anna Secretary")
    dataset = tmp_path / "dataset"
    exported = export_case(dataset, case, layout)
    captured = capfd.readouterr()
    written = {
        **files_of(dataset),
        "sentence": exported.sentence.encode(),
        "log": (captured.out + captured.err).encode(),
    }
    for name, content in written.items():
        text = name.encode() + (gzip.decompress(content) if name.endswith(".gz") else content)
        if name.endswith(".gz"):
            assert content[3] == 0, "a gzip header with a file name or comment"
            text += content[:64]
        for secret in (b"secret", b"19610203", b"1961-02-03", b"20250607", b"2025-06-07", uid.encode(), b"2026-"):
            assert secret not in text.lower(), f"{secret} in {name}"
    assert record_in(dataset)["review"]["reviewer"] == "AS"
    assert record_in(dataset)["acquisition"]["contrast_agent"] == "given"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("AB", "AB"), ("ab", "AB"), ("A. B.", "AB"), ("Anna Berg", "AB"), ("Annabergsen", "A"), ("", ""), ("123", "")],
)
def test_of_a_reviewer_only_initials_are_kept(name, expected):
    assert initials(name) == expected


def test_a_rare_age_is_not_told(tmp_path):
    volume = Volume(hu(), GEOMETRY)
    old = replace(volume, acquisition=replace(volume.acquisition, patient_age_years=101.0))
    export_case(tmp_path, reviewed_case(old))
    assert record_in(tmp_path)["acquisition"]["patient_age_years"] == 90.0


def test_nnunet_takes_only_what_is_approved(tmp_path):
    with pytest.raises(NotApprovedError, match="unreviewed"):
        export_case(tmp_path, reviewed_case(), ExportLayout.NNUNET)
    with pytest.raises(NotApprovedError, match="partly"):
        export_case(tmp_path, correct(reviewed_case()), ExportLayout.NNUNET)
    assert not list(tmp_path.iterdir())


def test_the_nnunet_index_names_every_number_of_the_label_map_once_for_each_structure():
    index = index_document(3)
    labels = {name: values for name, values in index["labels"].items() if name != "background"}
    calcium = [value for name, values in labels.items() if name.startswith("calcium") for value in values]
    coronary = [value for name, values in labels.items() if name.startswith("coronary") for value in values]
    assert len(set(calcium)) == len(calcium) == 30
    assert len(set(coronary)) == len(coronary) == 30
    assert sorted({*calcium, *coronary}) == list(range(1, 36)), "nnU-Net wants consecutive numbers from 1"
    assert len(index["regions_class_order"]) == len(labels)
    assert index["numTraining"] == 3


def test_a_label_is_artery_times_six_plus_calcium():
    scan = corrected_scan(calcium=spots({2: 2}), coronary=spots({1: 1, 2: 4}))
    np.testing.assert_array_equal(combined(scan), spots({1: 6, 2: 26}))


def test_what_nnunet_cannot_express_is_refused(tmp_path):
    with pytest.raises(LabelError, match="coronary"):
        write_nnunet_case(tmp_path, corrected_scan(coronary=None))
    with pytest.raises(LabelError, match="outside the arteries"):
        write_nnunet_case(tmp_path, corrected_scan(coronary=spots({1: 1})))
    assert not list(tmp_path.iterdir())


def test_an_nnunet_case_without_hard_negatives_loses_the_ones_it_had(tmp_path):
    write_nnunet_case(tmp_path, corrected_scan(coronary=spots()))
    write_nnunet_case(tmp_path, corrected_scan(coronary=spots(), distractor=None))
    [case] = nnunet.list_cases(tmp_path)
    assert case.read().distractor is None
    assert not list(tmp_path.rglob("hard_negatives*"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_with_another_data_set_is_left_alone(tmp_path, layout):
    write_nnunet(tmp_path)
    before = files_of(tmp_path)
    with pytest.raises(DatasetFileError):
        export_case(tmp_path, approve(reviewed_case()), layout)
    assert files_of(tmp_path) == before


def test_labels_of_another_scan_are_refused():
    case = reviewed_case()
    with pytest.raises(GeometryMismatchError, match="arteries"):
        replace(case, coronary=np.zeros((2, 2, 2), np.uint8))


def test_a_document_that_a_case_no_longer_has_goes(tmp_path):
    corrections.write_corrected_case(tmp_path, corrected_scan(), documents={"journal.json": {"schema_version": 1}})
    folder = corrections.write_corrected_case(tmp_path, corrected_scan())
    assert not (folder / "journal.json").exists()
