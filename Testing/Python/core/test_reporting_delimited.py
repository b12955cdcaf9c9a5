"""CSV that a spreadsheet cannot be made to calculate with."""

import csv
from pathlib import Path

import pytest
from cacnet.files import UnwritableOutputError
from cacnet.reporting.delimited import as_text, write_csv, write_csv_table
from cacnet.reporting.tables import tables_of
from report_cases import found_report


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"])
def test_text_that_looks_like_a_formula_is_quoted(text: str) -> None:
    assert as_text(text) == f"'{text}"


@pytest.mark.parametrize("value", ["case 7", "a=b", "", None, -1.5, 0])
def test_other_values_stay_as_they_are(value: object) -> None:
    assert as_text(value) == value


def test_a_table_is_read_back_as_it_was(tmp_path: Path) -> None:
    lesions = tables_of(found_report())[2]
    write_csv_table(tmp_path / "lesions.csv", lesions)
    with (tmp_path / "lesions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["agatston"]) for row in rows] == [8.0, 16.0, 4.0]
    assert rows[0]["third"] == ""


def test_a_folder_that_is_not_there_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(UnwritableOutputError):
        write_csv(tmp_path / "none" / "x.csv", ["a"], [[1]])
