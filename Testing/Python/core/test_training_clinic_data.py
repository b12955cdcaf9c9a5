"""Reviewed cases are split by their ids, and those that nobody approved stay out."""

import json

import pytest
from cacnet.dataset.export import export_case
from cacnet.reading.errors import InputNotFoundError
from cacnet.training.cases import list_cases
from cacnet.training.clinic_data import HeldOutShareError, NoUsableCasesError, is_held_out, prepare_data
from clinic_exports import clinic_case, ids_of, write_exports
from reviewed_cases import approve


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    return write_exports(tmp_path_factory.mktemp("exports"), approved=3, unapproved=1)


def test_every_approved_case_is_learned_from_or_held_out(exports, tmp_path):
    data = prepare_data([exports], tmp_path, share=0.5)
    assert sorted(data.training_ids + data.held_out_ids) == ids_of(range(3))
    assert data.training_ids
    assert data.held_out_ids
    assert [case.name for case in list_cases(data.training)] == list(data.training_ids)
    assert [case.name for case in list_cases(data.held_out)] == list(data.held_out_ids)


def test_what_nobody_approved_is_left_out_and_said(exports, tmp_path):
    data = prepare_data([exports], tmp_path)
    [sentence] = data.sentences
    assert "review state is 'unreviewed'" in sentence
    assert "is left out" in sentence


def test_what_nobody_approved_is_learned_from_where_that_is_asked_for(exports, tmp_path):
    data = prepare_data([exports], tmp_path, any_state=True)
    assert sorted(data.training_ids + data.held_out_ids) == ids_of(range(4))
    assert not data.sentences


def test_a_case_is_held_out_by_its_id_alone():
    ids = [f"case-{number:04d}" for number in range(2000)]
    fifth = {case_id for case_id in ids if is_held_out(case_id, 0.2)}
    assert 340 <= len(fifth) <= 460
    assert fifth <= {case_id for case_id in ids if is_held_out(case_id, 0.5)}
    assert not any(is_held_out(case_id, 0.0) for case_id in ids)


def test_of_two_cases_one_is_held_out_however_small_the_share(exports, tmp_path):
    data = prepare_data([exports], tmp_path, share=1e-9)
    assert (len(data.training_ids), len(data.held_out_ids)) == (2, 1)


def test_no_case_is_held_out_where_none_is_to_be(exports, tmp_path):
    data = prepare_data([exports], tmp_path, share=0.0)
    assert data.held_out_ids == ()
    assert len(data.training_ids) == 3


def test_what_the_model_has_seen_is_never_held_out(exports, tmp_path):
    first = prepare_data([exports], tmp_path / "a", share=0.5)
    again = prepare_data([exports], tmp_path / "b", share=0.5, seen=first.held_out_ids)
    assert not set(again.held_out_ids) & set(first.held_out_ids)


def test_a_corrected_case_is_taken_anew_and_one_that_is_gone_leaves(tmp_path):
    exports = write_exports(tmp_path / "exports", approved=2)
    before = prepare_data([exports], tmp_path / "run", share=0.0)
    [gone, kept] = before.training_ids
    index = json.loads((exports / "dataset.json").read_text())
    index["cases"] = [case for case in index["cases"] if case["id"] == kept]
    (exports / "dataset.json").write_text(json.dumps(index))
    for path in (exports / "cases" / gone).iterdir():
        path.unlink()
    (exports / "cases" / gone).rmdir()
    after = prepare_data([exports], tmp_path / "run", share=0.0)
    assert after.training_ids == (kept,)
    assert [case.name for case in list_cases(after.training)] == [kept]


def test_one_approved_case_is_learned_from(tmp_path):
    export_case(tmp_path / "exports", approve(clinic_case(0)))
    data = prepare_data([tmp_path / "exports"], tmp_path / "run")
    assert data.training_ids == tuple(ids_of([0]))


def test_nothing_approved_is_an_error_that_says_why(tmp_path):
    exports = write_exports(tmp_path / "exports", approved=0, unapproved=1)
    with pytest.raises(NoUsableCasesError, match="unreviewed"):
        prepare_data([exports], tmp_path / "run")


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_a_share_that_cannot_be_is_refused(exports, tmp_path, share):
    with pytest.raises(HeldOutShareError):
        prepare_data([exports], tmp_path, share=share)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputNotFoundError):
        prepare_data([tmp_path / "nowhere"], tmp_path / "run")
