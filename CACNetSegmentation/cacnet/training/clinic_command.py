"""The part of `cacnet train` that trains a model further on a user's own reviewed cases."""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from cacnet.errors import CacnetError
from cacnet.progress import Progress
from cacnet.training.clinic_data import HELD_OUT_SHARE
from cacnet.training.fine_tune import REAL_SHARE, FineTuned, FineTuning, fine_tune, seconds_per_step
from cacnet.training.parallel import ALONE, Processes
from cacnet.training.train import OnStep
from cacnet.training.trainer import Run, training_device
from cacnet.worker import Events, Lifeline

LEAST_FRACTION = 0.01
"""Before, the time that is left cannot be told."""
PATIENCE_S = 8.0
"""How long a cancelled training may take to finish its step and to save what was learned."""
AVERAGED_STEPS = 20
"""The loss of a single step says little; the mean of so many is told."""


class SeveralProcessesError(CacnetError):
    """Further training was started in several processes."""


def add_fine_tuning(parser: argparse.ArgumentParser) -> None:
    """Add the options to the trainer's parser."""
    group = parser.add_argument_group("further training on reviewed cases")
    group.add_argument(
        "--data",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="your reviewed cases, as 'cacnet export' writes them, or another labelled data set; may be given again. "
        "Training goes on from the bundled model, or from --init, with the preset 'clinic'",
    )
    group.add_argument(
        "--no-simulation", action="store_true", help="learn from the reviewed cases alone, without simulated patients"
    )
    group.add_argument(
        "--real-share",
        type=float,
        default=REAL_SHARE,
        metavar="SHARE",
        help="how often a patch comes from a reviewed case where there are simulated ones too, %(default)s by default",
    )
    group.add_argument(
        "--held-out",
        type=float,
        default=HELD_OUT_SHARE,
        metavar="SHARE",
        help="of the reviewed cases, kept out of training to compare the model before and after on; %(default)s by "
        "default. Which ones depends on their ids alone, so it stays so when cases are added",
    )
    group.add_argument("--any-state", action="store_true", help="include cases nobody has approved")
    group.add_argument("--models", type=Path, metavar="DIR", help="where to install the model; your models by default")
    group.add_argument(
        "--force", action="store_true", help="replace an installed model all the same, even where it is better"
    )
    group.add_argument("--plan", action="store_true", help="only say on which device and how fast, and stop")
    group.add_argument("--events", action="store_true", help="one JSON line per event, for a parent process")


def run_fine_tuning(arguments: argparse.Namespace, run: Run, processes: Processes = ALONE) -> None:
    """Train further and say what came of it.

    Raises:
        SeveralProcessesError: under torchrun; few steps on few cases gain nothing from several GPUs.
        CacnetError: as `fine_tune`.
    """
    if processes.count > 1:
        raise SeveralProcessesError(f"{processes.count} processes", "one", "Run 'cacnet train' without torchrun")
    request = FineTuning(
        data=tuple(arguments.data),
        run=run,
        held_out_share=arguments.held_out,
        real_share=arguments.real_share,
        any_state=arguments.any_state,
        models=arguments.models,
        force=arguments.force,
    )
    if not arguments.events:
        if arguments.plan:
            sys.stdout.write(_plan_text(_plan(run)))
        else:
            _say(fine_tune(request, arguments.resume))
        return
    events, lifeline = Events(sys.stdout), Lifeline(PATIENCE_S)
    lifeline.watch()
    try:
        if arguments.plan:
            events.send("answer", content=_plan(run))
            return
        progress = progress_events(events, lifeline)
        tuned = fine_tune(request, arguments.resume, progress, step_events(events))
    except CacnetError as error:
        events.error(error)
        raise
    for sentence in tuned.data.sentences:
        events.send("finding", code="case-left-out", severity="warning", message=sentence)
    answer = {"output": str(tuned.installed), "model": tuned.installed.name, **_accuracy(tuned)}
    events.send("answer", content=answer)


def progress_events(events: Events, lifeline: Lifeline) -> Progress:
    """Progress as events of the worker's kind, with the time that the stage takes still; a closed lifeline cancels."""
    stages: dict[str, tuple[float, float]] = {}

    def progress(stage: str, fraction: float) -> None:
        lifeline.check()
        started, first = stages.setdefault(stage, (time.monotonic(), fraction))  # a run that goes on starts halfway
        done, elapsed = fraction - first, time.monotonic() - started
        left = round(elapsed * (1 - fraction) / done, 1) if done > 0 and fraction > LEAST_FRACTION else None
        events.send("progress", stage=stage, fraction=round(fraction, 4), seconds_left=left)

    return progress


def step_events(events: Events) -> OnStep:
    """Every step as an event, with the mean loss of the last steps and that of the first ones."""
    losses: deque[float] = deque(maxlen=AVERAGED_STEPS)
    first: deque[float] = deque()

    def on_step(step: int, steps: int, loss: float) -> None:
        losses.append(loss)
        if len(first) < AVERAGED_STEPS:
            first.append(loss)
        means = {"loss": sum(losses) / len(losses), "first_loss": sum(first) / len(first)}
        events.send("step", step=step, steps=steps, **{name: round(mean, 4) for name, mean in means.items()})

    return on_step


def _plan(run: Run) -> dict[str, Any]:
    """Which device, how fast; measured with a network that is thrown away."""
    device = training_device(run.device, run.config.precision)
    return {"device": device.description, "seconds_per_step": round(seconds_per_step(run.config, run.device), 4)}


def _plan_text(plan: dict[str, Any]) -> str:
    return f"{plan['device']}: {plan['seconds_per_step']:.2f} s a step; validation and simulated patients come on top\n"


def _accuracy(tuned: FineTuned) -> dict[str, Any]:
    return {} if tuned.held_out is None else {"held_out": tuned.held_out.record(), "table": tuned.held_out.table()}


def _say(tuned: FineTuned) -> None:
    if tuned.held_out is not None:
        sys.stdout.write(f"{tuned.held_out.table()}\n")
    else:
        sys.stdout.write("no case was held out, so nothing is known of the new model's accuracy\n")
    sys.stdout.write(f"the model '{tuned.installed.name}' is in '{tuned.installed}'\n")
    if tuned.bundle.card is not None:
        sys.stdout.write(f"{tuned.bundle.card.statement}\n")
