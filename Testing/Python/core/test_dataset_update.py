"""Files of a data set change together or not at all."""

import json
import os
import subprocess
import sys
import time

import pytest
from cacnet import temporaries
from cacnet.dataset.update import WORK_PREFIX, updating
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


@pytest.mark.parametrize("failing", range(1, 8))
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
    assert len(calls) == 7


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


KILLED = """
import os, signal, sys
from pathlib import Path
from cacnet.dataset.update import updating
replace, calls = os.replace, []
def kill_at(source, target):
    calls.append(target)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
with updating(Path(sys.argv[1])) as update:
    for name in ("a/kept", "b/new", "index"):
        update.path(name).write_text("new")
    update.removed.append(Path("a/gone"))
    os.replace = kill_at
"""
"""The same change by a process that is killed instead of its n-th renaming."""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("step", [1, 2, 4, 7])
def test_what_a_killed_process_had_agreed_on_is_done_by_the_next(dataset, step):
    before = files_of(dataset)
    assert subprocess.run([sys.executable, "-c", KILLED, str(dataset), str(step)]).returncode == -9
    with updating(dataset):
        pass
    done = {"a": None, "a/kept": "new", "b": None, "b/new": "new", "index": "new"}
    assert files_of(dataset) == (before if step == 1 else done)


def left_behind(dataset, agreed):
    """What a process that is long gone left."""
    work = dataset / f"{WORK_PREFIX}{temporaries.PREFIX}00000000-1-x"
    for folder in ("new", "old"):
        (work / folder / "a").mkdir(parents=True)
    if agreed is not None:
        (work / "agreed.json").write_text(json.dumps(agreed))
    os.utime(work, (time.time() - 2 * temporaries.FORGOTTEN_S,) * 2)
    return work


def test_a_change_that_was_being_taken_back_is_taken_back(dataset):
    before, work = files_of(dataset), left_behind(dataset, None)
    os.replace(dataset / "a" / "kept", work / "old" / "a" / "kept")
    os.utime(work, (0, 0))
    with updating(dataset):
        pass
    assert files_of(dataset) == before


def test_a_list_that_names_files_elsewhere_removes_none_of_them(dataset):
    (dataset.parent / "precious").write_text("x")
    left_behind(dataset, {"schema_version": 1, "removed": ["../precious", "a/gone"]})
    with updating(dataset):
        pass
    assert (dataset.parent / "precious").exists()
    assert not (dataset / "a" / "gone").exists()


def test_a_damaged_list_is_said(dataset):
    (left_behind(dataset, {}) / "agreed.json").write_text("{")
    os.utime(next(dataset.glob(".updating*")), (0, 0))
    with pytest.raises(UnwritableOutputError, match=r"agreed\.json"), updating(dataset):
        pass
