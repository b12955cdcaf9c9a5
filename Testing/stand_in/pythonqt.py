"""How PythonQt shows Qt classes to Python, as far as the panel needs it."""

import functools
import sys
import traceback

from PySide6.QtCore import QObject

slot_errors: list[BaseException] = []
"""What slots raised. PythonQt prints an exception in a slot and goes on; tests look here."""


class PythonQtObject:
    """Mix-in for PySide6 classes: properties are attributes, `connect` takes signatures, the rest is hidden.

    `offered` lists the methods, signals and enum values that exist, `properties` the attributes.
    """

    offered: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()

    def __getattribute__(self, name):
        if name.startswith("_"):
            return super().__getattribute__(name)
        kind = type(self)
        if name == "connect":
            # PySide6 would otherwise find its own.
            return functools.partial(_connect, self)
        if name in kind._all("properties"):
            return real(self, name)()
        # Qt looks up its own virtual methods by name as well; only what Python code writes down is refused.
        if name in kind._all("offered") or name not in sys._getframe(1).f_code.co_names:
            return super().__getattribute__(name)
        raise AttributeError(f"{kind.__name__} has no attribute named '{name}'")

    def __setattr__(self, name, value):
        if name.startswith("_"):
            super().__setattr__(name, value)
        elif name in type(self)._all("properties"):
            real(self, f"set{name[0].upper()}{name[1:]}")(value)
        elif name in sys._getframe(1).f_code.co_names:
            raise AttributeError(f"'{name}' does not exist on {type(self).__name__}")

    @classmethod
    def _all(cls, kind):
        return {name for base in cls.__mro__ for name in vars(base).get(kind, ())}


def _connect(instance, signature, slot):
    """Connect by signature; False for an unknown signal. The slot gets the arguments of the signature."""
    name, _, arguments = signature.partition("(")
    if name not in type(instance)._all("offered"):
        return False
    count = len([argument for argument in arguments.rstrip(")").split(",") if argument])
    # PySide6 counts a slot's parameters to decide what it passes.
    receivers = (lambda: _call(slot, ()), lambda a: _call(slot, (a,)), lambda a, b: _call(slot, (a, b)))
    real(instance, name).connect(receivers[count])
    return True


def real(instance, name):
    """The PySide6 attribute behind a stand-in."""
    return object.__getattribute__(instance, _GETTERS.get(name, name))


_GETTERS = {"enabled": "isEnabled", "visible": "isVisible"}


def _call(slot, values):
    try:
        slot(*values)
    except Exception as error:  # noqa: BLE001 - as PythonQt: printed and swallowed
        traceback.print_exc()
        slot_errors.append(error)


class WidgetNames(PythonQtObject):
    """What every widget offers."""

    offered = (
        "property",
        "setProperty",
        "objectName",
        "findChildren",
        "isWidgetType",
        "layout",
        "grab",
        "show",
        "resize",
        "connect",
        "parent",
        "adjustSize",
        "sizeHint",
        "close",
        "setMinimumWidth",
    )
    properties = ("enabled", "visible", "toolTip")


class ObjectNames(PythonQtObject):
    """What every object that is no widget offers."""

    offered = ("connect", "deleteLater")


__all__ = ["ObjectNames", "PythonQtObject", "QObject", "WidgetNames", "real", "slot_errors"]
