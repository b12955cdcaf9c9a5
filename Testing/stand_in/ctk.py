"""`ctk` as far as the panel uses it."""

from PySide6 import QtCore, QtWidgets

from stand_in import dialogs
from stand_in.pythonqt import WidgetNames, real

_NO_LIMIT = 16777215
"""Qt's QWIDGETSIZE_MAX, which PySide6 does not name."""


class ctkCollapsibleButton(WidgetNames, QtWidgets.QWidget):
    """A titled frame that folds away; a click on the title folds and unfolds it."""

    contentsCollapsed = QtCore.Signal(bool)
    _TITLE_HEIGHT = 22

    def __init__(self, parent=None):
        super().__init__(parent)
        self._collapsed, self._text = False, ""
        real(self, "setContentsMargins")(4, self._TITLE_HEIGHT + 4, 4, 4)

    def _set_collapsed(self, collapsed):
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        for child in real(self, "findChildren")(QtWidgets.QWidget, options=QtCore.Qt.FindDirectChildrenOnly):
            real(child, "setVisible")(not collapsed)
        real(self, "setMaximumHeight")(self._TITLE_HEIGHT if collapsed else _NO_LIMIT)
        real(self, "contentsCollapsed").emit(collapsed)

    def _set_text(self, text):
        self._text = text
        real(self, "update")()

    collapsed = QtCore.Property(bool, lambda self: self._collapsed, _set_collapsed)
    text = QtCore.Property(str, lambda self: self._text, _set_text)

    def mousePressEvent(self, event):
        if event.position().y() < self._TITLE_HEIGHT:
            self._set_collapsed(not self._collapsed)

    def paintEvent(self, event):
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionHeader()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, real(self, "width")(), self._TITLE_HEIGHT)
        option.text = f"{'▸' if self._collapsed else '▾'}  {self._text}"
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_Header, option)
        painter.end()


class ctkSliderWidget(WidgetNames, QtWidgets.QWidget):
    """A slider and a number side by side; here the number alone."""

    valueChanged = QtCore.Signal(float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._box = QtWidgets.QDoubleSpinBox()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.valueChanged.connect(real(self, "valueChanged").emit)

    value = QtCore.Property(float, lambda self: self._box.value(), lambda self, v: self._box.setValue(v))
    minimum = QtCore.Property(float, lambda self: self._box.minimum(), lambda self, v: self._box.setMinimum(v))
    maximum = QtCore.Property(float, lambda self: self._box.maximum(), lambda self, v: self._box.setMaximum(v))
    singleStep = QtCore.Property(float, lambda self: self._box.singleStep(), lambda self, v: self._box.setSingleStep(v))
    decimals = QtCore.Property(int, lambda self: self._box.decimals(), lambda self, v: self._box.setDecimals(v))
    suffix = QtCore.Property(str, lambda self: self._box.suffix(), lambda self, v: self._box.setSuffix(v))


class ctkDoubleSpinBox(ctkSliderWidget):
    """As far as it is used, the same."""


class ctkComboBox(WidgetNames, QtWidgets.QComboBox):
    """A combo box that can shorten its texts."""


class ctkSearchBox(WidgetNames, QtWidgets.QLineEdit):
    """A line edit with a magnifying glass."""


class ctkMessageBox(dialogs.QMessageBox):
    """A message box that can be told not to show again; `dontShowAgain` is not acted on."""

    _application_key = "ctk.ctkMessageBox"
    dontShowAgainVisible = QtCore.Property(bool, lambda self: False, lambda self, v: None)
    dontShowAgainSettingsKey = QtCore.Property(str, lambda self: "", lambda self, v: None)


class ctkPathLineEdit(WidgetNames, QtWidgets.QWidget):
    """A path with a button to browse for it; here the path alone."""

    currentPathChanged = QtCore.Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._edit = QtWidgets.QLineEdit()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._edit)
        self._edit.textChanged.connect(real(self, "currentPathChanged").emit)

    currentPath = QtCore.Property(str, lambda self: self._edit.text(), lambda self, v: self._edit.setText(v))
