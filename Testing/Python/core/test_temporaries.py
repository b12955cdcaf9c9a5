"""What a killed process leaves is removed by the next one, and what another one is writing is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cacnet import temporaries
from cacnet.files import replacing, staged_folder


@pytest.fixture
def dead_prefix() -> str:
    """The names of a process of this computer that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return temporaries.own_prefix().replace(f"-{os.getpid()}-", f"-{ended.pid}-")


def leave(folder: Path, prefix: str, days_ago: float = 0.0) -> Path:
    left = folder / f"{prefix}half"
    left.mkdir()
    (left / "ct.nii.gz").write_bytes(b"half")
    when = left.stat().st_mtime - days_ago * 86400
    os.utime(left, (when, when))
    return left


@pytest.mark.skipif(os.name != "posix", reason="on Windows the age decides")
def test_what_a_dead_process_left_is_removed_when_the_next_one_writes_there(tmp_path: Path, dead_prefix: str) -> None:
    left = leave(tmp_path, dead_prefix)
    with staged_folder(tmp_path):
        assert not left.exists()
    left = leave(tmp_path, dead_prefix)
    with replacing(tmp_path / "report.json"):
        assert not left.exists()


def test_what_a_running_process_writes_is_left_alone(tmp_path: Path) -> None:
    with staged_folder(tmp_path) as staging, staged_folder(tmp_path) as other:
        assert staging.exists()
        assert other.exists()


def test_another_computers_process_is_taken_for_running_until_a_day_is_over(tmp_path: Path) -> None:
    left = leave(tmp_path, ".cacnet-00000000-1-", days_ago=0.9)
    temporaries.remove_abandoned(tmp_path)
    assert left.exists()
    left.rename(tmp_path / "x")
    forgotten = leave(tmp_path, ".cacnet-00000000-1-", days_ago=1.1)
    temporaries.remove_abandoned(tmp_path)
    assert not forgotten.exists()


def test_a_process_of_another_user_is_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(process: int, signal: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    left = leave(tmp_path, temporaries.own_prefix())
    monkeypatch.setattr(os, "kill", forbidden)
    assert temporaries.abandoned(tmp_path) == []
    assert left.exists()


def test_results_and_hidden_files_of_others_are_no_temporaries(tmp_path: Path) -> None:
    for name in ("report.json", ".cacnet_notes", ".hidden", "x.cacnet-review"):
        (tmp_path / name).write_text("")
    temporaries.remove_abandoned(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.skipif(os.name != "posix", reason="symbolic links need rights on Windows")
def test_a_link_is_removed_and_not_what_it_points_to(tmp_path: Path, dead_prefix: str) -> None:
    patients = tmp_path / "patients"
    patients.mkdir()
    (patients / "ct.dcm").write_text("")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f"{dead_prefix}link").symlink_to(patients)
    temporaries.remove_abandoned(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    assert (patients / "ct.dcm").exists()
