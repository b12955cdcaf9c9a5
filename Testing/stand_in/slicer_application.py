"""What slicer-core lacks of the application: module base classes, translation, application object, parameter nodes."""

import sys
import types
import typing
from pathlib import Path

import slicer
import slicer.util

from stand_in import mrml_widgets, ui_files
from stand_in.pythonqt import real
from stand_in.qt import QVBoxLayout, QWidget


def install() -> None:
    """Add the missing modules and names to `slicer`."""
    _add_module("i18n", tr=lambda text: text, translate=lambda context, text: text)
    _add_module("packaging")
    _add_module("parameterNodeWrapper", parameterNodeWrapper=parameterNodeWrapper, Choice=Choice)
    bases = {base.__name__: base for base in (ScriptedLoadableModule, ScriptedLoadableModuleWidget)}
    bases |= {base.__name__: base for base in (ScriptedLoadableModuleLogic, ScriptedLoadableModuleTest)}
    _add_module("ScriptedLoadableModule", **bases)
    slicer.util.loadUI, slicer.util.childWidgetVariables = ui_files.loadUI, ui_files.childWidgetVariables
    slicer.util.confirmOkCancelDisplay = lambda text: True
    slicer.app = types.SimpleNamespace(slicerHome="", connect=lambda signal, slot: True)
    for name in ("qMRMLWidget", "qMRMLNodeComboBox", "qMRMLTableView", "qMRMLSegmentationShow3DButton"):
        setattr(slicer, name, getattr(mrml_widgets, name))


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
    def getParameterNode(self):
        name = type(self).__name__.removesuffix("Logic")
        node = slicer.mrmlScene.GetFirstNodeByName(name)
        return node or slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", name)


class ScriptedLoadableModuleTest:
    def runTest(self):
        raise NotImplementedError


class Choice:
    def __init__(self, choices):
        self.choices = choices


def parameterNodeWrapper(cls):
    """Strings as parameters, nodes as references, and `connectGui` through `SlicerParameterName`."""
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        if typing.get_origin(hint) is typing.Annotated:
            choices = next(a.choices for a in hint.__metadata__ if isinstance(a, Choice))
            setattr(cls, name, _text_property(name, getattr(cls, name), choices))
        else:
            setattr(cls, name, _node_property(name))
    return type(cls.__name__, (cls, _ParameterNode), {})


def _text_property(name, default, choices):
    def write(self, value):
        if value not in choices:
            raise ValueError(f"{value} is not among {choices}")
        self.parameterNode.SetParameter(name, value)

    text = property(lambda self: self.parameterNode.GetParameter(name) or default, write)
    return _with_choices(text, choices)


def _with_choices(text, choices):
    class ChoiceProperty(property):
        pass

    wrapped = ChoiceProperty(text.fget, text.fset)
    wrapped.choices = choices
    return wrapped


def _node_property(name):
    return property(
        lambda self: self.parameterNode.GetNodeReference(name),
        lambda self, node: self.parameterNode.SetNodeReferenceID(name, node.GetID() if node else None),
    )


class _ParameterNode:
    def __init__(self, parameterNode):
        self.parameterNode = parameterNode
        self._widgets = {}

    def connectGui(self, ui):
        for widget in vars(ui).values():
            name = widget.property("SlicerParameterName")
            if name:
                self._widgets[name] = widget
                self._fill(name, widget)
                signal = "currentIndexChanged" if hasattr(widget, "currentIndex") else "currentNodeChanged"
                real(widget, signal).connect(lambda _, name=name, widget=widget: self._read(name, widget))
        self.AddObserver("ModifiedEvent", lambda caller, event: self._write())
        return 0

    def disconnectGui(self, tag):
        self._widgets.clear()

    def _fill(self, name, widget):
        if hasattr(widget, "currentIndex"):
            widget.clear()
            for choice in getattr(type(self), name).choices:
                widget.addItem(choice)
        self._write_one(name, widget)

    def _write(self):
        for name, widget in self._widgets.items():
            self._write_one(name, widget)

    def _write_one(self, name, widget):
        value = getattr(self, name)
        if hasattr(widget, "currentIndex"):
            widget.currentIndex = getattr(type(self), name).choices.index(value)
        elif widget.currentNode() is not value:
            widget.setCurrentNode(value)

    def _read(self, name, widget):
        if self._widgets.get(name) is widget:
            value = widget.currentText if hasattr(widget, "currentIndex") else widget.currentNode()
            setattr(self, name, value)

    def AddObserver(self, event, callback, priority=0.0):
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        self.parameterNode.RemoveObserver(tag)
