"""The stand-in, the shipped widget code and the .ui files use only names that the application has."""

import ast
import inspect
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from list_application_names import product_names
from product_paths import PRODUCT, ROOT
from stand_in.application_names import application_names, class_names, module_names

API_FILE = ROOT.parent / "shared" / "design" / "slicer_api.json"
WIDGET_CODE = [PRODUCT / "CACNetSegmentation.py", *sorted((PRODUCT / "CACNetSegmentationLib").rglob("*.py"))]
UI_FILES = sorted((PRODUCT / "Resources" / "UI").glob("*.ui"))
MISSING = "the application has no such name; where it has, rerun Testing/list_application_names.py"
NOT_LISTED = {"qt.Qt", "qt.QSignalBlocker", "qt.QAbstractTableModel", "qt.QItemSelection", "qt.Signal", "qt.Slot"}
"""Observed in the application, but without a list of names."""


def _trees():
    for path in WIDGET_CODE:
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def _dotted_names(prefix):
    """Every dotted name in the widget code that starts so, as lists of its parts, with where it stands."""
    found = {}
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                parts = ast.unparse(node).split(".")
                if parts[0] == prefix and all(part.isidentifier() for part in parts):
                    found[tuple(parts)] = f"{path.name}:{node.lineno}"
    return found


def _imports_from(module):
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == module:
                for alias in node.names:
                    yield alias.name, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("prefix", ["qt", "ctk"])
def test_every_class_and_every_constant_of_qt_and_ctk_exists(prefix):
    used = _dotted_names(prefix)
    for parts, place in used.items():
        key = ".".join(parts[:2])
        if key not in NOT_LISTED:
            assert class_names(key), f"{key} at {place}: {MISSING}"
            assert len(parts) < 3 or parts[2] in class_names(key), f"{'.'.join(parts)} at {place}: {MISSING}"


def test_the_search_for_names_finds_those_that_are_there():
    assert ("qt", "QProcess") in _dotted_names("qt")
    assert "connect" in {parts[2] for parts in _dotted_names("slicer") if parts[:2] == ("slicer", "app") and parts[2:]}


def test_every_name_of_slicer_exists():
    slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
    modules = application_names()["modules"]
    for parts, place in _dotted_names("slicer").items():
        key, where = ".".join(parts[:2]), f"{'.'.join(parts)} at {place}: {MISSING}"
        if parts[1].startswith("q"):
            assert class_names(key), where
        elif key == "slicer.app":
            assert len(parts) < 3 or parts[2] in class_names(key), where
        elif key in modules:
            assert len(parts) < 3 or parts[2] in module_names(key), where
        else:
            # Defined by MRML itself, by the module base classes, or filled by the application at start.
            assert hasattr(slicer, parts[1]) or parts[1] in ("mrmlScene", "dicomDatabase", "modules"), where


@pytest.mark.parametrize("module", [name for name in application_names()["modules"] if name != "slicer.modules"])
def test_every_import_from_slicers_modules_exists(module):
    for name, place in _imports_from(module):
        assert name in module_names(module) or name[0].isupper(), f"{module}.{name} at {place}: {MISSING}"


def _connections():
    """Each connect or disconnect in the widget code: what it is called on, its first argument, and where it stands."""
    for path, tree in _trees():
        for node in ast.walk(tree):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args
            if is_call and node.func.attr in ("connect", "disconnect"):
                yield node.func.value, node.args[0], f"{path.name}:{node.lineno}"


def test_every_signature_that_is_connected_exists():
    classes = [class_names(key) for key in application_names()["classes"]]
    signatures = [(a.value, place) for _, a, place in _connections() if isinstance(a, ast.Constant)]
    assert signatures
    for signature, place in signatures:
        exists = any(names.may_have_signal(signature) for names in classes)
        assert exists, f"'{signature}' at {place}: {MISSING}"


def test_every_signal_that_is_connected_by_name_exists():
    classes = [class_names(key) for key in application_names()["classes"]]
    known = {signal.partition("(")[0] for names in classes for signal in names.signals} | _signals_of_the_product()
    known |= {name for names in classes if names.unlisted_signals for name in names.members}
    for owner, argument, place in _connections():
        if not isinstance(argument, ast.Constant):
            name = ast.unparse(owner).rpartition(".")[2]
            assert name in known, f"{ast.unparse(owner)}.connect at {place}: {MISSING}"


def _signals_of_the_product():
    return {
        ast.unparse(target).rpartition(".")[2]
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and "qt.Signal(" in ast.unparse(node.value)
        for target in node.targets
    }


