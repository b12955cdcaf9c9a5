"""On which device a training would run and how fast, asked of the trainer itself: torch is never imported in Slicer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cacnet.errors import CacnetError
from cacnet.findings import Finding
from cacnet.retraining import plan_arguments

from CACNetSegmentationLib.widgets.question import Run

StartTraining = Callable[[Any, list[str]], Run]
"""Starts Python with arguments and a `training_process.TrainingListener`; raises CacnetError where it cannot."""


class PlanFinder:
    """Measures once for each model and device.

    Args:
        start: starts the trainer.
        found: is called when there is an answer, or a sentence instead.
    """

    def __init__(self, start: StartTraining, found: Callable[[], None]) -> None:
        self._start, self._found = start, found
        self._answers: dict[tuple[str, str], Mapping[str, Any] | str] = {}
        self._asked: tuple[str, str] | None = None
        self._process: Run | None = None

    def answer(self, model: str, device: str) -> Mapping[str, Any] | str | None:
        """'device' and 'seconds_per_step', or a sentence why they are not known; None before."""
        return self._answers.get((model, device))

    def look(self, data: Path, model: str, device: str) -> None:
        """Measure, unless that is known or under way."""
        if self._asked is not None or (model, device) in self._answers:
            return
        self._asked = model, device
        try:
            self._process = self._start(self, plan_arguments(data, model, device))
        except (CacnetError, OSError) as error:
            self.on_failed(str(error), "")

    def close(self) -> None:
        """Stop measuring, because the computer is needed for something else."""
        if self._asked is not None:
            self._asked = None
            if self._process is not None:
                self._process.stop_now()

    def on_progress(self, stage: str, fraction: float, seconds_left: float | None) -> None:
        """It is short."""

    def on_step(self, step: int, steps: int, loss: float, first_loss: float) -> None:
        """It is short."""

    def on_finding(self, finding: Finding) -> None:
        """There are none."""

    def on_result(self, result: Mapping[str, Any]) -> None:
        self._end(result)

    def on_failed(self, message: str, log: str) -> None:
        self._end(message)

    def on_cancelled(self) -> None:
        self._asked = None

    def _end(self, answer: Mapping[str, Any] | str) -> None:
        if self._asked is not None:
            self._answers[self._asked] = answer
            self._asked = None
            self._found()
