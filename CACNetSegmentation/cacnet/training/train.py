"""The training loop. `cacnet train CONFIG --cases DIR --output RUN_DIR`, or `--preset bundled --simulate 0:100`

A run is a folder: config.json, sources.json (where its cases come from), curve.csv (losses), validation.csv,
curves.png, checkpoint.pt, mined/, cases/ (what was simulated), and in the end model/<id>. It may be killed at any time;
`--resume` goes on from the last checkpoint, with the patches that would have come next where its cases are the same.
`torchrun --nproc-per-node N -m cacnet.training.train …` with the same options trains on N GPUs.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from cacnet.errors import CacnetError, Cancelled
from cacnet.files import writing_to
from cacnet.freed_memory import keep_freed_memory
from cacnet.pipeline import DEFAULT_MODEL
from cacnet.plain_json import parse_json
from cacnet.progress import Progress, silent
from cacnet.training.cases import list_cases
from cacnet.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from cacnet.training.configuration import (
    PRESETS,
    TrainingConfig,
    TrainingConfigError,
    config_from,
    config_record,
    load_config,
)
from cacnet.training.curves import (
    CURVE_COLUMNS,
    CURVE_FILE,
    VALIDATION_FILE,
    append_row,
    draw_curves,
    keep_rows,
    write_text,
)
from cacnet.training.feed import PatchFeed
from cacnet.training.make_cases import parse_seeds
from cacnet.training.mining import forget_mined_after, mine, store_mined
from cacnet.training.parallel import ALONE, Processes, joined_processes
from cacnet.training.sampling import require_cases
from cacnet.training.simulators import Simulators, simulating, wait_for_first_cases
from cacnet.training.stopwatch import Stopwatch, plan
from cacnet.training.trainer import Run, Trainer
from cacnet.training.validation import ValidationScores, validate
from cacnet.weights import ModelBundle, load_bundle, save_bundle

STAGE = "train"
MINED_FOLDER, MODEL_FOLDER = "mined", "model"
SOURCES_FILE = "sources.json"
DEFAULT_SEEDS = "0:100"
"""Patients that are simulated where no cases are given; those from 9000 on are kept for evaluation."""

BUNDLED, MODEL_ID = "bundled", "cacnet-clinic"
"""What stands for the default model on the command line; the id of a model that was trained further."""

OnStep = Callable[[int, int, float], None]
"""Is told a step's number, the number of steps in all, and the step's loss."""

logger = logging.getLogger(__name__)


def train(
    run: Run,
    resume: bool = False,
    processes: Processes = ALONE,
    progress: Progress = silent,
    on_step: OnStep | None = None,
) -> ModelBundle | None:
    """Train until `total_steps` or `max_minutes`, then export; see the module docstring.

    None in all processes but the first. Raises CaseError, CheckpointError, TrainingConfigError, TrainingDivergedError,
    what `load_bundle` raises for `init`, and Cancelled where `progress` does, after saving what was learned.
    """
    state = _stored_state(run, resume)
    seeds = run.simulate if processes.is_first and run.simulate is not None else ()
    with simulating(seeds, run.simulated_cases, run.simulators) if seeds else nullcontext(Simulators()) as simulators:
        wait_for_first_cases(run.all_cases, simulators)
        processes.wait()
        trainer = _start(run, state, processes)
        try:
            _train(trainer, simulators, progress, on_step)
        except Cancelled:
            save_checkpoint(run.output, trainer.state())
            raise
    if not processes.is_first:
        return None
    save_checkpoint(run.output, trainer.state())
    if trainer.step % run.config.validate_steps:
        _validate(run, trainer)
        save_checkpoint(run.output, trainer.state())  # with the scores
    return export(trainer)


def _train(
    trainer: Trainer, simulators: Simulators, progress: Progress = silent, on_step: OnStep | None = None
) -> None:
    """The loop: steps, and in between what the first process logs, validates, mines and saves."""
    run, config, processes = trainer.run, trainer.config, trainer.processes
    mined, pin = run.output / MINED_FOLDER, trainer.device.name == "cuda"
    if processes.is_first and config.mine_at_start and trainer.step == 0:
        for case in run.list_cases():
            _mine(run, trainer, case)
    processes.wait()
    feed = PatchFeed(run.all_cases, config, mined, trainer.step, processes, pin)
    watch = Stopwatch(trainer, feed, simulators)
    for image, target in feed:
        parts = trainer.train_step(image, target)
        watch.count(parts)
        if processes.is_first:
            if on_step is not None:
                on_step(trainer.step, config.total_steps, float(parts.total))
            progress(STAGE, max(trainer.step / config.total_steps, _share_of_time(watch.elapsed_s, run.max_minutes)))
            if trainer.step % config.validate_steps == 0:
                _validate(run, trainer)
                watch.pause()
            if config.mine_steps and trainer.step % config.mine_steps == 0:
                cases = run.list_cases()
                _mine(run, trainer, cases[trainer.step // config.mine_steps % len(cases)])
                watch.pause()
            if watch.unsaved_s > 60 * config.checkpoint_minutes:
                save_checkpoint(run.output, trainer.state())
                watch.saved()
        if processes.agree(watch.elapsed_s > 60 * run.max_minutes, trainer.device.name):
            logger.info("stopping at step %d: %.0f minutes are over", trainer.step, run.max_minutes)
            break


def export(trainer: Trainer) -> ModelBundle:
    """Write the running average as a model bundle to model/ in the run's folder."""
    model = trainer.model()
    bundle = save_bundle(model.network, model.card, trainer.run.output / MODEL_FOLDER, model.companions)
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


