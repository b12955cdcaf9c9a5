"""`qt` as PythonQt offers it: every class that both the application lists and PySide6 has."""

import functools

from PySide6 import QtCore, QtGui, QtWidgets

from stand_in import dialogs, services
from stand_in.application_names import class_names
from stand_in.pythonqt import PythonQtObject, compare_as_integers

UNLISTED = {
    "Qt": None,
    "QSignalBlocker": None,
    "QItemSelection": None,
    "QAbstractTableModel": "qt.QStandardItemModel",
    "QMainWindow": "slicer.util.mainWindow()",
}
"""Observed to exist in the application, though no names were listed for them; a class that has its names and more."""

compare_as_integers(QtCore.Qt)


def Signal(*argument_types):
    """A signal of a Python class; arguments of any kind."""
    return QtCore.Signal(*(object for _ in argument_types))


def Slot(*argument_types):
    return lambda function: function


def __getattr__(name):
    if name in UNLISTED or class_names(f"qt.{name}"):
        return _shown(name)
    raise AttributeError(
        f"module 'qt' has no attribute '{name}' in the application (or Testing/list_application_names.py was not rerun)"
    )


@functools.cache
def _shown(name):
    for module in (dialogs, services):
        if name in vars(module):
            return vars(module)[name]
    kind = next((getattr(module, name) for module in (QtWidgets, QtGui, QtCore) if hasattr(module, name)), None)
    if kind is None:
        raise AttributeError(f"the stand-in has no qt.{name}, because PySide6 has none")
    compare_as_integers(kind)
    if not issubclass(kind, QtCore.QObject):
        return kind
    return type(
        name, (PythonQtObject, kind), {"_application_key": UNLISTED.get(name, f"qt.{name}"), "__module__": __name__}
    )
