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
        unlisted_signals: the signatures of some signals are not known; their names are among the members.
    """

    properties: frozenset[str] = frozenset()
    signals: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    unlisted_signals: bool = False

    def __or__(self, other: ClassNames) -> ClassNames:
        return ClassNames(
            self.properties | other.properties,
            self.signals | other.signals,
            self.members | other.members,
            self.unlisted_signals or other.unlisted_signals,
        )

    def may_have_signal(self, signature: str) -> bool:
        """Whether there is a signal of this signature, as far as is known."""
        return signature in self.signals or (self.unlisted_signals and signature.partition("(")[0] in self.members)

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
        frozenset(entry["properties"].split()),
        frozenset(entry["signals"] or ()),
        frozenset(entry["members"].split()),
        unlisted_signals=entry["signals"] is None,
    )
    return own | class_names(entry["inherits"]) if "inherits" in entry else own


def module_names(key: str) -> frozenset[str]:
    """The public names of a module such as 'slicer.util'."""
    return frozenset(application_names()["modules"][key])
