"""The review part of the panel: opens the review of the chosen result, and closes it with its nodes or the scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import slicer
from cacnet.edits.autosave import Recoverable, recoverable
from cacnet.errors import CacnetError

from CACNetSegmentationLib.scene.review import SceneReview
from CACNetSegmentationLib.scene.review_store import has_review
from CACNetSegmentationLib.scene.review_views import LAYOUT
from CACNetSegmentationLib.widgets.review.finishing import ExportAction
from CACNetSegmentationLib.widgets.review.panel import ReviewPanel
from CACNetSegmentationLib.widgets.translation import _


class ReviewSection:
    """One review at a time, in the widget `reviewPlaceholder` of CACNetSegmentation.ui.

    Args:
        ui: the named widgets of that file.
        scene: the scene.
        exports: what the buttons of the review's export part do.
        autosave_folder: where the steps of a review are saved as they are made, until it is closed.
        recovered: is given the segmentation of a review that was brought back after a crash.
    """

    def __init__(
        self,
        ui: Any,
        scene: slicer.vtkMRMLScene,
        exports: Sequence[ExportAction],
        autosave_folder: Path,
        recovered: Callable[[Any], None],
    ) -> None:
        self._ui, self._scene, self._autosave_folder, self._recovered = ui, scene, autosave_folder, recovered
        self.review: SceneReview | None = None
        self._node: Any = None
        self._bereft: Any = None
        """The CT for which a lost review may be offered."""
        self._lost: Recoverable | None = None
        self.panel = ReviewPanel(ui.reviewPlaceholder, exports=exports)
        ui.recoverButton.connect("clicked()", self.recover)
        self._offer(None)
        self._say("")

    def show(self, segmentation_node: Any) -> None:
        """Open the review that is kept with a segmentation; a segmentation without one is said to have none."""
        open_already = self.review is not None and not self.review.closed
        if segmentation_node is self._node and (open_already or segmentation_node is None):
            return
        self.close()
        self._node = segmentation_node
        self._ui.show3DButton.setSegmentationNode(segmentation_node)
        if segmentation_node is None:
            return
        if not has_review(segmentation_node):
            self._say(_("This segmentation was not made by CACNet, so there is nothing to review."))
            return
        try:
            review = SceneReview.resume(self._scene, segmentation_node, self._autosave())
        except CacnetError as error:
            self._say(str(error))
            return
        self._open(review)

    def offer_lost(self, volume_node: Any) -> None:
        """Offer what a crash has left of a review on a CT like this one; None offers nothing."""
        if volume_node is self._bereft:
            return
        self._bereft = volume_node
        self._offer(None)
        if volume_node is not None and volume_node.GetImageData() is not None:
            shape = tuple(volume_node.GetImageData().GetDimensions()[::-1])
            lost = (one for one in recoverable(self._autosave_folder) if tuple(one.shape_zyx) == shape)
            self._offer(next(lost, None))

    def recover(self) -> None:
        """Bring back the review that is offered, in a new segmentation."""
        lost, volume_node = self._lost, self._bereft
        self._offer(None)
        try:
            review = SceneReview.recover(self._scene, volume_node, lost.path)
        except (CacnetError, OSError) as error:
            self._say(_("The review could not be recovered: {reason}").format(reason=error))
            return
        self.close()
        self._node = review.segmentation_node
        self._open(review)
        self._recovered(review.segmentation_node)

    def _open(self, review: SceneReview) -> None:
        rules = review.stored.rules
        review.on_close(lambda: self._closed(review))
        self.review = review
        layouts = slicer.app.layoutManager()
        if layouts is not None:  # there is none without a main window
            layouts.setLayout(LAYOUT)
        review.show(slicer.app.applicationLogic())
        self.panel.show_review(review, rules.age_years, rules.sex)
        self._ui.show3DButton.setSegmentationNode(review.segmentation_node)
        self._say("")

    def _autosave(self) -> Path | None:
        """The folder, where it can be made; a review goes on without it, saved in the scene only."""
        try:
            self._autosave_folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return None
        return self._autosave_folder

    def _offer(self, lost: Recoverable | None) -> None:
        self._lost = lost
        self._ui.recoverButton.visible = lost is not None
        if lost is not None:
            when = lost.saved_utc[:16].replace("T", " ")
            text = _("Recover the review of {when} UTC ({steps} steps)")
            self._ui.recoverButton.text = text.format(when=when, steps=lost.steps)

    def close(self) -> None:
        """Close the review that is open; its work stays in the scene."""
        review, self.review, self._node = self.review, None, None
        self.panel.show_review(None)
        if review is not None and not review.closed:
            review.close()
        self._say("")

    def _closed(self, review: SceneReview) -> None:
        """The CT or the segmentation was removed."""
        if review is self.review:
            self.review = self._node = None
            self.panel.show_review(None)

    def _say(self, message: str) -> None:
        self._ui.reviewMessageLabel.text = message
        self._ui.reviewMessageLabel.visible = bool(message)
