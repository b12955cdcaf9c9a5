"""The section that trains a model further on the user's own reviewed cases, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity
from cacnet.retraining import Retraining, forget, remember

from CACNetSegmentationLib.widgets import retraining_wording as wording
from CACNetSegmentationLib.widgets.question import Run
from CACNetSegmentationLib.widgets.retraining_form import NothingToLearnFromError, RetrainingForm
from CACNetSegmentationLib.widgets.retraining_plan import PlanFinder, StartTraining
from CACNetSegmentationLib.widgets.translation import _
from CACNetSegmentationLib.widgets.wording import findings_html

UI_FILE = Path(__file__).resolve().parents[2] / "Resources" / "UI" / "Retraining.ui"
PROGRESS_STEPS = 1000


@dataclass(frozen=True)
class RetrainingHooks:
    """What the section asks of the module.

    Attributes:
        start: starts the trainer.
        ready: makes sure that all packages are there, asking first; False where the user declined.
        installed: whether they are there, without asking.
        device: the device that is chosen for runs.
        choose_data: keeps the folder of the data set.
        models_changed: is called when a model was added.
        use_model: chooses a model for runs.
        confirm: asks a question; whether the answer was yes.
    """

    start: StartTraining
    ready: Callable[[], bool]
    installed: Callable[[], bool]
    device: Callable[[], str]
    choose_data: Callable[[str], None]
    models_changed: Callable[[], None]
    use_model: Callable[[str], None]
    confirm: Callable[[str], bool]


class RetrainingSection:
    """Loads Retraining.ui and drives it; itself the listener of the training. It goes on when the scene closes.

    Args:
        parent: a widget with a layout that the section is put into.
        hooks: the module.
        unfolded: whether the section is to be seen; only then is time spent on measuring.
    """

    def __init__(self, parent: Any, hooks: RetrainingHooks, unfolded: Callable[[], bool]) -> None:
        self.widget = slicer.util.loadUI(str(UI_FILE))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        parent.layout().addWidget(self.widget)
        self._hooks, self._unfolded = hooks, unfolded
        self._request: Retraining | None = None
        """What the training that runs was asked for."""
        self._process: Run | None = None
        """The last one; kept after its end, because a process must not be deleted from within its own signal."""
        self._findings: list[Finding] = []
        self._stage = self._step = ""
        self._new_model: str | None = None
        self.plan = PlanFinder(hooks.start, self._show_plan)
        self.form = RetrainingForm(self.ui, hooks.choose_data, self.refresh)
        self.ui.introductionLabel.text = wording.INTRODUCTION
        self.ui.trainingProgressBar.setRange(0, PROGRESS_STEPS)
        self.ui.trainButton.connect("clicked()", self.start)
        self.ui.stopButton.connect("clicked()", self.cancel)
        self.ui.discardButton.connect("clicked()", self.discard)
        self.ui.useButton.connect("clicked()", self._use)
        self._say("")
        self._show_outcome("", "")
        self.form.renew()

    @property
    def running(self) -> bool:
        """Whether a training is under way."""
        return self._request is not None

    def show_data(self, folder: str) -> None:
        """Show a data set as it is now."""
        if not self.running:
            self.form.show_data(folder)

    def remember_data(self, folder: str) -> None:
        """Show the data set of the scene where it is another; a scene without one leaves what is shown."""
        if folder and str(self.form.data) != folder:
            self.show_data(folder)
        else:
            self.refresh()

    def start(self) -> None:
        """Train, or go on with a training that was stopped."""
        if self.running:
            return
        self._findings = []
        self._show_outcome("", "")
        try:
            request = self.form.request()
            if not self._hooks.ready():
                self._say(wording.NOTHING_INSTALLED)
                return
            self.plan.close()
            remember(request)
            self._process = self._hooks.start(self, request.train_arguments(self._hooks.device()))
        except (CacnetError, OSError) as error:
            self.on_failed(str(error), "")
            return
        self._request = request
        self._step = ""
        self.on_progress(_("Starting"), 0.0, None)
        self.refresh()

    def cancel(self) -> None:
        """Stop after this step; what was learned is kept."""
        if self.running:
            self._say(wording.STOPPING)
            self.ui.stopButton.enabled = False
            self._process.cancel()

    def discard(self) -> None:
        """Remove the training that was stopped, after asking."""
        stopped = self.form.stopped
        if stopped is not None and self._hooks.confirm(wording.DISCARD.format(name=stopped.model_id)):
            forget(stopped)
            self._say("")
            self.form.renew()

    def close(self) -> None:
        """Stop all work and wait for its end, before Slicer closes; what was learned is kept."""
        self.plan.close()
        if self.running:
            self._process.stop_now()

    def refresh(self) -> None:
        """Show what depends on the choices and on whether a training runs."""
        stopped = None if self.running else self.form.stopped
        self.form.enable(not self.running)
        self.ui.trainButton.text = _("Start") if stopped is None else _("Resume")
        self.ui.trainButton.enabled = not self.running
        self.ui.stopButton.enabled = self.running
        self.ui.discardButton.visible = stopped is not None
        self.ui.trainingProgressBar.visible = self.running
        self.ui.trainingMessageLabel.text = findings_html(self._findings)
        self.ui.trainingMessageLabel.visible = bool(self._findings)
        self._show_plan()

    def on_progress(self, stage: str, fraction: float, seconds_left: float | None) -> None:
        """Show where the training stands."""
        self.ui.trainingProgressBar.value = round(PROGRESS_STEPS * min(max(fraction, 0.0), 1.0))
        self._stage = wording.stage_text(stage, seconds_left)
        self._say(f"{self._stage}\n{self._step}".rstrip())

    def on_step(self, step: int, steps: int, loss: float, first_loss: float) -> None:
        """Remember how well it learns; it is shown with the progress that follows."""
        self._step = wording.step_text(step, steps, loss, first_loss)

    def on_finding(self, finding: Finding) -> None:
        """Say which case was left out, and why."""
        self._findings.append(finding)
        self.refresh()

    def on_result(self, answer: Mapping[str, Any]) -> None:
        """The new model is installed: say whether it is better, and offer it."""
        request = self._request
        self._end("")
        if request is not None:
            forget(request)
        held_out = answer.get("held_out")
        self._show_outcome(wording.verdict(answer), wording.table_html(held_out) if held_out else "", answer["model"])
        self._hooks.models_changed()
        self.form.renew()

    def on_failed(self, message: str, log: str) -> None:
        """Say what went wrong; the trainer's last lines are in the tooltip."""
        self._findings.append(Finding("training-failed", Severity.ERROR, message))
        self.ui.trainingMessageLabel.toolTip = log
        self._drop_if_nothing_learned()
        self._end(wording.FAILED)

    def on_cancelled(self) -> None:
        """The trainer has stopped."""
        kept = self._drop_if_nothing_learned()
        self._end(wording.STOPPED if kept else wording.STOPPED_EARLY)

    def _drop_if_nothing_learned(self) -> bool:
        if self._request is None:
            return False
        if not self._request.has_learned:
            forget(self._request)
        return self._request.has_learned

    def _end(self, message: str) -> None:
        self._request = None
        self.ui.trainingProgressBar.value = 0
        self._say(message)
        self.refresh()
        self.form.show_stopped()

    def _use(self) -> None:
        if self._new_model is not None:
            self._hooks.use_model(self._new_model)
            self._say(wording.CHOSEN.format(name=self._new_model))
            self.ui.useButton.visible = False

    def _show_outcome(self, verdict: str, table: str, new_model: str | None = None) -> None:
        self._new_model = new_model
        for label, text in ((self.ui.verdictLabel, verdict), (self.ui.comparisonLabel, table)):
            label.text = text
            label.visible = bool(text)
        self.ui.useButton.visible = new_model is not None

    def _show_plan(self) -> None:
        """Say on which device and for how long, measuring first where that is not known."""
        self.ui.planLabel.text = self._plan_text()
        self.ui.planLabel.visible = bool(self.ui.planLabel.text)

    def _plan_text(self) -> str:
        if self.running or not self._unfolded():
            return ""
        try:
            request = self.form.request()
        except NothingToLearnFromError:
            return ""  # which is said beside the data set
        except CacnetError as error:
            return str(error)
        device = self._hooks.device()
        if self.plan.answer(request.start, device) is None:
            if not self._hooks.installed():
                return wording.NOT_INSTALLED_YET
            self.plan.look(request.data, request.start, device)
        answer = self.plan.answer(request.start, device)
        if answer is None:
            return wording.MEASURING
        if isinstance(answer, str):
            return answer
        return wording.plan_text(answer["device"], answer["seconds_per_step"], request.extent)

    def _say(self, message: str) -> None:
        self.ui.trainingStageLabel.text = message
        self.ui.trainingStageLabel.visible = bool(message)
