"""The workbook, opened again: sheets, types, formats, and nothing that runs."""

import dataclasses
from pathlib import Path

import pytest
from cacnet.reporting.workbook import write_workbook
from openpyxl import load_workbook
from report_cases import empty_report, found_report, reviewed_report


def opened(tmp_path: Path, report):
    write_workbook(tmp_path / "report.xlsx", report)
    return load_workbook(tmp_path / "report.xlsx")


def test_it_has_the_five_sheets(tmp_path: Path) -> None:
    assert opened(tmp_path, found_report()).sheetnames == ["Summary", "Vessels", "Lesions", "Slices", "Audit"]


def test_numbers_are_numbers_with_the_decimals_of_the_screen(tmp_path: Path) -> None:
    sheet = opened(tmp_path, found_report())["Lesions"]
    names = [cell.value for cell in sheet[1]]
    score = sheet.cell(3, names.index("agatston") + 1)
    assert (score.value, score.data_type, score.number_format) == (16, "n", "0.0")


@pytest.mark.parametrize("label", ["=1+1", "+1", "-2+3", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_a_label_cannot_become_a_formula(tmp_path: Path, label: str) -> None:
    book = opened(tmp_path, dataclasses.replace(found_report(), label=label))
    [cell] = [row[1] for row in book["Summary"].iter_rows() if row[0].value == "label"]
    assert (cell.value, cell.data_type, bool(cell.quotePrefix)) == (label, "s", True)
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)


def test_a_label_of_control_characters_can_be_written(tmp_path: Path) -> None:
    from cacnet.reporting.case_report import report_of_result
    from report_cases import result

    opened(tmp_path, report_of_result(result(()), "a\x00\x07b"))


def test_a_review_and_an_empty_result_can_be_written(tmp_path: Path) -> None:
    assert opened(tmp_path, reviewed_report())["Audit"].max_row == 5
    assert opened(tmp_path, empty_report())["Vessels"].cell(2, 2).value is None
