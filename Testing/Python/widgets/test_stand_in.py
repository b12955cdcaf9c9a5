"""The stand-in behaves as PythonQt does, and it and the shipped code use only names that the application has."""

import ast
import inspect
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from product_paths import PRODUCT, ROOT

API_FILE = ROOT.parent / "shared" / "design" / "slicer_api.json"
LIBRARY = [PRODUCT / "CACNetSegmentation.py", *sorted((PRODUCT / "CACNetSegmentationLib").rglob("*.py"))]
UI_FILE = PRODUCT / "Resources" / "UI" / "CACNetSegmentation.ui"


@pytest.fixture(scope="module")
def api():
    """Names that exist in the running application, where the list lies beside the checkout."""
    if not API_FILE.is_file():
        pytest.skip("the list of the application's names is not beside this checkout")
    return json.loads(API_FILE.read_text(encoding="utf-8"))


def _names(api, key):
    entry = api[key]
    names = {*entry["dir"], *entry["properties"], *(s.split("(")[0] for s in entry["signals"] + entry["invokable"])}
    return names | (_names(api, entry["inherits"]) if entry.get("inherits") else set())


def _stand_ins():
    from stand_in import ctk, mrml_widgets, qt

    for prefix, module in (("qt", qt), ("ctk", ctk), ("slicer", mrml_widgets)):
        for name, kind in vars(module).items():
            if inspect.isclass(kind) and kind.__module__ == module.__name__:
                yield f"{prefix}.{name}", kind


def _attribute_chains(path):
    """Every dotted name in a file, such as 'slicer.util.loadUI'."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)


def _used(prefix):
    chains = {chain for path in LIBRARY for chain in _attribute_chains(path)}
    return {m[1] for chain in chains if (m := re.fullmatch(rf"{re.escape(prefix)}\.(\w+)(\..*)?", chain))}


def test_the_stand_in_offers_nothing_that_the_application_lacks(api, qt_application):
    for key, kind in _stand_ins():
        offered = {name for base in kind.__mro__ for n in ("offered", "properties") for name in vars(base).get(n, ())}
        assert offered <= _names(api, key), f"{key}: {sorted(offered - _names(api, key))}"


def test_every_signature_that_is_connected_exists(api):
    signals = {signal for entry in api.values() for signal in entry.get("signals", ())}
    used = {s for path in LIBRARY for s in re.findall(r'\.connect\(\s*"([^"]+)"', path.read_text(encoding="utf-8"))}
    assert used
    assert used <= signals


def test_every_qt_class_exists(api):
    used = _used("qt")
    assert "QProcess" in used
    assert {f"qt.{name}" for name in used} <= set(api)


@pytest.mark.parametrize(
    ("prefix", "key", "field"),
    [
        ("slicer.util", "slicer.util (module)", "functions"),
        ("slicer.app", "slicer.app", "dir"),
        ("slicer.modules", "slicer.modules", "names"),
        ("packaging", "slicer.packaging (module)", "signatures"),
        ("qt.QProcess", "qt.QProcess", "dir"),
        ("qt.QTimer", "qt.QTimer", "dir"),
        ("qt.QProcessEnvironment", "qt.QProcessEnvironment", "dir"),
    ],
)
def test_every_name_of_the_application_that_is_used_exists(api, prefix, key, field):
    used = _used(prefix)
    assert used
    assert used <= set(api[key][field])


def test_every_widget_and_property_of_the_ui_file_exists(api):
    for widget in ElementTree.parse(UI_FILE).iter("widget"):
        name = widget.get("class")
        key = next(f"{prefix}.{name}" for prefix in ("qt", "ctk", "slicer") if f"{prefix}.{name}" in api)
        for item in widget.findall("property"):
            if item.get("stdset") != "0":
                assert item.get("name") in _names(api, key), f"{name}.{item.get('name')}"


def test_connected_widgets_have_the_slot_that_the_ui_file_names(api):
    tree = ElementTree.parse(UI_FILE)
    classes = {widget.get("name"): widget.get("class") for widget in tree.iter("widget")}
    for connection in tree.iter("connection"):
        sender, signal, receiver, slot = (connection.findtext(n) for n in ("sender", "signal", "receiver", "slot"))
        assert signal in api[f"slicer.{classes[sender]}"]["signals"]
        assert slot in api[f"slicer.{classes[receiver]}"]["invokable"]


def test_properties_are_attributes_as_in_pythonqt(qt_application):
    import qt

    button = qt.QPushButton()
    button.text = "q"
    assert button.text == "q"
    with pytest.raises(TypeError):
        button.text()


def test_an_unknown_attribute_can_neither_be_set_nor_read(qt_application):
    import qt

    button = qt.QPushButton()
    with pytest.raises(AttributeError):
        button.undefined = 1
    with pytest.raises(AttributeError):
        button.receivers  # noqa: B018 - PySide6 has it, the application does not


def test_connect_says_false_for_an_unknown_signal(qt_application):
    import qt

    assert qt.QPushButton().connect("nothing()", print) is False


def test_a_slot_gets_the_arguments_of_its_signature(qt_application):
    import qt

    button, calls = qt.QPushButton(), []
    assert button.connect("clicked()", lambda: calls.append(()))
    assert button.connect("clicked(bool)", lambda *values: calls.append(values))
    button.clicked.connect(lambda *values: calls.append(values))
    button.click()
    assert calls == [(), (False,), (False,)]


def test_a_slot_of_clicked_that_would_take_the_flag_is_refused(qt_application):
    import qt
    from stand_in.pythonqt import RefusedError

    button = qt.QPushButton()
    for slot in (lambda vessel=3: vessel, lambda *values: values, print):
        with pytest.raises(RefusedError, match="give it none"):
            button.connect("clicked()", slot)


def test_an_exception_in_a_slot_is_printed_and_swallowed(qt_application, capsys):
    import qt
    from stand_in.pythonqt import slot_errors

    button = qt.QPushButton()
    button.connect("clicked()", lambda: 1 / 0)
    button.click()
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert isinstance(slot_errors.pop(), ZeroDivisionError)
