"""The panel: starts and cancels a run, shows where it stands and what was noticed, and hands over what was found."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cacnet.errors import CacnetError
from cacnet.findings import RUN_FINDINGS, Finding, Severity

from CACNetSegmentationLib.widgets.choices import DeviceFinder, ModelChooser
from CACNetSegmentationLib.widgets.input_section import InputSection
from CACNetSegmentationLib.widgets.job import RunSettings, segmentation_job, write_job
from CACNetSegmentationLib.widgets.question import Run, StartJob
from CACNetSegmentationLib.widgets.service import Service
from CACNetSegmentationLib.widgets.translation import _
from CACNetSegmentationLib.widgets.wording import (
    NOTHING_INSTALLED,
    RESEARCH_USE,
    STOPPED,
    findings_html,
    progress_text,
    totals_text,
)

PROGRESS_STEPS = 1000


@dataclass(frozen=True)
class Hooks:
    """What the panel asks of the module.

    Attributes:
        settings: reads the choices when a run starts.
        start_job: starts the worker on a job file; raises CacnetError where it cannot.
        ready: makes sure that all packages are there, asking first; False where the user declined.
        installed: whether they are there, without asking.
        show_results: is given the results that were loaded into the scene.
        choose_model: keeps the id of the model that the user picked.
    """

    settings: Callable[[], RunSettings]
    start_job: StartJob
    ready: Callable[[], bool]
    installed: Callable[[], bool]
    show_results: Callable[[Any], None]
    choose_model: Callable[[str], None]


class Panel:
    """Drives the widgets of CACNetSegmentation.ui; itself the listener of a run.

    Args:
        ui: the named widgets of the file.
        service: the scene.
        hooks: the module.
    """

    def __init__(self, ui: Any, service: Service, hooks: Hooks) -> None:
        self._ui, self._service, self._hooks = ui, service, hooks
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
        self.model_chooser = ModelChooser(ui, hooks.start_job, hooks.choose_model)
        self.device_finder = DeviceFinder(ui, hooks.start_job)
        self.input = InputSection(ui, service, hooks.start_job, self._refresh)
        self._say("")
        self.input.show(None)

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._running

    def set_volume(self, volume_node: Any) -> None:
        """Choose the CT; says at once whether it can be used, and soon what is to be said about it."""
        if volume_node is not self.input.volume_node and not self._running:
            self._findings = []
            self._ui.resultLabel.text = self._ui.stageLabel.text = ""
        self.input.show(volume_node)
        self._refresh()

    def show_choices(self, model: str, device: str) -> None:
        """Show the model and the device that are chosen."""
        self.model_chooser.show(model)
        self.device_finder.show(device)

    def look_for_devices(self) -> None:
        """Find out what there is to compute on, unless that is known or nothing is installed yet."""
        if not self.device_finder.known:
            self.device_finder.look(self._hooks.installed())

    def run(self) -> None:
        """Start a run on the chosen CT, in a process of its own."""
        if self.running or not self.input.usable:
            return
        self._findings = []
        try:
            if not self._hooks.ready():
                self._say(NOTHING_INSTALLED)
                return
            self._begin()
        except (CacnetError, OSError, MemoryError) as error:
            self.on_failed(str(error), "")

    def _begin(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cacnet-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        ct, output, job = folder / "ct.nrrd", folder / "results", folder / "job.json"
        volume_node = self.input.volume_node
        self._service.write_input(volume_node, ct)
        output.mkdir()
        write_job(job, segmentation_job(ct, output, self._hooks.settings(), self._service.acquisition(volume_node)))
        self._run_volume_node = volume_node
        self._ui.resultLabel.text = ""
        self.on_progress(_("Starting"), 0.0, None)
        self._running = True
        self._run = self._hooks.start_job(self, job)
        self._refresh()

    def cancel(self) -> None:
        """Stop the run; what it had written is removed."""
        if self._running:
            self._say(_("Cancelling"))
            self._ui.cancelButton.enabled = False
            self._run.cancel()

    def close(self) -> None:
        """Stop all work and wait for its end, before the scene or Slicer closes."""
        for part in (self.input, self.model_chooser, self.device_finder):
            part.close()
        if self._running:
            self._run.stop_now()
            self._end("")

    def on_progress(self, stage: str, fraction: float, seconds_left: float | None) -> None:
        """Show where the worker stands."""
        self._ui.progressBar.value = round(PROGRESS_STEPS * min(max(fraction, 0.0), 1.0))
        self._say(progress_text(stage, fraction, seconds_left))

    def on_finding(self, finding: Finding) -> None:
        """Add what the worker noticed, unless it was said before the run."""
        if finding not in self.input.findings:
            self._findings.append(finding)
            self._refresh()

    def on_result(self, output: Path) -> None:
        """Load what the worker wrote into the scene."""
        try:
            results = self._service.load_results(self._run_volume_node, output)
            self._ui.resultLabel.text = totals_text(results.totals, results.protocol_name)
            self._end(_("Done"))
            self.look_for_devices()
        except (CacnetError, OSError) as error:
            self.on_failed(str(error), "")
            return
        finally:
            # Qt swallows an exception that nobody foresaw; the panel must stay usable even then.
            if self._running:
                self._end(STOPPED)
        self._hooks.show_results(results)
        self._findings = [finding for finding in self._findings if finding.code not in RUN_FINDINGS]
        self._refresh()  # the review says those beside its scores, also when it is opened again

    def on_failed(self, message: str, log: str) -> None:
        """Say what went wrong; the worker's last lines are in the tooltip."""
        self._findings.append(Finding("run-failed", Severity.ERROR, message))
        self._ui.findingsLabel.toolTip = log
        self._end(STOPPED)

    def on_cancelled(self) -> None:
        """The worker has stopped."""
        self._end(_("Cancelled"))

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
        self._ui.stageLabel.visible = bool(message)

    def _refresh(self) -> None:
        self._ui.runButton.enabled = self.input.usable and not self.running
        self._ui.cancelButton.enabled = self.running
        self._ui.progressBar.visible = self.running
        self._ui.resultLabel.visible = bool(self._ui.resultLabel.text)
        self._ui.findingsLabel.text = findings_html(self._findings)
        self._ui.findingsLabel.visible = bool(self._findings)
