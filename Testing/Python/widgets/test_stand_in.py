"""The stand-in behaves as PythonQt was observed to behave in the application, traps included."""

from types import SimpleNamespace

import pytest


@pytest.fixture
def qt(qt_application):
    import qt

    return qt


def test_properties_are_attributes_and_their_setters_exist_as_well(qt):
    button = qt.QPushButton("hi")
    assert button.text == "hi"
    button.text = "q"
    assert button.text == "q"
    button.setText("z")
    assert button.text == "z"
    assert button.enabled
    assert button.isEnabled()
    with pytest.raises(TypeError, match="'str' object is not callable"):
        button.text()


def test_sizes_and_counts_of_widgets_are_values_but_those_of_models_are_methods(qt):
    table, model = qt.QTableWidget(2, 3), qt.QStandardItemModel()
    assert table.rowCount == 2
    with pytest.raises(TypeError):
        table.rowCount()
    assert model.rowCount() == 0
    assert isinstance(table.width, int)


def test_items_that_are_no_objects_have_methods(qt):
    assert qt.QTableWidgetItem("a").text() == "a"
    assert qt.QStandardItem("b").text() == "b"
    assert qt.QColor(1, 2, 3).name() == "#010203"
    assert qt.QKeySequence("Ctrl+Z").toString() == "Ctrl+Z"


def test_an_unknown_attribute_can_neither_be_set_nor_read(qt):
    button = qt.QPushButton()
    with pytest.raises(AttributeError, match="creating new attributes on C"):
        button.undefined = 1
    with pytest.raises(AttributeError):
        button.receivers  # noqa: B018 - PySide6 has it, the application does not


def test_an_instance_of_a_python_subclass_takes_attributes(qt):
    class Chip(qt.QWidget):
        def __init__(self):
            super().__init__()
            self.vessel = "LAD"

    chip = Chip()
    chip.colour = "red"
    assert (chip.vessel, chip.colour) == ("LAD", "red")


@pytest.mark.parametrize("value", [None, "yes", object()])
def test_a_switch_takes_no_other_value_than_true_or_false(qt, value):
    with pytest.raises(AttributeError, match="does not accept"):
        qt.QPushButton().enabled = value


def test_a_class_that_the_application_lacks_does_not_exist(qt):
    with pytest.raises(AttributeError):
        qt.QWebEngineView  # noqa: B018


def test_connect_says_false_for_an_unknown_signal_or_another_signature(qt):
    button = qt.QPushButton()
    assert button.connect("nothing()", print) is False
    assert button.connect("clicked(int)", print) is False
    assert qt.QComboBox().connect("currentIndexChanged(int)", print) is True


def test_a_slot_gets_the_arguments_of_its_signature(qt):
    button, calls = qt.QPushButton(), []
    assert button.connect("clicked()", lambda: calls.append(()))
    assert button.connect("clicked(bool)", lambda *values: calls.append(values))
    button.clicked.connect(lambda *values: calls.append(values))
    button.click()
    assert calls == [(), (False,), (False,)]


def test_a_slot_of_clicked_that_would_take_the_flag_is_refused(qt):
    from stand_in.pythonqt import RefusedError

    button = qt.QPushButton()
    for slot in (lambda vessel=3: vessel, lambda *values: values, print):
        with pytest.raises(RefusedError, match="give it none"):
            button.connect("clicked()", slot)


def test_a_method_of_one_argument_besides_self_is_refused_and_one_without_is_not(qt):
    from stand_in.pythonqt import RefusedError

    class Panel:
        def accept(self): ...
        def relabel(self, vessel=None): ...

    button, panel = qt.QPushButton(), Panel()
    assert button.connect("clicked()", panel.accept)
    with pytest.raises(RefusedError):
        button.connect("clicked()", panel.relabel)


