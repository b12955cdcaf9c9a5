"""A report as XLSX: one sheet for each table, numbers as numbers, text never as a formula."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cacnet.files import replacing
from cacnet.report import RESEARCH_USE
from cacnet.reporting.case_report import CaseReport
from cacnet.reporting.delimited import looks_like_a_formula
from cacnet.reporting.tables import Cell, Table, tables_of

if TYPE_CHECKING:
    from openpyxl.cell import Cell as SheetCell
    from openpyxl.worksheet.worksheet import Worksheet

WIDEST = 70
"""Characters; longer text is wrapped."""


def write_workbook(path: Path, report: CaseReport) -> None:
    """Write the workbook.

    Raises:
        UnwritableOutputError: nothing was written.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for table in tables_of(report):
        _fill(book.create_sheet(table.name.capitalize()), table)
    book.properties.creator = report.software
    book.properties.title = "Coronary calcium report"
    book.properties.description = RESEARCH_USE
    with replacing(path) as temporary:
        book.save(temporary)


def _fill(sheet: Worksheet, table: Table) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    for at, column in enumerate(table.columns, start=1):
        cell = sheet.cell(1, at, column.name)
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="22313F")
        longest = max((len(str(row[at - 1])) for row in table.rows if row[at - 1] is not None), default=0)
        sheet.column_dimensions[get_column_letter(at)].width = min(max(longest, len(column.name)) + 3, WIDEST)
    for line, row in enumerate(table.rows, start=2):
        for at, (column, value) in enumerate(zip(table.columns, row, strict=True), start=1):
            cell = sheet.cell(line, at)
            _set(cell, value)
            if column.figure is not None:
                cell.number_format = column.figure.spreadsheet_format
            elif isinstance(value, (int, float)):
                cell.alignment = Alignment(horizontal="left")
            else:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    _for_print(sheet)


def _set(cell: SheetCell, value: Cell) -> None:
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"  # openpyxl takes text that begins with '=' for a formula
        # Excel then shows it as typed with a leading apostrophe, and keeps it text when the cell is edited.
        cell.quotePrefix = looks_like_a_formula(value)


def _for_print(sheet: Worksheet) -> None:
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
    sheet.oddFooter.center.text = f"{RESEARCH_USE}  Page &P of &N"
