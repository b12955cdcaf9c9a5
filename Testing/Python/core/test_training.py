"""The training loop: it learns, it goes on exactly after it was killed, and it says what is wrong."""

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from cacnet.network import NetworkConfig
from cacnet.training import train as training
from cacnet.training.cases import CaseError
from cacnet.training.checkpoint import CHECKPOINT_FILE, CheckpointError, load_checkpoint, save_checkpoint
from cacnet.training.configuration import config_record
from cacnet.training.trainer import Run, Trainer, TrainingDivergedError, learning_rate_at
from cacnet.training.validation import dice_coefficient, validate
from cacnet.weights import list_bundles, load_bundle
from tube_cases import TINY, write_tube


@pytest.fixture
def cases(tmp_path):
    write_tube(tmp_path / "cases" / "one")
    write_tube(tmp_path / "cases" / "two", seed=1)
    return tmp_path / "cases"


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in one order, so that runs can be compared bit by bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_it_learns_the_tube_and_its_spots(cases, tmp_path):
    config = replace(TINY, total_steps=150, log_steps=10, validate_steps=1000, warmup_steps=10)
    run = Run((cases,), tmp_path / "run", config)
    bundle = training.train(run)
    curve = [float(row["loss"]) for row in rows_of(tmp_path / "run" / "curve.csv")]
    assert curve[-1] < curve[0] / 3
    model = load_bundle(bundle.folder)
    scores = validate(model, sorted(cases.iterdir()), Trainer(run).device)
    assert scores.coronary_dice > 0.8
    assert scores.calcium_dice > 0.6
    assert scores.lesions == scores.lesions_found == 6


def test_a_killed_run_goes_on_as_if_nothing_had_happened(cases, tmp_path, monkeypatch):
    straight, broken = (Run((cases,), tmp_path / name, TINY) for name in ("straight", "broken"))
    training.train(straight)

    class Killed(BaseException):
        """Stands for a signal that no code can catch."""

    def killed_after_five(self, image, target, step=Trainer.train_step):
        if self.step == 6:
            raise Killed
        parts = step(self, image, target)
        if self.step == 5:
            save_checkpoint(broken.output, self.state())
        return parts

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", killed_after_five)
        with pytest.raises(Killed):
            training.train(broken)
    training.train(broken, resume=True)

    expected, resumed = load_checkpoint(straight.output), load_checkpoint(broken.output)
    for part in ("network", "average"):
        assert all(resumed[part][name].equal(tensor) for name, tensor in expected[part].items())
    curves = [rows_of(run.output / "curve.csv") for run in (straight, broken)]
    assert [row["step"] for row in curves[0]] == ["2", "4", "6", "8"]
    for left, right in zip(*curves, strict=True):
        for row in (left, right):
            del row["seconds_per_step"], row["waiting_share"]
        assert left == right


def test_a_run_validates_and_exports_a_bundle_that_says_how_it_was_made(cases, tmp_path):
    run = Run((cases,), tmp_path / "run", TINY, validation=cases, model_id="tube")
    bundle = training.train(run)
    assert [row["step"] for row in rows_of(run.output / "validation.csv")] == ["4", "8"]
    assert bundle.folder == run.output / "model" / "tube"
    card = list_bundles([run.output / "model"])[0].card
    assert card.training["steps"] == 8
    assert card.training["cases"] == 2
    assert card.training["config"] == json.loads(json.dumps(config_record(TINY)))
    assert card.accuracy["validation_during_training"]["lesions"] == 6
    assert card.input.tile_voxels == 32


def test_what_was_validated_is_still_known_after_a_resume(cases, tmp_path):
    run = Run((cases,), tmp_path / "run", replace(TINY, total_steps=4), validation=cases)
    training.train(run)
    training.train(replace(run, validation=None), resume=True)
    assert "validation_during_training" in list_bundles([run.output / "model"])[0].card.accuracy


def test_a_run_mines_its_cases_in_turn_and_a_resumed_one_mines_again(cases, tmp_path):
    run = Run((cases,), tmp_path / "run", replace(TINY, mine_steps=2, total_steps=4))
    training.train(run)
    mined = tmp_path / "run" / "mined"
    names = ["one@000000004.npy", "two@000000002.npy"]
    assert sorted(path.name for path in mined.iterdir()) == names
    (mined / "two@000000099.npy").write_bytes((mined / names[0]).read_bytes())
    training.train(run, resume=True)
    assert sorted(path.name for path in mined.iterdir()) == names


def test_a_run_stops_when_its_time_is_over(cases, tmp_path):
    training.train(Run((cases,), tmp_path / "run", TINY, max_minutes=0))
    assert load_checkpoint(tmp_path / "run")["step"] == 1


def test_a_run_is_not_overwritten_unasked(cases, tmp_path):
    run = Run((cases,), tmp_path / "run", replace(TINY, total_steps=1))
    training.train(run)
    with pytest.raises(CheckpointError, match="already holds a run"):
        training.train(run)


