"""The training loop. `python -m cacnet.training.train --cases DIR --output RUN_DIR --preset bundled --max-minutes 60`

A run is a folder: config.json, curve.csv (losses), validation.csv, checkpoint.pt, mined/, and in the end model/<id>.
It may be killed at any time; `--resume` goes on from the last checkpoint with the patches that would have come next.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from cacnet.errors import CacnetError
from cacnet.network import LossParts
from cacnet.training.cases import CaseError, list_cases
from cacnet.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from cacnet.training.configuration import (
    PRESETS,
    TrainingConfig,
    TrainingConfigError,
    config_from,
    config_record,
    load_config,
)
from cacnet.training.curves import CURVE_COLUMNS, append_row, keep_rows, write_text
from cacnet.training.mining import forget_mined_after, mine, store_mined
from cacnet.training.sampling import PatchDataset
from cacnet.training.trainer import Run, Trainer
from cacnet.training.validation import ValidationScores, validate
from cacnet.weights import ModelBundle, load_bundle, save_bundle

MINED_FOLDER = "mined"

logger = logging.getLogger(__name__)


def train(run: Run, resume: bool = False) -> ModelBundle:
    """Train until `total_steps` or `max_minutes`, then export; see the module docstring.

    Raises CaseError, CheckpointError, TrainingDivergedError, and what `load_bundle` raises for `init`.
    """
    trainer = _start(run, resume)
    config = run.config
    started, last_checkpoint, since_log = time.monotonic(), time.monotonic(), time.monotonic()
    seconds_before = trainer.seconds
    for image, target in _batches(run, trainer.step):
        parts = trainer.train_step(image, target)
        now = time.monotonic()
        trainer.seconds = seconds_before + now - started
        if trainer.step % config.log_steps == 0:
            _log(run, trainer, parts, (now - since_log) / config.log_steps, now - started)
            since_log = time.monotonic()
        if trainer.step % config.validate_steps == 0:
            _validate(run, trainer)
            since_log = time.monotonic()
        if config.mine_steps and trainer.step % config.mine_steps == 0:
            _mine(run, trainer)
            since_log = time.monotonic()
        if now - last_checkpoint > 60 * config.checkpoint_minutes:
            save_checkpoint(run.output, trainer.state())
            last_checkpoint = time.monotonic()
        if now - started > 60 * run.max_minutes:
            logger.info("stopping at step %d: %.0f minutes are over", trainer.step, run.max_minutes)
            break
    save_checkpoint(run.output, trainer.state())
    if trainer.step % config.validate_steps:
        _validate(run, trainer)
        save_checkpoint(run.output, trainer.state())  # with the scores
    return export(trainer)


def export(trainer: Trainer) -> ModelBundle:
    """Write the running average as a model bundle to model/ in the run's folder."""
    model = trainer.model()
    bundle = save_bundle(model.network, model.card, trainer.run.output / "model")
    logger.info("wrote %s", bundle.folder)
    return bundle


def export_checkpoint(run: Run) -> ModelBundle:
    """Export what the last checkpoint of a run holds; raises CheckpointError where there is none."""
    state = load_checkpoint(run.output)
    if state is None:
        raise CheckpointError(f"no checkpoint in '{run.output}'", "the folder of a training run")
    trainer = Trainer(run)
    trainer.restore(state)
    return export(trainer)


def _start(run: Run, resume: bool) -> Trainer:
    if not list_cases(run.cases):
        raise CaseError(f"no case in '{run.cases}'", "folders made by cacnet.training.make_cases")
    state = load_checkpoint(run.output)
    if state is not None and not resume:
        raise CheckpointError(
            f"'{run.output}' already holds a run", "an empty folder", "Add --resume to go on with it, or choose another"
        )
    trainer = Trainer(run)
    run.output.mkdir(parents=True, exist_ok=True)
    write_text(run.output / "config.json", json.dumps(config_record(run.config), indent=2) + "\n")
    if state is not None:
        trainer.restore(state)
    for name, columns in (("curve.csv", CURVE_COLUMNS), ("validation.csv", ("step", *ValidationScores.names()))):
        keep_rows(run.output / name, columns, trainer.step)
    forget_mined_after(run.output / MINED_FOLDER, trainer.step)
    logger.info(
        "%s at step %d of %d on %s; %d cases, %d parameters",
        "resuming" if state else "starting",
        trainer.step,
        run.config.total_steps,
        trainer.device.description,
        len(list_cases(run.cases)),
        trainer.network.parameter_count,
    )
    return trainer