def test_a_disconnected_slot_is_not_called(qt):
    button, calls = qt.QPushButton(), []
    slot = lambda: calls.append(1)  # noqa: E731
    button.connect("clicked()", slot)
    assert button.disconnect("clicked()", slot)
    assert not button.disconnect("clicked()", slot)
    button.click()
    assert not calls


def test_an_exception_in_a_slot_is_printed_and_swallowed(qt, capsys):
    from stand_in.pythonqt import slot_errors

    button = qt.QPushButton()
    button.connect("clicked()", lambda: 1 / 0)
    button.click()
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert isinstance(slot_errors.pop(), ZeroDivisionError)


def test_an_exception_in_an_overridden_method_does_not_get_lost(qt):
    from stand_in.pythonqt import slot_errors

    class Model(qt.QAbstractTableModel):
        def rowCount(self, parent=None):  # noqa: N802
            raise LookupError("no rows")

        def columnCount(self, parent=None):  # noqa: N802
            return 1

    model, proxy = Model(), qt.QSortFilterProxyModel()
    proxy.setSourceModel(model)
    assert proxy.rowCount() == 0
    assert any("no rows" in str(error) for error in slot_errors)
    slot_errors.clear()
    with pytest.raises(LookupError):
        model.rowCount()


def test_enums_compare_as_integers(qt):
    assert qt.Qt.Key_A == 65
    assert qt.QHeaderView.Stretch == 1
    assert qt.QAbstractItemView.SelectRows == 1
    assert {qt.QAbstractItemView.SelectRows: "rows"}[1] == "rows"


def test_what_qt_hands_out_itself_behaves_as_what_python_made(qt):
    table = qt.QTableWidget(1, 2)
    header = table.horizontalHeader()
    assert isinstance(header, qt.QHeaderView)
    header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
    assert header.visible is False
    with pytest.raises(AttributeError):
        header.nothing = 1


def test_selected_rows_are_a_tuple_and_an_empty_cell_is_none(qt):
    table, chosen = qt.QTableWidget(2, 2), []
    selection = table.selectionModel()
    assert selection.selectedRows() == ()
    assert table.item(0, 0) is None
    assert selection.connect("selectionChanged(QItemSelection,QItemSelection)", lambda new, old: chosen.append(1))
    table.selectRow(1)
    assert [index.row() for index in selection.selectedRows()] == [1]
    assert chosen


def test_a_table_model_of_python_is_shown_and_tells_of_its_changes(qt):
    class Model(qt.QAbstractTableModel):
        values = (3, 1, 2)

        def rowCount(self, parent=None):  # noqa: N802
            return 3

        def columnCount(self, parent=None):  # noqa: N802
            return 1

        def data(self, index, role=qt.Qt.DisplayRole):
            return self.values[index.row()] if role == qt.Qt.DisplayRole else None

        def flags(self, index):
            return qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable

    model, proxy, calls = Model(), qt.QSortFilterProxyModel(), []
    proxy.setSourceModel(model)
    proxy.sort(0)
    assert [proxy.index(row, 0).data() for row in range(3)] == [1, 2, 3]
    model.dataChanged.connect(lambda first, last, roles: calls.append(last.row()))
    model.dataChanged(model.index(0, 0), model.index(2, 0))
    assert calls == [2]


def test_a_signal_of_a_python_class_passes_its_value(qt):
    class Sender(qt.QObject):
        jumped = qt.Signal("int")

    sender, values = Sender(), []
    sender.jumped.connect(values.append)
    sender.jumped.emit(7)
    assert values == [7]


def test_a_menu_takes_no_function_and_its_action_does(qt):
    from stand_in.pythonqt import RefusedError

    menu, calls = qt.QMenu(), []
    with pytest.raises(RefusedError, match="connect the signal"):
        menu.addAction("Reject", lambda: None)
    action = menu.addAction("Reject")
    assert action.text == "Reject"
    assert action.connect("triggered()", lambda: calls.append(1))
    action.trigger()
    assert calls == [1]


