"""Where a review is kept in the scene: as text that the segmentation refers to, saved and loaded with both."""

from __future__ import annotations

from pathlib import Path

import slicer
from cacnet.edits.stored_json import from_text, read_review, to_text
from cacnet.edits.stored_review import ReviewFileError, StoredReview
from cacnet.errors import CacnetError

REVIEW_ROLE = "CACNetReview"
"""Reference from the segmentation to the text node with the review."""
CT_ROLE = "CACNetReviewCT"
"""Reference from the segmentation to the CT that it was made from."""
REVIEW_FILE = "review.json"


class NoReviewError(CacnetError):
    """The segmentation is no result of CACNet, or its CT is no longer in the scene."""


def attach_result(
    volume_node: slicer.vtkMRMLScalarVolumeNode, segmentation_node: slicer.vtkMRMLSegmentationNode, folder: Path
) -> StoredReview:
    """Put the review of a result (review.json in its folder) into the scene; raises ReviewFileError."""
    stored = read_review(folder / REVIEW_FILE)
    attach(volume_node, segmentation_node, stored)
    return stored


def attach(
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    stored: StoredReview,
) -> None:
    """Keep a review with a segmentation and its CT."""
    segmentation_node.SetNodeReferenceID(CT_ROLE, volume_node.GetID())
    keep_text(segmentation_node, to_text(stored))


def keep_text(segmentation_node: slicer.vtkMRMLSegmentationNode, text: str) -> None:
    """Make `text` the review of the segmentation."""
    node = segmentation_node.GetNodeReference(REVIEW_ROLE)
    if node is None:
        node = slicer.vtkMRMLTextNode()
        node.SetName(f"{segmentation_node.GetName()} review")
        node.HideFromEditorsOn()
        # In the scene file itself: a file of its own could be left behind, or out of step with the segmentation.
        node.SetForceCreateStorageNode(slicer.vtkMRMLTextNode.CreateStorageNodeNever)
        node = segmentation_node.GetScene().AddNode(node)
        segmentation_node.SetNodeReferenceID(REVIEW_ROLE, node.GetID())
    node.SetText(text)


def has_review(segmentation_node: slicer.vtkMRMLSegmentationNode | None) -> bool:
    """Whether a review is kept with the segmentation."""
    return segmentation_node is not None and segmentation_node.GetNodeReference(REVIEW_ROLE) is not None


def kept_review(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
) -> tuple[StoredReview, slicer.vtkMRMLScalarVolumeNode]:
    """The review of a segmentation, and its CT.

    Raises:
        NoReviewError: there is none, or the CT was removed; ReviewFileError: it is damaged.
    """
    if not has_review(segmentation_node):
        raise NoReviewError(
            f"'{segmentation_node.GetName()}' has no review", "a segmentation that CACNet has made", "Run CACNet"
        )
    volume_node = segmentation_node.GetNodeReference(CT_ROLE)
    if volume_node is None:
        raise NoReviewError(
            f"the CT of '{segmentation_node.GetName()}' is not in the scene",
            "the CT that it was made from",
            "Load the scene in which both were saved, or load the CT and run again",
        )
    text = segmentation_node.GetNodeReference(REVIEW_ROLE).GetText()
    if not text:
        raise ReviewFileError(
            f"the review of '{segmentation_node.GetName()}' is empty", "an unchanged one", "Load an earlier save"
        )
    return from_text(text), volume_node