def _batches(run: Run, first_step: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    config = run.config
    loader = DataLoader(
        PatchDataset(run.cases, config, run.output / MINED_FOLDER),
        batch_size=config.batch,
        sampler=range(first_step * config.batch, config.total_steps * config.batch),
        num_workers=config.workers,
        prefetch_factor=4 if config.workers else None,
    )
    return iter(loader)


def _validate(run: Run, trainer: Trainer) -> None:
    cases = list_cases(run.validation)[: run.config.validation_cases] if run.validation else ()
    if not cases:
        return
    scores = validate(trainer.model(), cases, trainer.device)
    trainer.last_scores = scores
    append_row(run.output / "validation.csv", (trainer.step, *vars(scores).values()))
    logger.info(
        "step %d: calcium Dice %.3f, coronary Dice %.3f, %d of %d lesions found, %d false positives",
        trainer.step,
        scores.calcium_dice,
        scores.coronary_dice,
        scores.lesions_found,
        scores.lesions,
        scores.false_positives,
    )


def _mine(run: Run, trainer: Trainer) -> None:
    cases = list_cases(run.cases)
    case = cases[trainer.step // run.config.mine_steps % len(cases)]
    positions = mine(trainer.model(), case, trainer.device)
    store_mined(run.output / MINED_FOLDER, case.name, trainer.step, positions)
    logger.info("step %d: %d false positives in the training case %s", trainer.step, len(positions), case.name)


def _log(run: Run, trainer: Trainer, parts: LossParts, seconds_per_step: float, elapsed: float) -> None:
    losses = [round(float(part), 5) for part in (parts.total, parts.cross_entropy, parts.dice, parts.geometric_prior)]
    row = (trainer.step, *losses, f"{trainer.learning_rate:.3g}", round(seconds_per_step, 3))
    append_row(run.output / "curve.csv", row)
    left = min((run.config.total_steps - trainer.step) * seconds_per_step, 60 * run.max_minutes - elapsed)
    logger.info(
        "step %d of %d, loss %.3f (CE %.3f, Dice %.3f, GP %.3f), rate %.2g, %.2f s a step, %s left",
        trainer.step,
        run.config.total_steps,
        *losses,
        trainer.learning_rate,
        seconds_per_step,
        timedelta(seconds=round(max(0.0, left))),
    )


def _config_for(arguments: argparse.Namespace) -> TrainingConfig:
    stored = arguments.output / "config.json"
    if arguments.config is not None:
        config = load_config(arguments.config)
    elif arguments.preset is not None or not (arguments.resume or arguments.export_only) or not stored.is_file():
        config = PRESETS[arguments.preset or "bundled"]
    else:
        try:
            config = config_from(json.loads(stored.read_text("utf-8")))
        except ValueError as error:
            raise TrainingConfigError(f"{stored.name} is not JSON ({error})", "a stored configuration") from error
    if arguments.init is not None:
        config = replace(config, network=load_bundle(arguments.init).card.network)
    given = {name: getattr(arguments, name) for name in ("total_steps", "workers", "seed")}
    return replace(config, **{name: value for name, value in given.items() if value is not None})


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("cacnet.training.train", description="Train CAC-Net. Research use only.")
    parser.add_argument("--cases", type=Path, required=True, help="folder of training cases; may still be growing")
    parser.add_argument("--output", type=Path, required=True, help="the run's folder")
    parser.add_argument("--validation-cases", type=Path, help="folder of held-out cases")
    parser.add_argument("--preset", choices=sorted(PRESETS), help="default: bundled")
    parser.add_argument("config", type=Path, nargs="?", metavar="CONFIG", help="JSON or TOML: changes to a preset")
    parser.add_argument("--max-minutes", type=float, default=math.inf)
    parser.add_argument("--total-steps", type=int, help="length of the learning-rate schedule")
    parser.add_argument("--workers", type=int, help="processes that prepare patches")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--threads", type=int, help="CPU threads for the network")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--init", help="id or folder of a model to start from")
    parser.add_argument("--model-id", default="cacnet", help="id of the exported bundle")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint, if there is one")
    parser.add_argument("--export-only", action="store_true", help="write the bundle of the last checkpoint and stop")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code, 2 for a readable error."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    arguments = _arguments(argv)
    try:
        if arguments.threads:
            torch.set_num_threads(arguments.threads)
        run = Run(
            cases=arguments.cases,
            output=arguments.output,
            config=_config_for(arguments),
            validation=arguments.validation_cases,
            max_minutes=arguments.max_minutes,
            device=arguments.device,
            init=arguments.init,
            model_id=arguments.model_id,
        )
        if arguments.export_only:
            export_checkpoint(run)
        else:
            train(run, resume=arguments.resume)
    except CacnetError as error:
        logger.error("%s", error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
