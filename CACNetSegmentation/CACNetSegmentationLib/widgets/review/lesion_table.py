"""The lesion table: what is selected and visible, which lesion comes next, and where a click or an arrow key goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import qt
from cacnet.edits.review import ReviewState
from cacnet.edits.summary import LesionRow

from CACNetSegmentationLib.widgets.review.columns import COLUMNS, filter_pattern
from CACNetSegmentationLib.widgets.review.lesion_model import FILTER_ROLE, ID_ROLE, SORT_ROLE, LesionModel

_CELL_MARGIN_PX = 11
_CHIP_PX = 10


class LesionTable:
    """Drives one QTableView.

    Args:
        view: the empty table.
        on_jump: called with the id of a lesion that the reader goes to.
        on_selection: called after the selection changed.
    """

    def __init__(self, view, on_jump: Callable[[int], None], on_selection: Callable[[], None]) -> None:
        self.view = view
        self.changed: tuple[int, ...] = ()
        """Ids that the last refresh altered or added."""
        self._on_jump, self._on_selection = on_jump, on_selection
        self._refreshing = False
        self._rows: dict[int, LesionRow] = {}
        self._model = LesionModel(view.font)
        self._sorted = qt.QSortFilterProxyModel()
        self._sorted.setSortRole(SORT_ROLE)
        self._sorted.setFilterRole(FILTER_ROLE)
        self._sorted.setSourceModel(self._model)
        view.setModel(self._sorted)
        self._set_up(view)
        self._selection = view.selectionModel()
        self._selection.connect("currentRowChanged(QModelIndex,QModelIndex)", self._on_current_row)
        self._selection.connect("selectionChanged(QItemSelection,QItemSelection)", self._on_selected)
        view.connect("clicked(QModelIndex)", self._on_clicked)

    def _set_up(self, view) -> None:
        view.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        view.setSelectionMode(qt.QAbstractItemView.ExtendedSelection)
        view.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        view.setVerticalScrollMode(qt.QAbstractItemView.ScrollPerPixel)
        view.setHorizontalScrollMode(qt.QAbstractItemView.ScrollPerPixel)
        view.setTabKeyNavigation(False)
        view.setWordWrap(False)
        view.setIconSize(qt.QSize(_CHIP_PX, _CHIP_PX))
        view.setContextMenuPolicy(qt.Qt.CustomContextMenu)
        # Rows that are not reviewed yet are bold.
        bold = qt.QFont(view.font)
        bold.setBold(True)
        metrics, header = qt.QFontMetrics(bold), view.horizontalHeader()
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(metrics.height() + 6)
        for place, column in enumerate(COLUMNS):
            widest = max(metrics.horizontalAdvance(text) for text in (column.title, column.widest))
            view.setColumnWidth(place, widest + _CELL_MARGIN_PX)
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        # By number until a header is clicked, as the model is.
        header.setSortIndicator(-1, qt.Qt.AscendingOrder)
        view.setSortingEnabled(True)

    def show(self, rows: Sequence[LesionRow]) -> None:
        """Show these lesions, ascending by id; selection, place and order of the table stay."""
        self._refreshing = True
        try:
            self._rows = {row.id: row for row in rows}
            self.changed = self._model.set_rows(rows)
        finally:
            self._refreshing = False
        self._on_selection()

    def filter(self, state: ReviewState | None, vessel_label: str | None, id_starts_with: str) -> None:
        """Hide every other lesion."""
        self._refreshing = True
        try:
            self._sorted.setFilterRegularExpression(filter_pattern(state, vessel_label, id_starts_with))
        finally:
            self._refreshing = False
        self._on_selection()

    @property
    def visible(self) -> tuple[int, ...]:
        """Ids from top to bottom."""
        return tuple(self._id(self._sorted.index(row, 0)) for row in range(self._sorted.rowCount()))

    @property
    def selected(self) -> tuple[int, ...]:
        """Ids of the selected rows, from top to bottom."""
        indexes = sorted(self._selection.selectedRows(), key=lambda index: index.row())
        return tuple(self._id(index) for index in indexes)

    @property
    def current(self) -> int | None:
        """The id of the row with the keyboard's cursor."""
        index = self.view.currentIndex()
        return self._id(index) if index.isValid() else None

    def select(self, ids: Sequence[int], jump: bool = False) -> None:
        """Select those of the lesions that are visible, scroll to the first, and go there in the views if asked."""
        places = [place for place, lesion_id in enumerate(self.visible) if lesion_id in ids]
        if not places:
            return
        self._refreshing = True
        try:
            # Not the view's selectRow: it toggles while Control is held, as it is for undo.
            model = qt.QItemSelectionModel
            self._selection.setCurrentIndex(self._sorted.index(places[0], 0), model.ClearAndSelect | model.Rows)
            for place in places[1:]:
                self._selection.select(self._sorted.index(place, 0), model.Select | model.Rows)
            self.view.scrollTo(self._sorted.index(places[0], 0))
        finally:
            self._refreshing = False
        self._on_selection()
        if jump:
            self._on_jump(self._id(self._sorted.index(places[0], 0)))

    def unreviewed_from(
        self,
        lesion_id: int | None,
        step: int,
        leave_out: Sequence[int] = (),
        state: ReviewState = ReviewState.UNREVIEWED,
    ) -> int | None:
        """The next visible lesion that nobody has judged, after one and round to it again; None where there is none.

        Args:
            lesion_id: where to start; None for the end from which `step` leads away.
            step: 1 downwards, -1 upwards.
            leave_out: ids that do not come into question.
            state: of those looked for.
        """
        visible = self.visible
        start = visible.index(lesion_id) if lesion_id in visible else (-1 if step > 0 else 0)
        for away in range(1, len(visible) + 1):
            candidate = visible[(start + step * away) % len(visible)]
            if self._rows[candidate].state is state and candidate not in leave_out:
                return candidate
        return None

    def _id(self, index) -> int:
        return int(index.data(ID_ROLE))

    def _on_current_row(self, current, previous) -> None:
        if not self._refreshing and current.isValid():
            self._on_jump(self._id(current))

    def _on_selected(self, selected, deselected) -> None:
        if not self._refreshing:
            self._on_selection()

    def _on_clicked(self, index) -> None:
        # A click on the row that is current already brings the views back to it.
        self._on_jump(self._id(index))
