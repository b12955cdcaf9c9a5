"""Real key presses and clicks on the review's widgets."""

from __future__ import annotations

from types import SimpleNamespace

from PySide6 import QtCore, QtGui, QtTest, QtWidgets
from stand_in.pythonqt import real

Key, NONE = QtCore.Qt.Key, QtCore.Qt.KeyboardModifier.NoModifier
SHIFT, CONTROL = QtCore.Qt.KeyboardModifier.ShiftModifier, QtCore.Qt.KeyboardModifier.ControlModifier
LEFT, RIGHT = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.MouseButton.RightButton


class Reader:
    """Somebody at the keyboard, with the panel in front of them."""

    def __init__(self, panel):
        self.panel, self.table = panel, panel.ui.lesionTable
        window = panel.widget
        real(window, "resize")(500, 1000)
        real(window, "show")()
        real(window, "activateWindow")()
        QtTest.QTest.qWaitForWindowActive(window)
        self.focus(self.table)

    def focus(self, widget):
        real(widget, "setFocus")()
        QtWidgets.QApplication.processEvents()

    def press(self, key, modifiers=NONE, widget=None):
        QtTest.QTest.keyClick(widget or self.table, key, modifiers)
        QtWidgets.QApplication.processEvents()

    def write(self, widget, text):
        self.focus(widget)
        QtTest.QTest.keyClicks(widget, text)
        QtWidgets.QApplication.processEvents()

    def click(self, lesion_id, modifiers=NONE):
        """Click on the row of a lesion."""
        row = self.panel.corrections.table.visible.index(lesion_id)
        index = real(self.table, "model")().index(row, 3)
        real(self.table, "scrollTo")(index)
        position = real(self.table, "visualRect")(index).center()
        QtTest.QTest.mouseClick(real(self.table, "viewport")(), LEFT, modifiers, position)
        QtWidgets.QApplication.processEvents()

    def choose_reason(self, key):
        """Press a letter in the menu of reasons, which must be open."""
        menu = self.panel.corrections.actions.reasons
        assert real(menu, "isVisible")()
        QtTest.QTest.keyClick(menu, key)
        QtWidgets.QApplication.processEvents()

    @property
    def selected(self):
        return self.panel.corrections.table.selected

    @property
    def visible(self):
        return self.panel.corrections.table.visible


def font_and_colour(table, lesion_id, column=4):
    """How a cell is drawn."""
    model = real(table, "model")()
    row = next(r for r in range(model.rowCount()) if model.index(r, 0).data() == str(lesion_id))
    font = model.index(row, column).data(QtCore.Qt.ItemDataRole.FontRole)
    colour = model.index(row, column).data(QtCore.Qt.ItemDataRole.ForegroundRole)
    return SimpleNamespace(
        bold=bool(font and font.bold()), struck=bool(font and font.strikeOut()), faint=isinstance(colour, QtGui.QColor)
    )