def test_a_shortcut_is_activated(qt):
    widget = qt.QWidget()
    shortcut = qt.QShortcut(qt.QKeySequence("A"), widget)
    shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
    assert shortcut.connect("activated()", lambda: None)


def test_a_timer_calls_once_or_repeatedly(qt, wait_until):
    calls, timer = [], qt.QTimer()
    qt.QTimer.singleShot(0, lambda: calls.append("once"))
    timer.interval = 1
    timer.connect("timeout()", lambda: calls.append("again"))
    timer.start()
    wait_until(lambda: calls.count("again") > 2)
    timer.stop()
    assert calls.count("once") == 1


def test_a_dynamic_property_is_kept(qt):
    button = qt.QPushButton()
    assert button.property("SlicerParameterName") is None
    button.setProperty("SlicerParameterName", "protocol")
    assert button.property("SlicerParameterName") == "protocol"


def test_a_slot_gets_no_more_than_it_takes(qt):
    combo, calls = qt.QComboBox(), []
    combo.addItems(["a", "b"])
    combo.connect("currentIndexChanged(int)", lambda: calls.append("none"))
    combo.connect("currentIndexChanged(int)", calls.append)
    combo.currentIndex = 1
    assert calls == ["none", 1]


def test_settings_are_kept_and_numbers_come_back_as_text(qt):
    settings = qt.QSettings()
    settings.setValue("CACNet/initials", "AB")
    settings.setValue("CACNet/on", True)
    settings.beginGroup("CACNet")
    assert set(settings.allKeys()) == {"initials", "on"}
    settings.endGroup()
    assert qt.QSettings().value("CACNet/on") == "true"
    assert qt.QSettings().value("CACNet/none", 5) == 5
    settings.remove("CACNet")
    assert not settings.contains("CACNet/initials")


def test_a_question_gets_the_answer_that_the_test_put_there(qt):
    from stand_in import dialogs

    dialogs.forget()
    dialogs.answers.extend([qt.QMessageBox.No, "report.pdf", None])
    yes_no = qt.QMessageBox.Yes | qt.QMessageBox.No
    assert qt.QMessageBox.question(None, "CACNet", "Go on?", yes_no) == qt.QMessageBox.No
    assert qt.QFileDialog.getSaveFileName(None, "Save report") == "report.pdf"
    assert qt.QInputDialog.getText(None, "CACNet", "Initials") == ""
    assert dialogs.shown == ["Go on?", "Save report", "Initials"]


def test_a_question_without_an_answer_is_an_error_instead_of_waiting_for_ever(qt):
    from stand_in import dialogs
    from stand_in.pythonqt import RefusedError

    dialogs.forget()
    with pytest.raises(RefusedError, match="waits for ever"):
        qt.QMessageBox.question(None, "CACNet", "Go on?")


def test_slicers_own_messages_are_noted_and_its_questions_answered(qt):
    import slicer
    from stand_in import dialogs

    dialogs.forget()
    slicer.util.errorDisplay("No CT.")
    dialogs.answers.append(qt.QMessageBox.Cancel)
    assert slicer.util.confirmOkCancelDisplay("Install?") is False
    assert dialogs.shown == ["No CT.", "Install?"]
    with pytest.raises(ValueError, match="bad"), slicer.util.tryWithErrorDisplay("Failed."):
        raise ValueError("bad")
    assert dialogs.shown[-1] == "Failed.\n\nbad"


def test_a_status_message_is_shown_in_the_main_window(qt):
    import slicer

    assert slicer.util.showStatusMessage("Saved", 1000)
    assert slicer.util.mainWindow().statusBar().currentMessage() == "Saved"


def test_a_collapsible_button_folds_by_a_click_on_its_title(qt):
    import ctk
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    button, told = ctk.ctkCollapsibleButton(), []
    button.text = "Review"
    label = qt.QLabel("x")
    qt.QVBoxLayout(button).addWidget(label)
    assert button.connect("contentsCollapsed(bool)", told.append)
    button.show()
    QTest.mouseClick(button, Qt.LeftButton, pos=QPoint(10, 10))
    assert button.collapsed
    assert not label.visible
    button.collapsed = False
    assert label.visible
    assert told == [True, False]


