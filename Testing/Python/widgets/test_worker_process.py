"""The worker runs beside the window: its lines become calls, it can be cancelled, and its failures have words."""

import json
import sys
from pathlib import Path

import pytest
from cacnet.findings import Finding, Severity
from product_paths import PRODUCT
from stand_in.fake_worker import make_worker


class Recorder:
    def __init__(self):
        self.progress, self.findings, self.ends = [], [], []

    def on_progress(self, stage, fraction, seconds_left):
        self.progress.append((stage, fraction, seconds_left))

    def on_finding(self, finding):
        self.findings.append(finding)

    def on_result(self, output):
        self.ends.append(("result", output))

    def on_failed(self, message, log):
        self.ends.append(("failed", message, log))

    def on_cancelled(self):
        self.ends.append(("cancelled",))


@pytest.fixture
def start(qt_application, tmp_path):
    """Starts a worker with the given body; returns the recorder and the process."""
    from CACNetSegmentationLib.widgets.worker_process import WorkerProcess

    started = []

    def start_worker(body, python=sys.executable):
        job = tmp_path / "job.json"
        job.write_text(json.dumps({"output": str(tmp_path / "results")}))
        recorder = Recorder()
        process = WorkerProcess(recorder)
        started.append(process)
        process.start(python, job, make_worker(tmp_path / "modules", body))
        return recorder, process

    yield start_worker
    for process in started:
        process.stop_now()


def test_events_become_calls_in_their_order(start, wait_until, tmp_path):
    recorder, process = start("""
        say(event="progress", stage="Reading", fraction=0.5, seconds_left=None)
        say(event="finding", code="thick", severity="warning", message="Slices of 3 mm.")
        say(event="progress", stage="Segmenting", fraction=1.0, seconds_left=12.5)
        say(event="result", output=job["output"])
    """)
    wait_until(lambda: recorder.ends)
    assert recorder.progress == [("Reading", 0.5, None), ("Segmenting", 1.0, 12.5)]
    assert recorder.findings == [Finding("thick", Severity.WARNING, "Slices of 3 mm.")]
    assert recorder.ends == [("result", tmp_path / "results")]
    assert not process.running


def test_a_named_error_is_shown_as_it_is_and_the_log_is_kept(start, wait_until):
    recorder, _ = start("""
        print("loading weights", flush=True)
        print("CUDA warning", file=sys.stderr, flush=True)
        say(event="error", name="OutOfMemoryError", message="The CT does not fit into 2 GB.")
        sys.exit(3)
    """)
    wait_until(lambda: recorder.ends)
    [(kind, message, log)] = recorder.ends
    assert (kind, message) == ("failed", "The CT does not fit into 2 GB.")
    assert "CUDA warning" in log
    assert "loading weights" in log


def test_a_traceback_without_an_event_gives_exit_code_and_last_words(start, wait_until):
    recorder, _ = start("raise RuntimeError('half-installed torch')")
    wait_until(lambda: recorder.ends)
    [(kind, message, log)] = recorder.ends
    assert kind == "failed"
    assert "exit code 1" in message
    assert "half-installed torch" in message
    assert "Traceback" in log


def test_an_exit_code_other_than_zero_outweighs_a_result(start, wait_until):
    recorder, _ = start("""
        say(event="result", output=job["output"])
        sys.exit(7)
    """)
    wait_until(lambda: recorder.ends)
    assert "exit code 7" in recorder.ends[0][1]


def test_success_without_a_result_is_a_failure(start, wait_until):
    recorder, _ = start("pass")
    wait_until(lambda: recorder.ends)
    assert recorder.ends[0][0] == "failed"
    assert "without a result" in recorder.ends[0][1]


def test_a_crash_is_called_one(start, wait_until):
    recorder, _ = start("os.abort()")
    wait_until(lambda: recorder.ends)
    assert "crashed" in recorder.ends[0][1]
    assert "Close other programs" in recorder.ends[0][1]


def test_the_end_by_the_system_that_a_launcher_passes_on_is_a_crash_too(start, wait_until):
    recorder, _ = start("sys.exit(137)")
    wait_until(lambda: recorder.ends)
    assert "memory ran out" in recorder.ends[0][1]


def test_an_answer_is_handed_over_as_it_is(start, wait_until):
    recorder, _ = start('say(event="answer", content={"devices": ["cpu"]})')
    wait_until(lambda: recorder.ends)
    assert recorder.ends == [("result", {"devices": ["cpu"]})]


NO_EVENTS = [
    '{"loss": 1}',
    "{broken",
    '{"event": "progress"}',
    '{"event": "finding", "code": "a", "severity": "dire", "message": "b"}',
    "[1]",
    "text",
]


