"""What the application offers: the names of its classes, their properties, signals and methods, and of its modules."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

NAMES_FILE = Path(__file__).resolve().parent / "application_names.json"
"""Written by Testing/list_application_names.py from what was read off the application."""


@dataclass(frozen=True)
class ClassNames:
    """The names of one class, with those it inherits.

    Attributes:
        properties: read and written as attributes.
        signals: signatures as `connect` wants them, such as 'clicked(bool)'.
        members: methods, signals and enum values.
    """

    properties: frozenset[str] = frozenset()
    signals: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()

    def __or__(self, other: ClassNames) -> ClassNames:
        return ClassNames(
            self.properties | other.properties, self.signals | other.signals, self.members | other.members
        )

    def __contains__(self, name: str) -> bool:
        return name in self.properties or name in self.members


@functools.cache
def application_names() -> dict:
    """The file as it is."""
    return json.loads(NAMES_FILE.read_text(encoding="utf-8"))


@functools.cache
def class_names(key: str) -> ClassNames | None:
    """The names of a class such as 'qt.QPushButton'; None where the application has no such class."""
    entry = application_names()["classes"].get(key)
    if entry is None:
        return None
    own = ClassNames(
        frozenset(entry["properties"].split()), frozenset(entry["signals"]), frozenset(entry["members"].split())
    )
    return own | class_names(entry["inherits"]) if "inherits" in entry else own


def module_names(key: str) -> frozenset[str]:
    """The public names of a module such as 'slicer.util'."""
    return frozenset(application_names()["modules"][key])
