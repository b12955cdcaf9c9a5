"""A question is asked once, answered once, and leaves no file."""

import pytest
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity
from CACNetSegmentationLib.widgets.question import Question
from fake_panel_world import Starter


@pytest.fixture
def start():
    return Starter()


@pytest.fixture
def asked(start):
    """A question under way, with what came of it in `.told`."""
    told = []
    question = Question(start, lambda *answer: told.append(answer), lambda message: told.append(message))
    question.told = told
    question.ask(lambda folder: {"task": "devices"})
    return question


def test_the_answer_comes_with_the_findings_and_the_files_are_gone_afterwards(asked, start):
    [run] = start.runs
    finding = Finding("a", Severity.NOTE, "b")
    run.listener.on_progress("read", 0.5, None)
    run.listener.on_finding(finding)
    assert asked.open
    run.listener.on_result({"devices": []})
    assert asked.told == [({"devices": []}, (finding,))]
    assert not asked.open
    assert not run.job.exists()


def test_files_of_the_answer_are_there_while_it_is_read(start):
    seen = []
    question = Question(start, lambda folder, findings: seen.append(folder.exists()), seen.append)
    question.ask(lambda folder: {"task": "phantom"})
    question.on_result(start.runs[0].job.parent)
    assert seen == [True]
    assert not start.runs[0].job.parent.exists()


def test_a_failure_is_told_once(asked, start):
    start.runs[0].listener.on_failed("No.", "log")
    start.runs[0].listener.on_failed("No.", "log")
    assert asked.told == ["No."]


def test_nothing_is_told_after_stopping(asked, start):
    asked.stop()
    assert start.runs[0].stopped
    start.runs[0].listener.on_result({})
    assert asked.told == []
    asked.stop()


@pytest.mark.parametrize("error", [CacnetError("no Python"), OSError("disk full"), MemoryError("full")])
def test_what_cannot_be_asked_is_a_failure(start, error):
    start.error = error
    told = []
    question = Question(start, told.append, told.append)
    question.ask(lambda folder: {})
    assert len(told) == 1
    assert not question.open
