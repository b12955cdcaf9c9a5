"""`slicer.parameterNodeWrapper`: typed values in a parameter node, kept in the scene and shown in widgets."""

from __future__ import annotations

import typing

import slicer

from stand_in.pythonqt import real


class Choice:
    """One of these values, as an annotation."""

    def __init__(self, choices):
        self.choices = list(choices)


class Default:
    """The value that a new parameter node starts with, as an annotation."""

    def __init__(self, value):
        self.value = value


def parameterNodeWrapper(cls):
    """Text, numbers and switches become parameters, nodes become references; widgets follow `SlicerParameterName`."""
    fields = {}
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        fields[name] = _field(name, hint, getattr(cls, name, None))
        setattr(cls, name, fields[name])
    return type(cls.__name__, (cls, _ParameterNode), {"_fields": fields})


def _field(name, hint, default):
    annotations = getattr(hint, "__metadata__", ())
    kind = typing.get_args(hint)[0] if annotations else hint
    choices = next((a.choices for a in annotations if isinstance(a, Choice)), None)
    default = next((a.value for a in annotations if isinstance(a, Default)), default)
    if isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
        return _NodeField(name, kind)
    if kind not in _READERS:
        raise TypeError(f"the parameter '{name}' is a {kind}; the stand-in keeps text, numbers, switches and nodes")
    return _ValueField(name, kind, choices[0] if default is None and choices else default, choices)


_READERS = {str: str, int: int, float: float, bool: lambda text: text == "True"}


class _ValueField:
    def __init__(self, name, kind, default, choices):
        self.name, self.kind, self.choices = name, kind, choices
        self.default = kind() if default is None else default

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        text = instance.parameterNode.GetParameter(self.name)
        return _READERS[self.kind](text) if text else self.default

    def __set__(self, instance, value):
        if not isinstance(value, self.kind) and not (self.kind is float and isinstance(value, int)):
            raise TypeError(f"{self.name} is a {self.kind.__name__}, not {value!r}")
        if self.choices is not None and value not in self.choices:
            raise ValueError(f"{value} is not among {self.choices}")
        instance.parameterNode.SetParameter(self.name, str(value))


class _NodeField:
    def __init__(self, name, kind):
        self.name, self.kind, self.choices = name, kind, None

    def __get__(self, instance, owner=None):
        return self if instance is None else instance.parameterNode.GetNodeReference(self.name)

    def __set__(self, instance, node):
        if node is not None and not isinstance(node, self.kind):
            raise TypeError(f"{self.name} is a {self.kind.__name__}, not {node.GetClassName()}")
        instance.parameterNode.SetNodeReferenceID(self.name, node.GetID() if node else None)


class _ParameterNode:
    def __init__(self, parameterNode):
        self.parameterNode = parameterNode
        self._connections = {}

    def connectGui(self, ui):
        """Fill the widgets, and keep both sides alike until `disconnectGui` with the tag that is returned."""
        widgets = {real(w, "property")("SlicerParameterName"): w for w in vars(ui).values()}
        widgets = {name: widget for name, widget in widgets.items() if name}
        if unknown := set(widgets) - set(self._fields):
            raise ValueError(f"the .ui file names parameters that do not exist: {sorted(unknown)}")
        connectors = {name: _connector(self, name, widget) for name, widget in widgets.items()}
        for connector in connectors.values():
            connector.show()
        show_all = lambda caller, event: [c.show() for c in connectors.values()]  # noqa: E731
        observer = self.parameterNode.AddObserver("ModifiedEvent", show_all)
        tag = max(self._connections, default=0) + 1
        self._connections[tag] = (observer, connectors)
        return tag

    def disconnectGui(self, tag):
        observer, connectors = self._connections.pop(tag)
        self.parameterNode.RemoveObserver(observer)
        for connector in connectors.values():
            connector.active = False

    def AddObserver(self, event, callback, priority=0.0):
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        self.parameterNode.RemoveObserver(tag)

    def Modified(self):
        self.parameterNode.Modified()


class _Connector:
    """Between one parameter and one widget; `active` ends with disconnectGui."""

    signal = property_name = ""

    def __init__(self, parameters, name, widget):
        self.parameters, self.name, self.widget, self.active = parameters, name, widget, True
        real(widget, self.signal).connect(lambda *_: self.active and self.read())

    def value(self):
        return self.widget.property(self.property_name)

    def set_value(self, value):
        real(self.widget, "setProperty")(self.property_name, value)

    def show(self):
        value = getattr(self.parameters, self.name)
        if self.value() != value:
            self.set_value(value)

    def read(self):
        if self.value() != getattr(self.parameters, self.name):
            setattr(self.parameters, self.name, self.value())


class _CheckBox(_Connector):
    signal, property_name = "toggled", "checked"


class _Number(_Connector):
    signal, property_name = "valueChanged", "value"


class _Line(_Connector):
    signal, property_name = "textChanged", "text"


class _Path(_Connector):
    signal, property_name = "currentPathChanged", "currentPath"


class _Combo(_Connector):
    signal = "currentIndexChanged"

    def __init__(self, parameters, name, widget):
        if choices := getattr(type(parameters), name).choices:
            real(widget, "clear")()
            real(widget, "addItems")(choices)
        self.choices = choices
        super().__init__(parameters, name, widget)

    def value(self):
        return real(self.widget, "currentText")()

    def set_value(self, value):
        if self.choices and value not in self.choices:
            raise ValueError(f"Unable to find value {value} in choices {self.choices}")
        real(self.widget, "setCurrentText")(value)


class _NodeCombo(_Connector):
    signal = "currentNodeChanged"

    def value(self):
        return real(self.widget, "currentNode")()

    def set_value(self, value):
        real(self.widget, "setCurrentNode")(value)


_CONNECTORS = {
    **dict.fromkeys(("QCheckBox", "QPushButton", "QRadioButton", "QToolButton"), _CheckBox),
    **dict.fromkeys(("QSpinBox", "QDoubleSpinBox", "QSlider", "ctkSliderWidget", "ctkDoubleSpinBox"), _Number),
    **dict.fromkeys(("QComboBox", "ctkComboBox"), _Combo),
    "QLineEdit": _Line,
    "ctkPathLineEdit": _Path,
    "qMRMLNodeComboBox": _NodeCombo,
}


def _connector(parameters, name, widget):
    return _CONNECTORS[type(widget).__name__](parameters, name, widget)
