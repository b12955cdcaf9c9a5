"""Approval, and what is made of an approved or open review: reports, labels, DICOM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import qt
from cacnet.edits.summary import ReviewSummary

from CACNetSegmentationLib.widgets.review.corrections import Act
from CACNetSegmentationLib.widgets.review.messages import Message
from CACNetSegmentationLib.widgets.review.wording import accept_all_text, finish_text

LONGEST_INITIALS = 16
_BUTTONS_IN_A_ROW = 2


@dataclass(frozen=True)
class ExportAction:
    """Something that can be made of a review.

    Attributes:
        title: on its button.
        tooltip: what it writes.
        run: does it and returns a sentence on what was written; raises CacnetError where it cannot.
    """

    title: str
    tooltip: str
    run: Callable[[], str]


class Finishing:
    """Drives the last part of Review.ui."""

    def __init__(self, ui, act: Act, exports: Sequence[ExportAction]) -> None:
        self._ui, self._act = ui, act
        self._message = Message(ui.finishMessageLabel)
        self._export_message = Message(ui.exportMessageLabel)
        ui.initialsLineEdit.setMaxLength(LONGEST_INITIALS)
        ui.approveButton.connect("clicked()", self._approve)
        ui.reopenButton.connect("clicked()", self._reopen)
        ui.acceptAllButton.connect("clicked()", self._accept_all)
        self._buttons = [self._add(export, place) for place, export in enumerate(exports)]
        ui.exportCollapsibleButton.visible = bool(exports)

    def start(self) -> None:
        """Forget what was said of another review."""
        self._message.say("")
        self._export_message.say("")

    def show(self, summary: ReviewSummary) -> None:
        """Offer what can be done now."""
        left = len(summary.unreviewed)
        self._ui.finishLabel.text = finish_text(summary)
        self._ui.acceptAllButton.text = accept_all_text(left)
        self._ui.acceptAllButton.visible = left > 0 and not summary.locked
        self._ui.approveButton.enabled = not left and not summary.locked
        self._ui.approveButton.visible = self._ui.initialsLineEdit.visible = not summary.locked
        self._ui.reopenButton.visible = summary.locked

    def _add(self, export: ExportAction, place: int):
        button = qt.QPushButton(export.title)
        button.toolTip = export.tooltip
        button.connect("clicked()", self._runner(export))
        self._ui.exportFrame.layout().addWidget(button, place // _BUTTONS_IN_A_ROW, place % _BUTTONS_IN_A_ROW)
        return button

    def _runner(self, export: ExportAction) -> Callable[[], None]:
        # Without parameters, so that the button's flag cannot take the place of one.
        return lambda: self._export(export)

    def _export(self, export: ExportAction) -> None:
        self._act(lambda service: export.run(), self._export_message)

    def _approve(self) -> None:
        initials = self._ui.initialsLineEdit.text.strip()
        self._act(lambda service: service.approve(initials), self._message)

    def _reopen(self) -> None:
        self._act(lambda service: service.reopen(), self._message)

    def _accept_all(self) -> None:
        self._act(lambda service: service.accept_all(), self._message)
