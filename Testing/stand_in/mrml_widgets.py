"""Slicer's own widgets as far as the panel uses them, on the real scene of slicer-core."""

from PySide6 import QtCore, QtGui, QtWidgets

from stand_in.pythonqt import WidgetNames, real
from stand_in.qt import QPushButton, QWidget


class qMRMLWidget(QWidget):
    """Hands its scene to the widgets inside, as the connections of the .ui file do in the application."""

    offered = ("setMRMLScene", "mrmlScene")

    def setMRMLScene(self, scene):
        self._scene = scene
        for child in real(self, "findChildren")(QtWidgets.QWidget):
            if isinstance(child, (qMRMLNodeComboBox, qMRMLTableView)):
                child.setMRMLScene(scene)

    def mrmlScene(self):
        return self._scene


class qMRMLNodeComboBox(WidgetNames, QtWidgets.QWidget):
    """Lists the nodes of the scene that have one of `nodeTypes`."""

    currentNodeChanged = QtCore.Signal(object)
    offered = ("setMRMLScene", "currentNode", "setCurrentNode", "currentNodeChanged", "nodeCount")

    def __init__(self, parent=None):
        super().__init__(parent)
        self._box = QtWidgets.QComboBox()
        self._nodes, self._scene = [None], None
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.currentIndexChanged.connect(lambda _: real(self, "currentNodeChanged").emit(self.currentNode()))

    def setMRMLScene(self, scene):
        self._scene = scene
        self._list()

    def _list(self):
        current = self.currentNode()
        self._nodes = [None]
        for node_type in self.property("nodeTypes") or ():
            collection = self._scene.GetNodesByClass(node_type)
            self._nodes += [collection.GetItemAsObject(n) for n in range(collection.GetNumberOfItems())]
        self._box.blockSignals(True)
        self._box.clear()
        self._box.addItems(["None" if node is None else node.GetName() for node in self._nodes])
        self._box.setCurrentIndex(self._nodes.index(current) if current in self._nodes else 0)
        self._box.blockSignals(False)

    def currentNode(self):
        return self._nodes[max(self._box.currentIndex(), 0)]

    def setCurrentNode(self, node):
        if self._scene is not None:
            self._list()
        self._box.setCurrentIndex(self._nodes.index(node))

    def nodeCount(self):
        return len(self._nodes) - 1


class qMRMLTableView(WidgetNames, QtWidgets.QTableView):
    """Shows a table node with its column titles."""

    offered = ("setMRMLScene", "setMRMLTableNode", "mrmlTableNode")
    _node = None

    def setMRMLScene(self, scene):
        self._scene = scene

    def mrmlTableNode(self):
        return self._node

    def setMRMLTableNode(self, node):
        self._node = node
        model = QtGui.QStandardItemModel(self)
        if node is not None:
            table = node.GetTable()
            for column in range(table.GetNumberOfColumns()):
                texts = [table.GetValue(row, column).ToString() for row in range(table.GetNumberOfRows())]
                model.appendColumn([QtGui.QStandardItem(text) for text in texts])
                title = node.GetColumnTitle(table.GetColumnName(column))
                model.setHorizontalHeaderItem(column, QtGui.QStandardItem(title))
        real(self, "setModel")(model)
        real(self, "resizeColumnsToContents")()


class qMRMLSegmentationShow3DButton(QPushButton):
    """Only remembers its segmentation."""

    offered = ("setSegmentationNode", "segmentationNode")
    _node = None

    def setSegmentationNode(self, node):
        self._node = node

    def segmentationNode(self):
        return self._node
