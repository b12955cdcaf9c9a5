"""How PythonQt shows Qt classes to Python, on PySide6.

Properties are attributes, everything else is what the application lists for the class (`application_names`), and what
Qt hands out itself (a header, a selection model) behaves so as well. What PythonQt would let pass in silence but could
never work is refused aloud.
"""

from __future__ import annotations

import enum
import functools
import inspect
import sys
import traceback
import types

from PySide6 import QtCore
from PySide6.QtCore import QMetaMethod, QObject

from stand_in.application_names import ClassNames, class_names

slot_errors: list[BaseException] = []
"""What slots and overridden methods raised. PythonQt prints an exception in a slot and goes on; tests look here."""

KEYWORD_NAMES = {"exec_": "exec", "raise_": "raise", "print_": "print"}
"""Python keywords and built-ins take an underscore; the application lists them without."""


class RefusedError(Exception):
    """What shipped code asked for would do nothing, or something else, in the application."""


class PythonQtObject:
    """Mix-in for PySide6 classes. `_application_key` says under which name the application lists the class."""

    _application_key = "qt.QObject"

    def __init__(self, *arguments):
        _refuse_callables(type(self).__name__, arguments)
        super().__init__(*map(from_python, arguments))

    def __getattribute__(self, name):
        if name.startswith("_") or not _written_in_python(name, sys._getframe(1).f_code):
            return super().__getattribute__(name)
        return _read(self, name)

    def __setattr__(self, name, value):
        if name.startswith("_"):
            super().__setattr__(name, value)
        elif not _written_in_python(name, sys._getframe(1).f_code):
            # PySide6's loader of .ui files puts the children there, PythonQt's does not.
            return
        elif name in names_of(self).properties:
            write_property(self, name, value)
        elif _is_python_subclass(type(self)):
            super().__setattr__(name, value)
        else:
            raise AttributeError(
                f"'{name}' does not exist on {type(self).__name__} and creating new attributes on C++ objects is not "
                "allowed"
            )

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        if _is_python_subclass(cls):
            for name, value in list(vars(cls).items()):
                if isinstance(value, types.FunctionType) and not name.startswith("__"):
                    setattr(cls, name, _collect_errors(value))


class Borrowed:
    """A Qt object that Qt made itself, such as a table's header, shown as PythonQt shows it."""

    def __init__(self, qt_object):
        object.__setattr__(self, "_object", qt_object)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return _read(self._object, name)

    def __setattr__(self, name, value):
        if name not in names_of(self._object).properties:
            raise AttributeError(f"'{name}' does not exist on {type(self._object).__name__}")
        write_property(self._object, name, value)

    def __eq__(self, other):
        return self._object == from_python(other)

    def __hash__(self):
        return hash(self._object)

    @property
    def __class__(self):
        from stand_in import qt

        return getattr(qt, type(self._object).__name__, type(self._object))


class BoundSignal:
    """`button.clicked`: connected without a signature, it passes every argument."""

    def __init__(self, sender, name):
        self._sender, self._name = sender, name

    def connect(self, slot):
        return _connect(self._sender, self._name, None, slot)

    def disconnect(self, slot):
        return _disconnect(self._sender, self._name, slot)

    def emit(self, *arguments):
        real(self._sender, self._name).emit(*map(from_python, arguments))

    __call__ = emit


def real(instance, name):
    """The PySide6 attribute behind a stand-in."""
    return object.__getattribute__(from_python(instance), _GETTERS.get(name, name))


_GETTERS = {"enabled": "isEnabled", "visible": "isVisible"}


def names_of(qt_object) -> ClassNames:
    """What the application lists for an object's class, or for the nearest base that it lists."""
    return _names_of_class(type(qt_object))


@functools.cache
def _names_of_class(kind):
    if issubclass(kind, PythonQtObject):
        return class_names(kind._application_key)
    listed = next((base for base in kind.__mro__ if class_names(f"qt.{base.__name__}")), None)
    names = class_names(f"qt.{listed.__name__}") if listed else ClassNames()
    # Qt hands out classes (a status bar, a scroll bar) that were not listed; their own names are taken as they are.
    unlisted = {name for base in kind.__mro__[: kind.__mro__.index(listed or object)] for name in vars(base)}
    return names | ClassNames(members=frozenset(unlisted), unlisted_signals=bool(unlisted))


def to_python(value):
    """A value from Qt as PythonQt hands it out: Qt's own objects restricted, lists as tuples."""
    if isinstance(value, QObject) and not isinstance(value, PythonQtObject):
        return Borrowed(value)
    if isinstance(value, list):
        return tuple(map(to_python, value))
    return value


