"""What the user sees and clicks in a run, with fakes for the scene and the worker."""

import json
from types import SimpleNamespace

import pytest
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity


@pytest.fixture
def ui(qt_application):
    from product_paths import PRODUCT
    from slicer.util import childWidgetVariables, loadUI

    widget = loadUI(PRODUCT / "Resources" / "UI" / "CACNetSegmentation.ui")
    widget.show()
    variables = childWidgetVariables(widget)
    yield variables
    widget.close()


@pytest.fixture
def world(ui):
    """The panel, its fakes, and what they were told. Checks of the CT are started by hand: see `check`."""
    from CACNetSegmentationLib.widgets.job import RunSettings
    from CACNetSegmentationLib.widgets.panel import Hooks, Panel
    from fake_panel_world import FakeService, Starter

    world = SimpleNamespace(ui=ui, service=FakeService(), start=Starter(), shown=[], chosen=[], ready=True)
    hooks = Hooks(
        settings=lambda: RunSettings(protocol="literature", refine_borders=False),
        start_job=world.start,
        ready=lambda: world.ready,
        installed=lambda: False,
        show_results=world.shown.append,
        choose_model=world.chosen.append,
    )
    world.panel = Panel(ui, world.service, hooks)
    world.runs = world.start.runs
    return world


@pytest.fixture
def running(world):
    world.panel.set_volume("CT")
    world.ui.runButton.click()
    return world


def test_the_panel_says_that_it_is_for_research(world):
    assert "Research use, not for diagnosis" in world.ui.researchUseLabel.text
    assert "simulated" in world.ui.researchUseLabel.text


def test_run_waits_for_a_volume(world):
    world.panel.set_volume(None)
    assert not world.ui.runButton.enabled
    assert "Choose a contrast CT" in world.ui.inputLabel.text
    world.panel.set_volume("CT")
    assert world.ui.runButton.enabled
    assert not world.ui.cancelButton.enabled


def test_run_writes_the_ct_and_starts_one_worker_with_the_choices(running):
    [run] = running.runs
    assert run.listener is running.panel
    assert (run.job.parent / "ct.nrrd").read_text() == "CT"
    assert (run.job.parent / "results").is_dir()
    job = json.loads(run.job.read_text())
    assert (job["task"], job["protocol"], job["refine_borders"]) == ("segment", "literature", False)
    assert job["acquisition"] == {"kvp": 100.0}
    assert not running.ui.runButton.enabled
    assert running.ui.cancelButton.enabled
    running.panel.run()
    assert len(running.runs) == 1


def test_progress_is_shown_with_stage_and_time_left(running):
    running.panel.on_progress("Finding calcium", 0.25, 130)
    assert running.ui.progressBar.visible
    assert running.ui.progressBar.value == 250
    assert running.ui.stageLabel.text == "Finding calcium, 25 %, about 2 min left"
    running.panel.on_progress("Finding calcium", 1.7, None)
    assert running.ui.progressBar.value == 1000


def test_findings_of_the_run_are_listed_and_those_said_before_are_not_repeated(running):
    known = Finding("kvp-unknown", Severity.NOTE, "120 kVp assumed.")
    running.panel.input.findings = (known,)
    running.panel.on_finding(known)
    running.panel.on_finding(Finding("lesions-unassigned", Severity.WARNING, "1 lesion without an artery."))
    assert "1 lesion without an artery." in running.ui.findingsLabel.text
    assert "120 kVp" not in running.ui.findingsLabel.text


def test_a_result_is_shown_and_the_temporary_folder_is_gone(running):
    folder = running.runs[0].job.parent
    running.panel.on_result(folder / "results")
    assert running.shown[0].volume_node == "CT"
    assert "Agatston equivalent 12.0 (ccta-adaptive)" in running.ui.resultLabel.text
    assert running.ui.resultLabel.visible
    assert running.ui.stageLabel.text == "Done"
    assert running.ui.runButton.enabled
    assert not running.ui.progressBar.visible
    assert not folder.exists()


