"""Scores of a segmentation in the scene, by the same code and rules as a run."""

from __future__ import annotations

import numpy as np
import slicer
from cacnet.findings import Finding
from cacnet.lesions import find_lesions
from cacnet.pipeline import resolve_for
from cacnet.report import Scores
from cacnet.scoring import ResolvedProtocol
from cacnet.validation import check
from cacnet.volume import Acquisition, Volume

from CACNetSegmentationLib.scene.review_store import has_review, kept_review
from CACNetSegmentationLib.scene.segmentations import labels_from_segmentation
from CACNetSegmentationLib.scene.volumes import volume_from_node


def check_volume(
    volume_node: slicer.vtkMRMLScalarVolumeNode, acquisition: Acquisition | None = None
) -> tuple[Finding, ...]:
    """What is fine and what is not about a CT, as `cacnet check` says it; takes about a second for a CCTA."""
    return check(volume_from_node(volume_node, acquisition))


def score_segmentation(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    protocol: str | None = None,
    acquisition: Acquisition | None = None,
) -> Scores:
    """Lesions and scores of the calcium segments as they are now.

    Args:
        segmentation_node: with CACNet's segments.
        volume_node: the CT.
        protocol: name of a scoring protocol; None takes that of the segmentation's review, or else the one that fits
            the contrast phase.
        acquisition: how the scan was made, where that is known.

    Raises:
        ForeignSegmentationError: it has none of CACNet's segments; the errors of `volume_from_node` and `resolve`.
    """
    volume = volume_from_node(volume_node, acquisition)
    calcium_vessel, _ = labels_from_segmentation(segmentation_node, volume_node)
    return score_labels(calcium_vessel, volume, resolved_protocol(segmentation_node, volume, protocol))


def score_labels(calcium_vessel_zyx: np.ndarray, volume: Volume, resolved: ResolvedProtocol) -> Scores:
    """Lesions and scores of a calcium label map on the volume's grid."""
    return Scores(find_lesions(calcium_vessel_zyx, volume.hu, volume.geometry, resolved), resolved)


def resolved_protocol(
    segmentation_node: slicer.vtkMRMLSegmentationNode, volume: Volume, protocol: str | None = None
) -> ResolvedProtocol:
    """The rules of a segmentation's scores: with the blood and tube voltage of its review where it has one."""
    if not has_review(segmentation_node):
        return resolve_for(volume, protocol)
    stored, _ = kept_review(segmentation_node)
    return stored.resolve(protocol or stored.rules.protocol)
