"""Runs `python -m cacnet train` beside Slicer: a worker that takes longer to stop, because it saves what it learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from CACNetSegmentationLib.widgets.translation import _
from CACNetSegmentationLib.widgets.worker_process import WorkerListener, WorkerProcess


class TrainingListener(WorkerListener, Protocol):
    """Is told of every step as well."""

    def on_step(self, step: int, steps: int, loss: float, first_loss: float) -> None: ...


class TrainingProcess(WorkerProcess):
    """One training, or the question how long one takes; its standard input closed, it saves and stops."""

    kill_after_ms = 10_000
    advice_on_crash = _(
        "The training crashed or was ended by the system; most often memory ran out. Close other programs and press "
        "Resume, or choose another device under Run."
    )
    advice_on_exit = _(
        "The training stopped with exit code {code} and without a result. Press Resume to go on; report it if it stays "
        "so."
    )

    def _dispatch(self, event: Mapping[str, Any]) -> None:
        if event["event"] != "step":
            super()._dispatch(event)
        elif {"step", "steps", "loss", "first_loss"} <= event.keys():
            self._listener.on_step(event["step"], event["steps"], event["loss"], event["first_loss"])
