"""Which results belong to which CT: by the references between nodes, never by which run was the last."""

from __future__ import annotations

import slicer
from cacnet import segments


def results_of(
    scene: slicer.vtkMRMLScene, volume_node: slicer.vtkMRMLScalarVolumeNode | None
) -> tuple[slicer.vtkMRMLSegmentationNode, ...]:
    """The segmentations of CACNet that were made on this CT, the newest last."""
    if volume_node is None:
        return ()
    collection = scene.GetNodesByClass("vtkMRMLSegmentationNode")
    nodes = [collection.GetItemAsObject(number) for number in range(collection.GetNumberOfItems())]
    return tuple(node for node in nodes if is_result(node) and volume_of(node) is volume_node)


def volume_of(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
) -> slicer.vtkMRMLScalarVolumeNode | None:
    """The CT that a segmentation was made on; None where it was removed."""
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    return segmentation_node.GetNodeReference(role)


def is_result(segmentation_node: slicer.vtkMRMLSegmentationNode) -> bool:
    """Whether it has a calcium segment of CACNet."""
    segmentation = segmentation_node.GetSegmentation()
    return any(segmentation.GetSegment(definition.segment_id) for definition in segments.SEGMENTS)
