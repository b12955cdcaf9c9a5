"""A model is trained further from the panel: what is chosen is said and asked for, and what came of it is shown."""

import json
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
from cacnet import model_folders, retraining
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity
from cacnet.installed_models import ModelSummary
from cacnet.retraining import Length, Retraining
from clinic_exports import write_exports
from product_paths import PRODUCT

BUNDLED = ModelSummary("bundled", "Bundled", "Trained on simulated CCTA.", own=False)
DAMAGED = ModelSummary("damaged", "damaged", "Its card is damaged.", own=True, usable=False)
CLINIC = ModelSummary("clinic", "Clinic", "Trained at home.", own=True)
CASE = {"calcium_dice": 0.5, "coronary_dice": 0.7, "lesions": 4, "lesions_found": 2, "false_positives": 3}
ANSWER = {
    "model": "my-model-1",
    "output": "/models/my-model-1",
    "held_out": {
        "cases": 1,
        "model_before": "bundled",
        "calcium_dice": {"before": 0.5, "after": 0.6},
        "coronary_dice": {"before": 0.7, "after": None},
        "by_case": [{"case": "a", "before": CASE, "after": {**CASE, "lesions_found": 3, "false_positives": 1}}],
    },
}


class FakeTraining:
    def __init__(self, listener, arguments):
        self.listener, self.arguments, self.cancelled, self.stopped = listener, arguments, False, False

    def cancel(self):
        self.cancelled = True

    def stop_now(self):
        self.stopped = True
        self.listener.on_cancelled()


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    return write_exports(tmp_path_factory.mktemp("exports"), approved=2, unapproved=1)


@pytest.fixture
def world(qt_application, monkeypatch, tmp_path):
    import qt
    from CACNetSegmentationLib.widgets import retraining_form
    from CACNetSegmentationLib.widgets.retraining import RetrainingHooks, RetrainingSection
    from stand_in import dialogs

    monkeypatch.setenv(model_folders.USER_MODELS_VARIABLE, str(tmp_path / "cacnet" / "models"))
    monkeypatch.setattr(retraining_form, "summaries", lambda: (BUNDLED, DAMAGED, CLINIC))
    world = SimpleNamespace(
        runs=[], error=None, ready=True, installed=True, unfolded=True, yes=True, chosen=[], used=[], renewed=[]
    )
    world.answers = dialogs.answers

    def start(listener, arguments):
        if world.error:
            raise world.error
        world.runs.append(FakeTraining(listener, arguments))
        return world.runs[-1]

    world.start = start
    hooks = RetrainingHooks(
        start=lambda listener, arguments: world.start(listener, arguments),
        ready=lambda: world.ready,
        installed=lambda: world.installed,
        device=lambda: "cpu",
        choose_data=world.chosen.append,
        models_changed=lambda: world.renewed.append(True),
        use_model=world.used.append,
        confirm=lambda question: world.yes,
    )
    parent = qt.QWidget()
    qt.QVBoxLayout(parent)
    world.open = lambda: RetrainingSection(parent, hooks, lambda: world.unfolded)
    world.section = world.open()
    world.ui = world.section.ui
    parent.show()
    yield world
    world.section.close()
    parent.close()


def trainings(world):
    return [run for run in world.runs if "--plan" not in run.arguments]


def begin(world, exports):
    world.section.show_data(str(exports))
    world.ui.trainButton.click()
    [run] = trainings(world)
    return run


def learn(run):
    """As if the trainer had saved something."""
    folder = run.arguments[run.arguments.index("--output") + 1]
    (retraining.Path(folder) / retraining.CHECKPOINT_FILE).touch()


def test_the_data_set_is_chosen_and_said_to_hold(world, exports):
    world.answers.append(str(exports))
    world.ui.dataButton.click()
    assert world.chosen == [str(exports)]
    assert world.ui.dataLabel.text.startswith("3 cases: 2 approved, 1 unreviewed. 1 would be learned from, 1 held out")
    world.ui.anyStateCheckBox.checked = True
    assert "2 would be learned from, 1 held out" in world.ui.dataLabel.text


def test_closing_the_folder_dialog_changes_nothing(world):
    world.answers.append(None)
    world.ui.dataButton.click()
    assert world.chosen == []
    assert "Training labels" in world.ui.dataLabel.text


def test_a_folder_that_is_no_data_set_is_said_to_be_none_and_nothing_is_started(world, tmp_path):
    world.section.show_data(str(tmp_path))
    assert "no labelled data set" in world.ui.dataLabel.text
    world.ui.trainButton.click()
    assert not world.runs
    assert "no labelled data set" in world.ui.trainingMessageLabel.text


def test_without_approved_cases_nothing_is_started(world, tmp_path):
    world.section.show_data(str(write_exports(tmp_path / "unread", approved=0, unapproved=1)))
    assert "approve reviews" in world.ui.dataLabel.text
    world.ui.trainButton.click()
    assert not world.runs


