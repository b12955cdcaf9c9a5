"""The tables that a run grows row by row, curve.csv and validation.csv, and their picture, curves.png."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from cacnet.files import replacing, writing_to

CURVE_COLUMNS = (
    "step",
    "loss",
    "cross_entropy",
    "dice_loss",
    "geometric_prior",
    "learning_rate",
    "seconds_per_step",
    "waiting_share",
)
CURVE_FILE = "curve.csv"
VALIDATION_FILE = "validation.csv"
PICTURE_FILE = "curves.png"


def append_row(path: Path, row: Sequence[object]) -> None:
    """Add one row to a table."""
    with writing_to(path.parent), path.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow(row)


def keep_rows(path: Path, columns: Sequence[str], last_step: int) -> None:
    """Begin a table, or drop the rows after `last_step`: a resumed run takes those steps again."""
    rows: list[list[str]] = []
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            whole = [row for row in list(csv.reader(file))[1:] if len(row) == len(columns) and row[0].isdigit()]
        rows = [row for row in whole if int(row[0]) <= last_step]
    write_text(path, "".join(",".join(row) + "\n" for row in [list(columns), *rows]))


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def draw_curves(folder: Path) -> None:
    """Draw the tables of a run's folder into curves.png: losses above, validation below."""
    from matplotlib.figure import Figure

    losses, scores = _columns(folder / CURVE_FILE), _columns(folder / VALIDATION_FILE)
    figure = Figure(figsize=(8, 7), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    for name in ("loss", "cross_entropy", "dice_loss"):
        upper.plot(losses["step"], losses[name], label=name.replace("_", " "))
    upper.set_ylabel("training loss")
    for name in ("calcium_dice", "coronary_dice"):
        lower.plot(scores["step"], scores[name], marker=".", label=name.replace("_", " "))
    lower.set(xlabel="step", ylabel="validation", ylim=(0, 1))
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
        axes.legend()
    with replacing(folder / PICTURE_FILE) as temporary:
        figure.savefig(temporary, dpi=110)


def _columns(path: Path) -> dict[str, list[float]]:
    with path.open(newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    return {name: [float(row[i]) for row in rows] for i, name in enumerate(names)}
