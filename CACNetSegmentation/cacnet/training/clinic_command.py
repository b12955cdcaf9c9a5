"""The part of `cacnet train` that trains a model further on a user's own reviewed cases."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from cacnet.errors import CacnetError
from cacnet.progress import Progress
from cacnet.training.clinic_data import HELD_OUT_SHARE
from cacnet.training.fine_tune import REAL_SHARE, FineTuned, FineTuning, fine_tune
from cacnet.training.parallel import ALONE, Processes
from cacnet.training.trainer import Run
from cacnet.worker import Events, Lifeline

LEAST_FRACTION = 0.01
"""Before, the time that is left cannot be told."""


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
        help="a data set of 'cacnet export' or of others; starts from --init, 'bundled' by default, with preset clinic",
    )
    group.add_argument("--no-simulation", action="store_true", help="learn from the reviewed cases alone")
    group.add_argument("--real-share", type=float, default=REAL_SHARE, help=f"of the patches, {REAL_SHARE} by default")
    group.add_argument("--held-out", type=float, default=HELD_OUT_SHARE, metavar="SHARE", help="of the reviewed cases")
    group.add_argument("--any-state", action="store_true", help="learn from what nobody has approved, too")
    group.add_argument("--models", type=Path, metavar="DIR", help="where to install the model; the user's by default")
    group.add_argument("--force", action="store_true", help="replace an installed model even where it is better")
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
        _say(fine_tune(request, arguments.resume))
        return
    events, lifeline = Events(sys.stdout), Lifeline()
    lifeline.watch()
    try:
        tuned = fine_tune(request, arguments.resume, progress_events(events, lifeline))
    except CacnetError as error:
        events.error(error)
        raise
    for sentence in tuned.data.sentences:
        events.send("finding", code="case-left-out", severity="warning", message=sentence)
    events.send("result", output=str(tuned.installed), model=tuned.installed.name, **_accuracy(tuned))


def progress_events(events: Events, lifeline: Lifeline) -> Progress:
    """Progress as events of the worker's kind, with the time that is left; a closed lifeline cancels."""
    started = time.monotonic()

    def progress(stage: str, fraction: float) -> None:
        lifeline.check()
        elapsed = time.monotonic() - started
        left = round(elapsed * (1 - fraction) / fraction, 1) if fraction > LEAST_FRACTION else None
        events.send("progress", stage=stage, fraction=round(fraction, 4), seconds_left=left)

    return progress


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
