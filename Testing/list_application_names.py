"""Writes the names of the application that tests and the stand-in are held to, from a full list read off Slicer.

`python Testing/list_application_names.py slicer_api.json` rewrites Testing/stand_in/application_names.json.
The full list is the output of a script that was run inside 3D Slicer; it holds far more than CACNet needs, so only
the classes that the product or its tests name are kept, with those that Qt code meets without naming them.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES_FILE = ROOT / "Testing" / "stand_in" / "application_names.json"
ORIGIN = "read off 3D Slicer 5.13.0-2026-08-21 (Qt 5.15.8) by listing its classes, properties and signals in Python"
MET_WITHOUT_BEING_NAMED = {
    *("qt.QObject", "qt.QWidget", "qt.QAbstractItemView", "qt.QAction", "qt.QHeaderView", "qt.QItemSelectionModel"),
    *("qt.QDialog", "qt.QFile", "qt.QFrame", "qt.QGroupBox", "qt.QPainter", "qt.QPalette", "qt.QScrollArea"),
    *("qt.QBrush", "qt.QEvent", "qt.QKeyEvent", "qt.QSizePolicy", "qt.QStyledItemDelegate", "qt.QTextBrowser"),
}
FUNCTION_LISTS = {"slicer.util (module)": "functions", "slicer.modules": "names"}


def product_names(api: dict, kept: set[str] | None = None) -> dict:
    """Every class with its bases' names left out, and every module's functions.

    Args:
        api: the full list.
        kept: the classes to be kept; None keeps all.

    Where no instance could be made (QShortcut), properties and signatures of signals are not known: null.
    """
    classes = {
        key: _class_names(api, key) for key, entry in api.items() if "dir" in entry and (kept is None or key in kept)
    }
    modules = {}
    for key, entry in api.items():
        if key.endswith("(module)") or key in FUNCTION_LISTS:
            field = FUNCTION_LISTS.get(key, "names")
            public = {name for name in (*entry[field], *entry.get("signatures", ())) if not name.startswith("_")}
            modules[key.removesuffix(" (module)")] = sorted(public)
    return {"schema_version": 1, "origin": ORIGIN, "classes": classes, "modules": modules}


def _class_names(api, key):
    entry = api[key]
    base = _base(api, key)
    inherited = set(api[base]["dir"]) if base else set()
    properties = set(entry.get("properties", ())) - set(api[base]["properties"] if base else ())
    signals = set(entry.get("signals", ())) - set(api[base]["signals"] if base else ())
    slots = {signature.split("(")[0] for signature in entry.get("invokable", ())}
    members = slots | set(entry["dir"]) | set(entry.get("instance_dir", ()))
    members = {name for name in members - inherited - properties if not name.startswith("_")}
    names = {
        "properties": " ".join(sorted(properties)),
        "signals": None if "no_instance" in entry else sorted(signals),
        "members": " ".join(sorted(members)),
    }
    return {"inherits": base, **names} if base else names


def _base(api, key):
    if entry := api[key].get("inherits"):
        return entry
    if key != "qt.QObject" and {"dumpObjectInfo", "moveToThread"} <= set(api[key]["dir"]):
        return "qt.QObject"
    return None


def classes_named(api: dict) -> set[str]:
    """The classes whose name stands in the product's or the tests' code or in a .ui file."""
    folders = (ROOT / "CACNetSegmentation", ROOT / "Testing")
    files = [path for folder in folders for suffix in ("*.py", "*.ui") for path in folder.rglob(suffix)]
    words = {word for path in files for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}
    objects = {key for key in api if "(" in key or key == "slicer.app"}
    return {key for key in api if key.rpartition(".")[2] in words} | objects | MET_WITHOUT_BEING_NAMED


def main() -> None:
    api = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    text = json.dumps(product_names(api, classes_named(api)), indent=1, ensure_ascii=False)
    NAMES_FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
