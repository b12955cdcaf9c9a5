"""The choices for further training: cases, model to start from, name and length; or a training that was stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cacnet.dataset.contents import contents_of
from cacnet.errors import CacnetError
from cacnet.installed_models import summaries
from cacnet.retraining import (
    Length,
    Retraining,
    cases_seen,
    free_name,
    require_free_name,
    unfinished,
)

from CACNetSegmentationLib.widgets.exports import ask_for_folder
from CACNetSegmentationLib.widgets.retraining_wording import CHOOSE_A_DATA_SET, LENGTH_NAMES, contents_text, resume_text
from CACNetSegmentationLib.widgets.translation import _
from CACNetSegmentationLib.widgets.wording import model_title

STEM = "my-model"
LENGTHS = tuple(Length)


class NothingToLearnFromError(CacnetError):
    """No data set is chosen, or one without a case to learn from."""


class RetrainingForm:
    """Drives the choices of Retraining.ui; a name under which a training was stopped stands for that training.

    Args:
        ui: the named widgets of that file.
        choose_data: keeps the folder of the data set that the user picked.
        changed: is called when a choice has changed.
    """

    def __init__(self, ui: Any, choose_data: Callable[[str], None], changed: Callable[[], None]) -> None:
        self._ui, self._choose_data, self._changed = ui, choose_data, changed
        self._starts: tuple[str, ...] = ()
        self._refusal: CacnetError | None = None
        """Why nothing can be learned from the data set."""
        ui.lengthComboBox.addItems([LENGTH_NAMES[length] for length in LENGTHS])
        ui.lengthComboBox.setCurrentIndex(LENGTHS.index(Length.NIGHT))
        ui.dataButton.connect("clicked()", self._browse)
        ui.anyStateCheckBox.connect("toggled(bool)", self._look_again)
        ui.startComboBox.connect("currentIndexChanged(int)", self._look_again)
        ui.lengthComboBox.connect("currentIndexChanged(int)", self._tell)
        ui.nameLineEdit.connect("textChanged(QString)", self.show_stopped)

    @property
    def data(self) -> Path | None:
        """The folder of the data set."""
        text = self._ui.dataLineEdit.text
        return Path(text) if text else None

    @property
    def start(self) -> str | None:
        """The id of the model to start from; None where none is installed."""
        index = self._ui.startComboBox.currentIndex
        return self._starts[index] if 0 <= index < len(self._starts) else None

    @property
    def length(self) -> Length:
        """How long to train."""
        return LENGTHS[max(0, self._ui.lengthComboBox.currentIndex)]

    @property
    def stopped(self) -> Retraining | None:
        """The training of this name that was stopped."""
        name = self._ui.nameLineEdit.text
        return next((run for run in unfinished() if run.model_id == name), None)

    def request(self) -> Retraining:
        """What is asked for.

        Raises:
            NothingToLearnFromError, ModelNameError, and the errors of `contents_of`.
        """
        if self.stopped is not None:
            return self.stopped
        if self._refusal is not None:
            raise self._refusal
        if self.data is None or self.start is None:
            raise NothingToLearnFromError(
                CHOOSE_A_DATA_SET if self.data is None else _("No model is installed; add one under Run.")
            )
        name = self._ui.nameLineEdit.text
        require_free_name(name)
        return Retraining(self.data, self.start, name, self.length, self._ui.anyStateCheckBox.checked)

    def renew(self) -> None:
        """List the models anew, and suggest a name: that of a stopped training, else one that is free."""
        before, models = self.start, [model for model in summaries() if model.usable]
        self._starts = tuple(model.id for model in models)
        box = self._ui.startComboBox
        blocked = box.blockSignals(True)
        box.clear()
        box.addItems([model_title(model) for model in models])
        if before in self._starts:
            box.setCurrentIndex(self._starts.index(before))
        box.blockSignals(blocked)
        stopped = unfinished()
        self._ui.nameLineEdit.text = stopped[0].model_id if stopped else free_name(STEM)
        self._look()
        self.show_stopped()

    def show_data(self, folder: str) -> None:
        """Show the data set that is chosen, as it is now."""
        self._ui.dataLineEdit.text = folder
        self._look_again()

    def enable(self, enabled: bool) -> None:
        """Let the choices be changed, or not while a training runs."""
        free = enabled and self.stopped is None
        for widget in (
            self._ui.dataButton,
            self._ui.anyStateCheckBox,
            self._ui.startComboBox,
            self._ui.lengthComboBox,
        ):
            widget.enabled = free
        self._ui.nameLineEdit.enabled = enabled

    def _browse(self) -> None:
        folder = ask_for_folder(_("Choose the data set's folder"))
        if folder is not None:
            self.show_data(str(folder))
            self._choose_data(str(folder))

    def _look_again(self) -> None:
        self._look()
        self._tell()

    def _tell(self) -> None:
        self._changed()

    def _look(self) -> None:
        """Count the cases, without reading one."""
        self._refusal = None
        if self.data is None:
            self._ui.dataLabel.text = CHOOSE_A_DATA_SET
            return
        try:
            seen = cases_seen(self.start) if self.start else frozenset()
            contents = contents_of(self.data, self._ui.anyStateCheckBox.checked, seen)
        except (CacnetError, OSError) as error:
            self._refuse(str(error))
            return
        text = contents_text(contents)
        self._ui.dataLabel.text = text
        if not contents.learned_from:
            self._refuse(text)

    def _refuse(self, sentence: str) -> None:
        self._ui.dataLabel.text = sentence
        self._refusal = NothingToLearnFromError(sentence)

    def show_stopped(self) -> None:
        """Say which training the name stands for, where one was stopped."""
        stopped = self.stopped
        self._ui.resumeLabel.text = resume_text(stopped) if stopped else ""
        self._ui.resumeLabel.visible = stopped is not None
        self._tell()
