"""The training loop: it learns, it goes on exactly after it was killed, and it says what is wrong."""

import csv
import json
import math
import re
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from cacnet.network import LossConfig, NetworkConfig
from cacnet.training import feed
from cacnet.training import train as training
from cacnet.training.cases import CaseError, read_case, write_case
from cacnet.training.checkpoint import CHECKPOINT_FILE, CheckpointError, load_checkpoint, save_checkpoint
from cacnet.training.configuration import PRESETS, SamplingConfig, TrainingConfigError, config_record
from cacnet.training.mining import MINING_DELAY_STEPS, mine
from cacnet.training.sampling import PatchDataset
from cacnet.training.trainer import Run, Trainer, TrainingDivergedError, learning_rate_at
from cacnet.training.validation import dice_coefficient, validate
from cacnet.weights import list_bundles, load_bundle
from tube_cases import PLAIN, TINY, make_tube, write_tube


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


@pytest.mark.slow
def test_one_case_can_be_learned_by_heart(tmp_path):
    folder = write_tube(tmp_path / "cases" / "one")
    config = replace(
        TINY,
        augmentation=PLAIN,
        loss=LossConfig(positive_weights=(1.0, 1.0)),
        learning_rate=3e-2,
        total_steps=450,
        log_steps=16,
        validate_steps=1000,
        ema_decay=0.9,
        patch_voxels=48,
    )
    run = Run((tmp_path / "cases",), tmp_path / "run", config)
    scores = validate(load_bundle(training.train(run).folder), [folder], Trainer(run).device)
    assert scores.coronary_dice >= 0.95
    assert scores.calcium_dice >= 0.95
    assert scores.lesions == scores.lesions_found == 3
    curve = [float(row["loss"]) for row in rows_of(tmp_path / "run" / "curve.csv")]
    assert curve[-1] < curve[0] / 3


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(cases, tmp_path):
    for name, seed in (("first", 3), ("second", 3), ("third", 4)):
        training.train(Run((cases,), tmp_path / name, replace(TINY, total_steps=3, seed=seed)))
    first, second, third = (load_checkpoint(tmp_path / n)["network"] for n in ("first", "second", "third"))
    assert all(tensor.equal(second[name]) for name, tensor in first.items())
    assert not all(tensor.equal(third[name]) for name, tensor in first.items())


def test_a_step_reaches_every_part_of_the_network(cases, tmp_path):
    trainer = Trainer(Run((cases,), tmp_path / "run", TINY))
    patches = PatchDataset([cases], TINY)
    image, target = (torch.stack(parts) for parts in zip(*(patches[i] for i in range(2)), strict=True))
    for _ in range(2):  # the offsets of the alignment begin at zero, and what is behind them learns from the next step
        trainer.train_step(image, target)
    still = [name for name, weight in trainer.network.named_parameters() if not weight.grad.abs().sum() > 0]
    assert still == []


def test_what_nobody_labelled_is_neither_learned_nor_validated_nor_mined(cases, tmp_path):
    case = read_case(cases / "one")
    clinic = tmp_path / "clinic"
    write_case(clinic / "no-arteries", case.hu, case.calcium, None)
    write_case(clinic / "no-calcium", case.hu, None, case.coronary)
    config = replace(TINY, total_steps=4, mine_steps=1, sampling=SamplingConfig(mix=(1.0, 2.0)))
    run = Run((cases, clinic), tmp_path / "run", config, validation=clinic)
    bundle = training.train(run)
    assert bundle.card.training["cases"] == 4
    trainer = Trainer(run)
    arteries, calcium = (validate(trainer.model(), [clinic / n], trainer.device) for n in ("no-calcium", "no-arteries"))
    assert math.isnan(arteries.calcium_dice)
    assert not math.isnan(arteries.coronary_dice)
    assert (arteries.lesions, arteries.false_positives) == (0, 0)
    assert math.isnan(calcium.coronary_dice)
    assert calcium.lesions == 3
    with torch.no_grad():
        trainer.average.head.bias.copy_(torch.tensor([10.0, -10.0]))  # calcium everywhere, no artery
    assert len(mine(trainer.model(), clinic / "no-calcium", trainer.device)) == 0
    with torch.no_grad():
        trainer.average.head.bias.copy_(torch.tensor([-10.0, 10.0]))
    assert len(mine(trainer.model(), clinic / "no-arteries", trainer.device)) == 0


def test_a_run_says_what_it_plans_how_long_it_takes_and_how_long_is_left(cases, tmp_path, caplog):
    with caplog.at_level("INFO"):
        training.train(Run((cases,), tmp_path / "run", replace(TINY, total_steps=21, log_steps=21, patch_voxels=16)))
    assert "plan: start at step 0 of 21 on CPU" in caplog.text
    assert "2 patches of 16 x 16 x 16 voxels a step from 2 cases" in caplog.text
    assert re.search(r"plan: about 0:00:\d\d for the 1 steps that are left .* steps 6 to 20", caplog.text)
    assert re.search(r"step 21 of 21, loss .* s a step.*, 0:00:00 left", caplog.text)


