"""`slicer.util.loadUI` and `childWidgetVariables` with the stand-in classes."""

import types

from PySide6 import QtUiTools, QtWidgets

from stand_in import ctk, mrml_widgets, qt
from stand_in.pythonqt import WidgetNames, real


class _Loader(QtUiTools.QUiLoader):
    def createWidget(self, class_name, parent=None, name=""):
        for module in (qt, ctk, mrml_widgets):
            if hasattr(module, class_name):
                widget = getattr(module, class_name)(parent)
                real(widget, "setObjectName")(name)
                return widget
        raise TypeError(f"the .ui file uses {class_name}, which the stand-in lacks")


def loadUI(path):
    """The widget of a .ui file."""
    return _Loader().load(str(path))


def childWidgetVariables(widget):
    """The named widgets inside, as attributes."""
    children = real(widget, "findChildren")(QtWidgets.QWidget)
    return types.SimpleNamespace(
        **{child.property("objectName"): child for child in children if isinstance(child, WidgetNames)}
    )
