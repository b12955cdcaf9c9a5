"""Further training of a model on a clinic's own reviewed cases: `cacnet train --data EXPORTS --init bundled`.

Reviewed cases are mixed with simulated ones; some are held out, on which the model before and after is compared. The
new model goes to the user's models unless it would replace a better one.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import torch

from cacnet import installed_models
from cacnet.errors import CacnetError
from cacnet.inference import Device
from cacnet.model_folders import BUNDLED_MODELS, user_models
from cacnet.network.configuration import CHANNELS
from cacnet.pipeline import DEFAULT_MODEL
from cacnet.progress import Progress, silent
from cacnet.report import counted
from cacnet.training.cases import list_cases
from cacnet.training.clinic_data import HELD_OUT_SHARE, ClinicData, prepare_data
from cacnet.training.configuration import TrainingConfig
from cacnet.training.held_out import HeldOut, compare
from cacnet.training.train import MODEL_FOLDER, OnStep, train
from cacnet.training.trainer import Run, Trainer, training_device
from cacnet.weights import CARD_FILE, LoadedModel, ModelBundle, load_bundle, save_bundle

REAL_SHARE = 0.5
MEASURED_STEPS = 2
SEEN = "case_ids"
"""Entry of a card's training record: pseudonyms of the reviewed cases that the model has learned from."""

logger = logging.getLogger(__name__)


class WorseModelError(CacnetError):
    """The new model would replace one that is better on the held-out cases, or that cannot be compared with it."""


@dataclass(frozen=True)
class FineTuning:
    """What is asked for.

    Attributes:
        data: data sets of reviewed cases.
        run: where and how to train; its `cases` and `simulate` are what the reviewed cases are mixed with, its `init`
            the model to start from (None: the bundled one), its `output` a folder for the run.
        held_out_share: share of the reviewed cases that is held out.
        real_share: how often a patch comes from a reviewed case, where there are simulated ones, too.
        any_state: learn from cases that nobody has approved, too.
        models: folder that the model is installed in; None for the user's.
        force: replace an installed model of the same id even where it is better.
    """

    data: tuple[Path, ...]
    run: Run
    held_out_share: float = HELD_OUT_SHARE
    real_share: float = REAL_SHARE
    any_state: bool = False
    models: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class FineTuned:
    """What came of it.

    Attributes:
        bundle: the new model, in the run's folder.
        installed: its folder among the user's models.
        held_out: before and after; None where no case was held out.
    """

    bundle: ModelBundle
    installed: Path
    held_out: HeldOut | None
    data: ClinicData


def fine_tune(
    request: FineTuning, resume: bool = False, progress: Progress = silent, on_step: OnStep | None = None
) -> FineTuned:
    """Train further, compare, install.

    `progress` is told of the stages 'prepare the cases', 'simulate', 'train' and 'compare'; `on_step` as `train` says.

    Raises:
        ModelExistsError: the new id is that of a model that comes with the extension.
        WorseModelError: see the class; the new model stays in the run's folder.
        Further CacnetErrors of the data, the model to start from, and training.
    """
    models = request.models or user_models()
    start = load_bundle(request.run.init or DEFAULT_MODEL)
    _require_own_id(request.run.model_id)
    data = prepare_data(
        request.data,
        request.run.output,
        request.held_out_share,
        request.any_state,
        start.card.training.get(SEEN, ()),
        progress,
    )
    run = _mixed(request, data)
    _say_plan(run, data)
    if run.simulate is not None:
        progress("simulate", 0.0)
    train(run, resume, progress=progress, on_step=on_step)
    trained = _trained(run.output / MODEL_FOLDER / run.model_id, start)
    device = training_device(run.device, run.config.precision)
    held_out = None
    if data.held_out_ids:
        held_out = compare(start, trained, list_cases(data.held_out), device, progress)
    bundle = _with_card(trained, start, data, held_out, run)
    if not request.force:
        _require_better(bundle, models, data, device)
    installed_models.install(bundle.folder, models)
    return FineTuned(bundle, models / run.model_id, held_out, data)


def seconds_per_step(config: TrainingConfig, device: str) -> float:
    """How long a step takes here, without reading patches; measured with a network that is thrown away."""
    trainer = Trainer(Run((), Path(), config, device=device))
    edge, classes = config.patch_voxels, len(CHANNELS[: config.network.classes])
    image = torch.randn(config.batch, 1, edge, edge, edge)
    target = (image > 2).to(torch.uint8).repeat(1, classes, 1, 1, 1)
    trainer.train_step(image, target)
    started = time.perf_counter()
    for _ in range(MEASURED_STEPS):
        trainer.train_step(image, target)
    return (time.perf_counter() - started) / MEASURED_STEPS


