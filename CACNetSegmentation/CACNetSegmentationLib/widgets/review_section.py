"""The review part of the panel: opens the review of the chosen result, and closes it with its nodes or the scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
from cacnet.errors import CacnetError

from CACNetSegmentationLib.scene.review import SceneReview
from CACNetSegmentationLib.scene.review_store import has_review
from CACNetSegmentationLib.widgets.review.finishing import ExportAction
from CACNetSegmentationLib.widgets.review.panel import ReviewPanel
from CACNetSegmentationLib.widgets.translation import _


class ReviewSection:
    """One review at a time, in the widget `reviewPlaceholder` of CACNetSegmentation.ui.

    Args:
        ui: the named widgets of that file.
        scene: the scene.
        exports: what the buttons of the review's export part do.
    """

    def __init__(self, ui: Any, scene: slicer.vtkMRMLScene, exports: Sequence[ExportAction] = ()) -> None:
        self._ui, self._scene = ui, scene
        self.review: SceneReview | None = None
        self._node: Any = None
        self.panel = ReviewPanel(ui.reviewPlaceholder, exports=exports)
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
            review = SceneReview.resume(self._scene, segmentation_node)
        except CacnetError as error:
            self._say(str(error))
            return
        rules = review.stored.rules
        review.on_close(lambda: self._closed(review))
        self.review = review
        self.panel.show_review(review, rules.age_years, rules.sex)
        self._say("")

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
