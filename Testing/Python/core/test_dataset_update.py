"""Files of a data set change together or not at all."""

import os

import pytest
from cacnet.dataset.update import updating
from cacnet.files import UnwritableOutputError


def files_of(folder):
    """Every file and folder below, with its content; None for a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.is_file() else None for path in folder.rglob("*")
    }


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / "set" / "a").mkdir(parents=True)
    (tmp_path / "set" / "a" / "kept").write_text("old")
    (tmp_path / "set" / "a" / "gone").write_text("old")
    (tmp_path / "set" / "index").write_text("old")
    return tmp_path / "set"


def change(dataset):
    with updating(dataset) as update:
        for name in ("a/kept", "b/new", "index"):
            update.path(name).write_text("new")
        update.removed.append("a/gone")


def test_everything_changes_together(dataset):
    change(dataset)
    assert files_of(dataset) == {"a": None, "a/kept": "new", "b": None, "b/new": "new", "index": "new"}


@pytest.mark.parametrize("failing", range(1, 7))
def test_where_a_step_fails_everything_is_as_it_was(dataset, monkeypatch, failing):
    before, calls, replace = files_of(dataset), [], os.replace

    def fail_once(source, target):
        calls.append(target)
        if len(calls) == failing:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_once)
    with pytest.raises(UnwritableOutputError, match="as it was"):
        change(dataset)
    assert files_of(dataset) == before


def test_there_are_as_many_steps_as_were_made_to_fail(dataset, monkeypatch):
    calls, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append(paths), replace(*paths)))
    change(dataset)
    assert len(calls) == 6


def test_an_error_of_the_writer_passes_through_and_changes_nothing(dataset):
    before = files_of(dataset)
    with pytest.raises(KeyError), updating(dataset) as update:
        update.path("index").write_text("new")
        raise KeyError("x")
    assert files_of(dataset) == before


def test_a_data_set_that_was_not_there_is_not_there_after_a_failure(tmp_path):
    with pytest.raises(UnwritableOutputError), updating(tmp_path / "x" / "y") as update:
        update.path("index").write_text("new")
        raise RuntimeError("disk full")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnwritableOutputError), updating(tmp_path / "file" / "set"):
        pass