def test_a_run_that_waits_for_patches_says_so(cases, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(feed, "SAY_AFTER_S", 0.01)
    drawn = PatchDataset.__getitem__

    def slowly(self, number):
        time.sleep(0.1)
        return drawn(self, number)

    monkeypatch.setattr(PatchDataset, "__getitem__", slowly)
    with caplog.at_level("INFO"):
        training.train(Run((cases,), tmp_path / "run", replace(TINY, total_steps=2)))
    assert "training has waited" in caplog.text
    assert "waiting for patches)" in caplog.text
    assert float(rows_of(tmp_path / "run" / "curve.csv")[0]["waiting_share"]) > 0.1


@pytest.mark.parametrize("workers", [1, 4, 12, 16, 24])
def test_workers_never_prepare_patches_that_mining_should_have_reached(workers):
    assert feed.prefetched_batches(workers) >= 1
    assert feed.prefetched_batches(workers) * workers < MINING_DELAY_STEPS


def test_a_run_validates_and_exports_a_bundle_that_says_how_it_was_made(cases, tmp_path):
    run = Run((cases,), tmp_path / "run", TINY, validation=cases, model_id="tube")
    bundle = training.train(run)
    assert [row["step"] for row in rows_of(run.output / "validation.csv")] == ["4", "8"]
    assert (run.output / "curves.png").read_bytes().startswith(b"\x89PNG")
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


def test_a_run_can_mine_all_its_cases_before_the_first_step_and_only_then(cases, tmp_path):
    run = Run((cases,), tmp_path / "run", replace(TINY, mine_at_start=True, total_steps=2))
    training.train(run)
    mined = tmp_path / "run" / "mined"
    assert sorted(path.name for path in mined.iterdir()) == ["one@000000000.npy", "two@000000000.npy"]
    (mined / "one@000000000.npy").unlink()
    training.train(replace(run, config=replace(run.config, total_steps=4)), resume=True)
    assert [path.name for path in mined.iterdir()] == ["two@000000000.npy"]


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


def test_a_model_names_the_simulated_patients_that_it_has_seen_and_those_of_the_model_before(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    make_tube(7, first), write_tube(first / "clinic"), make_tube(9, second)
    config = replace(TINY, total_steps=1)
    start = training.train(Run((first,), tmp_path / "run1", config))
    assert start.card.training["seeds"] == [7]
    further = training.train(Run((second,), tmp_path / "run2", config, init=str(start.folder)))
    assert further.card.training["seeds"] == [7, 9]
    resumed = training.export_checkpoint(Run((second,), tmp_path / "run2", config))
    assert resumed.card.training["initialised_from"] == start.card.id
    shutil.rmtree(first)
    assert training.export_checkpoint(Run((first,), tmp_path / "run1", config)).card.training["seeds"] == [7]


def test_command_line_says_how_to_go_on_when_it_was_interrupted(tmp_path, monkeypatch, caplog):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", interrupted)
    assert training.main(["--cases", str(tmp_path), "--output", str(tmp_path / "run")]) == 130
    assert "--resume" in caplog.text


def run_for(*arguments):
    return training._run_for(training._arguments(list(map(str, arguments))))


def test_command_line_simulates_where_no_cases_are_given(tmp_path):
    run = run_for("--output", tmp_path)
    assert (run.simulate, run.cases, run.config) == (range(100), (), PRESETS["bundled"])
    assert run_for("--cases", tmp_path, "--output", tmp_path).simulate is None


def test_a_resumed_run_takes_its_cases_from_where_it_had_them(cases, tmp_path):
    output = tmp_path / "run"
    training.train(Run((cases,), output, replace(TINY, total_steps=1), validation=cases))
    run = run_for("--resume", "--output", output)
    assert (run.cases, run.simulate, run.validation) == ((cases,), None, cases)
    assert run.config == replace(TINY, total_steps=1)
    assert run_for("--resume", "--output", output, "--simulate", "5:7").all_cases == (output / "cases",)
    (output / "sources.json").write_text("{")
    with pytest.raises(TrainingConfigError, match=r"sources\.json"):
        run_for("--export-only", "--output", output)


def test_command_line_takes_several_folders_and_seeds_to_simulate(tmp_path):
    arguments = ["--cases", "a", "--cases", "b", "--simulate", "3:6", "--simulators", "2", "--output", str(tmp_path)]
    run = run_for(*arguments, "--preset", "paper", "--total-steps", "7")
    assert [str(folder) for folder in run.all_cases] == ["a", "b", str(tmp_path / "cases")]
    assert (run.simulate, run.simulators) == (range(3, 6), 2)
    assert run.config == replace(PRESETS["paper"], total_steps=7)


def test_command_line_reports_errors_in_one_line(tmp_path, caplog):
    arguments = ["--cases", str(tmp_path), "--output", str(tmp_path / "run")]
    assert training.main(arguments) == 2
    assert "no case" in caplog.text
    assert training.main([*arguments, "--export-only"]) == 2
    assert "no checkpoint" in caplog.text
