"""What keys, buttons and menus do to the selected lesions, and where the selection goes afterwards."""

from __future__ import annotations

from collections.abc import Callable

from cacnet.anatomy import NAMED_VESSELS, Vessel
from cacnet.edits.review import RejectReason, ReviewState
from cacnet.edits.summary import ReviewSummary

from CACNetSegmentationLib.widgets.review.actions import Actions
from CACNetSegmentationLib.widgets.review.commands import RELABEL, Name
from CACNetSegmentationLib.widgets.review.lesion_table import LesionTable
from CACNetSegmentationLib.widgets.review.messages import Message
from CACNetSegmentationLib.widgets.review.service import PositionRas, ReviewService
from CACNetSegmentationLib.widgets.review.wording import (
    ALL_LESIONS,
    ALL_VESSELS,
    LAST_UNREVIEWED,
    NEAREST_ARTERY,
    PLACE_A_POINT,
    STATE_NAMES,
    all_reviewed_text,
    hidden_text,
    no_lesions_text,
    progress_text,
)

CancelPicking = Callable[[], None]
PickPoint = Callable[[Callable[[PositionRas | None], None]], CancelPicking]
"""Lets the reader click once in a slice view; calls back with the position, or None where it was cancelled."""
SlicePlane = Callable[[], tuple[PositionRas, PositionRas]]
"""A point on the slice shown and its normal."""
Act = Callable[[Callable[[ReviewService], str | None], Message], bool]
"""Does something with the review that is open and shows how it went; False where it failed or none is open."""

_STATE_FILTERS = (None, *ReviewState)
_VESSEL_FILTERS = (None, *Vessel)
_ADD_VESSELS = (Vessel.UNASSIGNED, *NAMED_VESSELS)


