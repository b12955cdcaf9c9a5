"""Slicer's own widgets as far as the panel uses them, on the real scene of slicer-core."""

from __future__ import annotations

import weakref

from PySide6 import QtCore, QtGui, QtWidgets
from shiboken6 import isValid

from stand_in.pythonqt import WidgetNames, real


class qMRMLWidget(WidgetNames, QtWidgets.QWidget):
    """Hands its scene to the widgets that the .ui file connects to `mrmlSceneChanged`, and to no others."""

    mrmlSceneChanged = QtCore.Signal(object)
    _scene = None

    def setMRMLScene(self, scene):
        self._scene = scene
        real(self, "mrmlSceneChanged").emit(scene)

    def mrmlScene(self):
        return self._scene


class qMRMLNodeComboBox(WidgetNames, QtWidgets.QWidget):
    """Lists the nodes of the scene that have one of `nodeTypes`, as they come and go."""

    currentNodeChanged = QtCore.Signal(object)
    nodeTypes = QtCore.Property("QStringList", lambda self: self._types, lambda self, types: self._set_types(types))
    showChildNodeTypes = QtCore.Property(bool, lambda self: self._children, lambda self, v: self._set("_children", v))
    showHidden = QtCore.Property(bool, lambda self: self._hidden, lambda self, v: self._set("_hidden", v))
    noneEnabled = QtCore.Property(bool, lambda self: self._none, lambda self, v: self._set("_none", v))
    noneDisplay = QtCore.Property(str, lambda self: self._none_text, lambda self, v: self._set("_none_text", v))
    addEnabled = QtCore.Property(bool, lambda self: self._add, lambda self, v: self._set("_add", v))
    removeEnabled = QtCore.Property(bool, lambda self: self._remove, lambda self, v: self._set("_remove", v))
    renameEnabled = QtCore.Property(bool, lambda self: self._rename, lambda self, v: self._set("_rename", v))
    editEnabled = QtCore.Property(bool, lambda self: self._edit, lambda self, v: self._set("_edit", v))
    selectNodeUponCreation = QtCore.Property(bool, lambda self: self._select, lambda self, v: self._set("_select", v))
    currentNodeID = QtCore.Property(
        str, lambda self: self._node.GetID() if self._node else "", lambda self, v: self.setCurrentNodeID(v)
    )

    def __init__(self, parent=None):
        super().__init__(parent)
        self._types, self._children, self._hidden, self._none, self._none_text = [], True, False, False, "None"
        self._add, self._remove, self._rename, self._edit, self._select = True, True, False, False, True
        self._scene, self._node, self._observations, self._attributes = None, None, [], []
        self._box = QtWidgets.QComboBox()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.currentIndexChanged.connect(self._choose_from_box)

    def _set(self, name, value):
        setattr(self, name, value)
        self._list()

    def _set_types(self, types):
        self._types = list(types)
        self._list()

    def setMRMLScene(self, scene):
        for tag in self._observations:
            self._scene.RemoveObserver(tag)
        self._scene, self._observations = scene, []
        if scene is not None:
            events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent, scene.EndImportEvent)
            self._observations = [scene.AddObserver(event, self._when_the_scene_changes()) for event in events]
        self._list()

    def _when_the_scene_changes(self):
        """As in the application, a selector that is gone no longer looks."""
        selector = weakref.ref(self)

        def look(scene, event):
            alive = selector()
            if alive is not None and isValid(alive):
                alive._list()

        return look

    def mrmlScene(self):
        return self._scene

    def addAttribute(self, node_type, attribute, value=None):
        self._attributes.append((node_type, attribute, value))
        self._list()

    def nodeCount(self):
        return len(self._nodes())

    def nodeFromIndex(self, index):
        return self._nodes()[index]

    def currentNode(self):
        return self._node

    def setCurrentNode(self, node):
        if node is not self._node and (node is None or node in self._nodes()):
            self._node = node
            self._list()
            real(self, "currentNodeChanged").emit(node)

    def setCurrentNodeID(self, node_id):
        self.setCurrentNode(self._scene.GetNodeByID(node_id) if node_id else None)

    def _nodes(self):
        if self._scene is None:
            return []
        nodes = [self._scene.GetNthNode(index) for index in range(self._scene.GetNumberOfNodes())]
        return [node for node in nodes if self._shows(node)]

    def _shows(self, node):
        kinds = [kind for kind in self._types if (node.IsA(kind) if self._children else node.GetClassName() == kind)]
        wanted = [(a, v) for kind, a, v in self._attributes if node.IsA(kind)]
        fits = all(node.GetAttribute(a) is not None and v in (None, node.GetAttribute(a)) for a, v in wanted)
        return bool(kinds) and fits and (self._hidden or not node.GetHideFromEditors())

    def _list(self):
        """As the real one: with noneEnabled off, the first node is chosen by itself."""
        nodes, before = self._nodes(), self._node
        if self._node not in nodes:
            self._node = None
        if self._node is None and not self._none and nodes:
            self._node = nodes[0]
        self._box.blockSignals(True)
        self._box.clear()
        for node in [None] * (self._none or not nodes) + nodes:
            self._box.addItem(self._none_text if node is None else node.GetName(), node)
            if node is self._node:
                self._box.setCurrentIndex(self._box.count() - 1)
        self._box.blockSignals(False)
        if self._node is not before:
            real(self, "currentNodeChanged").emit(self._node)

    def _choose_from_box(self, index):
        self.setCurrentNode(self._box.itemData(index))


class qMRMLTableView(WidgetNames, QtWidgets.QTableView):
    """Shows a table node with its column titles."""

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


class qMRMLSegmentationShow3DButton(WidgetNames, QtWidgets.QPushButton):
    """Creates or removes the closed surface of its segmentation."""

    _node = None

    def setSegmentationNode(self, node):
        self._node = node

    def segmentationNode(self):
        return self._node


class qMRMLSegmentsTableView(WidgetNames, QtWidgets.QWidget):
    """Lists the names of the segments."""

    _node = None
    headerVisible = QtCore.Property(bool, lambda self: True, lambda self, v: None)
    statusColumnVisible = QtCore.Property(bool, lambda self: True, lambda self, v: None)
    filterBarVisible = QtCore.Property(bool, lambda self: False, lambda self, v: None)
    readOnly = QtCore.Property(bool, lambda self: False, lambda self, v: None)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._list = QtWidgets.QListWidget()
        QtWidgets.QVBoxLayout(self).addWidget(self._list)

    def setMRMLScene(self, scene):
        self._scene = scene

    def setSegmentationNode(self, node):
        self._node = node
        self._list.clear()
        self._list.addItems([node.GetSegmentation().GetSegment(s).GetName() for s in self.displayedSegmentIDs()])

    def segmentationNode(self):
        return self._node

    def displayedSegmentIDs(self):
        return tuple(self._node.GetSegmentation().GetSegmentIDs()) if self._node else ()


__all__ = [
    "qMRMLNodeComboBox",
    "qMRMLSegmentationShow3DButton",
    "qMRMLSegmentsTableView",
    "qMRMLTableView",
    "qMRMLWidget",
]
