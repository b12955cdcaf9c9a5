"""The Segment Editor as far as the panel uses it: it holds its nodes and settings, and draws nothing by itself."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from stand_in.pythonqt import WidgetNames, real

EFFECTS = (
    *("Threshold", "Paint", "Draw", "Erase", "Level tracing", "Grow from seeds", "Fill between slices", "Margin"),
    *("Hollow", "Smoothing", "Scissors", "Islands", "Logical operators", "Mask volume"),
)


def _setting(kind, name, default):
    return QtCore.Property(
        kind, lambda self: self._settings.get(name, default), lambda self, v: self._settings.update({name: v})
    )


class SegmentEditorEffect:
    """Its parameters are attributes of the parameter set node, as in the application."""

    def __init__(self, name, editor):
        self.name, self._editor = name, editor

    def setParameter(self, parameter, value):
        self._editor.mrmlSegmentEditorNode().SetAttribute(f"{self.name},{parameter}", str(value))

    def parameter(self, parameter):
        return self._editor.mrmlSegmentEditorNode().GetAttribute(f"{self.name},{parameter}") or ""


class qMRMLSegmentEditorWidget(WidgetNames, QtWidgets.QWidget):
    """Setters need the parameter set node first; before that they have no effect, as in the application."""

    currentSegmentIDChanged = QtCore.Signal(str)
    segmentationNodeChanged = QtCore.Signal(object)
    sourceVolumeNodeChanged = QtCore.Signal(object)
    mrmlSceneChanged = QtCore.Signal(object)
    segmentationNodeSelectorVisible = _setting(bool, "segmentationNodeSelectorVisible", True)
    sourceVolumeNodeSelectorVisible = _setting(bool, "sourceVolumeNodeSelectorVisible", True)
    maskingSectionVisible = _setting(bool, "maskingSectionVisible", True)
    switchToSegmentationsButtonVisible = _setting(bool, "switchToSegmentationsButtonVisible", True)
    specifyGeometryButtonVisible = _setting(bool, "specifyGeometryButtonVisible", True)
    show3DButtonVisible = _setting(bool, "show3DButtonVisible", True)
    addRemoveSegmentButtonsVisible = _setting(bool, "addRemoveSegmentButtonsVisible", True)
    autoShowSourceVolumeNode = _setting(bool, "autoShowSourceVolumeNode", True)
    unorderedEffectsVisible = _setting(bool, "unorderedEffectsVisible", True)
    undoEnabled = _setting(bool, "undoEnabled", True)
    jumpToSelectedSegmentEnabled = _setting(bool, "jumpToSelectedSegmentEnabled", True)
    readOnly = _setting(bool, "readOnly", False)
    maximumNumberOfUndoStates = _setting(int, "maximumNumberOfUndoStates", 10)
    effectColumnCount = _setting(int, "effectColumnCount", 2)
    effectButtonStyle = _setting(int, "effectButtonStyle", 0)
    defaultTerminologyEntrySettingsKey = _setting(str, "defaultTerminologyEntrySettingsKey", "")

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene = self._node = self._active = None
        self._effects = {name: SegmentEditorEffect(name, self) for name in EFFECTS}
        self._order, self._unordered, self._shortcuts, self._views = (), True, False, False
        self._settings = {}
        self._undo_states = []

    def setMRMLScene(self, scene):
        if self._node is None:
            # The application's selectors choose nodes of the scene at once, which it then refuses with an error.
            raise RuntimeError("Invalid segment editor parameter set node: set the node before the scene")
        self._scene = scene
        real(self, "mrmlSceneChanged").emit(scene)

    def mrmlScene(self):
        return self._scene

    def setMRMLSegmentEditorNode(self, node):
        self._node = node

    def mrmlSegmentEditorNode(self):
        return self._node

    def setSegmentationNode(self, node):
        if self._node is not None and node is not self._node.GetSegmentationNode():
            self._node.SetAndObserveSegmentationNode(node)
            real(self, "segmentationNodeChanged").emit(node)

    def segmentationNode(self):
        return self._node.GetSegmentationNode() if self._node else None

    def setSourceVolumeNode(self, node):
        if self._node is not None:
            self._node.SetAndObserveSourceVolumeNode(node)
            real(self, "sourceVolumeNodeChanged").emit(node)

    def sourceVolumeNode(self):
        return self._node.GetSourceVolumeNode() if self._node else None

    def setCurrentSegmentID(self, segment_id):
        if self._node is not None and segment_id != self._node.GetSelectedSegmentID():
            self._node.SetSelectedSegmentID(segment_id)
            real(self, "currentSegmentIDChanged").emit(segment_id)

    def currentSegmentID(self):
        return (self._node.GetSelectedSegmentID() if self._node else "") or ""

    def availableEffectNames(self):
        return tuple(self._effects)

    def effectByName(self, name):
        return self._effects.get(name)

    def effectCount(self):
        return len(self._effects)

    def activeEffect(self):
        return self._active

    def setActiveEffectByName(self, name):
        self._active = self._effects.get(name)
        if self._node is not None:
            self._node.SetActiveEffectName(name)

    def setActiveEffect(self, effect):
        self.setActiveEffectByName(effect.name if effect else "")

    def setEffectNameOrder(self, names):
        self._order = tuple(names)

    def effectNameOrder(self):
        return self._order

    def saveStateForUndo(self):
        self._undo_states.append(self._copy_of_segmentation())

    def _copy_of_segmentation(self):
        import slicer

        copy = slicer.vtkSegmentation()
        copy.DeepCopy(self.segmentationNode().GetSegmentation())
        return copy

    def undo(self):
        if self._undo_states:
            self.segmentationNode().GetSegmentation().DeepCopy(self._undo_states.pop())

    def installKeyboardShortcuts(self, parent=None):
        self._shortcuts = True

    def uninstallKeyboardShortcuts(self):
        self._shortcuts = False

    def setupViewObservations(self):
        self._views = True

    def removeViewObservations(self):
        self._views = False

    def initializeParameterSetNode(self):
        """Nothing to fill in."""

    def updateWidgetFromMRML(self):
        """Nothing is shown."""

    def updateEffectList(self):
        """Nothing is shown."""
