"""Further training is asked for in full, can go on another day, and takes no model's name."""

import itertools
import json
from pathlib import Path

import pytest
from cacnet import model_folders, retraining
from cacnet.files import UnwritableOutputError
from cacnet.model_folders import BUNDLED_MODELS
from cacnet.retraining import Length, ModelNameError, Retraining


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The user's models in a folder of the test's own."""
    monkeypatch.setenv(model_folders.USER_MODELS_VARIABLE, str(tmp_path / "cacnet" / "models"))
    return tmp_path / "cacnet"


def request(**changes):
    return Retraining(**{"data": Path("exports"), "start": "start", "model_id": "mine", **changes})


def stop(run):
    """As if it had learned something before it was stopped."""
    retraining.remember(run)
    (run.folder / retraining.CHECKPOINT_FILE).touch()


def install(home, name, training=None):
    folder = home / "models" / name
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"training": training}))


def test_the_command_names_every_choice(home):
    arguments = request(any_state=True).train_arguments("cpu")
    pairs = dict(itertools.pairwise(arguments))
    assert arguments[:3] == ["-m", "cacnet", "train"]
    assert (pairs["--data"], pairs["--init"], pairs["--model-id"]) == ("exports", "start", "mine")
    assert pairs["--output"] == str(home / "training" / "mine")
    assert (pairs["--total-steps"], pairs["--max-minutes"], pairs["--simulate"]) == ("3000", "600", "0:100")
    assert pairs["--device"] == "cpu"
    assert {"--events", "--resume", "--any-state"} <= set(arguments)


def test_a_trial_is_short_and_a_thorough_training_has_no_limit_of_time():
    trial = request(length=Length.TRIAL).train_arguments("auto")
    assert trial[trial.index("--total-steps") + 1] == "100"
    assert "--any-state" not in trial
    assert "--max-minutes" not in request(length=Length.THOROUGH).train_arguments("auto")


def test_reviewed_cases_can_be_learned_from_alone(monkeypatch):
    alone = retraining.Extent(10, None, simulated_patients=0)
    monkeypatch.setattr(retraining, "EXTENTS", {Length.NIGHT: alone})
    arguments = request().train_arguments("cpu")
    assert "--no-simulation" in arguments
    assert "--simulate" not in arguments


def test_the_trainer_understands_the_command(tmp_path):
    training = pytest.importorskip("cacnet.training.train")
    from cacnet.training import checkpoint

    assert retraining.CHECKPOINT_FILE == checkpoint.CHECKPOINT_FILE
    arguments = training._arguments(request().train_arguments("cpu")[3:])
    assert arguments.resume
    assert arguments.max_minutes == 600
    assert training._arguments(retraining.plan_arguments(tmp_path, "start", "cpu")[3:]).plan


def test_a_run_that_was_stopped_is_found_again_with_its_choices():
    stopped = request(length=Length.TRIAL, any_state=True)
    retraining.remember(stopped)
    assert retraining.unfinished() == ()
    stop(stopped)
    assert retraining.unfinished() == (stopped,)
    retraining.forget(stopped)
    assert retraining.unfinished() == ()
    assert not stopped.folder.exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"schema_version": 1}', '{"schema_version": 2, "data": "x"}'])
def test_a_damaged_note_of_a_run_is_left_out(text):
    stop(request())
    (request().folder / retraining.REQUEST_FILE).write_text(text)
    assert retraining.unfinished() == ()


def test_a_note_in_a_folder_of_another_name_is_left_out(home):
    stop(request())
    request().folder.rename(home / "training" / "other")
    assert retraining.unfinished() == ()


def test_a_place_that_cannot_be_written_to_is_said(home):
    home.mkdir()
    (home / "training").write_text("a file in the way")
    with pytest.raises(UnwritableOutputError, match="cannot be made"):
        retraining.remember(request())


@pytest.mark.parametrize("name", ["", "Mine", "../mine", "my model", "-x", "x" * 65])
def test_a_name_that_cannot_be_an_id_is_refused(name):
    with pytest.raises(ModelNameError, match="lower-case"):
        retraining.require_free_name(name)


def test_the_name_of_an_installed_model_is_taken(home):
    install(home, "mine")
    for name in ("mine", next(BUNDLED_MODELS.glob("*/model.json")).parent.name):
        with pytest.raises(ModelNameError, match="installed already"):
            retraining.require_free_name(name)
    retraining.require_free_name("yours")


def test_a_free_name_is_neither_a_models_nor_a_runs(home):
    assert retraining.free_name("mine") == "mine-1"
    install(home, "mine-1")
    retraining.remember(request(model_id="mine-2"))
    assert retraining.free_name("mine") == "mine-3"


def test_a_model_tells_which_cases_it_has_seen(home):
    install(home, "mine", {"case_ids": ["case-a", "case-b"]})
    install(home, "first", {"seeds": [1]})
    install(home, "odd", 3)
    assert retraining.cases_seen("mine") == {"case-a", "case-b"}
    assert retraining.cases_seen("first") == retraining.cases_seen("odd") == retraining.cases_seen("none") == set()
