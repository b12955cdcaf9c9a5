"""A handful of kills, full disks and long sessions; `make trust` tries hundreds."""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

TESTING = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs fork, SIGKILL and limits of resources: POSIX")
def test_nothing_is_lost_whatever_happens_to_the_computer():
    pytest.importorskip("torch", reason="torch is not installed")
    command = [sys.executable, str(TESTING / "trust" / "run.py"), "--short"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kill -9" in done.stdout


def test_a_loss_a_silence_and_nothing_at_all_are_failures():
    from trust.table import Trial, all_is_well, table_of

    fine = Trial("fine", Counter(done=2))
    assert all_is_well([fine, Trial("elsewhere", skipped="no disk can be mounted here")])
    assert not all_is_well([])
    assert not all_is_well([fine, Trial("silent")])
    assert not all_is_well([Trial("elsewhere", skipped="no disk can be mounted here")])
    lossy = Trial("lossy", Counter(killed=1), ["report.json is not whole"])
    assert not all_is_well([fine, lossy])
    assert "LOST: report.json is not whole" in table_of([fine, lossy])


def test_a_leak_of_each_correction_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trust import soak

    kept, correct = [], soak.correct_at_random

    def leaking(session, rng):  # type: ignore[no-untyped-def]
        kept.append(bytes(2 * soak.MOST_GROWTH_BYTES_PER_EDIT))
        return correct(session, rng)

    (tmp_path / "whole").mkdir()
    assert soak.soak_edits(tmp_path / "whole", random.Random(1), 30).lost == []
    monkeypatch.setattr(soak, "correct_at_random", leaking)
    (tmp_path / "leaking").mkdir()
    (lost,) = soak.soak_edits(tmp_path / "leaking", random.Random(1), 30).lost
    assert "bytes are kept" in lost


@pytest.mark.skipif(os.name != "posix", reason="needs fork: POSIX")
@pytest.mark.parametrize(("leak_mb", "lost"), [(0, 0), (15, 1)])
def test_a_leak_of_each_run_is_noticed(
    leak_mb: int, lost: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trust import scenes, soak

    kept: list[bytearray] = []
    job = scenes.Scene("leak", tmp_path, lambda say: kept.append(bytearray(b"x" * (leak_mb << 20))), list, list)
    monkeypatch.setattr(scenes, "segmentation", lambda folder: job)
    trial = soak.soak_runs(tmp_path, 10)
    assert trial.times == 10
    assert len(trial.lost) == lost


@pytest.mark.skipif(os.name != "posix", reason="needs fork: POSIX")
def test_an_undo_that_loses_a_voxel_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cacnet.edits.session import Session
    from trust import soak

    monkeypatch.setattr(Session, "can_undo", property(lambda session: len(session.audit) % 7 != 0))
    assert soak.soak_edits(tmp_path, random.Random(1), 30).lost


@pytest.mark.skipif(os.name != "posix", reason="mounts: POSIX")
def test_what_cannot_be_tried_without_the_right_to_mount_is_said_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trust import disks

    monkeypatch.setattr(disks, "_mounted", lambda place, room: "no disk can be mounted here (must be superuser)")
    skipped = disks.full_disk_while_reviewing(tmp_path, 2)
    assert (skipped.times, skipped.lost) == (0, [])
    assert "superuser" in skipped.skipped
    monkeypatch.setattr(disks.os, "access", lambda place, mode: True)  # whoever may write everywhere
    refused = disks.read_only(tmp_path)
    assert (refused.times, refused.lost) == (0, [])
    assert "may write everywhere" in refused.skipped


@pytest.mark.skipif(os.name != "posix", reason="needs fork: POSIX")
def test_what_was_done_before_an_interruption_is_taken_over_and_a_crash_is_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trust import processes
    from trust.table import Trial, from_json, to_json

    options = SimpleNamespace(seed=1, times=None)
    done = [Trial("done", Counter(killed=3), ["a loss"])]
    assert from_json(to_json(done)) == done
    (tmp_path / "kills, review.json").write_text(to_json(done), "utf-8")
    assert processes._result_of("kills/review", tmp_path, options) == done
    monkeypatch.setattr(processes, "HERE", tmp_path)  # where there is nothing to run
    (crashed,) = processes._result_of("kills/training", tmp_path, options)
    assert "ended with code" in crashed.lost[0]
    assert not list(tmp_path.glob("kills, training*"))
