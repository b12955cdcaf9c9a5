"""Runs for scripts: the same worker, results and errors as the panel's, without the panel."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cacnet.errors import CacnetError, Cancelled
from cacnet.findings import Finding

from CACNetSegmentationLib.widgets.job import RunSettings, segmentation_job, write_job
from CACNetSegmentationLib.widgets.question import StartJob
from CACNetSegmentationLib.widgets.service import Service
from CACNetSegmentationLib.widgets.wording import progress_text

WAIT_MS = 20


class RunFailedError(CacnetError):
    """The worker ended without a result; the message is the worker's own."""

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message)
        self.log = log


class ScriptedRun:
    """One segmentation asked for by a script; keep it until it has ended.

    Attributes:
        results: what was loaded into the scene; None until the run has ended well.
        error: why there are none; None until then.
        findings: what was noticed on the CT and the result.
        status: where the run stands, in words.
    """

    def __init__(self, service: Service, start: StartJob, volume_node: Any, settings: RunSettings) -> None:
        self.results: Any = None
        self.error: CacnetError | None = None
        self.findings: tuple[Finding, ...] = ()
        self.status = ""
        self._service, self._volume_node = service, volume_node
        self._folder = tempfile.TemporaryDirectory(prefix="cacnet-", ignore_cleanup_errors=True)
        try:
            self._process = start(self, self._write(Path(self._folder.name), settings))
        except BaseException:
            self._folder.cleanup()
            raise

    def _write(self, folder: Path, settings: RunSettings) -> Path:
        self._service.write_input(self._volume_node, folder / "ct.nrrd")
        (folder / "results").mkdir()
        known = self._service.acquisition(self._volume_node)
        write_job(folder / "job.json", segmentation_job(folder / "ct.nrrd", folder / "results", settings, known))
        return folder / "job.json"

    @property
    def ended(self) -> bool:
        """Whether there is a result or an error."""
        return self.results is not None or self.error is not None

    def wait(self, process_events: Callable[[], None]) -> Any:
        """The results, once they are there; the window stays alive meanwhile.

        Raises:
            RunFailedError: the worker's sentence; Cancelled; the errors of `SceneService.load_results`.
        """
        while not self.ended:
            self._process.wait(WAIT_MS)
            process_events()
        if self.error is not None:
            raise self.error
        return self.results

    def cancel(self) -> None:
        """Stop the run; nothing of it stays behind."""
        self._process.cancel()

    def on_progress(self, stage: str, fraction: float, seconds_left: float | None) -> None:
        self.status = progress_text(stage, fraction, seconds_left)

    def on_finding(self, finding: Finding) -> None:
        self.findings = (*self.findings, finding)

    def on_result(self, output: Path) -> None:
        try:
            self.results = self._service.load_results(self._volume_node, output)
        except CacnetError as error:
            self.error = error
        except OSError as error:
            self.error = RunFailedError(f"the results could not be read ({error})", "")
        finally:
            self._folder.cleanup()
            if not self.ended:
                self.error = RunFailedError("the results could not be loaded", "")

    def on_failed(self, message: str, log: str) -> None:
        self.error = RunFailedError(message, log)
        self._folder.cleanup()

    def on_cancelled(self) -> None:
        self.error = Cancelled("the run was cancelled")
        self._folder.cleanup()
