"""Qt classes whose effect outlives a widget: timers that call Python, and settings."""

from __future__ import annotations

from PySide6 import QtCore

from stand_in.pythonqt import PythonQtObject, _call


class QTimer(PythonQtObject, QtCore.QTimer):
    _application_key = "qt.QTimer"

    @staticmethod
    def singleShot(milliseconds, function):
        QtCore.QTimer.singleShot(milliseconds, lambda: _call(function, ()))


class QSettings(PythonQtObject, QtCore.QObject):
    """Kept in memory, one for all. Numbers come back as text, as they do after a restart."""

    _application_key = "qt.QSettings"
    _values: dict = {}  # noqa: RUF012 - shared by all on purpose
    _prefix = ""

    def __init__(self, *arguments):
        super().__init__()

    def value(self, key, default=None):
        return self._values.get(self._prefix + key, default)

    def setValue(self, key, value):
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, (int, float)):
            value = str(value)
        self._values[self._prefix + key] = tuple(value) if isinstance(value, list) else value

    def contains(self, key):
        return self._prefix + key in self._values

    def remove(self, key):
        for name in [n for n in self._values if f"{n}/".startswith(f"{self._prefix}{key}/")]:
            del self._values[name]

    def allKeys(self):
        return tuple(name.removeprefix(self._prefix) for name in self._values if name.startswith(self._prefix))

    def clear(self):
        self._values.clear()

    def beginGroup(self, name):
        self._prefix += f"{name}/"

    def endGroup(self):
        self._prefix = self._prefix.rstrip("/").rpartition("/")[0]
        self._prefix += "/" if self._prefix else ""

    def sync(self):
        """Nothing to write."""
