"""`qt` as PythonQt offers it, on PySide6."""

from PySide6 import QtCore, QtWidgets

from stand_in.pythonqt import ObjectNames, WidgetNames


class QWidget(WidgetNames, QtWidgets.QWidget):
    pass


class QLabel(WidgetNames, QtWidgets.QLabel):
    properties = ("text",)


class QPushButton(WidgetNames, QtWidgets.QPushButton):
    offered = ("click", "clicked")
    properties = ("text",)


class QComboBox(WidgetNames, QtWidgets.QComboBox):
    offered = ("addItem", "clear", "currentIndexChanged")
    properties = ("currentIndex", "currentText", "count")


class QProgressBar(WidgetNames, QtWidgets.QProgressBar):
    offered = ("setRange",)
    properties = ("value", "minimum", "maximum")


class QProcess(ObjectNames, QtCore.QProcess):
    offered = (
        *("NormalExit", "CrashExit", "FailedToStart", "start", "kill", "closeWriteChannel", "waitForFinished"),
        *("setProcessEnvironment", "readAllStandardOutput", "readAllStandardError", "errorString", "processId"),
        *("readyReadStandardOutput", "readyReadStandardError", "finished", "errorOccurred"),
    )


class QProcessEnvironment(QtCore.QProcessEnvironment):
    offered = ("systemEnvironment", "insert", "value")

    @staticmethod
    def systemEnvironment():
        return QProcessEnvironment(QtCore.QProcessEnvironment.systemEnvironment())


class QTimer(ObjectNames, QtCore.QTimer):
    offered = ("singleShot",)


class QVBoxLayout(QtWidgets.QVBoxLayout):
    pass
