"""Writes a report in the formats asked for: all of them appear together, or none does."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from cacnet.errors import CacnetError
from cacnet.files import staged_folder, write_json
from cacnet.reporting.case_report import CaseReport
from cacnet.reporting.delimited import write_csv_table
from cacnet.reporting.document import document_of
from cacnet.reporting.html_page import write_html
from cacnet.reporting.pdf_page import write_pdf
from cacnet.reporting.tables import tables_of
from cacnet.reporting.workbook import write_workbook

STEM = "case_report"
"""Not 'report': report.json is the pipeline's own output, with another content."""


class UnknownFormatError(CacnetError):
    """A report format that does not exist."""


class MissingLibraryError(CacnetError):
    """A library that a format is written with is not installed."""


class ReportFormat(StrEnum):
    """What a report can be written as."""

    PDF = "pdf"
    HTML = "html"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


ALL = "all"
FORMATS = (*(form.value for form in ReportFormat), ALL)
"""What a user may type."""


def formats_named(names: Iterable[str]) -> tuple[ReportFormat, ...]:
    """The formats that a user named, each once, in the order of `ReportFormat`.

    Raises:
        UnknownFormatError: a name that is not in FORMATS.
    """
    asked = set(names)
    if unknown := sorted(asked - set(FORMATS)):
        raise UnknownFormatError(f"the report format '{unknown[0]}'", f"one of {', '.join(FORMATS)}")
    return tuple(form for form in ReportFormat if ALL in asked or form in asked)


def write_reports(folder: Path, report: CaseReport, formats: Iterable[ReportFormat]) -> list[Path]:
    """Write the report into a folder, which is made where it is missing; returns the files, in order of format.

    The files are case_report.pdf, .html, .xlsx and .json, and case_report_<table>.csv for each table.

    Raises:
        UnwritableOutputError, MissingLibraryError: nothing was written.
    """
    names: list[str] = []
    with staged_folder(folder) as staging:
        for form in formats:
            try:
                names += _write(staging, report, ReportFormat(form))
            except ImportError as error:
                raise MissingLibraryError(
                    f"a report as {form} needs the library '{error.name}', which is not installed",
                    "the libraries of requirements.txt",
                    "Install them, or choose another format",
                ) from error
    return [folder / name for name in names]


def _write(folder: Path, report: CaseReport, form: ReportFormat) -> list[str]:
    name = f"{STEM}.{form}"
    match form:
        case ReportFormat.PDF:
            write_pdf(folder / name, report)
        case ReportFormat.HTML:
            write_html(folder / name, report)
        case ReportFormat.XLSX:
            write_workbook(folder / name, report)
        case ReportFormat.JSON:
            write_json(folder / name, document_of(report))
        case ReportFormat.CSV:
            tables = tables_of(report)
            for table in tables:
                write_csv_table(folder / f"{STEM}_{table.name}.csv", table)
            return [f"{STEM}_{table.name}.csv" for table in tables]
    return [name]
