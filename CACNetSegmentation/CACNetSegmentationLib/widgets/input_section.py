"""The input part of the panel: says what the chosen CT is, and before any run what is fine about it and what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity

from CACNetSegmentationLib.widgets.job import check_job
from CACNetSegmentationLib.widgets.question import Question, StartJob
from CACNetSegmentationLib.widgets.service import Service
from CACNetSegmentationLib.widgets.translation import _
from CACNetSegmentationLib.widgets.wording import CHECKING, CHOOSE_A_CT, findings_html, input_text


class InputSection:
    """Shows one CT at a time. The values are looked at in the worker process: half a second is too long for a window.

    Args:
        ui: the named widgets.
        service: the scene.
        start: starts the worker.
        changed: called when it has become known whether the CT can be used.
    """

    def __init__(self, ui: Any, service: Service, start: StartJob, changed: Callable[[], None]) -> None:
        self._ui, self._service, self._start, self._changed = ui, service, start, changed
        self._state: Any = None
        self._question: Question | None = None
        self.volume_node: Any = None
        self.findings: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether a run on this CT makes sense, as far as is known."""
        errors = (finding for finding in self.findings if finding.severity is Severity.ERROR)
        return self.volume_node is not None and next(errors, None) is None

    def show(self, volume_node: Any) -> None:
        """Choose the CT. The same CT is looked at again only where it or its place has changed."""
        state = None
        text, findings = CHOOSE_A_CT, ()
        if volume_node is not None:
            try:
                text = input_text(*self._service.describe_input(volume_node))
                state = self._service.input_state(volume_node)
            except CacnetError as error:
                text, findings = "", (Finding("input-unusable", Severity.ERROR, str(error)),)
        if state is not None and state == self._state:
            return
        self._stop()
        self.volume_node, self._state, self.findings = volume_node, state, findings
        self._ui.inputLabel.text = text
        self._refresh(CHECKING if state is not None else "")
        if state is not None:
            # After the window has shown the choice: the CT is written to disk for the worker.
            qt.QTimer.singleShot(0, lambda: self._check(state))

    def close(self) -> None:
        """Stop looking, before the scene or Slicer closes."""
        self._stop()
        self.volume_node, self._state = None, None

    def _check(self, state: Any) -> None:
        if state != self._state:
            return

        def job(folder: Path) -> dict:
            self._service.write_input(self.volume_node, folder / "ct.nrrd")
            return check_job(folder / "ct.nrrd", self._service.acquisition(self.volume_node))

        self._question = Question(self._start, lambda _answer, findings: self._show_findings(findings), self._fail)
        self._question.ask(job)

    def _show_findings(self, findings: tuple[Finding, ...]) -> None:
        nothing = Finding("nothing-to-remark", Severity.NOTE, _("Nothing to remark."))
        self.findings = findings or (nothing,)
        self._refresh("")

    def _fail(self, message: str) -> None:
        sentence = _("The CT could not be looked at before the run: {reason}").format(reason=message)
        self._show_findings((Finding("not-checked", Severity.WARNING, sentence),))

    def _stop(self) -> None:
        if self._question is not None:
            self._question.stop()
            self._question = None

    def _refresh(self, waiting: str) -> None:
        self._ui.inputFindingsLabel.text = waiting or findings_html(self.findings)
        self._ui.inputFindingsLabel.visible = bool(waiting or self.findings)
        self._changed()
