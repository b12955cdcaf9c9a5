"""The buttons that take a review out of Slicer: where it shall go is asked for, what was written is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
from cacnet.dataset.export import ExportLayout
from cacnet.errors import CacnetError

from CACNetSegmentationLib.scene import exports
from CACNetSegmentationLib.scene.review import SceneReview
from CACNetSegmentationLib.scene.scoring import check_volume
from CACNetSegmentationLib.widgets.review.finishing import ExportAction
from CACNetSegmentationLib.widgets.translation import _

NOTHING_CHOSEN = _("Nothing was written, because no folder was chosen.")


class NoReviewOpenError(CacnetError):
    """There is nothing to export."""


def ask_for_folder(title: str) -> Path | None:
    """The folder that the user chooses; None where the dialog was closed."""
    chosen = qt.QFileDialog.getExistingDirectory(None, title)
    return Path(chosen) if chosen else None


class Exports:
    """What can be made of the review that is open.

    Args:
        current: the review, or None.
        acquisition: what is known of the scan of a volume node.
        dicom_database: the application's, or None.
        ask: asks for a folder under a title.
        added: is given the folder of the data set that a case was added to, where CACNet can train on it.
    """

    def __init__(
        self,
        current: Callable[[], SceneReview | None],
        acquisition: Callable[[Any], Any],
        dicom_database: Any,
        ask: Callable[[str], Path | None] = ask_for_folder,
        added: Callable[[Path], None] = lambda folder: None,
    ) -> None:
        self._added = added
        self._current, self._acquisition, self._database, self._ask = current, acquisition, dicom_database, ask

    def actions(self) -> tuple[ExportAction, ...]:
        """One for each button, from left to right."""
        return (
            ExportAction(
                _("Report …"),
                _("PDF, HTML, spreadsheet, CSV and JSON of the review as it stands. Without the patient's name."),
                self.report,
            ),
            ExportAction(
                _("DICOM …"),
                _("Segmentation and structured report in the CT's own study, with its patient. Needs a CT from DICOM."),
                self.dicom,
            ),
            ExportAction(
                _("Training labels …"),
                _("Adds this case to a data set that CACNet trains on, under a pseudonym. Adding it again updates it."),
                lambda: self.labels(ExportLayout.OURS, _("Choose the data set's folder")),
            ),
            ExportAction(
                _("nnU-Net labels …"),
                _("Adds this case, once approved, to a raw data set of nnU-Net v2, under a pseudonym."),
                lambda: self.labels(ExportLayout.NNUNET, _("Choose the nnU-Net data set's folder")),
            ),
        )

    def report(self) -> str:
        """Write the report; returns what to say."""
        review = self._review()
        folder = self._ask(_("Choose where the report's folder shall lie"))
        if folder is None:
            return NOTHING_CHOSEN
        acquisition = self._acquisition(review.volume_node)
        findings = check_volume(review.volume_node, acquisition)
        return exports.export_report(review, folder, acquisition, findings)

    def dicom(self) -> str:
        """Write DICOM SEG and SR; returns what to say."""
        review = self._review()
        source = exports.dicom_source(review.volume_node, self._database)
        folder = self._ask(_("Choose where the DICOM files shall lie"))
        return NOTHING_CHOSEN if folder is None else exports.export_objects(review, folder, source)

    def labels(self, layout: ExportLayout, title: str) -> str:
        """Add the case to a data set; returns what to say."""
        review = self._review()
        folder = self._ask(title)
        if folder is None:
            return NOTHING_CHOSEN
        said = exports.export_labels(review, folder, layout, acquisition=self._acquisition(review.volume_node))
        if layout is ExportLayout.OURS:
            self._added(folder)
        return said

    def _review(self) -> SceneReview:
        review = self._current()
        if review is None:
            raise NoReviewOpenError("no review is open", "a result under review", "Run the network, or choose a result")
        return review
