"""Dialogs that wait for a person: tests put the answers here beforehand, and read afterwards what was asked."""

from __future__ import annotations

from collections import deque

from PySide6 import QtWidgets

from stand_in.pythonqt import PythonQtObject, RefusedError

answers: deque = deque()
"""What the person will choose, in order: a button, the text of a button, a path, a value; None closes the dialog."""
shown: list[str] = []
"""The texts that were shown or asked."""


def forget() -> None:
    """Start afresh, before a test."""
    answers.clear()
    shown.clear()


def _answer(question: str):
    shown.append(question)
    if not answers:
        raise RefusedError(f"a dialog waits for ever, because the test put no answer to '{question}' into `answers`")
    return answers.popleft()


class QMessageBox(PythonQtObject, QtWidgets.QMessageBox):
    """Closes at once: with the only button where there is one, with the answer otherwise."""

    _application_key = "qt.QMessageBox"
    _clicked = None

    def exec(self):
        text = self.property("text")
        buttons = QtWidgets.QMessageBox.buttons(self)
        if len(buttons) < 2:
            shown.append(text)
            return QtWidgets.QMessageBox.StandardButton.Ok
        answer = _answer(text)
        if isinstance(answer, str):
            self._clicked = next(button for button in buttons if button.text() == answer)
        return answer

    def clickedButton(self):
        return self._clicked

    @staticmethod
    def information(parent, title, text, *buttons):
        return _notice(text, buttons)

    warning = critical = information

    @staticmethod
    def question(parent, title, text, *buttons):
        return _answer(text)


def _notice(text, buttons):
    if buttons:
        return _answer(text)
    shown.append(text)
    return QtWidgets.QMessageBox.StandardButton.Ok


class QInputDialog(PythonQtObject, QtWidgets.QInputDialog):
    _application_key = "qt.QInputDialog"

    @staticmethod
    def getText(parent, title, label, *more):
        return _answer(label) or ""

    @staticmethod
    def getItem(parent, title, label, items, *more):
        return _answer(label) or ""

    @staticmethod
    def getInt(parent, title, label, *more):
        return _answer(label) or 0

    @staticmethod
    def getDouble(parent, title, label, *more):
        return _answer(label) or 0.0


class QFileDialog(PythonQtObject, QtWidgets.QFileDialog):
    """The static functions; PythonQt returns the path alone, '' where the dialog was closed."""

    _application_key = "qt.QFileDialog"

    @staticmethod
    def getOpenFileName(parent=None, caption="", *more):
        return _answer(caption) or ""

    getSaveFileName = getExistingDirectory = getOpenFileName

    @staticmethod
    def getOpenFileNames(parent=None, caption="", *more):
        return tuple(_answer(caption) or ())
