"""What is said about a CT before any run: at once what it is, and soon what is fine about it and what is not."""

import json
from types import SimpleNamespace

import pytest
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity

ERROR = Finding("hu-not-calibrated", Severity.ERROR, "No Hounsfield units.")
WARNING = Finding("slice-increment-thick", Severity.WARNING, "Slices of 3 mm.")
NOTE = Finding("contrast-ccta", Severity.NOTE, "Contrast of a CCTA.")


@pytest.fixture
def world(qt_application):
    from CACNetSegmentationLib.widgets.input_section import InputSection
    from fake_panel_world import FakeService, Starter
    from product_paths import PRODUCT
    from slicer.util import childWidgetVariables, loadUI

    widget = loadUI(PRODUCT / "Resources" / "UI" / "CACNetSegmentation.ui")
    widget.show()
    world = SimpleNamespace(ui=childWidgetVariables(widget), service=FakeService(), start=Starter(), changes=0)

    def changed():
        world.changes += 1

    world.section = InputSection(world.ui, world.service, world.start, changed)
    world.runs = world.start.runs
    yield world
    widget.close()


@pytest.fixture
def checking(world, wait_until):
    """A CT whose check is under way."""
    world.section.show("CT")
    wait_until(lambda: world.runs)
    return world


def answer(world, *findings):
    listener = world.runs[-1].listener
    for finding in findings:
        listener.on_finding(finding)
    listener.on_result({"exit_code": 0})


def test_size_spacing_and_tube_voltage_are_shown_at_once(world):
    world.section.show("CT")
    assert "500 × 400 × 300 voxels of 0.4 × 0.4 × 0.5 mm, 200 × 160 × 150 mm in all" in world.ui.inputLabel.text
    assert "100 kVp" in world.ui.inputLabel.text
    assert world.section.usable


def test_the_values_are_looked_at_in_the_worker_with_what_is_known(checking):
    [run] = checking.runs
    job = json.loads(run.job.read_text())
    assert job["task"] == "check"
    assert job["acquisition"] == {"kvp": 100.0}
    assert (run.job.parent / "ct.nrrd").read_text() == "CT"
    assert checking.ui.inputFindingsLabel.visible


def test_findings_come_with_the_gravest_first_each_in_its_colour(checking):
    answer(checking, NOTE, ERROR, WARNING)
    text = checking.ui.inputFindingsLabel.text
    places = [text.index(finding.message) for finding in (ERROR, WARNING, NOTE)]
    assert places == sorted(places)
    assert text.count("color:#") == 3
    assert not checking.section.usable


def test_warnings_do_not_forbid_a_run(checking):
    answer(checking, WARNING)
    assert checking.section.usable


def test_a_ct_without_any_finding_is_said_to_be_fine(checking):
    answer(checking)
    assert "Nothing to remark" in checking.ui.inputFindingsLabel.text


def test_the_same_ct_is_looked_at_once_and_again_when_it_has_changed(checking, wait_until):
    answer(checking, WARNING)
    checking.section.show("CT")
    assert len(checking.runs) == 1
    checking.service.state = 1
    checking.section.show("CT")
    wait_until(lambda: len(checking.runs) == 2)


def test_another_ct_stops_the_check_of_the_first_and_its_answer_is_not_shown(checking, wait_until):
    first = checking.runs[0]
    checking.section.show("Another CT")
    assert first.stopped
    assert not first.job.exists()
    first.listener.on_result({"exit_code": 0})
    wait_until(lambda: len(checking.runs) == 2)
    assert "Nothing to remark" not in checking.ui.inputFindingsLabel.text


def test_a_ct_that_is_left_before_its_check_began_is_not_checked(world, wait_until):
    world.section.show("CT")
    world.section.show("Another CT")
    wait_until(lambda: world.runs)
    assert [(run.job.parent / "ct.nrrd").read_text() for run in world.runs] == ["Another CT"]


def test_an_unusable_volume_is_explained(world):
    world.service.input_error = CacnetError("the slices are <skewed>")
    world.section.show("CT")
    assert not world.section.usable
    assert "the slices are &lt;skewed&gt;" in world.ui.inputFindingsLabel.text
    world.service.input_error = None
    world.section.show("CT")
    assert world.section.usable


def test_a_check_that_cannot_be_made_is_a_warning_only(world, wait_until):
    world.start.error = CacnetError("there is no PythonSlicer")
    world.section.show("CT")
    wait_until(lambda: world.section.findings)
    assert "there is no PythonSlicer" in world.ui.inputFindingsLabel.text
    assert world.section.usable


def test_closing_stops_the_check(checking):
    checking.section.close()
    assert checking.runs[0].stopped
    assert not checking.section.usable
