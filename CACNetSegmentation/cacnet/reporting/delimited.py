"""Tables as CSV that a spreadsheet opens as text and numbers, never as formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from cacnet.files import replacing
from cacnet.reporting.tables import Cell, Table

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell that begins with one of these is run as a formula by spreadsheets (OWASP, CSV injection)."""


def looks_like_a_formula(text: str) -> bool:
    """Whether a spreadsheet would calculate this text; blanks before it do not stop all of them."""
    return text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS)


def as_text(value: Cell) -> Cell:
    """The value, with an apostrophe before text that a spreadsheet would calculate; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and looks_like_a_formula(value) else value


def write_csv_table(path: Path, table: Table) -> None:
    """One table as one file."""
    write_csv(path, [column.name for column in table.columns], table.rows)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Comma-separated, decimal points, UTF-8; an unknown value is an empty cell.

    Raises:
        UnwritableOutputError: nothing was written.
    """
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([as_text(value) for value in row] for row in rows)