def test_lines_that_are_no_events_are_taken_for_log(start, wait_until):
    recorder, _ = start(f"""
        for line in {NO_EVENTS!r}:
            print(line, flush=True)
        sys.exit(1)
    """)
    wait_until(lambda: recorder.ends)
    assert recorder.progress == recorder.findings == []
    assert recorder.ends[0][2].splitlines() == NO_EVENTS


def test_an_event_of_a_later_version_is_passed_over(start, wait_until, tmp_path):
    recorder, _ = start("""
        say(event="weather", sunny=True)
        say(event="result", output=job["output"])
    """)
    wait_until(lambda: recorder.ends)
    assert recorder.ends == [("result", tmp_path / "results")]


def test_letters_beyond_ascii_and_lines_in_pieces_arrive_whole(start, wait_until):
    recorder, _ = start("""
        text = json.dumps({"event": "progress", "stage": "Größe µm", "fraction": 0.1}, ensure_ascii=False).encode()
        for byte in text:
            sys.stdout.buffer.write(bytes([byte]))
            sys.stdout.buffer.flush()
        sys.stdout.buffer.write(b"\\n")
        say(event="result", output=job["output"])
    """)
    wait_until(lambda: recorder.ends)
    assert recorder.progress == [("Größe µm", 0.1, None)]


def test_cancel_closes_the_input_and_the_worker_stops_by_itself(start, wait_until):
    recorder, process = start("""
        stop_when_input_closes()
        say(event="progress", stage="Segmenting", fraction=0.1)
        time.sleep(60)
    """)
    wait_until(lambda: recorder.progress)
    process.cancel()
    wait_until(lambda: recorder.ends)
    assert recorder.ends == [("cancelled",)]


def test_a_worker_that_does_not_listen_is_killed(start, wait_until):
    recorder, process = start("""
        say(event="progress", stage="Segmenting", fraction=0.1)
        time.sleep(60)
    """)
    wait_until(lambda: recorder.progress)
    process.cancel()
    process.cancel()
    wait_until(lambda: recorder.ends)
    assert recorder.ends == [("cancelled",)]


def test_stop_now_returns_when_the_worker_is_gone(start, wait_until):
    recorder, process = start("""
        say(event="progress", stage="Segmenting", fraction=0.1)
        time.sleep(60)
    """)
    wait_until(lambda: recorder.progress)
    process.stop_now()
    assert recorder.ends == [("cancelled",)]


def test_cancel_after_the_end_changes_nothing(start, wait_until):
    recorder, process = start('say(event="result", output=job["output"])')
    wait_until(lambda: recorder.ends)
    process.cancel()
    assert [end[0] for end in recorder.ends] == ["result"]


def test_an_interpreter_that_is_not_there_is_a_sentence(start, wait_until, tmp_path):
    recorder, _ = start("pass", python=str(tmp_path / "nowhere"))
    wait_until(lambda: recorder.ends)
    assert recorder.ends[0][1].startswith("The worker process could not be started")


def test_only_the_last_lines_of_the_log_are_kept(start, wait_until):
    recorder, _ = start("""
        for number in range(100):
            print("line", number)
        sys.exit(1)
    """)
    wait_until(lambda: recorder.ends)
    lines = recorder.ends[0][2].splitlines()
    assert len(lines) == 20
    assert lines[-1] == "line 99"


def test_the_real_worker_says_what_is_wrong_with_its_job(qt_application, wait_until, tmp_path):
    from CACNetSegmentationLib.widgets.worker_process import WorkerProcess

    (tmp_path / "job.json").write_text('{"schema_version": 99, "ct": "ct.nrrd", "output": "out"}')
    recorder = Recorder()
    process = WorkerProcess(recorder)
    process.start(sys.executable, tmp_path / "job.json", PRODUCT)
    wait_until(lambda: recorder.ends)
    assert recorder.ends[0][0] == "failed"
    assert "a job of version 99" in recorder.ends[0][1]


def test_python_slicer_is_found_in_slicers_home(qt_application, tmp_path):
    from CACNetSegmentationLib.widgets.worker_process import python_slicer

    name = "PythonSlicer.exe" if sys.platform == "win32" else "PythonSlicer"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / name).write_text("")
    assert Path(python_slicer(str(tmp_path))) == tmp_path / "bin" / name


def test_a_missing_python_slicer_is_named(qt_application, tmp_path, monkeypatch):
    from CACNetSegmentationLib.widgets.worker_process import PythonNotFoundError, python_slicer

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PythonNotFoundError, match="PythonSlicer"):
        python_slicer(str(tmp_path))
