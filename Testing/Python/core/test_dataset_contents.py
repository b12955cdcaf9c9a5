"""What a data set would give to training is told without reading a scan, and is what training then does."""

import json
import shutil

import pytest
from cacnet.dataset.contents import contents_of
from cacnet.dataset.errors import UnknownLayoutError
from cacnet.dataset.held_out import first_to_hold_out, held_out_ids, is_held_out
from cacnet.dataset.scan import ReviewState
from cacnet.reading.errors import InputNotFoundError
from cacnet.training.clinic_data import prepare_data
from clinic_exports import ids_of, write_exports


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_exports(tmp_path_factory.mktemp("exports"), approved=3, unapproved=1)


@pytest.fixture
def exports(written, tmp_path):
    return shutil.copytree(written, tmp_path / "exports")


def test_cases_are_counted_by_how_far_they_were_reviewed(exports):
    contents = contents_of(exports)
    assert contents.by_state == {ReviewState.APPROVED: 3, ReviewState.UNREVIEWED: 1}
    assert (contents.cases, contents.usable, contents.foreign, contents.damaged) == (4, 3, 0, 0)


def test_cases_that_nobody_has_approved_are_usable_where_they_are_asked_for(exports):
    assert contents_of(exports, any_state=True).usable == 4


@pytest.mark.parametrize("share", [0.0, 1e-9, 0.5])
def test_as_many_are_held_out_as_training_holds_out(exports, tmp_path, share):
    data = prepare_data([exports], tmp_path / "run", share)
    contents = contents_of(exports, share=share)
    assert contents.held_out == len(data.held_out_ids)
    assert contents.usable - contents.held_out == len(data.training_ids)


def test_cases_that_the_model_has_seen_are_not_held_out(exports):
    assert contents_of(exports, seen=ids_of(range(4)), share=0.999).held_out == 0


def test_a_damaged_record_is_counted_as_such(exports):
    (exports / "cases" / ids_of([0])[0] / "record.json").write_text("{")
    contents = contents_of(exports)
    assert (contents.cases, contents.damaged, contents.usable) == (4, 1, 2)


def test_a_state_that_nobody_knows_is_damage(exports):
    record = exports / "cases" / ids_of([0])[0] / "record.json"
    record.write_text(json.dumps({"review": {"state": "glanced at"}}))
    assert contents_of(exports).damaged == 1


def test_a_case_whose_folder_is_gone_is_damaged(exports):
    shutil.rmtree(exports / "cases" / ids_of([0])[0])
    assert contents_of(exports).damaged == 1


def test_of_a_foreign_data_set_only_the_number_of_cases_is_known(tmp_path):
    for name in ("TRV1P1CTI.mhd", "TRV1P1R.mhd"):
        (tmp_path / name).write_text("")
    contents = contents_of(tmp_path)
    assert (contents.cases, contents.foreign, contents.usable, contents.held_out) == (1, 1, 1, None)


def test_a_folder_that_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(UnknownLayoutError):
        contents_of(tmp_path)
    with pytest.raises(InputNotFoundError):
        contents_of(tmp_path / "nowhere")


def test_a_case_stays_held_out_when_others_are_added():
    ids = [f"case-{n}" for n in range(50)]
    few = held_out_ids(ids[:20], 0.3)
    assert 0 < len(few) < 20
    assert few == held_out_ids(ids, 0.3) & set(ids[:20])
    assert all(is_held_out(case_id, 0.3) for case_id in few)


def test_of_two_or_more_cases_one_is_held_out():
    assert len(held_out_ids(["a", "b"], 1e-9)) == 1
    assert first_to_hold_out(["a"]) is None
    assert first_to_hold_out(["a", "b"], seen=["a", "b"]) is None
    assert held_out_ids(["a", "b"], 0.0) == frozenset()
