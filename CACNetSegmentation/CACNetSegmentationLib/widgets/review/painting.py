"""Painting with Slicer's own Segment Editor: above the scoring threshold only, with strokes made lesions at once."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from cacnet.edits.summary import ReviewSummary
from cacnet.segments import CALCIUM_SEGMENTS

from CACNetSegmentationLib.widgets.review.service import ReviewService
from CACNetSegmentationLib.widgets.review.wording import ARTERIES_HIDDEN, mask_text

EDITOR_NODE_TAG = "CACNetSegmentEditor"
"""A parameter node of our own, so that the Segment Editor module keeps its settings."""
EFFECTS = ("Paint", "Erase", "Draw", "Scissors", "Islands", "Threshold")
STROKE_PAUSE_MS = 150
UNDO_STATES = 10
_KEPT_VISIBLE = frozenset({*(segment.segment_id for segment in CALCIUM_SEGMENTS), "Rejected"})


class StrokeTimer:
    """Waits for a pause in painting, and then calls `absorb` once for all strokes before it."""

    def __init__(self, absorb: Callable[[], None]) -> None:
        self._absorb, self._pending = absorb, False
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(STROKE_PAUSE_MS)
        self._timer.connect("timeout()", self.flush)

    def stroke(self) -> None:
        """Something was painted."""
        self._pending = True
        self._timer.start()

    def flush(self) -> None:
        """Absorb at once what is pending; nothing where nothing is."""
        self._timer.stop()
        if self._pending:
            self._pending = False
            self._absorb()

    def forget(self) -> None:
        """Drop what is pending; its review has been closed."""
        self._timer.stop()
        self._pending = False


class Painting:
    """The section with the Segment Editor, which is made when the section is first opened.

    Args:
        ui: named widgets of Review.ui.
        scene: the MRML scene.
    """

    def __init__(self, ui, scene) -> None:
        self._ui, self._scene = ui, scene
        self._editor = self._node = None
        self._service: ReviewService | None = None
        self._summary: ReviewSummary | None = None
        self._hidden: list[str] = []
        self._brightest_hu = 0.0
        self._masked_from_hu: float | None = None
        ui.paintHintLabel.text = ARTERIES_HIDDEN
        ui.paintCollapsibleButton.connect("contentsCollapsed(bool)", lambda collapsed: self._on_collapsed())
        ui.thresholdMaskCheckBox.connect("toggled(bool)", lambda checked: self._mask())

    @property
    def editor(self):
        """The Segment Editor, or None before the section was first opened."""
        return self._editor

    def open(self, service: ReviewService, summary: ReviewSummary) -> None:
        """Paint on this review from now on."""
        self.close()
        self._service, self._summary = service, summary
        self._on_collapsed()

    def show(self, summary: ReviewSummary) -> None:
        """Follow the protocol's threshold, and approval."""
        self._summary = summary
        self._ui.thresholdMaskCheckBox.text = mask_text(summary.resolved.threshold_hu)
        if self._editor is not None:
            self._editor.readOnly = summary.locked
            self._mask()

    def close(self) -> None:
        """Let go of the segmentation, and show the arteries again."""
        self._show_arteries()
        if self._editor is not None:
            self._editor.setActiveEffect(None)
            self._editor.setSegmentationNode(None)
            self._editor.setSourceVolumeNode(None)
        self._service = self._summary = None

    def rest(self) -> None:
        """Put the brush down and show the arteries, as when another module is opened: clicks are for that one then."""
        self._show_arteries()
        if self._editor is not None:
            self._editor.setActiveEffect(None)

    def go_on(self) -> None:
        """Make the section ready again after `rest`; what was chosen in the editor stays."""
        if self._service is not None and not self._ui.paintCollapsibleButton.collapsed:
            self._hide_arteries()

    def _on_collapsed(self) -> None:
        if self._service is None or self._ui.paintCollapsibleButton.collapsed:
            self.rest()
            return
        if self._editor is None:
            self._make_editor()
        self._take_parameter_node()
        self._editor.setSegmentationNode(self._service.segmentation_node)
        self._editor.setSourceVolumeNode(self._service.volume_node)
        # After the nodes: choosing a source volume lets the editor set a range of its own.
        self._brightest_hu = float(slicer.util.arrayFromVolume(self._service.volume_node).max())
        self._masked_from_hu = None
        self.show(self._summary)
        self._hide_arteries()

    def _make_editor(self) -> None:
        editor = self._editor = slicer.qMRMLSegmentEditorWidget()
        # Before the scene: with that the editor chooses nodes at once, and complains where it cannot keep its choice.
        self._take_parameter_node()
        editor.setMRMLScene(self._scene)
        editor.maximumNumberOfUndoStates = UNDO_STATES
        editor.segmentationNodeSelectorVisible = False
        editor.sourceVolumeNodeSelectorVisible = False
        editor.switchToSegmentationsButtonVisible = False
        editor.addRemoveSegmentButtonsVisible = False
        editor.setEffectNameOrder(EFFECTS)
        editor.unorderedEffectsVisible = False
        self._ui.paintEditorFrame.layout().addWidget(editor)

    def _take_parameter_node(self) -> None:
        # Each time, because closing the scene removes or resets it.
        self._node = self._scene.GetSingletonNode(EDITOR_NODE_TAG, "vtkMRMLSegmentEditorNode")
        if self._node is None:
            node = slicer.vtkMRMLSegmentEditorNode()
            node.SetSingletonTag(EDITOR_NODE_TAG)
            self._node = self._scene.AddNode(node)
        # Only what is visible is overwritten, and that is calcium: the arteries around it stay whole.
        self._node.SetOverwriteMode(self._node.OverwriteVisibleSegments)
        self._editor.setMRMLSegmentEditorNode(self._node)

    def _mask(self) -> None:
        if self._node is None or self._summary is None or self._service is None:
            return
        threshold_hu = self._summary.resolved.threshold_hu
        if threshold_hu != self._masked_from_hu:
            # Only where the protocol changed it: the reader may choose another range in the editor.
            self._masked_from_hu = threshold_hu
            self._node.SetSourceVolumeIntensityMaskRange(threshold_hu, max(self._brightest_hu, threshold_hu))
        self._node.SetSourceVolumeIntensityMask(bool(self._ui.thresholdMaskCheckBox.checked))

    def _hide_arteries(self) -> None:
        display = self._service.segmentation_node.GetDisplayNode()
        segmentation = self._service.segmentation_node.GetSegmentation()
        if display is None or self._hidden:
            return
        ids = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
        self._hidden = [i for i in ids if i not in _KEPT_VISIBLE and display.GetSegmentVisibility(i)]
        for segment_id in self._hidden:
            display.SetSegmentVisibility(segment_id, False)

    def _show_arteries(self) -> None:
        hidden, self._hidden = self._hidden, []
        if hidden and (display := self._service.segmentation_node.GetDisplayNode()) is not None:
            for segment_id in hidden:
                display.SetSegmentVisibility(segment_id, True)
