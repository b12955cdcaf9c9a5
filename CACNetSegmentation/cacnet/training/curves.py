"""The tables that a run grows row by row: curve.csv and validation.csv."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

CURVE_COLUMNS = ("step", "loss", "cross_entropy", "dice_loss", "geometric_prior", "learning_rate", "seconds_per_step")


def append_row(path: Path, row: Sequence[object]) -> None:
    """Add one row to a table."""
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow(row)


def keep_rows(path: Path, columns: Sequence[str], last_step: int) -> None:
    """Begin a table, or drop the rows after `last_step`: a resumed run takes those steps again."""
    rows: list[list[str]] = []
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in list(csv.reader(file))[1:] if row and row[0].isdigit() and int(row[0]) <= last_step]
    write_text(path, "".join(",".join(row) + "\n" for row in [list(columns), *rows]))


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, "utf-8")
    os.replace(temporary, path)
