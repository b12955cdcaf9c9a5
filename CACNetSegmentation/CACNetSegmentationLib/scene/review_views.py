"""What a reader sees of a review: views set up for it, brought to a lesion, and the lesion marked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import slicer
import vtk

from CACNetSegmentationLib.scene.segmentations import CORONARY_OPACITY_3D

WINDOW_HU, LEVEL_HU = 1000.0, 300.0
"""Shows lumen grey and calcium white in a contrast CT."""
LAYOUT = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
"""What suits a review; the table of lesions is in the panel."""
MARK_COLOUR = (1.0, 1.0, 1.0)
MARK_THICKNESS_PIXELS = 3
MARK_OPACITY_3D = 0.35


class LesionMark:
    """An outline around one lesion, in slices and in 3-D; never saved, and not listed among the reader's own models."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene
        self._node: slicer.vtkMRMLModelNode | None = None

    def show(self, surface_ras: vtk.vtkPolyData, name: str) -> None:
        """Mark a surface; the one marked before is no longer."""
        if self._node is None or not self._scene.IsNodePresent(self._node):
            self._node = self._new_node()
        self._node.SetName(name)
        self._node.SetAndObservePolyData(surface_ras)

    def remove(self) -> None:
        """Take the mark away."""
        node, self._node = self._node, None
        if node is not None and self._scene.IsNodePresent(node):
            display = node.GetDisplayNode()
            self._scene.RemoveNode(node)
            if display is not None and self._scene.IsNodePresent(display):
                self._scene.RemoveNode(display)

    def _new_node(self) -> slicer.vtkMRMLModelNode:
        node, display = slicer.vtkMRMLModelNode(), slicer.vtkMRMLModelDisplayNode()
        for one in (node, display):
            one.SetSaveWithScene(False)
            one.HideFromEditorsOn()
        display.SetColor(*MARK_COLOUR)
        display.SetOpacity(MARK_OPACITY_3D)
        display.SetVisibility2D(True)
        display.SetSliceIntersectionThickness(MARK_THICKNESS_PIXELS)
        node = self._scene.AddNode(node)
        node.SetAndObserveDisplayNodeID(self._scene.AddNode(display).GetID())
        return node


def jump(scene: slicer.vtkMRMLScene, position_ras: tuple[float, float, float]) -> None:
    """Centre every slice view and every 3-D view on a position; 3-D views keep their direction and distance."""
    for slice_node in _nodes(scene, "vtkMRMLSliceNode"):
        slice_node.JumpSliceByCentering(*position_ras)
    for camera in _nodes(scene, "vtkMRMLCameraNode"):
        shift = np.array(position_ras) - np.array(camera.GetFocalPoint())
        camera.SetPosition(*(np.array(camera.GetPosition()) + shift))
        camera.SetFocalPoint(*position_ras)
        camera.ResetClippingRange()


def show(
    scene: slicer.vtkMRMLScene,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    application_logic: slicer.vtkMRMLApplicationLogic | None = None,
) -> None:
    """The CT behind all slices at a window for contrast CT, arteries translucent, lesions solid.

    Args:
        application_logic: fits the slices to the CT; without it they stay where they are.
    """
    volume_node.CreateDefaultDisplayNodes()
    display = volume_node.GetScalarVolumeDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(WINDOW_HU, LEVEL_HU)
    for composite in _nodes(scene, "vtkMRMLSliceCompositeNode"):
        composite.SetBackgroundVolumeID(volume_node.GetID())
    if application_logic is not None:
        application_logic.GetSelectionNode().SetActiveVolumeID(volume_node.GetID())
        application_logic.PropagateVolumeSelection(1)
    segmentation_node.CreateDefaultDisplayNodes()
    segments = segmentation_node.GetDisplayNode()
    segments.SetVisibility(True)
    segments.SetVisibility2DOutline(True)
    segments.SetVisibility3D(True)
    segments.SetSegmentOpacity3D("CoronaryArteries", CORONARY_OPACITY_3D)


def _nodes(scene: slicer.vtkMRMLScene, class_name: str) -> Iterator[slicer.vtkMRMLNode]:
    for place in range(scene.GetNumberOfNodesByClass(class_name)):
        yield scene.GetNthNodeByClass(place, class_name)
