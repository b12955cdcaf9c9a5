"""The worker process: JSON lines out, an exit code, and an end as soon as its standard input closes."""

import builtins
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from cacnet import worker
from cacnet.errors import Cancelled
from cacnet.jobs import Job, Task, UnreadableJobError, read_job
from cacnet.volume import Acquisition
from cacnet.worker import Events, MissingPackageError, run

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
    "text", ["", "[1]", '{"schema_version": 1}', '{"schema_version": 2, "ct": "a", "output": "b"}']
)
def test_a_job_that_is_no_job_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(UnreadableJobError):
        read_job(tmp_path / "job.json")


def test_a_missing_job_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableJobError, match=r"job\.json"):
        read_job(tmp_path / "job.json")


class Alive:
    """A parent that is there."""

    def check(self) -> None: ...

    def guard(self, output: Path) -> None: ...


def events_of(job: Job) -> list[dict]:
    stream = io.StringIO()
    run(job, Events(stream), Alive())
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_check_tells_the_findings_with_what_the_parent_knows(schematic_file: Path) -> None:
    *findings, answer = events_of(Job(Task.CHECK, ct=schematic_file, acquisition=Acquisition("CT", 80.0)))
    codes = [event["code"] for event in findings]
    assert "kvp-not-120" in codes
    assert "modality-unknown" not in codes
    assert answer == {"event": "answer", "content": {"exit_code": 1}}


def test_the_devices_of_the_computer_are_named() -> None:
    [answer] = events_of(Job(Task.DEVICES))
    names = [device["name"] for device in answer["content"]["devices"]]
    assert names[-1] == "cpu"


def test_a_model_is_installed_by_its_id(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACNET_MODELS", str(tmp_path))
    [answer] = events_of(Job(Task.INSTALL_MODEL, source=tiny_bundle))
    assert answer["content"] == {"model": "tiny"}
    assert (tmp_path / "tiny" / "weights.safetensors").is_file()


def test_a_simulated_patient_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cacnet.phantom import simulate

    monkeypatch.setattr(simulate, "simulate", lambda seed: seed)
    monkeypatch.setattr(simulate, "write_scan", lambda scan, folder: folder / str(scan))
    [result] = events_of(Job(Task.PHANTOM, output=tmp_path / "patient", seed=7))
    assert result == {"event": "result", "output": str(tmp_path / "patient" / "7")}


def test_what_the_segmentation_is_asked_for_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cacnet import outputs, pipeline

    asked = []
    monkeypatch.setattr(
        pipeline,
        "segment",
        lambda request, progress: asked.append(request) or SimpleNamespace(scores=SimpleNamespace(findings=())),
    )
    monkeypatch.setattr(outputs, "write_for_review", lambda output, result, progress: None)
    known = Acquisition(kvp=100.0)
    events_of(
        Job(ct=tmp_path / "ct", output=tmp_path / "out", refine_borders=False, use_context=False, acquisition=known)
    )
    [request] = asked
    assert not request.refine_borders
    assert not request.use_context
    assert request.acquisition == known


@pytest.mark.parametrize(
    ("error", "text"), [(ImportError("No module named 'torch'"), "torch"), (OSError("c10"), "c10")]
)
def test_a_pytorch_that_cannot_be_loaded_is_a_sentence_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, error: Exception, text: str
) -> None:
    monkeypatch.setitem(sys.modules, "cacnet.inference", None)
    monkeypatch.setattr("builtins.__import__", failing_import("cacnet.inference", error))
    with pytest.raises(MissingPackageError, match=f"{text}.*PyTorch Utils"):
        worker.require_torch()


def failing_import(name: str, error: Exception) -> Callable[..., object]:
    real = builtins.__import__

    def imported(wanted: str, *arguments: object, **options: object) -> object:
        if wanted == name:
            raise error
        return real(wanted, *arguments, **options)

    return imported


@pytest.mark.parametrize(
    ("error", "name", "code"),
    [
        (MemoryError(), "OutOfMemoryError", 3),
        (RuntimeError("can't start new thread"), "OutOfMemoryError", 3),
        (ModuleNotFoundError("No module named 'skimage'"), "MissingPackageError", 2),
    ],
)
def test_errors_of_the_interpreter_are_sentences_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, name: str, code: int
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(worker, "run", fail)
    monkeypatch.setattr(worker.Lifeline, "watch", lambda self: None)
    assert worker.main(["--devices"]) == code
    assert json.loads(capsys.readouterr().out)["name"] == name
