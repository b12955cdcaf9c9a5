"""Training cases on disk: whole or not at all, memory-mapped, and refused when they are not what they say."""

import json

import numpy as np
import pytest
from cacnet.training.cases import CaseError, list_cases, read_case, write_case


@pytest.fixture
def arrays():
    hu = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    coronary = np.zeros((2, 3, 4), np.uint8)
    coronary[0, 0, :3] = 2
    calcium = np.zeros_like(coronary)
    calcium[0, 0, 1] = 2
    return hu, calcium, coronary


def test_a_case_comes_back_as_written(tmp_path, arrays):
    folder = write_case(tmp_path / "one", *arrays, record={"seed": 7})
    case = read_case(folder)
    assert case.name == "one"
    assert case.record["seed"] == 7
    assert case.record["spacing_mm_zyx"] == [0.5, 0.5, 0.5]
    for stored, given in zip((case.hu, case.calcium, case.coronary), arrays, strict=True):
        assert isinstance(stored, np.memmap)
        np.testing.assert_array_equal(stored, given)
    assert case.distractor.max() == 0


def test_masks_and_float_hu_are_stored_in_the_files_types(tmp_path, arrays):
    hu, calcium, coronary = arrays
    case = read_case(write_case(tmp_path / "one", hu.astype(np.float32), calcium > 0, coronary > 0))
    assert (case.hu.dtype, case.calcium.dtype) == (np.int16, np.uint8)


def test_what_nobody_labelled_is_told_from_what_is_not_there(tmp_path, arrays):
    hu, calcium, coronary = arrays
    assert read_case(write_case(tmp_path / "all", *arrays)).unknown_channels == ()
    no_arteries = read_case(write_case(tmp_path / "calcium", hu, calcium, None))
    assert no_arteries.unknown_channels == ("coronary",)
    assert no_arteries.coronary.max() == 0
    assert no_arteries.calcium.sum() == calcium.sum()
    assert read_case(write_case(tmp_path / "arteries", hu, None, coronary)).unknown_channels == ("calcium",)


def test_a_case_from_before_labels_could_be_unknown_is_known(tmp_path, arrays):
    folder = write_case(tmp_path / "one", *arrays)
    (folder / "case.json").write_text(json.dumps({"schema_version": 1}))
    assert read_case(folder).unknown_channels == ()


@pytest.mark.parametrize(
    ("which", "change"),
    [
        (0, lambda hu: hu + 0.5),
        (0, lambda hu: hu.astype(np.int32) + 40000),
        (1, lambda calcium: calcium[:1]),
        (1, lambda calcium: np.ones_like(calcium)),
        (2, lambda coronary: coronary.astype(np.int16) - 1),
    ],
)
def test_arrays_that_would_change_or_contradict_are_refused(tmp_path, arrays, which, change):
    changed = [change(array) if index == which else array for index, array in enumerate(arrays)]
    with pytest.raises(CaseError):
        write_case(tmp_path / "one", *changed)
    assert list(tmp_path.iterdir()) == []


def test_writing_again_replaces_the_case(tmp_path, arrays):
    write_case(tmp_path / "one", *arrays, record={"seed": 1})
    write_case(tmp_path / "one", *arrays, record={"seed": 2})
    assert read_case(tmp_path / "one").record["seed"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_only_complete_cases_are_listed(tmp_path, arrays):
    write_case(tmp_path / "b", *arrays)
    write_case(tmp_path / "a", *arrays)
    write_case(tmp_path / ".c-half-written", *arrays)
    (tmp_path / "d").mkdir()
    assert [path.name for path in list_cases(tmp_path)] == ["a", "b"]
    assert list_cases(tmp_path / "missing") == ()


def damage_record(folder):
    (folder / "case.json").write_text("{")


def damage_version(folder):
    (folder / "case.json").write_text(json.dumps({"schema_version": 99}))


def damage_unknown(folder):
    (folder / "case.json").write_text(json.dumps({"schema_version": 1, "unknown_channels": ["bones"]}))


def damage_type(folder):
    np.save(folder / "hu.npy", np.zeros((2, 3, 4), np.float32))


def damage_shape(folder):
    np.save(folder / "calcium.npy", np.zeros((2, 3, 5), np.uint8))


def damage_pickle(folder):
    np.save(folder / "calcium.npy", np.array([object()]), allow_pickle=True)


def damage_missing(folder):
    (folder / "distractor.npy").unlink()


@pytest.mark.parametrize(
    "damage", [damage_record, damage_version, damage_unknown, damage_type, damage_shape, damage_pickle, damage_missing]
)
def test_a_damaged_case_is_named(tmp_path, arrays, damage):
    folder = write_case(tmp_path / "one", *arrays)
    damage(folder)
    with pytest.raises(CaseError, match="one"):
        read_case(folder)
