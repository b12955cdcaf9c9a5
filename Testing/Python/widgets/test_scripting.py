"""A run of a script ends with results or with one error, and leaves no file."""

import json

import pytest
from cacnet.errors import CacnetError, Cancelled
from cacnet.findings import Finding, Severity
from CACNetSegmentationLib.widgets.job import RunSettings
from CACNetSegmentationLib.widgets.scripting import RunFailedError, ScriptedRun
from fake_panel_world import FakeService, Starter


@pytest.fixture
def world():
    return FakeService(), Starter()


@pytest.fixture
def run(world):
    return ScriptedRun(*world, "CT", RunSettings(protocol="literature"))


def no_events():
    raise AssertionError("nothing is to be waited for")


def test_the_worker_gets_the_ct_and_the_choices(run, world):
    [process] = world[1].runs
    assert (process.job.parent / "ct.nrrd").read_text() == "CT"
    assert json.loads(process.job.read_text())["protocol"] == "literature"


def test_results_findings_and_status_are_kept(run, world):
    finding = Finding("a", Severity.NOTE, "b")
    run.on_progress("network", 0.5, None)
    run.on_finding(finding)
    assert not run.ended
    run.on_result(world[1].runs[0].job.parent / "results")
    assert run.status == "Finding arteries and calcium, 50 %"
    assert run.findings == (finding,)
    assert run.wait(no_events) is run.results
    assert run.results.totals["lesions"] == 2
    assert not world[1].runs[0].job.exists()


@pytest.mark.parametrize(
    ("error", "message"), [(CacnetError("no report"), "no report"), (OSError("gone"), "could not be read")]
)
def test_results_that_cannot_be_loaded_are_the_error(run, world, error, message):
    world[0].result_error = error
    run.on_result(world[1].runs[0].job.parent)
    with pytest.raises(CacnetError, match=message):
        run.wait(no_events)


def test_a_bug_while_loading_ends_the_run_as_well(run, world):
    world[0].result_error = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        run.on_result(world[1].runs[0].job.parent)
    with pytest.raises(RunFailedError, match="could not be loaded"):
        run.wait(no_events)


def test_a_failure_keeps_the_log(run):
    run.on_failed("It does not fit.", "Traceback …")
    with pytest.raises(RunFailedError, match="It does not fit") as caught:
        run.wait(no_events)
    assert caught.value.log == "Traceback …"


def test_cancelling_is_an_error_of_its_own(run, world):
    run.cancel()
    assert world[1].runs[0].cancelled
    run.on_cancelled()
    with pytest.raises(Cancelled):
        run.wait(no_events)


def test_a_worker_that_cannot_be_started_leaves_nothing(world):
    world[1].error = CacnetError("no Python")
    with pytest.raises(CacnetError, match="no Python"):
        ScriptedRun(*world, "CT", RunSettings())
