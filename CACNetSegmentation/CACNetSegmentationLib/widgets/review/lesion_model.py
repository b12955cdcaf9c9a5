"""The lesions as a Qt model that changes row by row, so that a table keeps its selection, place and order."""

from __future__ import annotations

from collections.abc import Sequence

import qt
from cacnet.edits.review import ReviewState
from cacnet.edits.summary import LesionRow

from CACNetSegmentationLib.widgets.review.columns import COLUMNS, filter_key
from CACNetSegmentationLib.widgets.review.wording import VESSEL_COLOURS, row_tooltip

SORT_ROLE = int(qt.Qt.UserRole) + 1
FILTER_ROLE = int(qt.Qt.UserRole) + 2
ID_ROLE = int(qt.Qt.UserRole) + 3
VESSEL_COLUMN = next(i for i, column in enumerate(COLUMNS) if column.title == "Vessel")
_DISPLAY, _DECORATION, _TOOLTIP = int(qt.Qt.DisplayRole), int(qt.Qt.DecorationRole), int(qt.Qt.ToolTipRole)
_ALIGNMENT, _FONT, _FOREGROUND = int(qt.Qt.TextAlignmentRole), int(qt.Qt.FontRole), int(qt.Qt.ForegroundRole)
_MIDDLE = int(qt.Qt.AlignVCenter)
_ALIGNMENTS = tuple(_MIDDLE | int(qt.Qt.AlignRight if c.is_number else qt.Qt.AlignLeft) for c in COLUMNS)
_FAINT = "#8a8a8a"
"""Readable, and visibly weaker than text, on light and on dark palettes."""


class LesionModel(qt.QAbstractTableModel):
    """One row for each lesion, ordered by id."""

    def __init__(self, font):
        super().__init__()
        self._rows: list[LesionRow] = []
        bold, struck, slanted = qt.QFont(font), qt.QFont(font), qt.QFont(font)
        bold.setBold(True)
        struck.setStrikeOut(True)
        slanted.setItalic(True)
        self._fonts = {ReviewState.UNREVIEWED: bold, ReviewState.REJECTED: struck, ReviewState.LEFT_OUT: slanted}
        self._faint = qt.QColor(_FAINT)
        self._colours = {vessel: qt.QColor(colour) for vessel, colour in VESSEL_COLOURS.items()}

    def set_rows(self, rows: Sequence[LesionRow]) -> tuple[int, ...]:
        """Show these lesions, ascending by id; returns the ids of those that are new or changed."""
        known = {row.id: row for row in self._rows}
        if not known.keys() & {row.id for row in rows}:
            self.beginResetModel()
            self._rows = list(rows)
            self.endResetModel()
            return tuple(row.id for row in rows)
        self._remove(known.keys() - {row.id for row in rows})
        self._insert([row for row in rows if row.id not in known])
        self._replace(rows)
        return tuple(row.id for row in rows if known.get(row.id) != row)

    def _remove(self, gone):
        for place in reversed(range(len(self._rows))):
            if self._rows[place].id in gone:
                self.beginRemoveRows(qt.QModelIndex(), place, place)
                del self._rows[place]
                self.endRemoveRows()

    def _insert(self, new):
        for row in new:
            place = sum(other.id < row.id for other in self._rows)
            self.beginInsertRows(qt.QModelIndex(), place, place)
            self._rows.insert(place, row)
            self.endInsertRows()

    def _replace(self, rows):
        changed = [place for place, row in enumerate(rows) if self._rows[place] != row]
        self._rows = list(rows)
        if changed:
            # One signal for all: the view and the sorting work once, even where a protocol alters every row.
            last_column = len(COLUMNS) - 1
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], last_column))

    def rowCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section, orientation, role=_DISPLAY):
        if orientation != qt.Qt.Horizontal:
            return None
        if role == _DISPLAY:
            return COLUMNS[section].title
        if role == _TOOLTIP:
            return COLUMNS[section].tooltip
        return _ALIGNMENTS[section] if role == _ALIGNMENT else None

    def data(self, index, role=_DISPLAY):
        row, column = self._rows[index.row()], index.column()
        if role == _DISPLAY:
            return COLUMNS[column].text(row)
        if role == _ALIGNMENT:
            return _ALIGNMENTS[column]
        if role == SORT_ROLE:
            return COLUMNS[column].sort(row)
        if role == FILTER_ROLE:
            return filter_key(row)
        if role == ID_ROLE:
            return row.id
        return self._look(row, column, role)

    def _look(self, row, column, role):
        if role == _FONT:
            return self._fonts.get(row.state)
        if role == _FOREGROUND and not row.counts:
            return self._faint
        if role == _DECORATION and column == VESSEL_COLUMN:
            return self._colours[row.vessel]
        return row_tooltip(row) if role == _TOOLTIP else None