def from_python(value):
    """A value for Qt."""
    if type(value) is Borrowed:
        return value._object
    if isinstance(value, (list, tuple)):
        return type(value)(map(from_python, value))
    return value


def _written_in_python(name, code):
    """Qt looks up its own virtual methods by name as well; only what Python code writes down is meant."""
    return not {name, "getattr", "hasattr", "setattr"}.isdisjoint(code.co_names)


def _is_python_subclass(kind):
    return not kind.__module__.startswith("stand_in")


def _read(qt_object, name):
    names = names_of(qt_object)
    if _is_defined_in_python(qt_object, name):
        value = object.__getattribute__(qt_object, name)
        return BoundSignal(qt_object, name) if isinstance(value, QtCore.SignalInstance) else value
    if name in names.properties:
        return read_property(qt_object, name)
    if name == "name":
        # slicer.util.findChildren reads it; it is the object's name.
        return qt_object.property("objectName")
    if KEYWORD_NAMES.get(name, name) not in names.members:
        raise AttributeError(f"{type(qt_object).__name__} has no attribute named '{name}'")
    return _member(qt_object, name)


def _is_defined_in_python(qt_object, name):
    if not isinstance(qt_object, PythonQtObject):
        return False
    python_classes = (base for base in type(qt_object).__mro__ if _is_python_subclass(base))
    own = object.__getattribute__(qt_object, "__dict__").get(name)
    # PySide6 keeps its signals in the instance once they were asked for.
    has_own = own is not None and not isinstance(own, QtCore.SignalInstance)
    return has_own or any(name in vars(base) for base in python_classes if issubclass(base, PythonQtObject))


def _member(qt_object, name):
    if name == "connect":
        return lambda signature, slot: _connect(qt_object, signature.partition("(")[0], signature, slot)
    if name == "disconnect":
        return lambda signature, slot: _disconnect(qt_object, signature.partition("(")[0], slot)
    if name == "className":
        return lambda: type(qt_object).__name__
    try:
        value = object.__getattribute__(qt_object, name)
    except AttributeError:
        raise RefusedError(f"the stand-in does not know how {type(qt_object).__name__}.{name} behaves") from None
    if isinstance(value, QtCore.SignalInstance):
        return BoundSignal(qt_object, name)
    if isinstance(value, (types.BuiltinMethodType, types.MethodWrapperType)):
        return _method(name, value)
    return value


def _method(name, function):
    def call(*arguments):
        _refuse_callables(name, arguments)
        return to_python(function(*map(from_python, arguments)))

    return call


def _refuse_callables(name, arguments):
    """PySide6 takes Python functions where PythonQt may have no such overload."""
    if any(isinstance(a, (types.FunctionType, types.MethodType, functools.partial)) for a in arguments):
        raise RefusedError(f"it is not known that PythonQt's {name} takes a Python function; connect the signal")


def read_property(qt_object, name):
    """The value of a property; some properties of Qt 5 are plain methods in Qt 6."""
    if qt_object.metaObject().indexOfProperty(name) >= 0:
        return to_python(QObject.property(qt_object, name))
    return to_python(object.__getattribute__(qt_object, name)())


def write_property(qt_object, name, value):
    """Write a property; raises AttributeError for a value of another kind, as PythonQt does."""
    meta_object = qt_object.metaObject()
    index = meta_object.indexOfProperty(name)
    if index < 0:
        object.__getattribute__(qt_object, f"set{name[0].upper()}{name[1:]}")(from_python(value))
        return
    kind = meta_object.property(index).typeName()
    accepted = {"bool": (bool, int), "int": int, "double": (float, int), "QString": str}.get(kind, object)
    if not isinstance(value, accepted) or not QObject.setProperty(qt_object, name, from_python(value)):
        raise AttributeError(
            f"Property '{name}' of type '{kind}' does not accept an object of type {type(value).__name__} ({value})"
        )


def _connect(sender, name, signature, slot):
    """Connect; False for an unknown signal. The slot gets the arguments of the signature, or all without one."""
    counts = _argument_counts(sender, name)
    own = _is_defined_in_python(sender, name) or signature is None
    if not counts or not (own or names_of(sender).may_have_signal(signature)):
        return False
    count = max(counts)
    if signature is not None:
        count = len([argument for argument in signature.partition("(")[2].rstrip(")").split(",") if argument])
    if not count:
        _refuse_slot_that_takes_the_flag(sender, name, slot)
    receiver = _RECEIVERS[count](slot)
    real(sender, name).connect(receiver)
    _receivers(sender).append((name, slot, receiver))
    return True


