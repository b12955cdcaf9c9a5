"""What the user sees and clicks, with fakes for the scene and the worker."""

from types import SimpleNamespace

import pytest
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity


class FakeService:
    def __init__(self):
        self.input_error = self.result_error = None

    def describe_input(self, volume_node):
        if self.input_error:
            raise self.input_error
        return f"grid of {volume_node}"

    def write_input(self, volume_node, path):
        path.write_text(volume_node)

    def load_results(self, volume_node, folder):
        if self.result_error:
            raise self.result_error
        totals = {"agatston": 12.0, "volume_mm3": 9.0, "mass_mg": 2.0, "lesions": 2}
        return SimpleNamespace(volume_node=volume_node, totals=totals, protocol_name="ccta-adaptive")


class FakeRun:
    def __init__(self, listener, job):
        self.listener, self.job, self.cancelled = listener, job, False

    def cancel(self):
        self.cancelled = True

    def stop_now(self):
        self.listener.on_cancelled()


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
    """The panel, its fakes, and what they were told."""
    from CACNetSegmentationLib.widgets.job import RunSettings
    from CACNetSegmentationLib.widgets.panel import Panel

    world = SimpleNamespace(ui=ui, service=FakeService(), runs=[], shown=[], ready=True, start_error=None)

    def start_run(listener, job):
        if world.start_error:
            raise world.start_error
        world.runs.append(FakeRun(listener, job))
        return world.runs[-1]

    world.panel = Panel(ui, world.service, RunSettings, start_run, lambda: world.ready, world.shown.append)
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
    assert world.ui.inputLabel.text == "grid of CT"


def test_an_unusable_volume_is_explained_and_cannot_be_run(world):
    world.service.input_error = CacnetError("the slices are <skewed>")
    world.panel.set_volume("CT")
    assert not world.ui.runButton.enabled
    assert world.ui.findingsLabel.visible
    assert "the slices are &lt;skewed&gt;" in world.ui.findingsLabel.text
    world.ui.runButton.click()
    assert not world.runs


def test_a_volume_that_was_put_right_can_be_run(world):
    world.service.input_error = CacnetError("skewed")
    world.panel.set_volume("CT")
    world.service.input_error = None
    world.panel.set_volume("CT")
    assert world.ui.runButton.enabled
    assert not world.ui.findingsLabel.visible


def test_run_writes_the_ct_and_starts_one_worker(running):
    [run] = running.runs
    assert (run.job.parent / "ct.nrrd").read_text() == "CT"
    assert (run.job.parent / "results").is_dir()
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


def test_findings_are_listed_in_their_order(running):
    running.panel.on_finding(Finding("a", Severity.WARNING, "Slices of 3 mm."))
    running.panel.on_finding(Finding("b", Severity.NOTE, "120 kVp assumed."))
    text = running.ui.findingsLabel.text
    assert text.index("Slices of 3 mm.") < text.index("120 kVp assumed.")


def test_a_result_is_shown_and_the_temporary_folder_is_gone(running):
    folder = running.runs[0].job.parent
    running.panel.on_result(folder / "results")
    assert running.shown[0].volume_node == "CT"
    assert "Agatston equivalent 12.0 (ccta-adaptive)" in running.ui.resultLabel.text
    assert running.ui.stageLabel.text == "Done"
    assert running.ui.runButton.enabled
    assert not running.ui.progressBar.visible
    assert not folder.exists()


def test_results_go_to_the_volume_that_was_run(running):
    running.panel.set_volume("Another CT")
    running.panel.on_result(running.runs[0].job.parent / "results")
    assert running.shown[0].volume_node == "CT"


def test_findings_stay_beside_the_result(running):
    running.panel.on_finding(Finding("a", Severity.WARNING, "Slices of 3 mm."))
    running.panel.on_result(running.runs[0].job.parent / "results")
    running.panel.set_volume("CT")
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
    running.service.result_error = CacnetError("the run wrote no lesions.csv")
    running.panel.on_result(running.runs[0].job.parent / "results")
    assert "the run wrote no lesions.csv" in running.ui.findingsLabel.text
    assert running.ui.resultLabel.text == ""
    assert not running.shown


def test_an_error_that_nobody_foresaw_leaves_the_panel_usable(running):
    running.service.result_error = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        running.panel.on_result(running.runs[0].job.parent / "results")
    assert running.ui.runButton.enabled
    assert running.ui.stageLabel.text == "Stopped by an error"


def test_a_worker_that_cannot_be_started_is_a_failure(world):
    world.start_error = CacnetError("there is no PythonSlicer")
    world.panel.set_volume("CT")
    world.ui.runButton.click()
    assert "there is no PythonSlicer" in world.ui.findingsLabel.text
    assert world.ui.runButton.enabled


def test_declining_the_installation_starts_nothing(world):
    world.ready = False
    world.panel.set_volume("CT")
    world.ui.runButton.click()
    assert not world.runs
    assert "Nothing was installed" in world.ui.stageLabel.text


def test_a_second_run_follows_a_failed_one(running):
    running.panel.on_failed("No.", "")
    running.ui.runButton.click()
    assert len(running.runs) == 2
    assert not running.ui.findingsLabel.visible


def test_closing_stops_the_run(running):
    folder = running.runs[0].job.parent
    running.panel.close()
    assert not running.panel.running
    assert not folder.exists()


def test_closing_without_a_run_changes_nothing(world):
    world.panel.close()
    assert not world.panel.running
