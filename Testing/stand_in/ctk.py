"""`ctk` as far as the panel uses it."""

from PySide6 import QtCore, QtWidgets

from stand_in.pythonqt import WidgetNames, real


class ctkCollapsibleButton(WidgetNames, QtWidgets.QWidget):
    """A titled frame; the title is drawn above the contents."""

    def __init__(self, parent=None):
        super().__init__(parent)
        real(self, "setContentsMargins")(4, 26, 4, 4)

    def paintEvent(self, event):
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionHeader()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, real(self, "width")(), 22)
        option.text = f"▾  {self.property('text')}"
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_Header, option)
        painter.end()
