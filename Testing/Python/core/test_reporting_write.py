"""All reports appear, or none."""

import json
import sys
from pathlib import Path

import pytest
from cacnet.reporting import write
from cacnet.reporting.command import FORMAT_CHOICES
from cacnet.reporting.write import FORMATS, ReportFormat, UnknownFormatError, formats_named, write_reports
from report_cases import found_report


def test_formats_are_taken_by_name_once_and_in_order() -> None:
    assert formats_named(["xlsx", "pdf", "xlsx"]) == (ReportFormat.PDF, ReportFormat.XLSX)
    assert formats_named(["html", "all"]) == tuple(ReportFormat)
    with pytest.raises(UnknownFormatError, match="docx"):
        formats_named(["docx"])


def test_the_command_line_offers_the_formats_that_there_are() -> None:
    assert FORMAT_CHOICES == FORMATS


def test_every_format_is_written_and_named(tmp_path: Path) -> None:
    files = write_reports(tmp_path / "new", found_report(), formats_named(["all"]))
    tables = ("summary", "vessels", "lesions", "slices", "audit")
    expected = [f"case_report{end}" for end in (".pdf", ".html", ".xlsx", *(f"_{t}.csv" for t in tables), ".json")]
    assert [file.name for file in files] == expected
    assert all(file.stat().st_size > 0 for file in files)
    assert {file.name for file in (tmp_path / "new").iterdir()} == set(expected)


def test_the_json_has_a_version_and_the_same_numbers(tmp_path: Path) -> None:
    [path] = write_reports(tmp_path, found_report(), [ReportFormat.JSON])
    document = json.loads(path.read_text("utf-8"))
    assert document["schema_version"] == 1
    assert document["summary"]["agatston"] == 28.0
    assert [lesion["agatston"] for lesion in document["lesions"]] == [8.0, 16.0, 4.0]
    assert {"vessels", "slices", "audit", "findings"} <= set(document)


def test_a_library_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(write.MissingLibraryError, match="openpyxl"):
        write_reports(tmp_path, found_report(), formats_named(["json", "xlsx"]))
    assert list(tmp_path.iterdir()) == []


def test_one_format_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, report: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "write_workbook", fail)
    with pytest.raises(write.CacnetError, match="No space left"):
        write_reports(tmp_path / "new", found_report(), formats_named(["pdf", "xlsx"]))
    assert not (tmp_path / "new").exists()
