"""The choosers of the run: which model, with what it was trained on, and which device, with what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import qt
from cacnet.findings import Finding
from cacnet.installed_models import summaries

from CACNetSegmentationLib.widgets.job import devices_job, install_model_job
from CACNetSegmentationLib.widgets.question import Question, StartJob
from CACNetSegmentationLib.widgets.translation import _
from CACNetSegmentationLib.widgets.wording import (
    LOOKING_FOR_DEVICES,
    NOT_INSTALLED_YET,
    devices_text,
    model_title,
)


class ModelChooser:
    """Lists the installed models, and adds one of the user's own after it was checked.

    Args:
        ui: the named widgets.
        start: starts the worker, which checks a model.
        choose: is given the id of the model that the user picks.
    """

    def __init__(self, ui: Any, start: StartJob, choose: Callable[[str], None]) -> None:
        self._ui, self._start, self._choose = ui, start, choose
        self._models = summaries()
        self._question: Question | None = None
        self._list()
        ui.modelComboBox.connect("currentIndexChanged(int)", self._pick)
        ui.addModelButton.connect("clicked()", self.add)

    def show(self, model_id: str) -> None:
        """Select a model by its id; '' or one that is no longer installed selects the first."""
        ids = [model.id for model in self._models]
        blocked = self._ui.modelComboBox.blockSignals(True)
        self._ui.modelComboBox.setCurrentIndex(ids.index(model_id) if model_id in ids else 0)
        self._ui.modelComboBox.blockSignals(blocked)
        self._describe()

    @property
    def selected(self) -> str | None:
        """The id of the model that is shown; None where none is installed."""
        index = self._ui.modelComboBox.currentIndex
        return self._models[index].id if 0 <= index < len(self._models) else None

    def add(self) -> None:
        """Let the user point at a model's folder, and install it."""
        if self._question is not None and self._question.open:
            return
        folder = qt.QFileDialog.getExistingDirectory(None, _("Folder of the model (with model.json)"))
        if not folder:
            return
        self._ui.modelLabel.text = _("Checking the model …")
        self._question = Question(self._start, self._added, self._refused)
        self._question.ask(lambda _folder: install_model_job(Path(folder)))

    def renew(self) -> None:
        """List the models anew, with the same one selected."""
        selected = self.selected
        self._models = summaries()
        self._list()
        self.show(selected or "")

    def close(self) -> None:
        """Stop checking a model."""
        if self._question is not None:
            self._question.stop()

    def _added(self, answer: Mapping[str, str], findings: tuple[Finding, ...]) -> None:
        self._models = summaries()
        self._list()
        self.show(answer["model"])
        self._choose(answer["model"])

    def _refused(self, message: str) -> None:
        self._ui.modelLabel.text = _("The model was not added: {reason}").format(reason=message)

    def _pick(self, index: int) -> None:
        if 0 <= index < len(self._models):
            self._choose(self._models[index].id)
            self._describe()

    def _list(self) -> None:
        blocked = self._ui.modelComboBox.blockSignals(True)
        self._ui.modelComboBox.clear()
        self._ui.modelComboBox.addItems([model_title(model) for model in self._models])
        self._ui.modelComboBox.blockSignals(blocked)
        self._describe()

    def _describe(self) -> None:
        index = self._ui.modelComboBox.currentIndex
        known = 0 <= index < len(self._models)
        self._ui.modelLabel.text = (
            self._models[index].description
            if known
            else _("No model is installed; add one, or reinstall the extension.")
        )


class DeviceFinder:
    """Says what there is to compute on. It is asked of the worker, once: torch is never imported in Slicer itself."""

    def __init__(self, ui: Any, start: StartJob) -> None:
        self._ui, self._start = ui, start
        self._devices: list[Mapping[str, str]] | None = None
        self._question: Question | None = None
        self._chosen = "auto"

    @property
    def known(self) -> bool:
        """Whether the worker has answered, or is about to."""
        return self._devices is not None or (self._question is not None and self._question.open)

    def look(self, installed: bool) -> None:
        """Ask the worker, unless it has answered already or torch is not there yet."""
        if self.known:
            return
        if not installed:
            self._ui.deviceLabel.text = NOT_INSTALLED_YET
            return
        self._ui.deviceLabel.text = LOOKING_FOR_DEVICES
        self._question = Question(self._start, self._found, self._fail)
        self._question.ask(lambda _folder: devices_job())

    def show(self, chosen: str) -> None:
        """Say what the chosen device is on this computer."""
        self._chosen = chosen
        if self._devices is not None:
            self._ui.deviceLabel.text = devices_text(self._devices, chosen)

    def close(self) -> None:
        """Stop asking."""
        if self._question is not None:
            self._question.stop()

    def _found(self, answer: Mapping[str, list[Mapping[str, str]]], findings: tuple[Finding, ...]) -> None:
        self._devices = answer["devices"]
        self.show(self._chosen)

    def _fail(self, message: str) -> None:
        self._ui.deviceLabel.text = message
