"""`slicer.util.loadUI` with the stand-in classes."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from PySide6 import QtCore, QtUiTools, QtWidgets

from stand_in import ctk, mrml_widgets, qt, segment_editor
from stand_in.pythonqt import RefusedError, real


class _Loader(QtUiTools.QUiLoader):
    def createWidget(self, class_name, parent=None, name=""):
        for module in (ctk, mrml_widgets, segment_editor, qt):
            if hasattr(module, class_name):
                widget = getattr(module, class_name)(parent)
                real(widget, "setObjectName")(name)
                return widget
        raise RefusedError(f"the .ui file uses {class_name}, which the stand-in lacks")


def loadUI(path):
    """The widget of a .ui file; raises RuntimeError where there is none."""
    if not Path(path).is_file():
        raise RuntimeError(f"Could not load UI file: file not found {path}")
    tree = ElementTree.parse(path)
    connections = tree.getroot().find("connections")
    if connections is not None:
        # Their signatures name VTK classes, which PySide6 does not know.
        tree.getroot().remove(connections)
    file = QtCore.QBuffer()
    file.setData(ElementTree.tostring(tree.getroot()))
    widget = _Loader().load(file)
    widgets = {QtCore.QObject.objectName(child): child for child in real(widget, "findChildren")(QtWidgets.QWidget)}
    widgets[QtCore.QObject.objectName(widget)] = widget
    for connection in connections if connections is not None else ():
        sender, receiver = (widgets[connection.findtext(end)] for end in ("sender", "receiver"))
        signal, slot = (connection.findtext(end).partition("(")[0] for end in ("signal", "slot"))
        real(sender, signal).connect(real(receiver, slot))
    return widget
