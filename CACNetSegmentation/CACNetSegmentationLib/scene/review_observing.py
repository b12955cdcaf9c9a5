"""Notices what others do to a review's nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import slicer
import vtk


class ReviewObserver:
    """Watches a scene until `remove`.

    Args:
        nodes: of the review; one of them is a segmentation.
        on_painted: called when somebody else has painted, added, removed or otherwise changed a segment.
        on_gone: called when a node is removed, or the scene closes.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        nodes: Sequence[slicer.vtkMRMLNode],
        on_painted: Callable[[], None],
        on_gone: Callable[[], None],
    ) -> None:
        self._nodes, self._on_painted, self._on_gone = tuple(nodes), on_painted, on_gone
        self._muted = False
        self._tags: list[tuple[vtk.vtkObject, int]] = []
        painting = slicer.vtkSegmentation
        for node in self._nodes:
            if node.IsA("vtkMRMLSegmentationNode"):
                for event in (
                    painting.SourceRepresentationModified,
                    painting.SegmentAdded,
                    painting.SegmentRemoved,
                    # All that is heard of the Segment Editor's own undo; also of a new name or colour.
                    painting.SegmentModified,
                ):
                    self._observe(node, event, self._painted)
        self._observe(scene, slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, self._removed)
        self._observe(scene, slicer.vtkMRMLScene.StartCloseEvent, self._closing)

    @contextmanager
    def muted(self) -> Iterator[None]:
        """The review's own writing, which is no news to it."""
        before, self._muted = self._muted, True
        try:
            yield
        finally:
            self._muted = before

    def remove(self) -> None:
        """Stop watching."""
        for caller, tag in self._tags:
            caller.RemoveObserver(tag)
        self._tags.clear()

    def _observe(self, caller: vtk.vtkObject, event: int, callback: Callable) -> None:
        self._tags.append((caller, caller.AddObserver(event, callback)))

    def _painted(self, caller: vtk.vtkObject, event: str) -> None:
        if not self._muted:
            self._on_painted()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _removed(self, caller: vtk.vtkObject, event: str, node: vtk.vtkObject) -> None:
        if any(node is one for one in self._nodes):
            self._on_gone()

    def _closing(self, caller: vtk.vtkObject, event: str) -> None:
        self._on_gone()