def test_training_without_cases_is_refused(tmp_path):
    with pytest.raises(CaseError, match="no case"):
        training.train(Run((tmp_path,), tmp_path / "run", TINY))
    assert not (tmp_path / "run").exists()


def test_a_model_can_be_trained_further(cases, tmp_path):
    first = training.train(Run((cases,), tmp_path / "first", replace(TINY, total_steps=1)))
    trainer = Trainer(Run((cases,), tmp_path / "second", TINY, init=str(first.folder)))
    stored = load_bundle(first.folder).network.state_dict()
    assert all(tensor.equal(stored[name]) for name, tensor in trainer.network.state_dict().items())


def test_a_loss_that_is_no_number_stops_the_run(cases, tmp_path):
    trainer = Trainer(Run((cases,), tmp_path / "run", TINY))
    with pytest.raises(TrainingDivergedError, match="step 0"):
        trainer.train_step(torch.full((1, 1, 32, 32, 32), math.nan), torch.zeros(1, 2, 32, 32, 32))


def test_schedules_warm_up_and_end_at_a_hundredth():
    config = replace(TINY, learning_rate=1.0, warmup_steps=10, total_steps=110)
    assert learning_rate_at(0, config) == pytest.approx(0.1)
    assert learning_rate_at(10, config) == pytest.approx(1)
    assert learning_rate_at(60, config) == pytest.approx(0.01 + 0.99 / 2)
    assert learning_rate_at(60, replace(config, schedule="linear")) == pytest.approx(0.01 + 0.99 / 2)
    assert learning_rate_at(35, replace(config, schedule="linear")) == pytest.approx(0.01 + 0.99 * 0.75)
    assert learning_rate_at(110, config) == pytest.approx(0.01)
    assert learning_rate_at(500, config) == pytest.approx(0.01)


def test_plateau_halves_the_rate_after_epochs_without_progress(cases, tmp_path):
    config = replace(TINY, optimiser="sgd", schedule="plateau", steps_per_epoch=1, learning_rate=0.01)
    trainer = Trainer(Run((cases,), tmp_path / "run", config))
    for _ in range(5):  # the first epoch sets the mark; patience is 3
        trainer.step += 1
        trainer._update_plateau(1.0)
    assert trainer.learning_rate == pytest.approx(0.005)


def test_the_average_follows_the_weights(cases, tmp_path):
    trainer = Trainer(Run((cases,), tmp_path / "run", TINY))
    trainer.train_step(torch.randn(1, 1, 32, 32, 32), torch.zeros(1, 2, 32, 32, 32))
    before, after = trainer.average.head.bias.clone(), trainer.network.head.bias.detach().clone() + 1
    with torch.no_grad():
        trainer.network.head.bias.copy_(after)
    trainer.step = 10**6
    trainer._update_average()
    torch.testing.assert_close(trainer.average.head.bias, 0.95 * before + 0.05 * after)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04cposix\nsystem\n."])
def test_a_damaged_checkpoint_is_named_and_never_executed(tmp_path, content):
    (tmp_path / CHECKPOINT_FILE).write_bytes(content)
    with pytest.raises(CheckpointError, match="checkpoint"):
        load_checkpoint(tmp_path)


def test_something_else_saved_as_a_checkpoint_is_named(tmp_path):
    save_checkpoint(tmp_path, {"weights": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="no checkpoint of a training run"):
        load_checkpoint(tmp_path)


def test_a_checkpoint_of_another_network_is_named(cases, tmp_path):
    training.train(Run((cases,), tmp_path / "run", replace(TINY, total_steps=1)))
    other = replace(TINY, network=NetworkConfig(widths=(2, 4, 4, 4, 4), conditioner_width=2))
    with pytest.raises(CheckpointError, match="does not fit"):
        training.train(Run((cases,), tmp_path / "run", other), resume=True)


def test_dice_of_hand_made_masks():
    first, second = np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 1], bool)
    assert dice_coefficient(first, second) == pytest.approx(2 / 5)
    assert math.isnan(dice_coefficient(first & ~first, second & ~second))


def write_config(tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps({"preset": "bundled", **config_record(TINY)}))
    return str(path)


def test_command_line_trains_resumes_and_exports(cases, tmp_path):
    common = ["--cases", str(cases), "--output", str(tmp_path / "run"), "--device", "cpu"]
    assert training.main([*common, write_config(tmp_path), "--total-steps", "2"]) == 0
    assert training.main([*common, "--resume", "--total-steps", "3"]) == 0
    assert load_checkpoint(tmp_path / "run")["step"] == 3
    assert training.main([*common, "--export-only", "--model-id", "later"]) == 0
    assert load_bundle("later", [tmp_path / "run" / "model"]).card.training["steps"] == 3


def test_command_line_reports_errors_in_one_line(tmp_path, caplog):
    arguments = ["--cases", str(tmp_path), "--output", str(tmp_path / "run")]
    assert training.main(arguments) == 2
    assert "no case" in caplog.text
    assert training.main([*arguments, "--export-only"]) == 2
    assert "no checkpoint" in caplog.text
