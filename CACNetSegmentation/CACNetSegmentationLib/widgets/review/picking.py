"""Where the reader clicks and which slice is shown, read off the application's views."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
import vtk

from CACNetSegmentationLib.widgets.review.service import PositionRas

PICKED_NAME = "CACNet new lesion"


class PointPicker:
    """One click in a slice view, by the application's own mode of placing points.

    Args:
        scene: the MRML scene; the point lives in it only until the click.
        application_logic: holds selection and interaction mode, `slicer.app.applicationLogic()`.
        callback: is given the position (RAS, mm), or None where the mode was left without a click.
    """

    def __init__(self, scene, application_logic, callback: Callable[[PositionRas | None], None]) -> None:
        self._scene, self._callback = scene, callback
        self._interaction = application_logic.GetInteractionNode()
        self._node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", PICKED_NAME)
        self._node.SetHideFromEditors(True)
        self._node.SetSaveWithScene(False)
        selection = application_logic.GetSelectionNode()
        selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
        selection.SetActivePlaceNodeID(self._node.GetID())
        self._observed = [(self._node, self._node.AddObserver(self._node.PointPositionDefinedEvent, self._on_point))]
        self._interaction.SetPlaceModePersistence(0)
        self._interaction.SetCurrentInteractionMode(self._interaction.Place)
        self._observed.append(
            (self._interaction, self._interaction.AddObserver(vtk.vtkCommand.ModifiedEvent, self._on_mode))
        )

    def cancel(self) -> None:
        """End without a position; the callback is not called."""
        if self._observed:
            self._end()
            self._interaction.SetCurrentInteractionMode(self._interaction.ViewTransform)
            self._remove_node()

    def _on_point(self, caller, event) -> None:
        position = [0.0, 0.0, 0.0]
        self._node.GetNthControlPointPositionWorld(0, position)
        self._end()
        # The node is still being notified here, and so must not go yet.
        qt.QTimer.singleShot(0, lambda: self._finish((position[0], position[1], position[2])))

    def _on_mode(self, caller, event) -> None:
        if self._interaction.GetCurrentInteractionMode() != self._interaction.Place:
            self._end()
            qt.QTimer.singleShot(0, lambda: self._finish(None))

    def _finish(self, position_ras: PositionRas | None) -> None:
        self._remove_node()
        self._callback(position_ras)

    def _end(self) -> None:
        while self._observed:
            node, tag = self._observed.pop()
            node.RemoveObserver(tag)

    def _remove_node(self) -> None:
        if self._scene.IsNodePresent(self._node):
            self._scene.RemoveNode(self._node)


def pick_point(callback: Callable[[PositionRas | None], None]) -> Callable[[], None]:
    """Let the reader click once; returns what cancels it."""
    return PointPicker(slicer.mrmlScene, slicer.app.applicationLogic(), callback).cancel


def red_slice_plane() -> tuple[PositionRas, PositionRas]:
    """A point on the red slice and its normal, both RAS."""
    node = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    return plane_of(node.GetSliceToRAS())


def plane_of(slice_to_ras) -> tuple[PositionRas, PositionRas]:
    """Origin and third axis of a slice's matrix."""
    point, normal = ([slice_to_ras.GetElement(row, column) for row in range(3)] for column in (3, 2))
    return (point[0], point[1], point[2]), (normal[0], normal[1], normal[2])
