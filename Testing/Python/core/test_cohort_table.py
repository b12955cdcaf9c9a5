"""The table: typed, rounded, and no formula."""

import csv
from pathlib import Path

from cacnet.cohort.case import CaseOutcome
from cacnet.cohort.table import COLUMNS, SUMMARY_FILE, row_of, write_summary


def test_numbers_are_rounded_as_on_screen_and_unknown_ones_stay_empty(tmp_path: Path) -> None:
    done = CaseOutcome("case-1", "done", agatston=12.345, conclusive=True, findings=("a", "b"), seconds=61.26)
    write_summary(tmp_path, [done, CaseOutcome.failed("case-2", "=cmd", 0.2)])
    with (tmp_path / SUMMARY_FILE).open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["agatston"], first["conclusive"], first["findings"], first["seconds"]) == (
        "12.3",
        "yes",
        "a b",
        "61.3",
    )
    assert (second["agatston"], second["conclusive"], second["error"]) == ("", "", "'=cmd")


def test_every_column_has_a_value() -> None:
    assert len(row_of(CaseOutcome("case-1", "done"))) == len(COLUMNS)
