"""The model is chosen by what it was trained on; the device by what this computer has."""

import json
from types import SimpleNamespace

import pytest
from cacnet.installed_models import ModelSummary

BUNDLED = ModelSummary("bundled", "Bundled", "Trained on simulated CCTA.", own=False)
CLINIC = ModelSummary("clinic", "Clinic", "Trained at home.", own=True)


@pytest.fixture
def world(qt_application, monkeypatch):
    from CACNetSegmentationLib.widgets import choices
    from fake_panel_world import Starter
    from product_paths import PRODUCT
    from slicer.util import childWidgetVariables, loadUI
    from stand_in import dialogs

    dialogs.forget()
    world = SimpleNamespace(start=Starter(), chosen=[], installed=[BUNDLED], answers=dialogs.answers)
    monkeypatch.setattr(choices, "summaries", lambda: tuple(world.installed))
    widget = loadUI(PRODUCT / "Resources" / "UI" / "CACNetSegmentation.ui")
    world.ui = childWidgetVariables(widget)
    world.models = choices.ModelChooser(world.ui, world.start, world.chosen.append)
    world.devices = choices.DeviceFinder(world.ui, world.start)
    yield world
    widget.close()


def test_the_first_model_is_shown_with_what_it_was_trained_on(world):
    assert world.models.selected == "bundled"
    assert world.ui.modelLabel.text == "Trained on simulated CCTA."


def test_a_model_of_a_scene_that_is_not_installed_here_gives_way_to_the_first(world):
    world.models.show("elsewhere")
    assert world.models.selected == "bundled"
    assert not world.chosen


def test_a_model_that_was_added_is_chosen(world):
    world.answers.append("/home/me/clinic")
    world.ui.addModelButton.click()
    [run] = world.start.runs
    assert json.loads(run.job.read_text())["source"] == "/home/me/clinic"
    world.installed.append(CLINIC)
    run.listener.on_result({"model": "clinic"})
    assert world.chosen == ["clinic"]
    assert world.models.selected == "clinic"
    assert world.ui.modelComboBox.currentText == "Clinic (own)"
    world.ui.modelComboBox.setCurrentIndex(0)
    assert world.chosen == ["clinic", "bundled"]
    assert world.ui.modelLabel.text == "Trained on simulated CCTA."


def test_a_model_that_is_damaged_is_refused_with_a_sentence(world):
    world.answers.append("/home/me/clinic")
    world.ui.addModelButton.click()
    world.start.runs[0].listener.on_failed("the checksum is another.", "")
    assert world.ui.modelLabel.text == "The model was not added: the checksum is another."
    assert world.models.selected == "bundled"


def test_closing_the_folder_dialog_adds_nothing(world):
    world.answers.append(None)
    world.ui.addModelButton.click()
    assert not world.start.runs


def test_no_model_at_all_is_said(world, monkeypatch):
    from CACNetSegmentationLib.widgets import choices

    monkeypatch.setattr(choices, "summaries", lambda: ())
    models = choices.ModelChooser(world.ui, world.start, world.chosen.append)
    assert models.selected is None
    assert "No model is installed" in world.ui.modelLabel.text


GPU = {"name": "cuda", "hardware": "Fast GPU, 24 GB"}
CPU = {"name": "cpu", "hardware": "CPU, 8 threads"}


def test_the_devices_are_asked_for_once(world):
    world.devices.look(True)
    world.devices.look(True)
    [run] = world.start.runs
    assert json.loads(run.job.read_text())["task"] == "devices"
    run.listener.on_result({"devices": [GPU, CPU]})
    world.devices.look(True)
    assert len(world.start.runs) == 1
    assert world.ui.deviceLabel.text == "Will use: Fast GPU, 24 GB"


@pytest.mark.parametrize(
    ("found", "chosen", "text"),
    [
        ([GPU, CPU], "cpu", "CPU, 8 threads"),
        ([CPU], "auto", "Will use: CPU, 8 threads (no graphics processor was found)"),
        ([CPU], "cuda", "'cuda' is not available on this computer; choose 'auto'."),
    ],
)
def test_a_choice_is_set_against_what_there_is(world, found, chosen, text):
    world.devices.look(True)
    world.start.runs[0].listener.on_result({"devices": found})
    world.devices.show(chosen)
    assert world.ui.deviceLabel.text == text


def test_before_the_installation_nothing_is_asked(world):
    world.devices.look(False)
    assert not world.start.runs
    assert "the first run installs it" in world.ui.deviceLabel.text


def test_a_damaged_installation_is_said_where_the_device_is_chosen(world):
    world.devices.look(True)
    world.start.runs[0].listener.on_failed("PyTorch cannot be used.", "")
    assert world.ui.deviceLabel.text == "PyTorch cannot be used."
    world.devices.look(True)
    assert len(world.start.runs) == 2
