"""The worker process: JSON lines out, an exit code, and an end as soon as its standard input closes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cacnet.errors import Cancelled
from cacnet.worker import UnreadableJobError, read_job

PACKAGE = Path(__file__).resolve().parents[3] / "CACNetSegmentation"


def write_job(folder: Path, **content: object) -> Path:
    path = folder / "job.json"
    path.write_text(json.dumps({"schema_version": 1, "device": "cpu", **content}))
    return path


def start(job: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "cacnet.worker", "--job", str(job)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.slow
def test_a_job_reports_progress_findings_and_its_result(
    tmp_path: Path, schematic_file: Path, tiny_bundle: Path
) -> None:
    output = tmp_path / "output"
    process = start(write_job(tmp_path, ct=str(schematic_file), output=str(output), model=str(tiny_bundle)))
    lines = process.stdout.read().splitlines()
    assert process.wait(60) == 0, process.stderr.read()
    events = [json.loads(line) for line in lines]
    fractions = [event["fraction"] for event in events if event["event"] == "progress"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {event["stage"] for event in events if event["event"] == "progress"} >= {"network", "label", "write"}
    assert any(event["event"] == "finding" for event in events)
    assert events[-1] == {"event": "result", "output": str(output)}
    assert (output / "report.json").is_file()


@pytest.mark.slow
def test_an_error_is_one_event_with_its_name_and_sentence(tmp_path: Path, tiny_bundle: Path) -> None:
    job = write_job(tmp_path, ct=str(tmp_path / "none.nrrd"), output=str(tmp_path / "output"), model=str(tiny_bundle))
    process = start(job)
    lines = process.stdout.read().splitlines()
    assert process.wait(60) == 2
    error = json.loads(lines[-1])
    assert error["event"] == "error"
    assert error["name"] == "InputNotFoundError"
    assert "none.nrrd" in error["message"]
    assert not (tmp_path / "output").exists()


@pytest.mark.slow
def test_closing_standard_input_ends_the_work_and_leaves_nothing(
    tmp_path: Path, schematic_file: Path, tiny_bundle: Path
) -> None:
    output = tmp_path / "output"
    process = start(write_job(tmp_path, ct=str(schematic_file), output=str(output), model=str(tiny_bundle)))
    assert json.loads(process.stdout.readline())["event"] == "progress"
    process.stdin.close()
    assert process.wait(30) == Cancelled.exit_code
    assert not output.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be used"),
        ("[1]", "cannot be used"),
        ('{"schema_version": 1}', "'ct'"),
        ('{"schema_version": 2, "ct": "a", "output": "b"}', "version 2"),
    ],
)
def test_a_job_that_is_no_job_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(UnreadableJobError, match=message):
        read_job(tmp_path / "job.json")


def test_a_missing_job_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableJobError, match="job.json"):
        read_job(tmp_path / "job.json")
