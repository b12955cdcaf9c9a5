"""Slicer's slice and 3-D views without a window: its own displayable managers draw into pictures."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

SLICE_MANAGERS = (
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
)
THREE_D_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLModelDisplayableManager",
)


class _View:
    def __init__(self, size: tuple[int, int], layers: int) -> None:
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(True)
        self.window.SetMultiSamples(4)
        self.window.SetSize(*size)
        self.window.SetNumberOfLayers(layers)
        self.renderers = [vtk.vtkRenderer() for _ in range(layers)]
        for layer, renderer in enumerate(self.renderers):
            renderer.SetLayer(layer)
            self.window.AddRenderer(renderer)
        self._interactor = vtk.vtkRenderWindowInteractor()
        self._interactor.SetRenderWindow(self.window)

    def draw_by(self, factory, managers, application_logic, node) -> None:
        factory.SetMRMLApplicationLogic(application_logic)
        for manager in managers:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self._group = factory.InstantiateDisplayableManagers(self.renderers[-1])
        self._group.SetMRMLDisplayableNode(node)

    def resize(self, size: tuple[int, int]) -> None:
        """Draw with another width and height."""
        self.window.SetSize(*size)

    def picture(self) -> np.ndarray:
        """(rows, columns, 3) uint8, the top row first."""
        self.window.Render()
        reader = vtk.vtkWindowToImageFilter()
        reader.SetInput(self.window)
        reader.ReadFrontBufferOff()
        reader.Update()
        image = reader.GetOutput()
        columns, rows, _ = image.GetDimensions()
        pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)
        return np.ascontiguousarray(pixels[::-1, :, :3])


class SliceView(_View):
    """One slice view.

    Args:
        logic: of the slice, as `slicer.app.layoutManager().sliceWidget(name).sliceLogic()` gives it.
        size: width and height in pixels.
    """

    def __init__(self, logic: slicer.vtkMRMLSliceLogic, size: tuple[int, int], application_logic) -> None:
        super().__init__(size, layers=2)
        self._logic, node = logic, logic.GetSliceNode()
        node.SetDimensions(*size, 1)
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        mapper.SetInputConnection(logic.GetImageDataConnection())
        actor = vtk.vtkActor2D()
        actor.SetMapper(mapper)
        self.renderers[0].AddViewProp(actor)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        self.draw_by(factory, SLICE_MANAGERS, application_logic, node)

    def resize(self, size: tuple[int, int]) -> None:
        super().resize(size)
        self._logic.GetSliceNode().SetDimensions(*size, 1)
        self.zoom(self._logic.GetSliceNode().GetFieldOfView()[0])

    def zoom(self, width_mm: float) -> None:
        """Show this many millimetres from left to right, about the same centre."""
        node = self._logic.GetSliceNode()
        columns, rows, _ = node.GetDimensions()
        node.SetFieldOfView(width_mm, width_mm * rows / columns, node.GetFieldOfView()[2])


class ThreeDView(_View):
    """The 3-D view; the scene gets a view node and its camera."""

    def __init__(self, scene: slicer.vtkMRMLScene, size: tuple[int, int], application_logic) -> None:
        super().__init__(size, layers=1)
        self.node = scene.GetFirstNodeByClass("vtkMRMLViewNode") or scene.AddNewNodeByClass("vtkMRMLViewNode", "View1")
        self.node.SetLayoutName("1")
        self.node.SetBoxVisible(False)
        self.node.SetAxisLabelsVisible(False)
        self.node.SetBackgroundColor(1, 1, 1)
        self.node.SetBackgroundColor2(1, 1, 1)
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        self.draw_by(factory, THREE_D_MANAGERS, application_logic, self.node)

    @cached_property
    def camera(self) -> vtk.vtkCamera:
        return self.renderers[0].GetActiveCamera()

    def look_from_front(self, zoom: float = 1.0) -> None:
        """From the patient's front, everything in sight."""
        renderer = self.renderers[0]
        renderer.ResetCamera()
        x, y, z = self.camera.GetFocalPoint()
        self.camera.SetPosition(x, y + 500, z)
        self.camera.SetViewUp(0, 0, 1)
        renderer.ResetCamera()
        self.camera.Zoom(zoom)
