"""The totals in large type, each artery's share, and the age and sex that a percentile needs."""

from __future__ import annotations

from collections.abc import Sequence

from cacnet.edits.summary import ReviewSummary, not_settled
from cacnet.findings import Finding

from CACNetSegmentationLib.widgets.review.corrections import Act
from CACNetSegmentationLib.widgets.review.messages import Message
from CACNetSegmentationLib.widgets.review.wording import (
    ESTABLISHED_WITHOUT_CONTRAST,
    estimate_html,
    headline_html,
    percentile_text,
    sums_html,
    vessels_html,
)
from CACNetSegmentationLib.widgets.wording import RESEARCH_USE, findings_html

SEXES = (None, "F", "M")
YOUNGEST, OLDEST = 18, 120
"""What the percentile table takes; one below stands for 'not known' in the box."""


class Scores:
    """Drives the upper part of Review.ui."""

    def __init__(self, ui, act: Act) -> None:
        self._ui, self._act = ui, act
        self._message = Message(ui.patientMessageLabel)
        self._filling = False
        self._findings: tuple[Finding, ...] = ()
        ui.categoriesLabel.text = ESTABLISHED_WITHOUT_CONTRAST
        ui.reviewResearchUseLabel.text = RESEARCH_USE
        ui.ageSpinBox.setRange(YOUNGEST - 1, OLDEST)
        ui.ageSpinBox.setKeyboardTracking(False)
        for sex in SEXES:
            ui.sexComboBox.addItem("–" if sex is None else sex)
        ui.ageSpinBox.connect("valueChanged(int)", lambda value: self._on_patient())
        ui.sexComboBox.connect("currentIndexChanged(int)", lambda index: self._on_patient())

    def start(self, age_years: float | None, sex: str | None, findings: Sequence[Finding] = ()) -> None:
        """Fill in what is known of the patient, and keep what the run noticed, which `show` says."""
        self._findings = tuple(findings)
        self._filling = True
        self._ui.ageSpinBox.value = YOUNGEST - 1 if age_years is None else int(age_years)
        self._ui.sexComboBox.setCurrentIndex(SEXES.index(sex) if sex in SEXES else 0)
        self._filling = False
        self._message.say("")

    def show(self, summary: ReviewSummary) -> None:
        """Show the numbers as they are now."""
        ui = self._ui
        said = not_settled(self._findings, summary)
        ui.runFindingsLabel.text, ui.runFindingsLabel.visible = findings_html(said), bool(said)
        ui.headlineLabel.text = headline_html(summary)
        ui.sumsLabel.text = sums_html(summary)
        estimate = estimate_html(summary)
        ui.estimateLabel.text, ui.estimateLabel.visible = estimate, bool(estimate)
        ui.estimateLabel.toolTip = summary.equivalent.sentence if summary.equivalent else ""
        ui.protocolSentenceLabel.text = summary.resolved.sentence
        ui.vesselsLabel.text = vessels_html(summary)
        ui.percentileLabel.text = "" if summary.inconclusive else percentile_text(summary.percentile)
        ui.percentileLabel.toolTip = summary.percentile.source if summary.percentile else ESTABLISHED_WITHOUT_CONTRAST

    def _on_patient(self) -> None:
        if self._filling:
            return
        age = self._ui.ageSpinBox.value
        age_years = None if age < YOUNGEST else float(age)
        sex = SEXES[self._ui.sexComboBox.currentIndex]
        self._act(lambda service: service.set_patient(age_years, sex), self._message)