_RECEIVERS = (
    # PySide6 counts a slot's parameters to decide what it passes.
    lambda slot: lambda: _call(slot, ()),
    lambda slot: lambda a: _call(slot, (a,)),
    lambda slot: lambda a, b: _call(slot, (a, b)),
    lambda slot: lambda a, b, c: _call(slot, (a, b, c)),
)


def _argument_counts(sender, name):
    """How many arguments the signal has, in each of its forms; empty where there is no such signal."""
    meta_object = sender.metaObject()
    methods = [meta_object.method(index) for index in range(meta_object.methodCount())]
    signals = [method for method in methods if method.methodType() == QMetaMethod.MethodType.Signal]
    return [method.parameterCount() for method in signals if bytes(method.name().data()).decode() == name]


def _refuse_slot_that_takes_the_flag(sender, name, slot):
    """For 'clicked()' and 'triggered()' it was observed both ways whether a slot that takes the flag gets it."""
    if name not in ("clicked", "triggered"):
        return
    code = getattr(inspect.unwrap(getattr(slot, "__func__", slot)), "__code__", None)
    bound = inspect.ismethod(slot)
    if code is None or code.co_argcount - bound > 0 or code.co_flags & inspect.CO_VARARGS:
        raise RefusedError(
            f"the slot of {type(sender).__name__}.{name}() can take an argument and may get the flag: give it none, or "
            f"connect '{name}(bool)'"
        )


def _disconnect(sender, name, slot):
    for entry in _receivers(sender):
        if entry[0] == name.partition("(")[0] and entry[1] == slot:
            real(sender, entry[0]).disconnect(entry[2])
            _receivers(sender).remove(entry)
            return True
    return False


def _receivers(sender):
    """Kept on the sender, because PySide6 tells lambdas apart only by themselves."""
    receivers = object.__getattribute__(sender, "__dict__").get("_stand_in_receivers")
    if receivers is None:
        receivers = []
        sender._stand_in_receivers = receivers
    return receivers


def _call(slot, values):
    """Pass as many values as a function or method takes; anything else that can be called gets all."""
    code = getattr(getattr(slot, "__func__", slot), "__code__", None)
    if code is not None and not code.co_flags & inspect.CO_VARARGS:
        values = values[: code.co_argcount - inspect.ismethod(slot)]
    try:
        slot(*map(to_python, values))
    except Exception as error:  # noqa: BLE001 - as PythonQt: printed and swallowed
        traceback.print_exc()
        slot_errors.append(error)


def _collect_errors(function):
    """A method of a Python subclass that Qt may call: PythonQt prints what it raises and goes on."""

    @functools.wraps(function)
    def call(*arguments, **keywords):
        try:
            return function(*map(to_python, arguments), **keywords)
        except Exception as error:
            if not _called_by_qt(sys._getframe(1).f_code, function.__name__):
                raise
            traceback.print_exc()
            slot_errors.append(error)
            return _DEFAULTS.get(function.__name__)

    return call


_DEFAULTS = {"rowCount": 0, "columnCount": 0, "eventFilter": False}


def _called_by_qt(code, name):
    return name not in code.co_names and "super" not in code.co_names


def compare_as_integers(kind):
    """Let the enums of a PySide6 class compare and hash as integers, as they do in PythonQt."""
    for name in dir(kind):
        value = getattr(kind, name, None)
        if isinstance(value, enum.EnumMeta) and not issubclass(value, int):
            value.__eq__ = lambda self, other: _integer(self) == _integer(other)
            value.__hash__ = lambda self: hash(self._value_)
            value.__int__ = value.__index__ = lambda self: self._value_


def _integer(value):
    return value._value_ if isinstance(value, enum.Enum) else value


class WidgetNames(PythonQtObject):
    """A stand-in for one of the application's own widgets; its public methods must be names of the application."""

    def __init_subclass__(cls, **keywords):
        if not _is_python_subclass(cls) and "_application_key" not in vars(cls):
            prefix = "ctk" if cls.__name__.startswith("ctk") else "slicer"
            cls._application_key = f"{prefix}.{cls.__name__}"
        super().__init_subclass__(**keywords)


__all__ = ["Borrowed", "PythonQtObject", "RefusedError", "WidgetNames", "compare_as_integers", "real", "slot_errors"]
