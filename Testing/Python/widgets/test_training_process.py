"""The trainer runs beside the window: its steps become calls, and it gets time to save before it is killed."""

import sys

import pytest
from stand_in.fake_worker import make_worker

TRAINER = """
import json, os, sys, threading, time
def say(**event):
    print(json.dumps(event), flush=True)
def when_input_closes(work):
    threading.Thread(target=lambda: (sys.stdin.read(), work(), os._exit(130)), daemon=True).start()
"""


class Recorder:
    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *arguments: self.calls.append((name, *arguments))


@pytest.fixture
def start(qt_application, tmp_path):
    """Starts a trainer with the given body; returns what it told and the process."""
    from CACNetSegmentationLib.widgets.training_process import TrainingProcess

    started = []

    def start_trainer(body):
        folder = make_worker(tmp_path, "pass")
        (folder / "cacnet" / "__main__.py").write_text(TRAINER + body)
        recorder = Recorder()
        process = TrainingProcess(recorder)
        started.append(process)
        process.start_python(sys.executable, ["-m", "cacnet", "train", "--data", str(tmp_path)], folder)
        return recorder, process

    yield start_trainer
    for process in started:
        process.stop_now()


def test_steps_progress_and_answer_become_calls(start, wait_until):
    recorder, process = start(
        'say(event="step", step=1, steps=9, loss=0.5, first_loss=0.6)\n'
        'say(event="step", step=2)\n'
        'say(event="progress", stage="train", fraction=0.5)\n'
        'say(event="answer", content={"arguments": sys.argv[1:2]})'
    )
    wait_until(lambda: not process.running)
    assert recorder.calls == [
        ("on_step", 1, 9, 0.5, 0.6),
        ("on_progress", "train", 0.5, None),
        ("on_result", {"arguments": ["train"]}),
    ]


def test_a_cancelled_training_gets_time_to_save(start, wait_until, tmp_path):
    recorder, process = start(
        f"when_input_closes(lambda: (time.sleep(1.5), open({str(tmp_path / 'saved')!r}, 'w')))\n"
        'say(event="progress", stage="train", fraction=0.1)\n'
        "time.sleep(60)"
    )
    wait_until(lambda: recorder.calls)
    process.cancel()
    wait_until(lambda: not process.running)
    assert recorder.calls[-1] == ("on_cancelled",)
    assert (tmp_path / "saved").exists()


@pytest.mark.parametrize(("body", "words"), [("os.abort()", "memory ran out"), ("sys.exit(7)", "exit code 7")])
def test_an_end_without_a_word_says_that_resume_goes_on(start, wait_until, body, words):
    recorder, process = start(body)
    wait_until(lambda: not process.running)
    [(name, message, _)] = recorder.calls
    assert name == "on_failed"
    assert words in message
    assert "Resume" in message
