"""A folder's own corrections are in its report; a damaged folder makes none."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk
from cacnet.edits import journal
from cacnet.outputs import REPORT, write_result
from cacnet.reporting.folder import UnusableReportError, report_of_folder
from cacnet.volume import to_sitk
from report_cases import result, reviewed_session


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("result")
    found = result()
    write_result(path, found)
    sitk.WriteImage(to_sitk(found.volume.hu, found.volume.geometry), str(path / "ct.nrrd"))
    journal.save(reviewed_session(found), path / "journal.json")
    return path


def test_the_report_of_an_untouched_folder_is_that_of_its_result(folder: Path) -> None:
    report = report_of_folder(folder, folder / "ct.nrrd", "Case 7")
    assert report.summary.totals.agatston == 28.0
    of_the_scan, of_the_lesions = report.findings[:2], report.findings[2:]
    assert [finding.code for finding in of_the_scan] == ["slice-increment-thick", "contrast"]
    assert [finding.code for finding in of_the_lesions] == ["arteries-incomplete"]  # blocks have no centre lines
    assert (report.label, report.percentile_of, report.model.id) == ("Case 7", "men of 62 years", "tiny")
    assert not report.audit


def test_corrections_are_part_of_the_report(folder: Path) -> None:
    report = report_of_folder(folder, folder / "ct.nrrd", corrections=folder / "journal.json")
    assert (report.summary.totals.agatston, report.summary.network_totals.agatston) == (12.0, 28.0)
    assert report.summary.approved_by == "AB"


def test_without_its_findings_no_report_is_made(folder: Path) -> None:
    before = (folder / REPORT).read_text("utf-8")
    (folder / REPORT).write_text("{}", "utf-8")
    with pytest.raises(UnusableReportError, match="findings"):
        report_of_folder(folder, folder / "ct.nrrd")
    (folder / REPORT).write_text(before, "utf-8")