def test_a_node_selector_follows_the_scene(qt, scene):
    import slicer

    selector, chosen = slicer.qMRMLNodeComboBox(), []
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.noneEnabled = True
    assert selector.connect("currentNodeChanged(vtkMRMLNode*)", chosen.append)
    selector.setMRMLScene(scene)
    ct = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    scene.AddNewNodeByClass("vtkMRMLTableNode", "no volume")
    assert selector.nodeCount() == 1
    assert selector.currentNode() is None
    selector.setCurrentNode(ct)
    assert selector.currentNodeID == ct.GetID()
    scene.RemoveNode(ct)
    assert selector.currentNode() is None
    assert [node and node.GetName() for node in chosen] == ["CT", None]
    selector.setMRMLScene(None)


def test_a_node_selector_without_none_chooses_the_first_node_by_itself(qt, scene):
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(scene)
    ct = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    assert selector.currentNode() is ct
    selector.setMRMLScene(None)


def test_a_ui_file_hands_the_scene_to_those_that_it_connects(qt, scene, tmp_path):
    import slicer

    selector = '<item><widget class="qMRMLNodeComboBox" name="{0}"/></item>'
    (tmp_path / "a.ui").write_text(
        '<ui version="4.0"><widget class="qMRMLWidget" name="top"><layout class="QVBoxLayout">'
        + selector.format("given")
        + selector.format("forgotten")
        + "</layout></widget><connections><connection><sender>top</sender>"
        "<signal>mrmlSceneChanged(vtkMRMLScene*)</signal><receiver>given</receiver>"
        "<slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>"
    )
    widget = slicer.util.loadUI(tmp_path / "a.ui")
    ui = slicer.util.childWidgetVariables(widget)
    widget.setMRMLScene(scene)
    assert ui.given.mrmlScene() is scene
    assert ui.forgotten.mrmlScene() is None
    ui.given.setMRMLScene(None)
    with pytest.raises(RuntimeError, match="Could not load UI file"):
        slicer.util.loadUI(tmp_path / "none.ui")