def test_nothing_is_used_that_only_pyside_has(qt_application):
    """Types are not known here, so this looks for names that PySide6's classes have and no class of the application."""
    from PySide6 import QtCore, QtGui, QtWidgets

    classes = application_names()["classes"].values()
    listed = {name for entry in classes for field in ("members", "properties") for name in entry[field].split()}
    kinds = [k for module in (QtCore, QtGui, QtWidgets) for k in vars(module).values() if inspect.isclass(k)]
    methods = {name for kind in kinds for name in dir(kind) if name[:1].islower()}
    own = set(_names_of_the_product())
    for path in (PRODUCT / "CACNetSegmentationLib" / "widgets").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        for node in ast.walk(tree):
            suspect = isinstance(node, ast.Attribute) and node.attr in methods - listed - own - _PLAIN_PYTHON
            if suspect and ast.unparse(node.value) not in modules:
                pytest.fail(f"{ast.unparse(node)} at {path.name}:{node.lineno}: {MISSING}")


def _names_of_the_product():
    """What the product's own classes define: methods and fields."""
    for path in PRODUCT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                yield node.name
            elif isinstance(node, ast.AnnAssign):
                yield ast.unparse(node.target).rpartition(".")[2]


_PLAIN_TYPES = (str, bytes, list, dict, set, tuple, int, float, Path)
_PLAIN_PYTHON = {"emit"} | {name for kind in _PLAIN_TYPES for name in dir(kind)}
"""Besides Python's own methods, what PythonQt's signals have."""


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.name)
def test_every_widget_and_property_of_a_ui_file_exists(path):
    for widget in ElementTree.parse(path).iter("widget"):
        names = _ui_class(widget.get("class"))
        assert names, f"{widget.get('class')} in {path.name}: {MISSING}"
        for item in widget.findall("property"):
            if item.get("stdset") != "0":
                assert item.get("name") in names.properties, f"{widget.get('class')}.{item.get('name')}: {MISSING}"


def _ui_class(name):
    return next((names for prefix in ("qt", "ctk", "slicer") if (names := class_names(f"{prefix}.{name}"))), None)


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.name)
def test_a_ui_file_connects_only_signals_and_slots_that_exist(path):
    tree = ElementTree.parse(path)
    classes = {widget.get("name"): widget.get("class") for widget in tree.iter("widget")}
    for connection in tree.iter("connection"):
        sender, signal, receiver, slot = (connection.findtext(n) for n in ("sender", "signal", "receiver", "slot"))
        assert signal in _ui_class(classes[sender]).signals
        assert slot.partition("(")[0] in _ui_class(classes[receiver])


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.name)
def test_every_widget_that_needs_the_scene_is_given_it(path):
    """A selector that the .ui file forgets to connect stays empty in the application."""
    tree = ElementTree.parse(path)
    root = tree.getroot().find("widget")
    given = {c.findtext("receiver") for c in tree.iter("connection") if c.findtext("sender") == root.get("name")}
    for widget in root.iter("widget"):
        if widget.get("class") in ("qMRMLNodeComboBox", "qMRMLSegmentsTableView", "qMRMLTableView"):
            assert widget.get("name") in given


def _stand_in_classes():
    from stand_in import application, ctk, dialogs, mrml_widgets, segment_editor, services
    from stand_in.pythonqt import PythonQtObject

    for module in (application, ctk, dialogs, mrml_widgets, segment_editor, services):
        for kind in vars(module).values():
            if inspect.isclass(kind) and issubclass(kind, PythonQtObject) and kind.__module__ == module.__name__:
                yield kind


def test_the_stand_ins_own_classes_offer_nothing_that_the_application_lacks(qt_application):
    for kind in _stand_in_classes():
        names = class_names(kind._application_key)
        assert names, f"{kind._application_key}: {MISSING}"
        offered = {name for name in vars(kind) if not name.startswith("_") and name != "staticMetaObject"}
        lacking = {name for name in offered if name not in names}
        assert not lacking, f"{kind._application_key}.{sorted(lacking)}: {MISSING}"


def test_the_stand_ins_modules_offer_nothing_that_the_application_lacks(qt_application):
    import slicer

    for key in ("slicer.packaging", "slicer.parameterNodeWrapper", "slicer.i18n", "slicer.ScriptedLoadableModule"):
        module = getattr(slicer, key.partition(".")[2])
        assert {name for name in vars(module) if not name.startswith("_")} <= module_names(key)


def test_the_names_are_those_that_were_read_off_the_application():
    if not API_FILE.is_file():
        pytest.skip("the full list of the application's names is not beside this checkout")
    whole = product_names(json.loads(API_FILE.read_text(encoding="utf-8")))
    assert "Slicer 5.13" in application_names()["origin"]
    for kind in ("classes", "modules"):
        for key, names in application_names()[kind].items():
            assert names == whole[kind][key]
