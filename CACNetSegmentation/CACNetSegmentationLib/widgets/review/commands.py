"""The corrections that a reader can make: what each is called, its key, and how many lesions it needs. Without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from cacnet.anatomy import Vessel

from CACNetSegmentationLib.widgets.translation import _


class Needs(IntEnum):
    """How many selected lesions a correction needs at least."""

    NONE = 0
    SOME = 1
    ONE = -1
    TWO = 2

    def met_by(self, selected: int) -> bool:
        """Whether a selection of so many will do."""
        return selected == 1 if self is Needs.ONE else selected >= self


class Name(StrEnum):
    """Names of the corrections; those of their buttons in the .ui file with 'Button' added."""

    ACCEPT = "accept"
    REJECT = "reject"
    REJECT_AGAIN = "rejectAgain"
    RESTORE = "restore"
    RELABEL_LM = "relabelLM"
    RELABEL_LAD = "relabelLAD"
    RELABEL_LCX = "relabelLCx"
    RELABEL_RCA = "relabelRCA"
    RELABEL_UNASSIGNED = "relabelUnassigned"
    SPLIT = "split"
    SPLIT_BY_PLANE = "splitByPlane"
    MERGE = "merge"
    ERASE = "erase"
    ADD = "add"
    UNDO = "undo"
    REDO = "redo"
    NEXT = "next"
    PREVIOUS = "previous"
    JUMP = "jump"


RELABEL = {Vessel(number): name for number, name in enumerate((n for n in Name if n.startswith("relabel")), start=1)}


@dataclass(frozen=True)
class Command:
    """One correction.

    Attributes:
        text: on its button; menu_text: in the context menu, or '' for the button's.
        keys: pressed while the table has the focus; the first is named in menu and tooltip.
    """

    name: Name
    text: str
    tooltip: str
    keys: tuple[str, ...] = ()
    needs: Needs = Needs.SOME
    menu_text: str = ""

    @property
    def full_tooltip(self) -> str:
        """What it does, and its keys."""
        return f"{self.tooltip} ({' or '.join(self.keys)})" if self.keys else self.tooltip


def _relabel(vessel: Vessel) -> Command:
    unassigned = vessel is Vessel.UNASSIGNED
    where = _("The selected lesions lie in the {vessel}").format(vessel=vessel.label)
    return Command(
        RELABEL[vessel],
        _("None") if unassigned else vessel.label,
        _("The selected lesions lie in no known artery") if unassigned else where,
        (str(int(vessel)),),
        menu_text=vessel.label,
    )


COMMANDS = (
    Command(
        Name.ACCEPT,
        _("✓ Accept"),
        _("Agree with the selected lesions and go on to the next unreviewed one"),
        ("A",),
        menu_text=_("Accept"),
    ),
    Command(
        Name.REJECT,
        _("✕ Reject"),
        _("The selected lesions are no coronary calcium; asks why, and they can be restored"),
        ("Del", "Backspace"),
        menu_text=_("Reject as"),
    ),
    Command(
        Name.REJECT_AGAIN, _("Reject again"), _("Reject with the reason used last"), ("Shift+Del", "Shift+Backspace")
    ),
    Command(Name.RESTORE, _("Restore"), _("Make the selected lesions count again, not reviewed yet"), ("O",)),
    *(_relabel(vessel) for vessel in Vessel),
    Command(
        Name.SPLIT, _("Split"), _("Cut the lesion in two at its waist"), ("S",), Needs.ONE, _("Split at the waist")
    ),
    Command(
        Name.SPLIT_BY_PLANE,
        _("Split by slice"),
        _("Cut the lesion in two by the plane of the red slice view"),
        (),
        Needs.ONE,
        _("Split by the red slice's plane"),
    ),
    Command(
        Name.MERGE,
        _("Merge"),
        _("Make the selected lesions one; it keeps number and artery of the largest"),
        ("M",),
        Needs.TWO,
    ),
    Command(Name.ERASE, _("Erase"), _("Remove all voxels of the selected lesions; undo brings them back"), ("E",)),
    Command(
        Name.ADD,
        _("+ Add by click"),
        _("Click on calcium in a slice view to add it as a lesion"),
        ("C",),
        Needs.NONE,
        _("Add by click"),
    ),
    Command(Name.UNDO, "↶", _("Undo the last correction"), ("U", "Ctrl+Z"), Needs.NONE, _("Undo")),
    Command(Name.REDO, "↷", _("Redo what was undone"), ("R", "Ctrl+Y"), Needs.NONE, _("Redo")),
    Command(
        Name.PREVIOUS, "▲", _("Go to the previous unreviewed lesion"), ("P", "B"), Needs.NONE, _("Previous unreviewed")
    ),
    Command(
        Name.NEXT,
        "▼",
        _("Go to the next unreviewed lesion, and after the last one to those left out"),
        ("N", "F"),
        Needs.NONE,
        _("Next unreviewed"),
    ),
    Command(Name.JUMP, _("Show"), _("Centre all views on the lesion"), ("J",), Needs.SOME, _("Show in the views")),
)

MENU = (
    Name.ACCEPT,
    Name.REJECT,
    Name.RESTORE,
    None,
    "relabel",
    None,
    Name.SPLIT,
    Name.SPLIT_BY_PLANE,
    Name.MERGE,
    Name.ERASE,
    None,
    Name.JUMP,
    Name.ADD,
    None,
    Name.UNDO,
    Name.REDO,
)
"""The context menu from top to bottom; None is a line between groups."""