def test_the_segment_editor_keeps_its_choices_in_its_node(qt, scene):
    import slicer

    editor = slicer.qMRMLSegmentEditorWidget()
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "calcium")
    editor.setSegmentationNode(segmentation)
    assert editor.segmentationNode() is None
    with pytest.raises(RuntimeError, match="the node before the scene"):
        editor.setMRMLScene(scene)
    editor.setMRMLSegmentEditorNode(scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    editor.setMRMLScene(scene)
    editor.setSegmentationNode(segmentation)
    editor.setActiveEffectByName("Paint")
    editor.activeEffect().setParameter("BrushSphere", 1)
    assert editor.segmentationNode() is segmentation
    assert editor.mrmlSegmentEditorNode().GetActiveEffectName() == "Paint"
    assert editor.effectByName("Paint").parameter("BrushSphere") == "1"
    assert editor.effectByName("nothing") is None
    editor.switchToSegmentationsButtonVisible = False
    assert editor.switchToSegmentationsButtonVisible is False


def test_slice_views_show_what_they_are_given(qt, scene):
    import numpy as np
    import slicer
    from cacnet.volume import Geometry, Volume
    from CACNetSegmentationLib.scene.volumes import node_from_volume

    ct = node_from_volume(scene, Volume(np.zeros((4, 5, 6), np.int16), Geometry((4, 5, 6), (1.0, 1.0, 1.0))), "CT")
    manager = slicer.app.layoutManager()
    slicer.util.setSliceViewerLayers(background=ct, fit=True)
    assert manager.sliceWidget("Red").mrmlSliceCompositeNode().GetBackgroundVolumeID() == ct.GetID()
    manager.sliceWidget("Red").mrmlSliceNode().JumpSliceByCentering(0, 0, 2)
    assert manager.sliceWidget("Red").sliceLogic().GetSliceOffset() == pytest.approx(2)
    assert manager.sliceWidget("Blue") is None
    slicer.util.resetSliceViews()


class TestParameterNode:
    @pytest.fixture
    def make(self, qt, scene):
        from typing import Annotated

        import slicer
        from slicer.parameterNodeWrapper import Choice, parameterNodeWrapper

        @parameterNodeWrapper
        class Parameters:
            ct: slicer.vtkMRMLScalarVolumeNode
            device: Annotated[str, Choice(["auto", "cpu"])] = "auto"
            refine: bool = True
            age: int
            width: float = 1.5
            initials: str

        def make():
            node = scene.GetFirstNodeByName("P") or scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "P")
            return Parameters(node)

        return make

    def test_it_starts_with_its_defaults(self, make):
        parameters = make()
        assert (parameters.ct, parameters.device, parameters.refine) == (None, "auto", True)
        assert (parameters.age, parameters.width, parameters.initials) == (0, 1.5, "")

    def test_it_refuses_values_of_another_kind(self, make):
        parameters = make()
        with pytest.raises(ValueError, match="not among"):
            parameters.device = "tpu"
        with pytest.raises(TypeError):
            parameters.age = "old"
        with pytest.raises(TypeError):
            parameters.ct = parameters.parameterNode

    def test_it_comes_back_with_the_scene(self, make, scene, tmp_path):
        import slicer

        parameters = make()
        parameters.ct = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
        parameters.refine, parameters.age, parameters.device = False, 61, "cpu"
        slicer.util.saveScene(str(tmp_path / "case.mrb"))
        scene.Clear(0)
        slicer.util.loadScene(str(tmp_path / "case.mrb"))
        back = make()
        assert (back.refine, back.age, back.device) == (False, 61, "cpu")
        assert back.ct.GetName() == "CT"

    def test_a_change_is_told_to_observers(self, make):
        parameters, calls = make(), []
        tag = parameters.AddObserver("ModifiedEvent", lambda caller, event: calls.append(1))
        parameters.age = 50
        parameters.RemoveObserver(tag)
        parameters.age = 51
        assert calls == [1]

    def test_widgets_and_parameters_follow_one_another_until_they_are_disconnected(self, qt, make, scene):
        import slicer

        ui = SimpleNamespace(
            ct=slicer.qMRMLNodeComboBox(), device=qt.QComboBox(), refine=qt.QCheckBox(), age=qt.QSpinBox(),
            width=qt.QDoubleSpinBox(), initials=qt.QLineEdit(), other=qt.QLabel(),
        )  # fmt: skip
        for name in ("ct", "device", "refine", "age", "width", "initials"):
            getattr(ui, name).setProperty("SlicerParameterName", name)
        ui.ct.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        ui.ct.noneEnabled = True
        ui.ct.setMRMLScene(scene)
        parameters = make()
        tag = parameters.connectGui(ui)
        assert (ui.device.count, ui.refine.checked, ui.width.value) == (2, True, 1.5)
        ui.device.currentIndex, ui.refine.checked, ui.initials.text = 1, False, "AB"
        parameters.age, parameters.ct = 61, scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
        assert (parameters.device, parameters.refine, parameters.initials) == ("cpu", False, "AB")
        assert (ui.age.value, ui.ct.currentNode().GetName()) == (61, "CT")
        parameters.disconnectGui(tag)
        ui.refine.checked = True
        assert parameters.refine is False
        ui.ct.setMRMLScene(None)

    def test_a_widget_that_names_an_unknown_parameter_is_an_error(self, qt, make):
        box = qt.QCheckBox()
        box.setProperty("SlicerParameterName", "refin")
        with pytest.raises(ValueError, match="refin"):
            make().connectGui(SimpleNamespace(box=box))
