"""Between results and segmentation nodes: segments with names, colours, terminology and DICOM tags; and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from cacnet import segments
from cacnet.errors import CacnetError
from cacnet.segments import SegmentDefinition
from cacnet.volume import Geometry
from vtk.util.numpy_support import vtk_to_numpy

from CACNetSegmentationLib.scene.subject_hierarchy import place_beside
from CACNetSegmentationLib.scene.volumes import geometry_of_node, ijk_to_ras_matrix, image_data

CALCIUM_OPACITY_2D_FILL = 1.0
CORONARY_OPACITY_2D_FILL = 0.0
"""Arteries are drawn as an outline in slices, so that lumen and calcium stay visible."""
CORONARY_OPACITY_3D = 0.35


class SegmentationReadError(CacnetError):
    """A segmentation file could not be read."""


class ForeignSegmentationError(CacnetError):
    """The segmentation has none of CACNet's segments."""


def create_segmentation(
    scene: slicer.vtkMRMLScene,
    calcium_vessel: np.ndarray,
    coronary: np.ndarray,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    algorithm_name: str,
    name: str,
) -> slicer.vtkMRMLSegmentationNode:
    """A new segmentation node with every segment of `cacnet.segments`, beside the volume in the subject hierarchy.

    Args:
        calcium_vessel, coronary: (z, y, x) on the grid of `volume_node`; label values as in `cacnet.segments`.
        algorithm_name: the model, for DICOM.

    Raises:
        GeometryMismatchError, SegmentLabelError: nothing is added to the scene.
    """
    geometry = geometry_of_node(volume_node)
    for labels, kind in ((calcium_vessel, "calcium"), (coronary, "coronary")):
        segments.check_labels(labels, geometry, kind)
    calcium_layer = _oriented_image(calcium_vessel, geometry)
    coronary_mask = segments.coronary_with_calcium(calcium_vessel, coronary)
    coronary_layer = _oriented_image(coronary_mask * np.uint8(segments.CORONARY_SEGMENT.label_value), geometry)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    for definition in segments.SEGMENTS:
        layer = coronary_layer if definition is segments.CORONARY_SEGMENT else calcium_layer
        node.GetSegmentation().AddSegment(new_segment(definition, layer, algorithm_name), definition.segment_id)
    _settle(scene, node, volume_node)
    return node


def load_segmentation(
    scene: slicer.vtkMRMLScene, path: Path, volume_node: slicer.vtkMRMLScalarVolumeNode, name: str
) -> slicer.vtkMRMLSegmentationNode:
    """The segmentation file of a result as a node, beside the volume it was made from.

    Raises:
        SegmentationReadError: nothing is added to the scene.
    """
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    if not path.is_file() or not storage.ReadData(node):
        scene.RemoveNode(node)
        raise SegmentationReadError(f"'{path.name}' could not be read", "a segmentation written by CACNet", "Run again")
    _settle(scene, node, volume_node)
    return node


def labels_from_segmentation(
    segmentation_node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLScalarVolumeNode
) -> tuple[np.ndarray, np.ndarray]:
    """The segments as label maps on the grid of the volume, whatever grid they were painted on.

    Where calcium segments overlap, a named artery wins over "Unassigned" and, among arteries, the first of
    LM, LAD, LCx, RCA. A deleted segment counts as empty; segments of other names are left out.

    Returns:
        (z, y, x) uint8: calcium with the label values of `cacnet.segments`; coronary arteries, 1 inside.

    Raises:
        ForeignSegmentationError: not one segment is CACNet's.
    """
    present = [s for s in segments.SEGMENTS if segmentation_node.GetSegmentation().GetSegment(s.segment_id)]
    if not present:
        raise ForeignSegmentationError(
            found=f"the segmentation '{segmentation_node.GetName()}' has none of CACNet's segments",
            expected=", ".join(s.name for s in segments.SEGMENTS),
            action="Choose a segmentation that CACNet has made",
        )
    reference = slicer.vtkSlicerSegmentationsModuleLogic.CreateOrientedImageDataFromVolumeNode(
        volume_node, segmentation_node.GetParentTransformNode()
    )
    calcium_vessel = np.zeros(reference.GetDimensions()[::-1], np.uint8)
    coronary = np.zeros_like(calcium_vessel)
    for definition in reversed(present):
        inside = _segment_mask(segmentation_node, definition.segment_id, reference)
        if definition is segments.CORONARY_SEGMENT:
            coronary[inside] = 1
        else:
            calcium_vessel[inside] = definition.label_value
    return calcium_vessel, coronary


def tag_algorithm(segment: slicer.vtkSegment, algorithm_name: str, algorithm_type: str) -> None:
    """Say, for DICOM SEG, who drew the segment; `segments.SEMIAUTOMATIC` after a person has edited it."""
    segment.SetTag(segments.ALGORITHM_NAME_TAG, algorithm_name)
    segment.SetTag(segments.ALGORITHM_TYPE_TAG, algorithm_type)


def new_segment(
    definition: SegmentDefinition, layer: slicer.vtkOrientedImageData, algorithm_name: str
) -> slicer.vtkSegment:
    """A segment as defined, on a layer that it may share: its voxels are those of the definition's label value."""
    segment = slicer.vtkSegment()
    segment.SetName(definition.name)
    segment.SetColor(*definition.color_rgb)
    segment.SetNameAutoGenerated(False)
    segment.SetColorAutoGenerated(False)
    segment.SetTerminology(definition.terminology_entry)
    segment.SetLabelValue(definition.label_value)
    tag_algorithm(segment, algorithm_name, segments.AUTOMATIC)
    segment.AddRepresentation(binary_labelmap(), layer)
    return segment


def _settle(
    scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLScalarVolumeNode
) -> None:
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    for definition in segments.SEGMENTS:
        display.SetSegmentOpacity2DFill(definition.segment_id, CALCIUM_OPACITY_2D_FILL)
    display.SetSegmentOpacity2DFill(segments.CORONARY_SEGMENT.segment_id, CORONARY_OPACITY_2D_FILL)
    display.SetSegmentOpacity3D(segments.CORONARY_SEGMENT.segment_id, CORONARY_OPACITY_3D)
    place_beside(scene, node, volume_node)


def _segment_mask(
    segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, reference: slicer.vtkOrientedImageData
) -> np.ndarray:
    labelmap, resampled = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData()
    empty = np.zeros(reference.GetDimensions()[::-1], bool)
    if not segmentation_node.GetBinaryLabelmapRepresentation(segment_id, labelmap) or labelmap.IsEmpty():
        return empty
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(labelmap, reference, resampled)
    return vtk_to_numpy(resampled.GetPointData().GetScalars()).reshape(empty.shape) > 0


def _oriented_image(labels: np.ndarray, geometry: Geometry) -> slicer.vtkOrientedImageData:
    image = slicer.vtkOrientedImageData()
    image.ShallowCopy(image_data(labels.astype(np.uint8, copy=False)))
    image.SetImageToWorldMatrix(ijk_to_ras_matrix(geometry))
    return image


def binary_labelmap() -> str:
    """The name of the representation that segments are kept and painted in."""
    return slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
