"""One QAction for each correction: its button, its key in the table and its place in the context menu."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import qt
from cacnet.anatomy import Vessel
from cacnet.edits.review import RejectReason

from CACNetSegmentationLib.widgets.review.commands import COMMANDS, MENU, RELABEL, Command, Name
from CACNetSegmentationLib.widgets.review.wording import ARTERY, REASON_NAMES, REJECT_AS, VESSEL_COLOURS

_CHIP_PX = 10


class Actions:
    """Makes the actions and hands their triggering on.

    Args:
        view: the lesion table; keys count while it has the focus, and nowhere else, so never in a text field.
        buttons: tool buttons by the name of their correction.
        run: called with the name of the correction.
        reject: called with a reason chosen from the menu.
    """

    def __init__(self, view, buttons: Mapping[str, object], run: Callable, reject: Callable) -> None:
        self._view = view
        self._keys: list = []
        self._open_menus: list = []
        self._actions = {command.name: self._make(command, run) for command in COMMANDS}
        self.reasons = self._reason_menu(reject)
        self._relabel = self._relabel_menu()
        self.context_menu = self._context_menu()
        for name, button in buttons.items():
            button.setDefaultAction(self._actions[Name(name)])
        self._actions[Name.ADD].checkable = True
        view.connect("customContextMenuRequested(QPoint)", self._open_context_menu)

    def __getitem__(self, name: Name):
        return self._actions[name]

    def enable(self, selected: int, can_undo: bool, can_redo: bool) -> None:
        """Offer what can be done with so many selected lesions."""
        for command in COMMANDS:
            self._actions[command.name].enabled = command.needs.met_by(selected)
        self._actions[Name.UNDO].enabled, self._actions[Name.REDO].enabled = can_undo, can_redo
        self.reasons.enabled = self._relabel.enabled = selected > 0

    def open_reasons(self, last: RejectReason) -> None:
        """Ask for a reason beside the current row; Return takes the last one, a first letter takes another."""
        rectangle = self._view.visualRect(self._view.currentIndex())
        self.reasons.popup(self._view.viewport().mapToGlobal(rectangle.bottomLeft()))
        self.reasons.setActiveAction(self._reasons[last])

    def _make(self, command: Command, run: Callable):
        # A menu shows what follows the tab as the key; a tool button shows the action's icon text.
        text = command.menu_text or command.text
        action = qt.QAction(f"{text}\t{command.keys[0]}" if command.keys else text, self._view)
        action.iconText = command.text
        action.toolTip = command.full_tooltip
        action.connect("triggered()", _call(run, command.name))
        if command.name in RELABEL.values():
            vessel = next(vessel for vessel, name in RELABEL.items() if name == command.name)
            action.icon = _chip(VESSEL_COLOURS[vessel])
        for key in command.keys:
            self._add_key(key, action)
        return action

    def _add_key(self, key: str, action) -> None:
        shortcut = qt.QShortcut(self._view)
        shortcut.setKey(qt.QKeySequence(key))
        shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
        shortcut.activated.connect(lambda: action.trigger())
        self._keys.append(shortcut)

    def _make_menu(self, title: str):
        """A menu in front of which the table's keys rest: the table keeps the focus, and would take its letters."""
        menu = qt.QMenu(title, self._view)
        menu.connect("aboutToShow()", lambda: self._on_menu(menu, True))
        menu.connect("aboutToHide()", lambda: self._on_menu(menu, False))
        return menu

    def _on_menu(self, menu, is_open: bool) -> None:
        self._open_menus = [other for other in self._open_menus if other is not menu] + [menu] * is_open
        for shortcut in self._keys:
            shortcut.setEnabled(not self._open_menus)

    def _reason_menu(self, reject: Callable):
        menu = self._make_menu(REJECT_AS)
        self._reasons = {}
        for reason in RejectReason:
            # First letters differ, so a reason is one key press.
            action = qt.QAction(f"&{REASON_NAMES[reason]}", menu)
            action.connect("triggered()", _call(reject, reason))
            menu.addAction(action)
            self._reasons[reason] = action
        return menu

    def _relabel_menu(self):
        menu = self._make_menu(ARTERY)
        for vessel in Vessel:
            menu.addAction(self._actions[RELABEL[vessel]])
        return menu

    def _context_menu(self):
        menu = self._make_menu("")
        for entry in MENU:
            if entry is None:
                menu.addSeparator()
            elif entry == "relabel":
                menu.addMenu(self._relabel)
            elif entry is Name.REJECT:
                menu.addMenu(self.reasons)
            else:
                menu.addAction(self._actions[entry])
        return menu

    def _open_context_menu(self, position) -> None:
        self.context_menu.popup(self._view.viewport().mapToGlobal(position))


def _chip(colour: str):
    picture = qt.QPixmap(_CHIP_PX, _CHIP_PX)
    picture.fill(qt.QColor(colour))
    return qt.QIcon(picture)


def _call(function: Callable, argument) -> Callable[[], None]:
    """A slot without parameters, so that a signal's flag cannot take the argument's place."""
    return lambda: function(argument)