def test_a_model_whose_card_is_damaged_is_no_start(world):
    box = world.ui.startComboBox
    assert [box.itemText(n) for n in range(box.count)] == ["Bundled", "Clinic (own)"]


def test_device_and_duration_are_measured_and_said_beforehand(world, exports):
    world.section.show_data(str(exports))
    [plan] = world.runs
    assert plan.arguments[-1] == "--plan"
    assert "Measuring" in world.ui.planLabel.text
    plan.listener.on_result({"device": "CPU, 2 threads", "seconds_per_step": 6.0})
    assert world.ui.planLabel.text.startswith("CPU, 2 threads: about 5 hours for 3000 steps in all (6 s a step)")
    world.ui.lengthComboBox.setCurrentIndex(0)
    assert "about 10 minutes for 100 steps in all" in world.ui.planLabel.text
    assert len(world.runs) == 1
    world.ui.startComboBox.setCurrentIndex(1)
    assert len(world.runs) == 2


def test_a_speed_that_cannot_be_measured_is_said(world, exports):
    world.error = CacnetError("there is no PythonSlicer")
    world.section.show_data(str(exports))
    assert world.ui.planLabel.text == "there is no PythonSlicer."


def test_nothing_is_measured_while_the_section_is_folded_or_torch_is_missing(world, exports):
    world.unfolded = False
    world.section.show_data(str(exports))
    assert not world.ui.planLabel.visible
    world.unfolded, world.installed = True, False
    world.section.refresh()
    assert "not installed yet" in world.ui.planLabel.text
    assert not world.runs


def test_start_asks_the_trainer_for_what_is_chosen(world, exports):
    world.ui.startComboBox.setCurrentIndex(1)
    world.ui.lengthComboBox.setCurrentIndex(0)
    world.ui.anyStateCheckBox.checked = True
    run = begin(world, exports)
    asked = Retraining(exports, "clinic", "my-model-1", Length.TRIAL, any_state=True)
    assert run.arguments == asked.train_arguments("cpu")
    assert world.runs[0].stopped
    assert world.section.running
    assert not world.ui.trainButton.enabled
    assert not world.ui.nameLineEdit.enabled
    world.ui.trainButton.click()
    assert len(trainings(world)) == 1


def test_progress_is_told_in_plain_words(world, exports):
    run = begin(world, exports)
    run.listener.on_progress("prepare the cases", 0.5, None)
    assert world.ui.trainingStageLabel.text == "Reading the cases"
    run.listener.on_step(140, 3000, 0.44, 0.55)
    run.listener.on_progress("train", 0.25, 7200.0)
    assert world.ui.trainingStageLabel.text == (
        "Learning, about 2 hours left\nStep 140 of 3000. Errors on the training patches have fallen by 20 % "
        "(loss 0.44, at first 0.55)."
    )
    assert world.ui.trainingProgressBar.value == 250


def test_a_better_model_is_said_to_be_better_and_used_only_when_asked(world, exports):
    run = begin(world, exports)
    run.listener.on_finding(Finding("case-left-out", Severity.WARNING, "case-x is left out."))
    run.listener.on_result(ANSWER)
    assert world.ui.verdictLabel.text.startswith("'my-model-1' is better than 'bundled' on the held-out case")
    assert "few cases" in world.ui.verdictLabel.text
    assert "Lesions found, of 4" in world.ui.comparisonLabel.text
    assert "case-x is left out" in world.ui.trainingMessageLabel.text
    assert world.renewed == [True]
    assert world.used == []
    assert not world.section.running
    assert not (retraining.runs_folder() / "my-model-1").exists()
    world.ui.useButton.click()
    assert world.used == ["my-model-1"]
    assert not world.ui.useButton.visible


def test_an_error_ends_in_its_sentence(world, exports):
    run = begin(world, exports)
    run.listener.on_failed("the installed model 'x' has a calcium Dice of 0.6.", "the log")
    assert "calcium Dice of 0.6" in world.ui.trainingMessageLabel.text
    assert world.ui.trainingMessageLabel.toolTip == "the log"
    assert world.ui.trainButton.text == "Start"
    assert not world.ui.useButton.visible


def test_a_trainer_that_cannot_be_started_is_said(world, exports):
    world.error = CacnetError("there is no PythonSlicer")
    world.section.show_data(str(exports))
    world.ui.trainButton.click()
    assert "there is no PythonSlicer" in world.ui.trainingMessageLabel.text
    assert not world.section.running


def test_who_declines_the_installation_trains_nothing(world, exports):
    world.ready = False
    world.section.show_data(str(exports))
    world.ui.trainButton.click()
    assert "Nothing was installed" in world.ui.trainingStageLabel.text
    assert not trainings(world)


