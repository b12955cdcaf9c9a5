"""`slicer.app`, its layout manager and main window."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from stand_in import services
from stand_in.pythonqt import PythonQtObject, WidgetNames, real

SLICE_VIEWS = ("Red", "Green", "Yellow")


class Application(PythonQtObject, QtCore.QObject):
    """`slicer.app`."""

    _application_key = "slicer.app"
    startupCompleted = QtCore.Signal()
    aboutToQuit = QtCore.Signal()
    slicerHome = QtCore.Property(str, lambda self: self._home, lambda self, home: setattr(self, "_home", home))
    applicationName = QtCore.Property(str, lambda self: "Slicer")
    applicationVersion = QtCore.Property(str, lambda self: "5.13.0-2026-08-21")
    majorVersion = QtCore.Property(int, lambda self: 5)
    minorVersion = QtCore.Property(int, lambda self: 13)
    temporaryPath = QtCore.Property(str, lambda self: tempfile.gettempdir())
    _home = ""
    _layout_manager = _main_window = None

    def processEvents(self, *flags):
        QtWidgets.QApplication.processEvents(*flags)

    def testingEnabled(self):
        return False

    def settings(self):
        return services.QSettings()

    userSettings = revisionUserSettings = settings

    def mrmlScene(self):
        return slicer.mrmlScene

    def applicationLogic(self):
        return slicer.modules.segmentations.logic().GetMRMLApplicationLogic()

    def layoutManager(self):
        if self._layout_manager is None:
            self._layout_manager = LayoutManager()
        return self._layout_manager

    def coreIOManager(self):
        return IOManager()

    ioManager = coreIOManager

    def topLevelWidgets(self):
        if self._main_window is None:
            self._main_window = MainWindow()
            real(self._main_window, "setObjectName")("qSlicerMainWindow")
        return (self._main_window,)

    def setOverrideCursor(self, cursor):
        """No cursor without a screen."""

    def restoreOverrideCursor(self):
        """No cursor without a screen."""

    def pauseRender(self):
        """Nothing is drawn."""

    def resumeRender(self):
        """Nothing is drawn."""

    def startupEnvironment(self):
        return QtCore.QProcessEnvironment.systemEnvironment()

    def exit(self, code=0):
        sys.exit(code)


class MainWindow(WidgetNames, QtWidgets.QMainWindow):
    _application_key = "slicer.util.mainWindow()"


class LayoutManager(PythonQtObject, QtCore.QObject):
    """`slicer.app.layoutManager()`: three slice views on real slice logics; none of them draws."""

    _application_key = "slicer.app.layoutManager()"
    layoutChanged = QtCore.Signal(int)
    layout = QtCore.Property(int, lambda self: self._layout, lambda self, layout: self.setLayout(layout))
    threeDViewCount = QtCore.Property(int, lambda self: 0)

    def __init__(self):
        super().__init__()
        self._layout, self._logics = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView, vtk.vtkCollection()
        self._widgets = {name: SliceWidget(self._slice_logic(name)) for name in SLICE_VIEWS}
        slicer.modules.segmentations.logic().GetMRMLApplicationLogic().SetSliceLogics(self._logics)

    def _slice_logic(self, name):
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLScene(slicer.mrmlScene)
        logic.AddSliceNode(name)
        self._logics.AddItem(logic)
        return logic

    def setLayout(self, layout):
        if layout != self._layout:
            self._layout = layout
            real(self, "layoutChanged").emit(layout)

    def sliceViewNames(self):
        return SLICE_VIEWS

    def sliceWidget(self, name):
        return self._widgets.get(name)

    def mrmlSliceLogics(self):
        return self._logics

    def threeDWidget(self, index):
        return None

    def resetSliceViews(self):
        for widget in self._widgets.values():
            widget.fitSliceToBackground()

    def resetThreeDViews(self):
        """There are none."""


class SliceWidget(WidgetNames, QtWidgets.QWidget):
    """One slice view."""

    _application_key = 'slicer.app.layoutManager().sliceWidget("Red")'

    def __init__(self, logic):
        super().__init__()
        self._logic = logic

    def sliceLogic(self):
        return self._logic

    def mrmlSliceNode(self):
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def fitSliceToBackground(self):
        self._logic.FitSliceToBackground()


class IOManager(PythonQtObject, QtCore.QObject):
    """Scenes as one file (.mrb), volumes and segmentations; as `slicer.util.saveScene` and its like ask for them."""

    _application_key = "slicer.app.ioManager()"

    def saveNodes(self, file_type, properties, messages=None):
        name = str(properties["fileName"])
        if file_type == "SceneFile" and name.endswith(".mrb"):
            return slicer.mrmlScene.WriteToMRB(name)
        raise NotImplementedError(f"the stand-in saves scenes as .mrb, not '{name}' as {file_type}")

    def loadNodes(self, file_type, properties, loaded, messages=None):
        path = Path(properties["fileName"])
        if file_type == "SceneFile":
            return path.is_file() and slicer.mrmlScene.ReadFromMRB(str(path), properties.get("clear", True))
        kind, storage = {
            "VolumeFile": ("vtkMRMLScalarVolumeNode", slicer.vtkMRMLVolumeArchetypeStorageNode),
            "SegmentationFile": ("vtkMRMLSegmentationNode", slicer.vtkMRMLSegmentationStorageNode),
        }[file_type]
        reader = storage()
        reader.SetFileName(str(path))
        node = slicer.mrmlScene.AddNewNodeByClass(kind, path.name.partition(".")[0])
        if not path.is_file() or not reader.ReadData(node):
            slicer.mrmlScene.RemoveNode(node)
            return False
        loaded.AddItem(node)
        return True