def test_results_go_to_the_volume_that_was_run(running):
    running.panel.set_volume("Another CT")
    running.panel.on_result(running.runs[0].job.parent / "results")
    assert running.shown[0].volume_node == "CT"


def test_what_was_said_of_one_ct_is_not_said_of_another(running):
    running.panel.on_finding(Finding("a", Severity.WARNING, "Slices of 3 mm."))
    running.panel.on_result(running.runs[0].job.parent / "results")
    running.panel.set_volume("CT")
    assert "Slices of 3 mm." in running.ui.findingsLabel.text
    running.panel.set_volume("Another CT")
    assert not running.ui.findingsLabel.visible
    assert not running.ui.resultLabel.visible


def test_what_the_review_says_of_the_run_is_not_said_twice(running):
    running.panel.on_finding(Finding("calcium-left-out", Severity.WARNING, "82 Agatston left out."))
    running.panel.on_finding(Finding("slices-thick", Severity.WARNING, "Slices of 3 mm."))
    assert "82 Agatston left out." in running.ui.findingsLabel.text
    running.panel.on_result(running.runs[0].job.parent / "results")
    assert "82 Agatston" not in running.ui.findingsLabel.text
    assert "Slices of 3 mm." in running.ui.findingsLabel.text


def test_cancel_asks_once_and_leaves_nothing(running):
    folder = running.runs[0].job.parent
    running.ui.cancelButton.click()
    assert running.runs[0].cancelled
    assert not running.ui.cancelButton.enabled
    assert running.ui.stageLabel.text == "Cancelling"
    running.panel.on_cancelled()
    assert running.ui.stageLabel.text == "Cancelled"
    assert running.ui.runButton.enabled
    assert not folder.exists()
    assert not running.shown


def test_a_failure_shows_its_sentence_and_the_log_on_demand(running):
    folder = running.runs[0].job.parent
    running.panel.on_failed("The CT does not fit into 2 GB.", "Traceback …")
    assert "The CT does not fit into 2 GB." in running.ui.findingsLabel.text
    assert running.ui.findingsLabel.toolTip == "Traceback …"
    assert running.ui.runButton.enabled
    assert not folder.exists()


def test_results_that_cannot_be_loaded_are_a_failure_not_an_empty_result(running):
    running.service.result_error = CacnetError("the run wrote no review.json")
    running.panel.on_result(running.runs[0].job.parent / "results")
    assert "the run wrote no review.json" in running.ui.findingsLabel.text
    assert running.ui.resultLabel.text == ""
    assert not running.shown


def test_an_error_that_nobody_foresaw_leaves_the_panel_usable(running):
    running.service.result_error = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        running.panel.on_result(running.runs[0].job.parent / "results")
    assert running.ui.runButton.enabled
    assert running.ui.stageLabel.text == "Stopped by an error"


def test_a_worker_that_cannot_be_started_is_a_failure(world):
    world.start.error = CacnetError("there is no PythonSlicer")
    world.panel.set_volume("CT")
    world.ui.runButton.click()
    assert "there is no PythonSlicer" in world.ui.findingsLabel.text
    assert world.ui.runButton.enabled


def test_a_full_disk_is_a_failure_and_leaves_nothing(world):
    world.service.write_error = CacnetError("the CT could not be written")
    world.panel.set_volume("CT")
    world.ui.runButton.click()
    assert "the CT could not be written" in world.ui.findingsLabel.text
    assert not world.runs


def test_declining_the_installation_starts_nothing(world):
    world.ready = False
    world.panel.set_volume("CT")
    world.ui.runButton.click()
    assert not world.runs
    assert "Nothing was installed" in world.ui.stageLabel.text


def test_a_second_run_follows_a_failed_one(running):
    running.panel.on_failed("No.", "")
    running.ui.runButton.click()
    assert len([run for run in running.runs if run.listener is running.panel]) == 2
    assert not running.ui.findingsLabel.visible


def test_closing_stops_the_run(running):
    folder = running.runs[0].job.parent
    running.panel.close()
    assert running.runs[0].stopped
    assert not running.panel.running
    assert not folder.exists()


def test_closing_without_a_run_changes_nothing(world):
    world.panel.close()
    assert not world.panel.running