def test_a_name_that_is_taken_or_odd_is_refused(world, exports):
    world.section.show_data(str(exports))
    world.ui.nameLineEdit.text = "My model"
    assert "lower-case" in world.ui.planLabel.text
    world.ui.trainButton.click()
    assert "lower-case" in world.ui.trainingMessageLabel.text
    assert not trainings(world)


def test_cancelling_keeps_what_was_learned_and_resume_goes_on(world, exports):
    world.ui.lengthComboBox.setCurrentIndex(0)
    run = begin(world, exports)
    learn(run)
    world.ui.stopButton.click()
    assert run.cancelled
    assert not world.ui.stopButton.enabled
    assert "saving" in world.ui.trainingStageLabel.text
    run.listener.on_cancelled()
    assert world.ui.trainButton.text == "Resume"
    assert "a short trial" in world.ui.resumeLabel.text
    world.section = world.open()
    assert world.section.ui.nameLineEdit.text == "my-model-1"
    assert not world.section.ui.lengthComboBox.enabled
    world.section.ui.trainButton.click()
    assert trainings(world)[-1].arguments == run.arguments


def test_another_name_leaves_a_stopped_training_alone(world, exports):
    run = begin(world, exports)
    learn(run)
    run.listener.on_cancelled()
    world.ui.nameLineEdit.text = "fresh"
    assert world.ui.trainButton.text == "Start"
    assert world.ui.lengthComboBox.enabled
    assert not world.ui.resumeLabel.visible


def test_a_stopped_training_is_discarded_only_after_asking(world, exports):
    run = begin(world, exports)
    learn(run)
    run.listener.on_cancelled()
    world.yes = False
    world.ui.discardButton.click()
    assert world.ui.trainButton.text == "Resume"
    world.yes = True
    world.ui.discardButton.click()
    assert world.ui.trainButton.text == "Start"
    assert not list(retraining.runs_folder().iterdir())


def test_what_was_cancelled_before_it_learned_anything_leaves_nothing(world, exports):
    run = begin(world, exports)
    run.listener.on_cancelled()
    assert "before anything was learned" in world.ui.trainingStageLabel.text
    assert not list(retraining.runs_folder().iterdir())


def test_another_scene_leaves_a_training_and_its_choices_alone(world, exports):
    begin(world, exports)
    world.section.remember_data("")
    world.section.remember_data("/elsewhere")
    assert world.ui.dataLineEdit.text == str(exports)
    assert world.section.running


def test_the_data_set_of_the_scene_is_shown(world, exports):
    world.section.remember_data(str(exports))
    assert "3 cases" in world.ui.dataLabel.text
    world.section.remember_data("")
    assert world.ui.dataLineEdit.text == str(exports)


def test_closing_stops_the_training_and_the_measuring(world, exports):
    world.section.show_data(str(exports))
    world.section.close()
    assert world.runs[0].stopped
    world.ui.trainButton.click()
    [run] = trainings(world)
    world.section.close()
    assert run.stopped
    assert not world.section.running


@pytest.mark.slow
def test_reviewed_cases_become_a_model_of_the_users_own(world, exports, monkeypatch, tmp_path, wait_until):
    """The whole way with the real trainer, a network of a few channels and two steps."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from cacnet.network import CACNet
    from cacnet.training.configuration import config_record
    from cacnet.weights import InputContract, ModelCard, load_bundle, save_bundle
    from CACNetSegmentationLib.widgets import retraining_form
    from CACNetSegmentationLib.widgets.training_process import TrainingProcess
    from tube_cases import TINY

    torch.manual_seed(0)
    card = ModelCard("clinic", "Clinic", input=InputContract(tile_voxels=32))
    save_bundle(CACNet(TINY.network), card, tmp_path / "cacnet" / "models")
    monkeypatch.setattr(retraining, "EXTENTS", {Length.NIGHT: retraining.Extent(2, None, simulated_patients=0)})
    monkeypatch.setattr(retraining_form, "summaries", lambda: (CLINIC,))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    folder = tmp_path / "cacnet" / "training" / "my-model-1"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config_record(TINY)))

    def start(listener, arguments):
        process = TrainingProcess(listener)
        process.start_python(sys.executable, arguments, PRODUCT)
        return process

    world.start, world.unfolded = start, False
    section = world.open()
    section.show_data(str(exports))
    section.ui.nameLineEdit.text = "my-model-1"
    section.ui.trainButton.click()
    for _ in range(10):  # each waits half a minute at most; torch starts slowly on a busy computer
        with suppress(AssertionError):
            wait_until(lambda: not section.running)
            break
    assert "review state is" in section.ui.trainingMessageLabel.text
    assert "'my-model-1' is" in section.ui.verdictLabel.text
    assert "Dice of calcium" in section.ui.comparisonLabel.text
    trained = load_bundle("my-model-1", [tmp_path / "cacnet" / "models"]).card
    assert trained.training["steps"] == 2
    assert trained.training["initialised_from"] == "clinic"
    assert not folder.exists()
    section.close()
