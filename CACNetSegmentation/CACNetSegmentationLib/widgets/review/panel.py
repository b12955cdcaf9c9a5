"""The review in one widget: shows one review at a time, and lets every error end in a sentence beside its cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import slicer
from cacnet.edits.summary import ReviewSummary

from CACNetSegmentationLib.widgets.review.corrections import Corrections, PickPoint, SlicePlane
from CACNetSegmentationLib.widgets.review.finishing import ExportAction, Finishing
from CACNetSegmentationLib.widgets.review.messages import Message
from CACNetSegmentationLib.widgets.review.painting import Painting, StrokeTimer
from CACNetSegmentationLib.widgets.review.picking import pick_point as pick_in_slice_view
from CACNetSegmentationLib.widgets.review.picking import red_slice_plane
from CACNetSegmentationLib.widgets.review.protocols import Protocols
from CACNetSegmentationLib.widgets.review.scores import Scores
from CACNetSegmentationLib.widgets.review.service import ReviewService
from CACNetSegmentationLib.widgets.review.wording import NOTHING_OPEN

UI_FILE = Path(__file__).resolve().parents[3] / "Resources" / "UI" / "Review.ui"


class ReviewPanel:
    """Loads Review.ui and drives it.

    Args:
        parent: a widget with a layout that the panel is put into, or None to leave `widget` to the caller.
        pick_point: lets the reader click once in a slice view.
        exports: what the buttons of the export section do, from left to right.
        slice_plane: the plane of the slice that "split by slice" cuts along.
    """

    def __init__(
        self,
        parent=None,
        pick_point: PickPoint = pick_in_slice_view,
        exports: Sequence[ExportAction] = (),
        slice_plane: SlicePlane = red_slice_plane,
    ) -> None:
        self.widget = slicer.util.loadUI(str(UI_FILE))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        if parent is not None:
            parent.layout().addWidget(self.widget)
        self._service: ReviewService | None = None
        self.strokes = StrokeTimer(self._absorb)
        self.scores = Scores(self.ui, self.act)
        self.corrections = Corrections(self.ui, self.act, pick_point, slice_plane)
        self.painting = Painting(self.ui, slicer.mrmlScene)
        self.protocols = Protocols(self.ui, self.act)
        self.finishing = Finishing(self.ui, self.act, exports)
        self._stroke_message = Message(self.ui.paintMessageLabel)
        self.ui.nothingOpenLabel.text = NOTHING_OPEN
        self.show_review(None)

    def show_review(
        self, service: ReviewService | None, age_years: float | None = None, sex: str | None = None
    ) -> None:
        """Show a review in place of the one before, or say that none is open. The caller closes services.

        Args:
            service: the review.
            age_years, sex: what is known of the patient, to be filled in.
        """
        self.close()
        self._service = service
        self.ui.reviewFrame.visible = service is not None
        self.ui.nothingOpenLabel.visible = service is None
        if service is None:
            return
        service.on_change(lambda summary: self._on_change(service, summary))
        service.on_pending_strokes(lambda: self._on_stroke(service))
        self.scores.start(age_years, sex, service.findings)
        self.protocols.start()
        self.finishing.start()
        self._stroke_message.say("")
        self._show(service.summary)
        self.corrections.start()
        self.painting.open(service, service.summary)

    def close(self) -> None:
        """Let go of the review and of the scene; safe to call twice and before the scene closes."""
        self.strokes.forget()
        self.corrections.stop_picking()
        self.painting.close()
        self._service = None

    def leave(self) -> None:
        """Let the views be, because another module is opened; what was painted is absorbed."""
        self.strokes.flush()
        self.corrections.stop_picking()
        self.painting.rest()

    def come_back(self) -> None:
        """This module is opened again."""
        self.painting.go_on()

    def act(self, work: Callable[[ReviewService], str | None], message: Message) -> bool:
        """Do something with the review that is open; see `corrections.Act`. What was painted before is part of it."""
        self.strokes.flush()
        service = self._service
        return service is not None and message.attempt(lambda: work(service))

    def _on_change(self, service: ReviewService, summary: ReviewSummary) -> None:
        if service is self._service:
            self._show(summary)

    def _show(self, summary: ReviewSummary) -> None:
        for part in (self.scores, self.corrections, self.painting, self.protocols, self.finishing):
            part.show(summary)

    def _on_stroke(self, service: ReviewService) -> None:
        if service is self._service:
            self.strokes.stroke()

    def _absorb(self) -> None:
        if self._service is not None:
            # Where the reader looks: others than this section's editor can paint as well.
            folded = self.ui.paintCollapsibleButton.collapsed
            message = self.corrections.message if folded else self._stroke_message
            message.attempt(self._service.absorb_strokes)