def _require_own_id(model_id: str) -> None:
    if (BUNDLED_MODELS / model_id / CARD_FILE).is_file():
        raise installed_models.ModelExistsError(
            f"a model '{model_id}' comes with the extension", "another id", "Choose another name"
        )


def _mixed(request: FineTuning, data: ClinicData) -> Run:
    """The run with reviewed cases first, and with their share where nothing else was asked for."""
    run = replace(request.run, cases=(data.training, *request.run.cases), init=request.run.init or DEFAULT_MODEL)
    if data.held_out_ids:
        run = replace(run, validation=run.validation or data.held_out)
    others = len(run.all_cases) - 1
    if run.config.sampling.mix or not others:
        return run
    mix = (request.real_share, *[(1 - request.real_share) / others] * others)
    return replace(run, config=replace(run.config, sampling=replace(run.config.sampling, mix=mix)))


def _say_plan(run: Run, data: ClinicData) -> None:
    for sentence in data.sentences:
        logger.warning("%s", sentence)
    logger.info(
        "%s to learn from, %s held out: %s",
        counted(len(data.training_ids), "reviewed case"),
        len(data.held_out_ids),
        ", ".join(data.held_out_ids) or "accuracy will not be measured",
    )
    device = training_device(run.device, run.config.precision)
    seconds = seconds_per_step(run.config, run.device)
    logger.info(
        "%d steps on %s, about %s (%.2f s a step, measured now; validation comes on top)",
        run.config.total_steps,
        device.description,
        timedelta(seconds=round(seconds * run.config.total_steps)),
        seconds,
    )


def _trained(folder: Path, start: LoadedModel) -> LoadedModel:
    """The new model, which goes on answering in tiles as large as before even if it was trained on smaller patches."""
    model = load_bundle(folder)
    tile = max(model.card.input.tile_voxels, start.card.input.tile_voxels)
    return replace(model, card=replace(model.card, input=replace(model.card.input, tile_voxels=tile)))


def _with_card(
    trained: LoadedModel, start: LoadedModel, data: ClinicData, held_out: HeldOut | None, run: Run
) -> ModelBundle:
    """The bundle in the run's folder with a card that says what it learned from and what that gained."""
    card = trained.card
    seen = sorted({*start.card.training.get(SEEN, ()), *data.training_ids})
    accuracy = {**card.accuracy, **({"held_out": held_out.record()} if held_out else {})}
    record = {**card.training, "reviewed_cases": len(seen), SEEN: seen, "held_out_ids": list(data.held_out_ids)}
    changed = replace(
        card,
        name=f"CAC-Net, {start.card.id} trained further on {counted(len(seen), 'reviewed case')}",
        training=record,
        accuracy=accuracy,
        statement=_statement(len(seen)),
    )
    return save_bundle(trained.network, changed, run.output / MODEL_FOLDER, trained.companions)


def _statement(cases: int) -> str:
    return (
        f"Trained on simulated CCTA and on {counted(cases, 'reviewed case')} of its user. "
        "Research use only, not for diagnosis."
    )


def _require_better(bundle: ModelBundle, models: Path, data: ClinicData, device: Device) -> None:
    new = load_bundle(bundle.folder)
    card = new.card
    if not (models / card.id / CARD_FILE).is_file():
        return
    way_out = f"The new one is in '{bundle.folder}'; install it under another id, or replace the old one all the same"
    if not data.held_out_ids:
        raise WorseModelError(f"there is a model '{card.id}', and no case is held out to compare it on", "", way_out)
    compared = compare(load_bundle(models / card.id), new, list_cases(data.held_out), device)
    old_dice, new_dice = compared.calcium_dice
    if math.isnan(old_dice + new_dice):
        raise WorseModelError(
            f"there is a model '{card.id}', and no held-out case has calcium to compare it on", "", way_out
        )
    if new_dice < old_dice:
        raise WorseModelError(
            f"the installed model '{card.id}' has a calcium Dice of {old_dice:.3f} on the held-out cases, the new one "
            f"{new_dice:.3f}",
            "one that is at least as good",
            way_out,
        )
