"""One question to the worker process and its answer: check a CT, name the devices, install a model, make a patient."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from cacnet.errors import CacnetError
from cacnet.findings import Finding

from CACNetSegmentationLib.widgets.job import write_job


class Run(Protocol):
    """A job under way; `worker_process.WorkerProcess`."""

    def cancel(self) -> None: ...
    def stop_now(self) -> None: ...


StartJob = Callable[[Any, Path], Run]
"""Starts the worker on a job file with a `worker_process.WorkerListener`; raises CacnetError where it cannot."""


class Question:
    """Asks once. Keep it until it is answered or stopped: a process must not be deleted from within its own signal.

    Args:
        start: starts the worker.
        answered: is given the answer and the findings on the way. The answer is a mapping, or the folder that was
            written, which is removed afterwards.
        failed: is given the sentence that says why there is no answer.
    """

    def __init__(
        self,
        start: StartJob,
        answered: Callable[[Any, tuple[Finding, ...]], None],
        failed: Callable[[str], None],
    ) -> None:
        self._start, self._answered, self._failed = start, answered, failed
        self._findings: list[Finding] = []
        self._folder: tempfile.TemporaryDirectory | None = None
        self._run: Run | None = None
        self._open = False

    @property
    def open(self) -> bool:
        """Whether the answer is still awaited."""
        return self._open

    def ask(self, job: Callable[[Path], Mapping[str, object]]) -> None:
        """Write the job, which `job` makes and may put files for into the folder that it is given, and start it."""
        self._folder = tempfile.TemporaryDirectory(prefix="cacnet-", ignore_cleanup_errors=True)
        self._open = True
        folder = Path(self._folder.name)
        try:
            write_job(folder / "job.json", job(folder))
            self._run = self._start(self, folder / "job.json")
        except (CacnetError, OSError, MemoryError) as error:
            self.on_failed(str(error), "")

    def stop(self) -> None:
        """Give up the question and wait for the end of the worker; neither callback follows."""
        if self._open:
            self._end()
            if self._run is not None:
                self._run.stop_now()

    def on_progress(self, stage: str, fraction: float, seconds_left: float | None) -> None:
        """Questions are short; where they stand is not shown."""

    def on_finding(self, finding: Finding) -> None:
        self._findings.append(finding)

    def on_result(self, result: Any) -> None:
        if not self._open:
            return
        self._open = False
        try:
            self._answered(result, tuple(self._findings))
        finally:
            self._remove_files()

    def on_failed(self, message: str, log: str) -> None:
        if self._end():
            self._failed(message)

    def on_cancelled(self) -> None:
        self._end()

    def _end(self) -> bool:
        """Remove the files; whether this is the first end."""
        was_open, self._open = self._open, False
        self._remove_files()
        return was_open

    def _remove_files(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
