"""What a run says while it goes on: its plan, what a step takes, how long is left, whether it waits for patches."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from cacnet.network import LossParts
from cacnet.training.curves import CURVE_FILE, append_row
from cacnet.training.feed import PatchFeed
from cacnet.training.simulators import Simulators
from cacnet.training.trainer import Trainer

WARM_UP_STEPS = 5
MEASURED_STEPS = 20
"""After so many steps a run says how long the rest will take; before, nobody knows."""
SAID_WAITING_SHARE = 0.1

logger = logging.getLogger(__name__)


def plan(trainer: Trainer, resumed: bool) -> str:
    """In words, what the run is going to do."""
    run, config, count = trainer.run, trainer.config, trainer.processes.count
    patches = f"{config.batch} patches of {' x '.join([str(config.patch_voxels)] * 3)} voxels"
    where = f"{count} processes, each with {trainer.device.description}" if count > 1 else trainer.device.description
    return (
        f"plan: {'go on' if resumed else 'start'} at step {trainer.step} of {config.total_steps} on {where}; "
        f"{patches} a step from {len(run.list_cases())} cases; {trainer.network.parameter_count} parameters; "
        f"how long it takes is said after {MEASURED_STEPS} steps"
    )


class Stopwatch:
    """Measures the steps of a run and tells: a row of the table and a line of the log every `log_steps`."""

    def __init__(self, trainer: Trainer, feed: PatchFeed, simulators: Simulators) -> None:
        self.run, self.trainer, self.feed, self.simulators = trainer.run, trainer, feed, simulators
        self.started = self.last = self.last_saved = time.monotonic()
        self.seconds_before = trainer.seconds
        self.steps = 0
        self.measured_s = 0.0
        self.failed = 0
        self._begin_interval()

    def _begin_interval(self) -> None:
        self.interval_steps, self.interval_s, self.waited_before_s = 0, 0.0, self.feed.waited_s

    @property
    def elapsed_s(self) -> float:
        """Since the start, with everything."""
        return time.monotonic() - self.started

    @property
    def unsaved_s(self) -> float:
        """Since the last checkpoint."""
        return time.monotonic() - self.last_saved

    def saved(self) -> None:
        """A checkpoint was written."""
        self.last_saved = self.last = time.monotonic()

    def pause(self) -> None:
        """What was done since the last step is no step's time."""
        self.last = time.monotonic()

    def count(self, parts: LossParts) -> None:
        """A step was taken."""
        now = time.monotonic()
        seconds, self.last = now - self.last, now
        self.steps += 1
        self.interval_steps += 1
        self.interval_s += seconds
        self.trainer.seconds = self.seconds_before + self.elapsed_s
        if WARM_UP_STEPS < self.steps <= MEASURED_STEPS:
            self.measured_s += seconds
        if not self.trainer.processes.is_first:
            return
        if self.steps == MEASURED_STEPS:
            self._say_how_long(self.measured_s / (MEASURED_STEPS - WARM_UP_STEPS))
        if self.trainer.step % self.trainer.config.log_steps == 0:
            self._log(parts)
            self._begin_interval()

    def _say_how_long(self, seconds_per_step: float) -> None:
        left = self.trainer.config.total_steps - self.trainer.step
        logger.info(
            "plan: about %s for the %d steps that are left on %s, at %.2f s a step (measured over steps %d to %d; "
            "validation and mining come on top)",
            timedelta(seconds=round(left * seconds_per_step)),
            left,
            self.trainer.device.description,
            seconds_per_step,
            WARM_UP_STEPS + 1,
            MEASURED_STEPS,
        )

    def _log(self, parts: LossParts) -> None:
        trainer, total_steps = self.trainer, self.trainer.config.total_steps
        losses = [
            round(float(part), 5) for part in (parts.total, parts.cross_entropy, parts.dice, parts.geometric_prior)
        ]
        seconds = self.interval_s / self.interval_steps
        waiting = min(1.0, (self.feed.waited_s - self.waited_before_s) / max(self.interval_s, 1e-9))
        row = (trainer.step, *losses, f"{trainer.learning_rate:.3g}", round(seconds, 3), round(waiting, 3))
        append_row(self.run.output / CURVE_FILE, row)
        left = min((total_steps - trainer.step) * seconds, 60 * self.run.max_minutes - self.elapsed_s)
        logger.info(
            "step %d of %d, loss %.3f (CE %.3f, Dice %.3f, GP %.3f), rate %.2g, %.2f s a step%s, %s left",
            trainer.step,
            total_steps,
            *losses,
            trainer.learning_rate,
            seconds,
            f" ({waiting:.0%} of it waiting for patches)" if waiting > SAID_WAITING_SHARE else "",
            timedelta(seconds=round(max(0.0, left))),
        )
        if self.simulators.failed > self.failed:
            self.failed = self.simulators.failed
            logger.warning("%d of the processes that simulate cases have failed", self.failed)