def _stored_state(run: Run, resume: bool) -> dict[str, Any] | None:
    state = load_checkpoint(run.output)
    if state is not None and not resume:
        raise CheckpointError(
            f"'{run.output}' already holds a run", "an empty folder", "Add --resume to go on with it, or choose another"
        )
    return state


def _start(run: Run, state: dict[str, Any] | None, processes: Processes) -> Trainer:
    require_cases(run.all_cases, [list_cases(folder) for folder in run.all_cases], run.config.sampling.mix)
    trainer = Trainer(run, processes)
    if state is not None:
        trainer.restore(state)
    if processes.is_first:
        with writing_to(run.output):
            run.output.mkdir(parents=True, exist_ok=True)
        write_text(run.output / SOURCES_FILE, json.dumps(run.sources(), indent=2) + "\n")
        write_text(run.output / "config.json", json.dumps(config_record(run.config), indent=2) + "\n")
        keep_rows(run.output / CURVE_FILE, CURVE_COLUMNS, trainer.step)
        keep_rows(run.output / VALIDATION_FILE, ("step", *ValidationScores.names()), trainer.step)
        forget_mined_after(run.output / MINED_FOLDER, trainer.step)
    processes.wait()
    logger.info("%s", plan(trainer, resumed=state is not None))
    return trainer


def _share_of_time(elapsed_s: float, max_minutes: float) -> float:
    """How much of the time allowed is over, 0 to 1."""
    return min(1.0, elapsed_s / (60 * max_minutes)) if max_minutes > 0 else 1.0


def _validate(run: Run, trainer: Trainer) -> None:
    cases = list_cases(run.validation)[: run.config.validation_cases] if run.validation else ()
    if not cases:
        return
    scores = validate(trainer.model(), cases, trainer.device)
    trainer.last_scores = scores
    append_row(run.output / VALIDATION_FILE, (trainer.step, *vars(scores).values()))
    draw_curves(run.output)
    logger.info(
        "step %d: calcium Dice %.3f, coronary Dice %.3f, %d of %d lesions found, %d false positives",
        trainer.step,
        scores.calcium_dice,
        scores.coronary_dice,
        scores.lesions_found,
        scores.lesions,
        scores.false_positives,
    )


def _mine(run: Run, trainer: Trainer, case: Path) -> None:
    positions = mine(trainer.model(), case, trainer.device)
    store_mined(run.output / MINED_FOLDER, case.name, trainer.step, positions)
    logger.info("step %d: %d false positives in the training case %s", trainer.step, len(positions), case.name)


def _config_for(arguments: argparse.Namespace) -> TrainingConfig:
    stored = arguments.output / "config.json"
    if arguments.config is not None:
        config = load_config(arguments.config)
    elif arguments.preset is not None or not (arguments.resume or arguments.export_only) or not stored.is_file():
        config = PRESETS[arguments.preset or ("clinic" if arguments.data else "bundled")]
    else:
        try:
            config = config_from(parse_json(stored.read_text("utf-8")))
        except ValueError as error:
            raise TrainingConfigError(f"{stored.name} is not JSON ({error})", "a stored configuration") from error
    init = _init(arguments)
    if init is not None:
        config = replace(config, network=load_bundle(init).card.network)
    given = {name: getattr(arguments, name) for name in ("total_steps", "workers", "seed")}
    return replace(config, **{name: value for name, value in given.items() if value is not None})