class Corrections:
    """The lesion table with everything around it.

    Args:
        ui: named widgets of Review.ui.
        act: see `Act`.
        pick_point: see `PickPoint`.
        slice_plane: see `SlicePlane`.
    """

    def __init__(self, ui, act: Act, pick_point: PickPoint, slice_plane: SlicePlane) -> None:
        self._ui, self._act = ui, act
        self._pick_point, self._slice_plane = pick_point, slice_plane
        self._cancel_picking: CancelPicking | None = None
        self._last_reason = RejectReason.OTHER
        self._summary: ReviewSummary | None = None
        self.message = Message(ui.messageLabel)
        self.table = LesionTable(ui.lesionTable, self._jump, self._enable)
        names = {name: f"{name}Button" for name in Name}
        buttons = {name: getattr(ui, button) for name, button in names.items() if hasattr(ui, button)}
        self.actions = Actions(ui.lesionTable, buttons, self._run, self._reject)
        self._fill_filters()

    def show(self, summary: ReviewSummary) -> None:
        """Show the lesions as they are now."""
        self._summary = summary
        every, to_judge = len(summary.lesions), summary.to_judge
        self._ui.progressLabel.text = progress_text(summary)
        # Before the table: a progress bar paints at once, and with it everything that waits to be painted.
        self._ui.reviewProgressBar.setRange(0, max(to_judge, 1))
        self._ui.reviewProgressBar.value = to_judge - len(summary.unreviewed)
        self.table.show(summary.lesions)
        self._ui.noLesionsLabel.text = no_lesions_text(summary) if not every else ""
        self._ui.noLesionsLabel.visible = not every
        for widget in (self._ui.lesionTable, self._ui.filterFrame, self._ui.progressLabel, self._ui.reviewProgressBar):
            widget.visible = every > 0
        self._enable()

    def start(self) -> None:
        """A review was opened: show every lesion, choose the first unreviewed one without going there."""
        self.stop_picking()
        self.message.say("")
        for box in (self._ui.stateFilterComboBox, self._ui.vesselFilterComboBox):
            box.setCurrentIndex(0)
        self._ui.idFilterLineEdit.text = ""
        first = self.table.unreviewed_from(None, 1)
        self.table.select([] if first is None else [first])
        self._ui.lesionTable.setFocus()

    def stop_picking(self) -> None:
        """Leave the mode in which a click adds a lesion."""
        if self._cancel_picking is not None:
            cancel, self._cancel_picking = self._cancel_picking, None
            cancel()
        self.actions[Name.ADD].checked = False

    def _enable(self) -> None:
        if self._summary is not None:
            self.actions.enable(len(self.table.selected), self._summary.can_undo, self._summary.can_redo)

    def _fill_filters(self) -> None:
        for state in _STATE_FILTERS:
            self._ui.stateFilterComboBox.addItem(ALL_LESIONS if state is None else STATE_NAMES[state])
        for vessel in _VESSEL_FILTERS:
            self._ui.vesselFilterComboBox.addItem(ALL_VESSELS if vessel is None else vessel.label)
        for vessel in _ADD_VESSELS:
            self._ui.addVesselComboBox.addItem(NEAREST_ARTERY if vessel is Vessel.UNASSIGNED else vessel.label)
        self._ui.stateFilterComboBox.connect("currentIndexChanged(int)", lambda index: self._filter())
        self._ui.vesselFilterComboBox.connect("currentIndexChanged(int)", lambda index: self._filter())
        self._ui.idFilterLineEdit.connect("textChanged(QString)", lambda text: self._filter())

    def _filter(self) -> None:
        vessel = _VESSEL_FILTERS[self._ui.vesselFilterComboBox.currentIndex]
        self.table.filter(
            _STATE_FILTERS[self._ui.stateFilterComboBox.currentIndex],
            None if vessel is None else vessel.label,
            self._ui.idFilterLineEdit.text,
        )

    def _run(self, name: Name) -> None:
        match name:
            case Name.ACCEPT:
                self._judge(lambda service, ids: service.accept(ids))
            case Name.REJECT:
                self.actions.open_reasons(self._last_reason)
            case Name.REJECT_AGAIN:
                self._reject(self._last_reason)
            case Name.NEXT | Name.PREVIOUS:
                self._go_on(self.table.current, 1 if name is Name.NEXT else -1)
            case Name.JUMP:
                self._jump(self.table.current)
            case Name.ADD:
                self._toggle_picking()
            case _:
                self._change(name)

    def _change(self, name: Name) -> None:
        """A correction after which the lesions that it altered are selected."""
        vessel = next((vessel for vessel, relabel in RELABEL.items() if relabel is name), None)

        def work(service: ReviewService) -> None:
            ids = self.table.selected
            match name:
                case Name.UNDO:
                    service.undo()
                case Name.REDO:
                    service.redo()
                case Name.RESTORE:
                    service.restore(ids)
                case Name.MERGE:
                    service.merge(ids)
                case Name.ERASE:
                    service.erase(ids)
                case Name.SPLIT:
                    service.split(ids[0])
                case Name.SPLIT_BY_PLANE:
                    service.split_by_plane(ids[0], *self._slice_plane())
                case _:
                    service.relabel(ids, vessel)

        self._and_select(work)

    def _and_select(self, work: Callable[[ReviewService], None]) -> None:
        self.table.changed = ()
        if self._act(work, self.message):
            self.table.select(self.table.changed, jump=len(self.table.changed) == 1)

    def _reject(self, reason: RejectReason) -> None:
        self._last_reason = reason
        self._judge(lambda service, ids: service.reject(ids, reason))

    def _judge(self, work: Callable) -> None:
        """Say something of the selected lesions and go on to the next that nothing was said of."""
        following: list[int | None] = []

        def judge(service: ReviewService) -> None:
            judged = self.table.selected
            # The next one is looked for before: a filter may hide the judged ones at once.
            following.append(self.table.unreviewed_from(judged[-1], 1, leave_out=judged))
            work(service, judged)

        if self._act(judge, self.message):
            self._go_to(following[0])

    def _go_on(self, start: int | None, step: int) -> None:
        """To the next that nothing was said of; once there is none, to the next that the program left out.

        Only when asked for: who accepts one lesion after the other must not come upon these in between.
        """
        passed = () if start is None else (start,)
        following = self.table.unreviewed_from(start, step, leave_out=passed)
        if following is None and self._summary is not None and not self._summary.unreviewed:
            following = self.table.unreviewed_from(start, step, passed, ReviewState.LEFT_OUT)
        self._go_to(following)

    def _go_to(self, lesion_id: int | None) -> None:
        if lesion_id is not None:
            self.table.select([lesion_id], jump=True)
        elif self._summary is not None and self._summary.unreviewed:
            left = set(self._summary.unreviewed)
            hidden = len(left - set(self.table.visible))
            self.message.say(hidden_text(hidden) if hidden else LAST_UNREVIEWED)
        else:
            self.message.say(all_reviewed_text(0 if self._summary is None else len(self._summary.left_out)))

    def _jump(self, lesion_id: int | None) -> None:
        if lesion_id is not None:
            self._act(lambda service: service.jump_to(lesion_id), self.message)

    def _toggle_picking(self) -> None:
        if self._cancel_picking is not None:
            self.stop_picking()
            self.message.say("")
            return
        self.actions[Name.ADD].checked = True
        self.message.say(PLACE_A_POINT)
        self._cancel_picking = self._pick_point(self._on_point)

    def _on_point(self, point_ras: PositionRas | None) -> None:
        self._cancel_picking = None
        self.actions[Name.ADD].checked = False
        self.message.say("")
        if point_ras is not None:
            vessel = _ADD_VESSELS[self._ui.addVesselComboBox.currentIndex]
            self._and_select(lambda service: service.add_at(point_ras, vessel))
