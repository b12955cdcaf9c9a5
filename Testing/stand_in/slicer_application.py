"""What slicer-core lacks of the application: module base classes, translation, packages, and the names that use Qt.

`slicer.util` is the application's own; it finds `qt`, `ctk` and `slicer.app` here.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path

import slicer
import slicer.util

from stand_in import mrml_widgets, packages, parameter_nodes, segment_editor, ui_files
from stand_in.application import Application
from stand_in.qt import QVBoxLayout, QWidget


def install() -> None:
    """Add the missing modules and names to `slicer`."""
    _add_module("i18n", tr=lambda text: text, translate=lambda context, text: text)
    _add_module("packaging", **{name: getattr(packages, name) for name in packages.OFFERED})
    names = ("parameterNodeWrapper", "Choice", "Default")
    _add_module("parameterNodeWrapper", **{name: getattr(parameter_nodes, name) for name in names})
    bases = (ScriptedLoadableModule, ScriptedLoadableModuleWidget, ScriptedLoadableModuleLogic)
    _add_module("ScriptedLoadableModule", **{base.__name__: base for base in (*bases, ScriptedLoadableModuleTest)})
    slicer.util.loadUI = ui_files.loadUI
    slicer.app = Application()
    for module in (mrml_widgets, segment_editor):
        for name in vars(module):
            if name.startswith("qMRML"):
                setattr(slicer, name, getattr(module, name))


def _add_module(name, **contents):
    module = types.ModuleType(f"slicer.{name}")
    vars(module).update(contents)
    sys.modules[module.__name__] = module
    setattr(slicer, name, module)


class ScriptedLoadableModule:
    def __init__(self, parent):
        self.parent = parent


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        self.parent = parent or types.SimpleNamespace(isEntered=True)
        self._frame = QWidget()
        self.layout = QVBoxLayout(self._frame)

    def setup(self):
        pass

    def resourcePath(self, name):
        return str(Path(sys.modules[type(self).__module__].__file__).parent / "Resources" / name)


class ScriptedLoadableModuleLogic:
    """`getParameterNode` returns the scene's one parameter node of the module, saved with the scene."""

    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self):
        name = type(self).__name__.removesuffix("Logic")
        node = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
            node.UnRegister(None)
            node.SetSingletonTag(name)
            node.SetName(name)
            node.SetModuleName(name)
            node = slicer.mrmlScene.AddNode(node)
        return node


class ScriptedLoadableModuleTest:
    def runTest(self):
        raise NotImplementedError

    def delayDisplay(self, message, msec=0):
        """Nobody is there to read it."""
