"""Training of the context network: what it is shown and asked, exact resume, and the model that comes out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from cacnet.heart_context import CoarseHeart, coarse_grid
from cacnet.heart_region import HeartRegion
from cacnet.network import BorderConfig, BorderNetwork, CACNet, Companions, ContextConfig, ContextNetwork
from cacnet.phantom.devices import Distractor
from cacnet.prepare import Prepared
from cacnet.training import context as training
from cacnet.training.checkpoint import load_checkpoint, save_checkpoint
from cacnet.training.companion import CompanionTrainingError
from cacnet.training.context import (
    ContextTrainer,
    ContextTrainingConfig,
    Hearts,
    main,
    target_and_weight,
    train_context,
)
from cacnet.training.context_cases import (
    ContextCase,
    ContextCaseError,
    case_of,
    read_context_case,
    write_context_case,
)
from cacnet.training.trainer import Run, Trainer
from cacnet.volume import Geometry, Volume
from cacnet.weights import ModelCard, load_bundle, save_bundle
from tube_cases import TINY as SMALL

TINY = ContextTrainingConfig(network=ContextConfig((8, 8, 8, 8)), total_steps=4, warmup_steps=1, crop_voxels=64)
AS_IT_IS = replace(
    TINY, zoom=0.0, stretch=0.0, rotation_deg=0.0, noise=0.0, reshade=0.0, hide_calcium=0.0, blood=0.0, away_voxels=0.0
)
SHAPE = (40, 40, 40)


def simple_case() -> ContextCase:
    """An artery along x that CAC-Net found, with a plaque, and a vein beside it that CAC-Net took for one, as it did
    with a spot of the annulus."""
    artery, vein, plaque, annulus = (np.zeros(SHAPE, bool) for _ in range(4))
    artery[10:14, 10:14] = True
    vein[26:30, 26:30] = True
    plaque[10:12, 10:12, 20:23] = True
    annulus[30:33, 30:33, 20:23] = True
    hu = np.full(SHAPE, -80, np.int16)
    hu[artery | vein] = 400
    hu[plaque | annulus] = 900
    return ContextCase(
        mean_hu=hu,
        highest_hu=hu + 40,
        coronary_probability=np.where(artery | vein, 255, 0).astype(np.uint8),
        calcium_probability=np.where(plaque | annulus, 255, 0).astype(np.uint8),
        coronary=artery,
        calcium=plaque,
        distractor=np.where(vein, Distractor.VEIN, np.where(annulus, Distractor.ANNULUS, 0)).astype(np.uint8),
    )


@pytest.fixture
def cases(tmp_path):
    path = tmp_path / "seed-000001.npz"
    write_context_case(path, simple_case())
    return [path]


def test_a_case_is_written_and_read(cases) -> None:
    stored = read_context_case(cases[0])
    for name, array in vars(simple_case()).items():
        np.testing.assert_array_equal(getattr(stored, name), array)
    assert stored.blood_hu == 400


def test_a_file_that_is_no_case_is_refused(tmp_path) -> None:
    path = tmp_path / "seed-000002.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(ContextCaseError, match="seed-000002.npz"):
        read_context_case(path)


def test_a_scan_becomes_a_case_whose_truth_is_that_of_any_voxel_in_a_block() -> None:
    grid = Geometry((2, 2, 4), (0.5, 0.5, 0.5))
    labels = np.zeros(grid.shape_zyx, np.uint8)
    labels[0, 0, 3] = 2

    class Scan:
        volume = Volume(np.zeros(grid.shape_zyx, np.int16), grid)
        coronary, calcium, distractor = labels, labels * 0, labels * 7

    heart = CoarseHeart(
        np.array([[[10.4, 20.6]]], np.float32),
        np.array([[[30, 40]]], np.int16),
        np.array([[[0.2, 1.0]]], np.float32),
        np.array([[[0.0, 0.6]]], np.float32),
        coarse_grid(grid),
    )
    region = HeartRegion((0.0, 0.0, 0.0), (2.0, 1.0, 1.0), found=True)
    case = case_of(Scan(), Prepared(labels.astype(np.int16), grid, region), heart)
    assert case.mean_hu.tolist() == [[[10, 21]]]
    assert case.highest_hu.tolist() == [[[30, 40]]]
    assert case.coronary_probability.tolist() == [[[51, 255]]]
    assert case.calcium_probability.tolist() == [[[0, 153]]]
    assert case.coronary.tolist() == [[[False, True]]]
    assert not case.calcium.any()
    assert case.distractor.tolist() == [[[0, 14]]]


def test_a_step_always_shows_the_same_part_of_a_heart_and_another_step_another() -> None:
    hearts = Hearts([simple_case()], TINY)
    batch = hearts.batch(3)
    assert [tuple(part.shape) for part in batch] == [(1, 4, 64, 64, 64)] * 3
    for one, again in zip(batch, hearts.batch(3), strict=True):
        assert torch.equal(one, again)
    assert not torch.equal(hearts.batch(4)[0], batch[0])


def test_ct_answers_and_truth_are_turned_together() -> None:
    turned = replace(AS_IT_IS, zoom=0.06, stretch=0.03, rotation_deg=20.0)
    for step in range(4):
        image, target, weight = Hearts([simple_case()], turned).batch(step)
        sure = image[0, 2] > 0.99
        assert sure.any()
        assert (image[0, 0][sure] > 0.4).all()  # blood, not fat
        is_artery = sure & (target[0, 0] > 0)
        is_vein = sure & (target[0, 1] > 0)
        assert torch.equal(is_artery, sure & ~is_vein)
        assert (weight[0, 0][sure] > 1).all()


def test_beyond_a_heart_there_is_air() -> None:
    image, target, _ = Hearts([simple_case()], replace(AS_IT_IS, crop_voxels=48)).batch(0)
    corner = image[0, :, 0, 0, 0].tolist()
    assert corner == [-2.0, -2.0, -1.0, -1.0]
    assert not target[0, :, 0, 0, 0].any()


def test_the_network_is_asked_most_about_what_cac_net_marked() -> None:
    """Along one row: an artery that was found and one that was not, nothing, a vein, calcium found in neither."""
    truth, answers = torch.zeros(4, 1, 1, 9), np.zeros((2, 1, 1, 9), np.float32)
    truth[0, 0, 0, :2] = 1.0
    truth[1, 0, 0, 6] = 1.0
    truth[3, 0, 0, 8] = 1.0
    answers[0, 0, 0, [0, 6]] = 0.9
    answers[1, 0, 0, 8] = 0.5
    target, weight = target_and_weight(answers, truth)
    assert target[0, 0, 0].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0]  # beside an artery counts as artery
    assert target[1, 0, 0].tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert not target[2].any()
    assert target[3, 0, 0].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 1]
    torch.testing.assert_close(weight[0, 0, 0], torch.tensor([1.02] + [0.02] * 5 + [1.02] + [0.02] * 2))
    torch.testing.assert_close(weight[2, 0, 0], torch.tensor([0.002] * 8 + [1.002]))
    torch.testing.assert_close(weight[3, 0, 0], torch.tensor([0.002] * 7 + [0.102, 1.102]))


def test_hearts_without_arteries_teach_nothing() -> None:
    empty = replace(simple_case(), coronary_probability=np.zeros(SHAPE, np.uint8))
    assert len(Hearts([empty, simple_case()], TINY).cases) == 1
    with pytest.raises(CompanionTrainingError, match="no hearts to learn from"):
        Hearts([empty], TINY)


def test_a_few_steps_teach_which_of_two_vessels_is_the_artery() -> None:
    config = replace(AS_IT_IS, total_steps=60, learning_rate=0.02, crop_voxels=48)
    hearts, trainer = Hearts([simple_case()], config), ContextTrainer(config, "cpu")
    figures = [trainer.train_step(*hearts.batch(step)) for step in range(config.total_steps)]
    assert figures[0][0] > 0.3 > 0.1 > figures[-1][0]
    assert len(figures[-1]) == 4


def test_a_run_that_was_interrupted_ends_with_the_same_weights(cases, tmp_path) -> None:
    whole = train_context(cases, tmp_path / "whole", TINY, "cpu")
    trainer, hearts = ContextTrainer(TINY, "cpu"), Hearts([simple_case()], TINY)
    for step in range(2):
        trainer.train_step(*hearts.batch(step))
    (tmp_path / "parts").mkdir()
    save_checkpoint(tmp_path / "parts", trainer.state())
    resumed = train_context(cases, tmp_path / "parts", TINY, "cpu")
    assert (whole.step, resumed.step) == (4, 4)
    torch.testing.assert_close(resumed.average.state_dict(), whole.average.state_dict(), rtol=0, atol=0)


def test_the_average_follows_the_statistics_of_the_normalisation(cases, tmp_path) -> None:
    average = train_context(cases, tmp_path, TINY, "cpu").average
    assert average.stem[0][1].running_mean.abs().sum() > 0


def test_the_command_makes_cases_trains_and_writes_the_model_with_its_context(tmp_path, monkeypatch) -> None:
    borders = BorderNetwork(BorderConfig((8, 8, 8)))
    base = save_bundle(
        CACNet(SMALL.network), ModelCard("base", "Base", training={"seeds": [12]}), tmp_path, Companions(borders)
    )
    made = []

    def make(seed, model, device):
        made.append(seed)
        return simple_case()

    monkeypatch.setattr(training, "make_context_case", make)
    run = ["--model", str(base.folder), "--seeds", "24:25", "--output", str(tmp_path / "run"), "--max-minutes", "0"]
    run += ["--model-id", "better", "--device", "cpu"]
    assert main(run) == 0
    model = load_bundle("better", [tmp_path / "run" / "model"])
    assert model.card.context == model.context.config == ContextConfig()
    record = model.card.training["context"]
    assert (record["steps"], record["seeds"], record["answers_of"]) == (0, [24], "base")
    before = load_bundle(base.folder)
    for name in ("network", "borders"):
        torch.testing.assert_close(getattr(model, name).state_dict(), getattr(before, name).state_dict())
    assert main(run) == 0
    assert made == [24]


def test_the_command_trains_a_context_network_further(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(training, "make_context_case", lambda *_: simple_case())
    torch.manual_seed(2)
    base = save_bundle(CACNet(SMALL.network), ModelCard("base", "Base"), tmp_path).folder
    start = save_bundle(
        CACNet(SMALL.network), ModelCard("start", "Start"), tmp_path, Companions(context=ContextNetwork())
    ).folder
    run = ["--model", str(base), "--seeds", "24:25", "--device", "cpu", "--max-minutes", "0", "--init"]
    assert main([*run, str(start), "--output", str(tmp_path / "run")]) == 0
    model = load_bundle(tmp_path / "run" / "model" / "base")
    torch.testing.assert_close(model.context.state_dict(), load_bundle(start).context.state_dict())
    assert model.card.training["context"]["initialised_from"] == "start"
    assert main([*run, str(base), "--output", str(tmp_path / "other")]) == 2
    assert "has no context network" in capsys.readouterr().err


def test_a_network_to_start_from_must_have_the_shape_of_the_new_one() -> None:
    with pytest.raises(CompanionTrainingError, match="a network to start from with"):
        ContextTrainer(TINY, "cpu", ContextNetwork())


def test_a_trained_network_to_start_from_stays_as_it_is() -> None:
    start = ContextNetwork(TINY.network)
    before = {name: value.clone() for name, value in start.state_dict().items()}
    ContextTrainer(TINY, "cpu", start).train_step(*Hearts([simple_case()], TINY).batch(0))
    torch.testing.assert_close(start.state_dict(), before, rtol=0, atol=0)


def test_a_stent_is_no_plaque_but_where_plaque_touches_it() -> None:
    case = simple_case()
    stented = case.distractor.copy()
    stented[10:14, 10:14, 22:32] = Distractor.STENT
    _, target, _ = Hearts([replace(case, distractor=stented)], AS_IT_IS).batch(0)
    plaque, other = target[0, 2], target[0, 3]
    assert plaque.any()
    assert other.any()
    assert not (plaque * other).any()
    without = Hearts([case], AS_IT_IS).batch(0)[1][0, 3]
    assert other.sum() > without.sum()


def test_patients_that_the_model_has_learned_from_are_refused(tmp_path, capsys) -> None:
    base = save_bundle(CACNet(SMALL.network), ModelCard("base", "Base", training={"seeds": [12]}), tmp_path).folder
    assert main(["--model", str(base), "--seeds", "12:13", "--output", str(tmp_path / "run")]) == 2
    assert "has learned from 1 of these patients, as from seed 12" in capsys.readouterr().err


def test_a_model_that_is_trained_further_keeps_its_context_network_also_after_a_resume(tmp_path) -> None:
    torch.manual_seed(2)
    context = ContextNetwork(ContextConfig((8, 8, 8, 8)))
    folder = save_bundle(CACNet(SMALL.network), ModelCard("base", "Base"), tmp_path, Companions(context=context)).folder
    started = Trainer(Run((), tmp_path / "run", SMALL, device="cpu", init=str(folder)))
    save_checkpoint(tmp_path, started.state())
    resumed = Trainer(Run((), tmp_path / "run", SMALL, device="cpu"))
    resumed.restore(load_checkpoint(tmp_path))
    for trainer in (started, resumed):
        kept = trainer.model().context
        torch.testing.assert_close(kept.state_dict(), load_bundle(folder).context.state_dict(), rtol=0, atol=0)
