"""Corrections go back into training: a better model comes out, says so, and never replaces a better one unasked."""

import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from cacnet.errors import Cancelled
from cacnet.inference import choose_device, predict
from cacnet.installed_models import ModelExistsError
from cacnet.network import CACNet
from cacnet.prepare import normalise_hu
from cacnet.training import clinic_command, held_out
from cacnet.training import fine_tune as tuning
from cacnet.training import train as training
from cacnet.training.checkpoint import load_checkpoint
from cacnet.training.configuration import PRESETS, SamplingConfig, config_record
from cacnet.training.fine_tune import FineTuning, WorseModelError, fine_tune, seconds_per_step
from cacnet.training.parallel import Processes
from cacnet.training.trainer import Run
from cacnet.training.validation import ValidationScores
from cacnet.weights import InputContract, ModelCard, load_bundle, save_bundle
from cacnet.worker import Events
from clinic_exports import ids_of, write_exports
from tube_cases import TINY, write_tube

CONFIG = replace(TINY, total_steps=2, validate_steps=10)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    return write_exports(tmp_path_factory.mktemp("exports"), approved=3, unapproved=1)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A model that has learned nothing yet, with a simulated patient in its record."""
    torch.manual_seed(0)
    card = ModelCard("start", "Start", input=InputContract(tile_voxels=32), training={"seeds": [7]})
    return save_bundle(CACNet(TINY.network), card, tmp_path_factory.mktemp("start")).folder


@pytest.fixture
def without_validation(monkeypatch):
    """The same scores for every model and case: whole volumes take longer than all the rest of a tiny run."""
    scores = ValidationScores(0.5, 0.6, 4, 2, 1)
    for module in (training, held_out):
        monkeypatch.setattr(module, "validate", lambda model, cases, device: scores)


@pytest.fixture
def real_request_for(exports, start, tmp_path):
    def make(**changes):
        run = Run((), tmp_path / "run", CONFIG, device="cpu", init=str(start), model_id="clinic")
        return FineTuning((exports,), replace(run, **changes), models=tmp_path / "models")

    return make


@pytest.fixture
def request_for(real_request_for, without_validation):
    return real_request_for


@pytest.mark.slow
def test_exported_corrections_make_a_new_model_that_runs(real_request_for, tmp_path, start, caplog):
    with caplog.at_level("INFO"):
        tuned = fine_tune(real_request_for())
    loaded = load_bundle("clinic", [tmp_path / "models"])
    assert loaded.card.id == "clinic"
    before = load_bundle(start).network.state_dict()
    assert any(not tensor.equal(before[name]) for name, tensor in loaded.network.state_dict().items())
    image = normalise_hu(np.zeros((32, 32, 32), np.int16))
    answer = predict(image, loaded, choose_device("cpu"))
    assert answer.calcium.shape == (32, 32, 32)
    assert np.isfinite(answer.calcium).all()
    card = loaded.card
    assert card.training["case_ids"] == list(tuned.data.training_ids)
    assert card.training["held_out_ids"] == list(tuned.data.held_out_ids)
    assert sorted(card.training["case_ids"] + card.training["held_out_ids"]) == ids_of(range(3))
    assert card.training["seeds"] == [7]
    assert card.training["initialised_from"] == "start"
    assert card.accuracy["held_out"] == json.loads(json.dumps(tuned.held_out.record()))
    assert card.accuracy["held_out"]["model_before"] == "start"
    assert "simulated CCTA and on 2 reviewed cases" in card.statement
    assert "not for diagnosis" in card.statement
    assert "review state is 'unreviewed'" in caplog.text
    assert "2 steps on CPU" in caplog.text
    assert "measured now" in caplog.text


def test_reviewed_cases_are_mixed_with_others(request_for, tmp_path):
    write_tube(tmp_path / "tubes" / "one")
    tuned = fine_tune(replace(request_for(cases=(tmp_path / "tubes",)), real_share=0.7))
    config = tuned.bundle.card.training["config"]
    assert config["sampling"]["mix"] == pytest.approx([0.7, 0.3])
    assert tuned.bundle.card.training["cases"] == 3


def test_a_mix_that_was_asked_for_stays(request_for, tmp_path):
    write_tube(tmp_path / "tubes" / "one")
    config = replace(CONFIG, sampling=SamplingConfig(mix=(1.0, 4.0)))
    tuned = fine_tune(request_for(cases=(tmp_path / "tubes",), config=config))
    assert tuned.bundle.card.training["config"]["sampling"]["mix"] == [1.0, 4.0]


def test_a_better_model_is_not_replaced_unasked(request_for, tmp_path, monkeypatch):
    first = fine_tune(request_for())
    installed = (first.installed / "weights.safetensors").read_bytes()
    real = tuning.compare
    dice = {"start": 0.2}

    def compare(before, after, cases, device, *progress):
        found = real(before, after, cases, device)
        worse = [
            replace(
                case,
                before=replace(case.before, calcium_dice=dice.get(before.card.id, 0.5)),
                after=replace(case.after, calcium_dice=0.4),
            )
            for case in found.cases
        ]
        return replace(found, cases=tuple(worse))

    monkeypatch.setattr(tuning, "compare", compare)
    again = request_for(output=tmp_path / "again", config=replace(CONFIG, seed=1))
    with pytest.raises(WorseModelError, match=r"0\.500 on the held-out cases, the new one 0\.400"):
        fine_tune(again)
    assert (first.installed / "weights.safetensors").read_bytes() == installed
    assert load_bundle(tmp_path / "again" / "model" / "clinic").card.id == "clinic"
    fine_tune(replace(again, force=True), resume=True)
    assert (first.installed / "weights.safetensors").read_bytes() != installed


def test_a_model_that_cannot_be_compared_is_not_replaced_unasked(request_for, tmp_path):
    fine_tune(replace(request_for(), held_out_share=0.0))
    with pytest.raises(WorseModelError, match="no case is held out"):
        fine_tune(replace(request_for(output=tmp_path / "again"), held_out_share=0.0))


def test_held_out_cases_without_calcium_compare_nothing(request_for, tmp_path, monkeypatch):
    fine_tune(request_for())
    monkeypatch.setattr(held_out, "validate", lambda *_: ValidationScores(math.nan, 0.6, 0, 0, 0))
    with pytest.raises(WorseModelError, match="no held-out case has calcium"):
        fine_tune(request_for(output=tmp_path / "again"))


def test_smaller_patches_do_not_make_smaller_tiles(request_for, tmp_path, start):
    loaded = load_bundle(start)
    wide = ModelCard("wide", "Wide", input=InputContract(tile_voxels=48))
    folder = save_bundle(loaded.network, wide, tmp_path).folder
    assert fine_tune(request_for(init=str(folder))).bundle.card.input.tile_voxels == 48


def test_without_held_out_cases_the_card_claims_no_accuracy(request_for):
    tuned = fine_tune(replace(request_for(), held_out_share=0.0))
    assert tuned.held_out is None
    assert "held_out" not in tuned.bundle.card.accuracy


def test_a_model_trained_twice_remembers_all_that_it_has_seen(request_for, tmp_path):
    first = fine_tune(request_for())
    second = fine_tune(request_for(output=tmp_path / "second", init=str(first.installed), model_id="later"))
    assert set(first.data.training_ids) <= set(second.bundle.card.training["case_ids"])
    assert not set(second.data.held_out_ids) & set(first.data.training_ids)


def test_the_id_of_a_bundled_model_is_refused_before_anything_is_done(request_for, tmp_path):
    with pytest.raises(ModelExistsError, match="comes with the extension"):
        fine_tune(request_for(model_id="cacnet-simulated-v9"))
    assert not (tmp_path / "run").exists()


def test_cancelling_keeps_what_was_learned(request_for, tmp_path):
    def cancel(stage, fraction):
        if stage == "train" and fraction >= 0.5:
            raise Cancelled("the job was cancelled")

    with pytest.raises(Cancelled):
        fine_tune(request_for(), progress=cancel)
    assert load_checkpoint(tmp_path / "run")["step"] == 1
    assert fine_tune(request_for(), resume=True).bundle.card.training["steps"] == 2


def test_a_step_is_timed_on_the_device_that_will_train():
    assert seconds_per_step(CONFIG, "cpu") > 0


def test_the_clinic_preset_learns_slowly_and_briefly():
    clinic, bundled = PRESETS["clinic"], PRESETS["bundled"]
    assert clinic.learning_rate <= bundled.learning_rate / 5
    assert 1000 <= clinic.total_steps <= 5000
    assert clinic.loss == bundled.loss


def test_progress_is_one_event_for_each_step_with_the_time_that_is_left():
    class Open:
        def check(self):
            """Nobody cancels."""

    stream = io.StringIO()
    report = clinic_command.progress_events(Events(stream), Open())
    report("train", 0.001)
    report("train", 0.5)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first == {"event": "progress", "stage": "train", "fraction": 0.001, "seconds_left": None}
    assert second["fraction"] == 0.5
    assert second["seconds_left"] >= 0


def arguments_for(exports, start, tmp_path, *more):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"preset": "clinic", **config_record(CONFIG)}))
    given = [str(config), "--data", str(exports), "--init", str(start), "--output", str(tmp_path / "run")]
    return [*given, "--no-simulation", "--device", "cpu", "--models", str(tmp_path / "models"), *more]


@pytest.mark.usefixtures("without_validation")
def test_command_line_trains_further_and_prints_before_and_after(exports, start, tmp_path, capsys):
    assert training.main(arguments_for(exports, start, tmp_path)) == 0
    said = capsys.readouterr().out
    assert "| Case | Calcium Dice | after |" in said
    assert "'cacnet-clinic' is in" in said
    assert "not for diagnosis" in said
    assert load_bundle("cacnet-clinic", [tmp_path / "models"]).card.training["steps"] == 2


@pytest.mark.usefixtures("without_validation")
def test_command_line_can_speak_in_events(exports, start, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(clinic_command.Lifeline, "watch", lambda self: None)
    assert training.main(arguments_for(exports, start, tmp_path, "--events")) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    stages = [event["stage"] for event in events if event["event"] == "progress"]
    assert list(dict.fromkeys(stages)) == ["prepare the cases", "train", "compare"]
    assert [event["step"] for event in events if event["event"] == "step"] == [1, 2]
    finding, answer = events[-2:]
    assert finding["code"] == "case-left-out"
    assert answer["content"]["model"] == "cacnet-clinic"
    assert answer["content"]["held_out"]["cases"] == 1


def test_the_plan_is_told_without_training(exports, start, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(clinic_command.Lifeline, "watch", lambda self: None)
    assert training.main(arguments_for(exports, start, tmp_path, "--events", "--plan")) == 0
    [event] = map(json.loads, capsys.readouterr().out.splitlines())
    assert event["content"]["device"].startswith("CPU")
    assert event["content"]["seconds_per_step"] > 0
    assert training.main(arguments_for(exports, start, tmp_path, "--plan")) == 0
    assert "s a step" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()


def test_steps_are_told_with_the_mean_loss_of_the_last_and_of_the_first():
    stream = io.StringIO()
    on_step = clinic_command.step_events(Events(stream))
    for step in range(1, 31):
        on_step(step, 100, 2.0 if step <= 20 else 1.0)
    last = json.loads(stream.getvalue().splitlines()[-1])
    assert last == {"event": "step", "step": 30, "steps": 100, "loss": 1.5, "first_loss": 2.0}


def test_a_run_that_goes_on_does_not_count_what_was_done_before():
    class Open:
        def check(self):
            """Nobody cancels."""

    stream = io.StringIO()
    report = clinic_command.progress_events(Events(stream), Open())
    report("train", 0.9)
    assert json.loads(stream.getvalue())["seconds_left"] is None


def test_an_error_is_an_event_and_an_exit_code(start, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(clinic_command.Lifeline, "watch", lambda self: None)
    assert training.main(arguments_for(tmp_path / "nowhere", start, tmp_path, "--events")) == 2
    [event] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (event["event"], event["name"]) == ("error", "InputNotFoundError")


def test_several_processes_are_refused(exports, start, tmp_path):
    arguments = training._arguments(arguments_for(exports, start, tmp_path))
    with pytest.raises(clinic_command.SeveralProcessesError):
        clinic_command.run_fine_tuning(arguments, training._run_for(arguments), Processes(0, 2))


def run_for(*arguments):
    return training._run_for(training._arguments(list(map(str, arguments))))


def test_further_training_starts_from_the_bundled_model_with_the_clinic_preset(tmp_path):
    run = run_for("--data", tmp_path, "--output", tmp_path)
    bundled = load_bundle(tuning.DEFAULT_MODEL).card
    assert (run.init, run.model_id, run.simulate) == (bundled.id, "cacnet-clinic", range(100))
    assert run.config == replace(PRESETS["clinic"], network=bundled.network)
    assert run_for("--data", tmp_path, "--no-simulation", "--output", tmp_path).simulate is None
    assert run_for("--data", tmp_path, "--cases", "x", "--output", tmp_path).simulate is None
    assert run_for("--init", "bundled", "--output", tmp_path).init == bundled.id
