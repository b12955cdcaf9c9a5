"""Training of the wall network: its cases, what it is shown, exact resume, and the model that comes out."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from cacnet.network import CACNet, Companions, WallConfig, WallNetwork
from cacnet.phantom.patient import draw_patient
from cacnet.refinement import NothingToRefineByError
from cacnet.training import walls as training
from cacnet.training.checkpoint import load_checkpoint, save_checkpoint
from cacnet.training.companion import CompanionTrainingError
from cacnet.training.trainer import Run, Trainer
from cacnet.training.wall_cases import (
    CUT_VOXELS,
    WINDOWS,
    WallCase,
    WallCaseError,
    cut_wall_windows,
    make_wall_case,
    read_wall_case,
    within_reach_of_surface,
    write_wall_case,
)
from cacnet.training.walls import WallTrainer, WallTrainingConfig, WallWindows, main, train_walls
from cacnet.volume import Acquisition, Geometry, Volume
from cacnet.weights import ModelCard, load_bundle, save_bundle
from tube_cases import TINY as SMALL

TINY = WallTrainingConfig(network=WallConfig((4, 4)), total_steps=4, warmup_steps=1, batch=2)


def simple_case(windows: int = 2) -> WallCase:
    """A bright artery along x, of which CAC-Net found the middle and knows no more."""
    shape = (windows, *CUT_VOXELS)
    true, found, near = (np.zeros(shape, bool) for _ in range(3))
    true[:, 12:20, 24:32] = found[:, 14:18, 26:30] = near[:, 10:22, 22:34] = True
    hu = np.where(true, 400, -50).astype(np.int16)
    return WallCase(hu, np.where(found, 255, 0).astype(np.uint8), found, near, true, 400.0)


@pytest.fixture
def cases(tmp_path):
    path = tmp_path / "seed-000001.npz"
    write_wall_case(path, simple_case())
    return [path]


@pytest.fixture
def base_model(tmp_path):
    card = ModelCard("base", "Base", training={"seeds": [12]})
    return save_bundle(CACNet(SMALL.network), card, tmp_path / "models").folder


def test_a_case_comes_back_as_it_was_written_and_another_file_is_refused(cases, tmp_path) -> None:
    read, written = read_wall_case(cases[0]), simple_case()
    assert read.blood_hu == written.blood_hu
    for name in ("hu", "probability", "found", "near", "true"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    (tmp_path / "other.npz").write_text("nothing")
    with pytest.raises(WallCaseError, match=r"other\.npz"):
        read_wall_case(tmp_path / "other.npz")


def test_windows_lie_around_the_surface_of_what_was_found_and_show_each_grid_where_it_is() -> None:
    shape = (40, 60, 80)
    geometry, half = Geometry(shape, (1.0, 1.0, 1.0)), Geometry((80, 120, 160), (0.5,) * 3, (-0.25,) * 3)
    found = np.zeros(shape, bool)
    found[18:23, 28:33, 10:70] = True
    fine = np.repeat(np.repeat(np.repeat(found, 2, 0), 2, 1), 2, 2).astype(np.float32)
    volume = Volume(np.where(found, 400, 0).astype(np.int16), geometry, Acquisition())
    truth = SimpleNamespace(patient=draw_patient(7))
    scan = SimpleNamespace(volume=volume, coronary=3 * found.astype(np.uint8), truth=truth)
    case = cut_wall_windows(scan, found, fine, half, 390.0)
    assert case.hu.shape == (WINDOWS, *CUT_VOXELS)
    z, y, x = (side // 2 for side in CUT_VOXELS)
    assert case.found[:, z, y, x].all()
    assert case.near[:, z, y, x].all()
    assert not case.found[:, z - 2 : z + 3, y - 2 : y + 3, x].all(axis=(1, 2)).any()
    np.testing.assert_array_equal(case.true, case.found)
    np.testing.assert_array_equal(case.probability == 255, case.found)
    np.testing.assert_array_equal(case.hu == 400, case.found)
    assert case.blood_hu == 390.0


def test_the_border_may_move_by_one_and_a_half_millimetres_either_way() -> None:
    found = np.zeros((1, 1, 16), bool)
    found[..., 5:11] = True
    near = within_reach_of_surface(found, (9.0, 9.0, 0.5))
    assert np.flatnonzero(near).tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
    near = within_reach_of_surface(found, (9.0, 9.0, 1.0))
    assert np.flatnonzero(near).tolist() == [4, 5, 10, 11]
    assert not within_reach_of_surface(np.zeros((2, 2, 2), bool), (1.0,) * 3).any()


def test_a_step_always_shows_the_same_windows_and_another_step_others() -> None:
    windows = WallWindows([simple_case()], TINY)
    image, truth, asked = windows.batch(3)
    assert image.shape == (2, 3, 24, 40, 40)
    assert truth.shape == asked.shape == (2, 1, 24, 40, 40)
    torch.testing.assert_close(windows.batch(3), (image, truth, asked))
    assert not torch.equal(windows.batch(4)[0], image)


def test_image_truth_and_where_it_is_asked_are_turned_together() -> None:
    config = replace(TINY, contrast=0.0, noise=0.0)
    for step in range(8):
        image, truth, asked = WallWindows([simple_case()], config).batch(step)
        torch.testing.assert_close(image[:, 0], torch.where(truth[:, 0] > 0, 0.0, -1.125))
        assert ((image[:, 2] > 0) <= (truth[:, 0] > 0)).all()
        assert ((truth > 0) <= (asked > 0)).all()


def test_what_lies_where_the_network_is_not_asked_does_not_matter() -> None:
    trainer = WallTrainer(TINY, "cpu")
    image, truth, asked = WallWindows([simple_case()], TINY).batch(0)
    elsewhere = torch.where(asked > 0, truth, 1 - truth)
    assert trainer.loss(image, truth, asked)[1] == trainer.loss(image, elsewhere, asked)[1]


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(CompanionTrainingError, match="no windows"):
        WallWindows([simple_case(windows=0)], TINY)


def test_a_few_steps_teach_a_plain_wall() -> None:
    config = replace(TINY, total_steps=60, learning_rate=0.02, contrast=0.0, noise=0.0)
    windows, trainer = WallWindows([simple_case()], config), WallTrainer(config, "cpu")
    figures = [trainer.train_step(*windows.batch(step)) for step in range(config.total_steps)]
    assert figures[-1][1] > 0.9 > 0.7 > figures[0][1]


def test_a_run_that_was_interrupted_ends_with_the_same_weights(cases, tmp_path) -> None:
    whole = train_walls(cases, tmp_path / "whole", TINY, "cpu")
    trainer, windows = WallTrainer(TINY, "cpu"), WallWindows([simple_case()], TINY)
    for step in range(2):
        trainer.train_step(*windows.batch(step))
    (tmp_path / "parts").mkdir()
    save_checkpoint(tmp_path / "parts", trainer.state())
    resumed = train_walls(cases, tmp_path / "parts", TINY, "cpu")
    assert (whole.step, resumed.step) == (4, 4)
    torch.testing.assert_close(resumed.average.state_dict(), whole.average.state_dict(), rtol=0, atol=0)


def test_a_run_goes_on_from_a_given_network_of_the_same_shape_only(cases, tmp_path) -> None:
    start = WallNetwork(TINY.network)
    trainer = train_walls(cases, tmp_path / "run", TINY, "cpu", max_minutes=0, start=start)
    torch.testing.assert_close(trainer.average.state_dict(), start.state_dict(), rtol=0, atol=0)
    with pytest.raises(CompanionTrainingError, match=r"\(4, 8\)"):
        WallTrainer(TINY, "cpu", WallNetwork(WallConfig((4, 8))))


def test_the_command_makes_cases_trains_and_writes_the_model_with_its_walls(base_model, tmp_path, monkeypatch) -> None:
    made = []

    def make(seed, model, device):
        if seed == 25:
            raise NothingToRefineByError("no lumen", "some")
        made.append(seed)
        return simple_case()

    monkeypatch.setattr(training, "make_wall_case", make)
    run = ["--model", str(base_model), "--seeds", "24:26,30:31", "--output", str(tmp_path / "run"), "--steps", "1"]
    run += ["--model-id", "better", "--device", "cpu"]
    assert main(run) == 0
    model = load_bundle("better", [tmp_path / "run" / "model"])
    assert model.card.walls == model.walls.config == WallConfig()
    record = model.card.training["walls"]
    assert (record["steps"], record["seeds"], record["answers_of"]) == (1, [24, 30], "base")
    torch.testing.assert_close(model.network.state_dict(), load_bundle(base_model).network.state_dict())
    assert main(run) == 0
    assert made == [24, 30]


@pytest.mark.parametrize("name", ["borders", "context"])
def test_patients_that_another_network_of_the_model_has_learned_from_are_refused(name, tmp_path, capsys) -> None:
    card = ModelCard("base", "Base", training={"seeds": [12], name: {"seeds": [7, 20]}})
    base = save_bundle(CACNet(SMALL.network), card, tmp_path / "models").folder
    assert main(["--model", str(base), "--seeds", "7:12", "--output", str(tmp_path / "run")]) == 2
    assert "has learned from 1 of these patients, as from seed 7" in capsys.readouterr().err


def test_the_command_trains_a_wall_network_further(base_model, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(training, "make_wall_case", lambda *_: simple_case())
    companions = Companions(walls=WallNetwork())
    start = save_bundle(CACNet(SMALL.network), ModelCard("start", "Start"), tmp_path, companions).folder
    run = ["--model", str(base_model), "--seeds", "24:25", "--device", "cpu", "--max-minutes", "0", "--init"]
    assert main([*run, str(start), "--output", str(tmp_path / "run")]) == 0
    model = load_bundle(tmp_path / "run" / "model" / "base")
    torch.testing.assert_close(model.walls.state_dict(), load_bundle(start).walls.state_dict())
    assert model.card.training["walls"]["initialised_from"] == "start"
    assert main([*run, str(base_model), "--output", str(tmp_path / "other")]) == 2
    assert "has no wall network" in capsys.readouterr().err


def test_a_model_that_is_trained_further_keeps_its_wall_network_also_after_a_resume(tmp_path) -> None:
    companions = Companions(walls=WallNetwork(WallConfig((4, 8))))
    folder = save_bundle(CACNet(SMALL.network), ModelCard("base", "Base"), tmp_path, companions).folder
    started = Trainer(Run((), tmp_path / "run", SMALL, device="cpu", init=str(folder)))
    save_checkpoint(tmp_path, started.state())
    resumed = Trainer(Run((), tmp_path / "run", SMALL, device="cpu"))
    resumed.restore(load_checkpoint(tmp_path))
    for trainer in (started, resumed):
        kept = trainer.model().walls
        torch.testing.assert_close(kept.state_dict(), load_bundle(folder).walls.state_dict(), rtol=0, atol=0)


@pytest.mark.slow
def test_a_simulated_patient_becomes_a_case(base_model) -> None:
    from cacnet.inference import choose_device

    # An untrained network finds no lumen; that this is said shows that the patient went through the whole chain.
    with pytest.raises(NothingToRefineByError):
        make_wall_case(24, load_bundle(base_model), choose_device("cpu"))
