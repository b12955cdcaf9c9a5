"""Training of the border network: what it is shown, exact resume, and the model that comes out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from cacnet.network import BorderConfig, BorderNetwork, CACNet, Companions, NetworkConfig, NetworkConfigError
from cacnet.phantom.patient import draw_patient
from cacnet.training import borders as training
from cacnet.training.border_cases import CUT_VOXELS, KINDS, BorderCase, write_border_case
from cacnet.training.borders import (
    BorderTrainer,
    BorderTrainingConfig,
    Windows,
    chosen_seeds,
    main,
    train_borders,
)
from cacnet.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from cacnet.training.companion import CompanionTrainingError
from cacnet.training.trainer import Run, Trainer, TrainingDivergedError
from cacnet.weights import ModelCard, load_bundle, save_bundle
from tube_cases import TINY as SMALL

TINY = BorderTrainingConfig(network=BorderConfig((8, 8, 8), context=8), total_steps=4, warmup_steps=1, batch=2)


def simple_case(kind: str = "lesion") -> BorderCase:
    """Two windows with a bright cube of calcium in blood, which CAC-Net has found."""
    shape = (2, *CUT_VOXELS)
    calcium = np.zeros(shape, bool)
    calcium[:, 20:28, 32:40, 32:40] = True
    return BorderCase(
        hu=np.where(calcium, 1000, 400).astype(np.int16),
        calcium_probability=np.where(calcium, 255, 0).astype(np.uint8),
        coronary_probability=np.full(shape, 255, np.uint8),
        calcium=calcium,
        kind=np.full(2, KINDS.index(kind)),
        blood_hu=400.0,
    )


@pytest.fixture
def cases(tmp_path):
    path = tmp_path / "seed-000001.npz"
    write_border_case(path, simple_case())
    return [path]


def test_a_step_always_shows_the_same_windows_and_another_step_others() -> None:
    windows = Windows([simple_case()], TINY)
    image, truth = windows.batch(3)
    assert image.shape == (2, 3, 32, 48, 48)
    assert truth.shape == (2, 1, 32, 48, 48)
    torch.testing.assert_close(windows.batch(3), (image, truth))
    assert not torch.equal(windows.batch(4)[0], image)


def test_image_and_truth_are_turned_together() -> None:
    config = replace(TINY, contrast=0.0, noise=0.0, hide_answer=0.0)
    for step in range(8):
        image, truth = Windows([simple_case()], config).batch(step)
        torch.testing.assert_close(image[:, 0], torch.where(truth[:, 0] > 0, 1.5, 0.0))
        assert ((image[:, 1] > 0) == (truth[:, 0] > 0)).all()


def test_cac_nets_calcium_is_hidden_as_often_as_asked() -> None:
    hidden = Windows([simple_case()], replace(TINY, hide_answer=1.0)).batch(0)[0]
    assert (hidden[:, 1] == -1).all()
    assert (hidden[:, 2] > 0).all()


def test_kinds_that_no_case_has_are_left_out_of_the_draw() -> None:
    assert Windows([simple_case("missed")], TINY).shares.tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    with pytest.raises(CompanionTrainingError, match="no windows"):
        Windows([], TINY)


def test_a_few_steps_teach_a_plain_border() -> None:
    config = replace(TINY, total_steps=40, learning_rate=0.02, hide_answer=0.0, contrast=0.0, noise=0.0)
    windows, trainer = Windows([simple_case()], config), BorderTrainer(config, "cpu")
    figures = [trainer.train_step(*windows.batch(step)) for step in range(config.total_steps)]
    assert figures[-1][1] > 0.5 > 0.1 > figures[0][1]


def test_a_run_that_was_interrupted_ends_with_the_same_weights(cases, tmp_path) -> None:
    whole = train_borders(cases, tmp_path / "whole", TINY, "cpu")
    trainer = BorderTrainer(TINY, "cpu")
    windows = Windows([simple_case()], TINY)
    for step in range(2):
        trainer.train_step(*windows.batch(step))
    (tmp_path / "parts").mkdir()
    save_checkpoint(tmp_path / "parts", trainer.state())
    resumed = train_borders(cases, tmp_path / "parts", TINY, "cpu")
    assert (whole.step, resumed.step) == (4, 4)
    torch.testing.assert_close(resumed.average.state_dict(), whole.average.state_dict(), rtol=0, atol=0)


def test_a_run_that_is_over_is_not_trained_further(cases, tmp_path) -> None:
    train_borders(cases, tmp_path / "run", TINY, "cpu")
    assert train_borders(cases, tmp_path / "run", TINY, "cpu").step == 4


def test_a_run_goes_on_from_a_given_network(cases, tmp_path) -> None:
    start = BorderNetwork(TINY.network)
    trainer = train_borders(cases, tmp_path / "run", TINY, "cpu", max_minutes=0, start=start)
    torch.testing.assert_close(trainer.network.state_dict(), start.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(trainer.average.state_dict(), start.state_dict(), rtol=0, atol=0)


def test_a_run_goes_on_from_a_smaller_network_and_not_from_a_wider_one(cases, tmp_path) -> None:
    small = BorderNetwork(BorderConfig((8, 8, 8), context=0))
    window = torch.randn(1, 3, 16, 16, 16)
    trainer = train_borders(cases, tmp_path / "run", TINY, "cpu", max_minutes=0, start=small)
    torch.testing.assert_close(trainer.average(window), small.eval()(window))
    with pytest.raises(NetworkConfigError, match="nowhere narrower"):
        train_borders(cases, tmp_path / "other", TINY, "cpu", start=BorderNetwork(BorderConfig((8, 8, 16))))


def test_a_run_stops_when_its_time_is_over(cases, tmp_path) -> None:
    assert train_borders(cases, tmp_path / "run", TINY, "cpu", max_minutes=0).step == 0


def test_a_checkpoint_of_another_network_is_refused(cases, tmp_path) -> None:
    train_borders(cases, tmp_path / "run", TINY, "cpu")
    with pytest.raises(CheckpointError, match="does not fit"):
        train_borders(cases, tmp_path / "run", replace(TINY, network=BorderConfig((8, 8, 16))), "cpu")


def test_a_loss_that_is_no_number_ends_the_run() -> None:
    trainer = BorderTrainer(TINY, "cpu")
    image, truth = Windows([simple_case()], TINY).batch(0)
    with pytest.raises(TrainingDivergedError, match="step 0"):
        trainer.train_step(image * float("nan"), truth)


def test_patients_with_much_calcium_are_simulated_and_some_without() -> None:
    chosen = chosen_seeds(range(2400, 2424))
    assert {2400, 2412} <= set(chosen)
    assert all(draw_patient(seed).calcium_burden > 0.7 for seed in chosen if seed % 12)
    assert len(chosen) < 24


@pytest.fixture
def base_model(tmp_path):
    torch.manual_seed(0)
    network = CACNet(NetworkConfig(widths=(2, 4, 4, 4, 4), conditioner_width=2))
    return save_bundle(network, ModelCard("base", "Base", training={"seeds": [12]}), tmp_path / "models").folder


def test_the_command_makes_cases_trains_and_writes_the_model_with_its_borders(
    base_model, tmp_path, monkeypatch
) -> None:
    made = []

    def make(seed, model, device):
        made.append(seed)
        return simple_case()

    monkeypatch.setattr(training, "make_border_case", make)
    run = ["--model", str(base_model), "--seeds", "24:25", "--output", str(tmp_path / "run"), "--steps", "1"]
    run += ["--model-id", "better", "--device", "cpu"]
    assert main(run) == 0
    model = load_bundle("better", [tmp_path / "run" / "model"])
    assert model.borders is not None
    record = model.card.training["borders"]
    assert (record["steps"], record["seeds"], record["answers_of"]) == (1, [24], "base")
    assert model.card.training["seeds"] == [12]
    before = load_bundle(base_model).network.state_dict()
    torch.testing.assert_close(model.network.state_dict(), before)
    assert main(run) == 0
    assert made == [24]


def test_the_command_trains_a_border_network_further(base_model, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(training, "make_border_case", lambda *_: simple_case())
    first = BorderNetwork()
    start = save_bundle(CACNet(SMALL.network), ModelCard("start", "Start"), tmp_path, Companions(first)).folder
    run = ["--model", str(base_model), "--seeds", "24:25", "--device", "cpu", "--max-minutes", "0", "--init"]
    assert main([*run, str(start), "--output", str(tmp_path / "run")]) == 0
    model = load_bundle(tmp_path / "run" / "model" / "base")
    torch.testing.assert_close(model.borders.state_dict(), load_bundle(start).borders.state_dict())
    assert model.card.training["borders"]["initialised_from"] == "start"
    assert main([*run, str(base_model), "--output", str(tmp_path / "other")]) == 2
    assert "has no border network" in capsys.readouterr().err


def test_patients_that_the_model_has_learned_from_are_refused(base_model, tmp_path, capsys) -> None:
    assert main(["--model", str(base_model), "--seeds", "12:13", "--output", str(tmp_path / "run")]) == 2
    assert "has learned from 1 of these patients, as from seed 12" in capsys.readouterr().err


def test_a_model_that_is_trained_further_keeps_its_border_network_also_after_a_resume(tmp_path) -> None:
    torch.manual_seed(2)
    borders = BorderNetwork(BorderConfig((8, 8, 8)))
    folder = save_bundle(CACNet(SMALL.network), ModelCard("base", "Base"), tmp_path, Companions(borders)).folder
    started = Trainer(Run((), tmp_path / "run", SMALL, device="cpu", init=str(folder)))
    save_checkpoint(tmp_path, started.state())
    resumed = Trainer(Run((), tmp_path / "run", SMALL, device="cpu"))
    assert resumed.model().borders is None
    resumed.restore(load_checkpoint(tmp_path))
    for trainer in (started, resumed):
        kept = trainer.model().borders
        torch.testing.assert_close(kept.state_dict(), load_bundle(folder).borders.state_dict(), rtol=0, atol=0)


@pytest.mark.slow
def test_a_simulated_patient_becomes_a_case(base_model) -> None:
    from cacnet.inference import choose_device
    from cacnet.refinement import NothingToRefineByError

    # An untrained network finds no lumen; that this is said shows that the patient went through the whole chain.
    with pytest.raises(NothingToRefineByError):
        training.make_border_case(24, load_bundle(base_model), choose_device("cpu"), canvas_spacing_mm=1.0)
