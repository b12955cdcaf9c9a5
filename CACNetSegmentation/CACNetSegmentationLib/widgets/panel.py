"""The panel: starts and cancels a run, shows where it stands, what was noticed on the CT, and what was found."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, Protocol

from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity

from CACNetSegmentationLib.widgets.job import RunSettings, write_job
from CACNetSegmentationLib.widgets.wording import RESEARCH_USE, progress_text, totals_text

PROGRESS_STEPS = 1000
_COLOURS = {Severity.ERROR: "#d55e00", Severity.WARNING: "#b07800", Severity.NOTE: "#5a7a94"}
_MARKS = {Severity.ERROR: "✖", Severity.WARNING: "⚠", Severity.NOTE: "ℹ"}


class Service(Protocol):
    """What the panel needs of the scene; `scene.service.SceneService`, or a fake in tests."""

    def describe_input(self, volume_node: Any) -> str: ...
    def write_input(self, volume_node: Any, path: Path) -> None: ...
    def load_results(self, volume_node: Any, folder: Path) -> Any: ...


class Run(Protocol):
    """A run under way; `worker_process.WorkerProcess`."""

    def cancel(self) -> None: ...
    def stop_now(self) -> None: ...


class Panel:
    """Drives the widgets of CACNetSegmentation.ui; itself the listener of the worker.

    Args:
        ui: the named widgets of the file.
        service: the scene.
        settings: reads the choices when a run starts.
        start_run: starts the worker on a job file with this panel as listener; raises CacnetError where it cannot.
        ready: makes sure that all packages are there; False where the user declined.
        show_results: is given the results that the service loaded.
    """

    def __init__(
        self,
        ui: Any,
        service: Service,
        settings: Callable[[], RunSettings],
        start_run: Callable[[Panel, Path], Run],
        ready: Callable[[], bool],
        show_results: Callable[[Any], None],
    ) -> None:
        self._ui = ui
        self._service = service
        self._settings = settings
        self._start_run = start_run
        self._ready = ready
        self._show_results = show_results
        self._volume_node: Any = None
        self._input_usable = False
        self._findings: list[Finding] = []
        self._run: Run | None = None
        """The last run; kept after its end, because a process must not be deleted from within its own signal."""
        self._running = False
        self._run_volume_node: Any = None
        self._folder: tempfile.TemporaryDirectory | None = None
        ui.researchUseLabel.text = RESEARCH_USE
        ui.progressBar.setRange(0, PROGRESS_STEPS)
        ui.runButton.connect("clicked()", self.run)
        ui.cancelButton.connect("clicked()", self.cancel)
        self._refresh()

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._running

    def set_volume(self, volume_node: Any) -> None:
        """Choose the CT; says at once whether it can be used. The same CT again is looked at again if it could not."""
        if volume_node is not None and volume_node is self._volume_node and self._input_usable:
            return
        self._volume_node = volume_node
        self._findings, self._input_usable = [], False
        if volume_node is not None:
            try:
                self._ui.inputLabel.text = self._service.describe_input(volume_node)
                self._input_usable = True
            except CacnetError as error:
                self._ui.inputLabel.text = ""
                self._findings = [Finding("input-unusable", Severity.ERROR, str(error))]
        else:
            self._ui.inputLabel.text = "Choose a contrast CT of the heart."
        self._refresh()

    def run(self) -> None:
        """Start a run on the chosen CT, in a process of its own."""
        if self.running or not self._input_usable:
            return
        self._findings = []
        try:
            if not self._ready():
                self._say("Nothing was installed, so CACNet cannot run yet.")
                return
            self._begin()
        except (CacnetError, OSError, MemoryError) as error:
            self.on_failed(str(error), "")

    def _begin(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cacnet-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        ct, output, job = folder / "ct.nrrd", folder / "results", folder / "job.json"
        self._service.write_input(self._volume_node, ct)
        output.mkdir()
        write_job(job, ct, output, self._settings())
        self._run_volume_node = self._volume_node
        self._ui.resultLabel.text = ""
        self.on_progress("Starting", 0.0, None)
        self._running = True
        self._run = self._start_run(self, job)
        self._refresh()

    def cancel(self) -> None:
        """Stop the run; what it had written is removed."""
        if self._running:
            self._say("Cancelling")
            self._ui.cancelButton.enabled = False
            self._run.cancel()

    def close(self) -> None:
        """Stop a run and wait for its end, before the scene or Slicer closes."""
        if self._running:
            self._run.stop_now()
            self._end("")

    def on_progress(self, stage: str, fraction: float, seconds_left: float | None) -> None:
        """Show where the worker stands."""
        self._ui.progressBar.value = round(PROGRESS_STEPS * min(max(fraction, 0.0), 1.0))
        self._say(progress_text(stage, fraction, seconds_left))

    def on_finding(self, finding: Finding) -> None:
        """Add what the worker noticed on the CT."""
        self._findings.append(finding)
        self._refresh()

    def on_result(self, output: Path) -> None:
        """Load what the worker wrote into the scene."""
        try:
            results = self._service.load_results(self._run_volume_node, output)
            self._ui.resultLabel.text = totals_text(results.totals, results.protocol_name)
            self._end("Done")
        except (CacnetError, OSError) as error:
            self.on_failed(str(error), "")
            return
        finally:
            # Qt swallows an exception that nobody foresaw; the panel must stay usable even then.
            if self._running:
                self._end("Stopped by an error")
        self._show_results(results)

    def on_failed(self, message: str, log: str) -> None:
        """Say what went wrong; the worker's last lines are in the tooltip."""
        self._findings.append(Finding("run-failed", Severity.ERROR, message))
        self._ui.findingsLabel.toolTip = log
        self._end("Stopped by an error")

    def on_cancelled(self) -> None:
        """The worker has stopped."""
        self._end("Cancelled")

    def _end(self, message: str) -> None:
        self._running, self._run_volume_node = False, None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._ui.progressBar.value = 0
        self._say(message)
        self._refresh()

    def _say(self, message: str) -> None:
        self._ui.stageLabel.text = message

    def _refresh(self) -> None:
        self._ui.runButton.enabled = self._input_usable and not self.running
        self._ui.cancelButton.enabled = self.running
        self._ui.progressBar.visible = self.running
        self._ui.findingsLabel.text = "<br>".join(_html(finding) for finding in self._findings)
        self._ui.findingsLabel.visible = bool(self._findings)


def _html(finding: Finding) -> str:
    colour, mark = _COLOURS[finding.severity], _MARKS[finding.severity]
    return f'<span style="color:{colour}">{mark} {escape(finding.message)}</span>'