def _init(arguments: argparse.Namespace) -> str | None:
    """The model to start from; further training starts from the bundled one by default."""
    name = arguments.init or (BUNDLED if arguments.data else None)
    return DEFAULT_MODEL if name == BUNDLED else name


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    from cacnet.training.clinic_command import add_fine_tuning

    parser = argparse.ArgumentParser("cacnet train", description="Train CAC-Net. Research use only.")
    parser.add_argument("config", type=Path, nargs="?", metavar="CONFIG", help="JSON or TOML: changes to a preset")
    parser.add_argument("--preset", choices=sorted(PRESETS), help="default: bundled")
    parser.add_argument(
        "--cases", type=Path, action="append", default=[], metavar="DIR", help="training cases; may still be growing"
    )
    parser.add_argument(
        "--simulate",
        metavar="A:B",
        help=f"seeds of cases to simulate meanwhile, B excluded; {DEFAULT_SEEDS} where no cases are given",
    )
    parser.add_argument("--simulators", type=int, metavar="N", help="processes that simulate (each needs about 2 GB)")
    parser.add_argument("--output", type=Path, default=Path("cacnet-run"), help="the run's folder, 'cacnet-run'")
    parser.add_argument("--validation-cases", type=Path, metavar="DIR", help="held-out cases")
    parser.add_argument("--init", metavar="MODEL", help="id or folder of a model to start from, or 'bundled'")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint, if there is one")
    parser.add_argument("--export-only", action="store_true", help="write the bundle of the last checkpoint and stop")
    parser.add_argument("--model-id", help="id of the exported bundle, 'cacnet' or 'cacnet-clinic' by default")
    parser.add_argument(
        "--max-minutes",
        type=float,
        default=math.inf,
        metavar="N",
        help="stop after so long and export what was learned",
    )
    parser.add_argument(
        "--total-steps", type=int, metavar="N", help="how many steps, over which the learning rate falls"
    )
    parser.add_argument("--workers", type=int, help="processes that prepare patches, for each GPU")
    parser.add_argument("--seed", type=int, metavar="N", help="of patches and of new weights")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps; auto takes the fastest there is")
    parser.add_argument("--threads", type=int, help="CPU threads for the network")
    add_fine_tuning(parser)
    return parser.parse_args(argv)


def _run_for(arguments: argparse.Namespace) -> Run:
    config = _config_for(arguments)
    sources = _sources(arguments)
    spare = (os.cpu_count() or 1) - 1 - config.workers
    return Run(
        cases=tuple(map(Path, sources["cases"])),
        output=arguments.output,
        config=config,
        validation=Path(sources["validation"]) if sources["validation"] else None,
        max_minutes=arguments.max_minutes,
        device=arguments.device,
        init=_init(arguments),
        model_id=arguments.model_id or (MODEL_ID if arguments.data else "cacnet"),
        simulate=parse_seeds(sources["simulate"]) if sources["simulate"] else None,
        simulators=arguments.simulators or max(1, spare),
    )


def _sources(arguments: argparse.Namespace) -> dict[str, Any]:
    """Where cases come from, as `Run.sources`: what is given, else what the run that goes on had, else simulation."""
    given = {
        "cases": arguments.cases,
        "simulate": arguments.simulate,
        "validation": arguments.validation_cases,
    }
    if arguments.data:  # the reviewed cases themselves are added by `fine_tune`
        simulated = None if arguments.no_simulation or arguments.cases else DEFAULT_SEEDS
        return {**given, "simulate": arguments.simulate or simulated}
    if arguments.cases or arguments.simulate:
        return given
    stored = arguments.output / SOURCES_FILE
    if (arguments.resume or arguments.export_only) and stored.is_file():
        try:
            before = parse_json(stored.read_text("utf-8"))
            return {name: value or before[name] for name, value in given.items()}
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingConfigError(f"{stored.name} cannot be read ({error})", "what a run stored") from error
    return {**given, "simulate": DEFAULT_SEEDS}


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code, 2 for a readable error, 130 interrupted."""
    from cacnet.training.clinic_command import run_fine_tuning

    keep_freed_memory()
    arguments = _arguments(argv)
    try:
        if arguments.threads:
            torch.set_num_threads(arguments.threads)
        with joined_processes(arguments.device) as processes:
            level = logging.INFO if processes.is_first else logging.ERROR
            logging.basicConfig(level=level, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
            if arguments.export_only:
                export_checkpoint(_run_for(arguments))
            elif arguments.data:
                run_fine_tuning(arguments, _run_for(arguments), processes)
            else:
                train(_run_for(arguments), arguments.resume, processes)
    except CacnetError as error:
        logger.error("%s", error)
        return error.exit_code
    except KeyboardInterrupt:
        logger.error("interrupted; --resume goes on from the last checkpoint")
        return Cancelled.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
