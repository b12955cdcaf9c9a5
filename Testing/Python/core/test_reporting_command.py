"""`cacnet segment --report` and `cacnet report` make the same reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cacnet.cli import main


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory, schematic_file: Path, tiny_bundle: Path) -> Path:
    output = tmp_path_factory.mktemp("segment") / "output"
    arguments = ["segment", str(schematic_file), "--output", str(output), "--model", str(tiny_bundle)]
    options = ["--device", "cpu", "--report", "html", "--report", "json", "--label", "Case 7"]
    assert main([*arguments, *options]) == 0
    return output


def summary(path: Path) -> dict:
    content = json.loads(path.read_text("utf-8"))["summary"]
    return {name: value for name, value in content.items() if name != "created_utc"}


def test_segment_writes_the_reports_asked_for(segmented: Path) -> None:
    assert {path.name for path in segmented.glob("case_report*")} == {"case_report.html", "case_report.json"}
    assert summary(segmented / "case_report.json")["label"] == "Case 7"


def test_the_score_is_the_pipelines_own(segmented: Path) -> None:
    totals = json.loads((segmented / "report.json").read_text("utf-8"))["totals"]
    stated = summary(segmented / "case_report.json")
    expected = round(totals["agatston"], 1) if totals["conclusive"] else None
    assert stated.get("agatston") == expected


def test_a_report_can_be_made_later_from_the_folder(
    segmented: Path, schematic_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = summary(segmented / "case_report.json")
    arguments = ["report", str(segmented), "--ct", str(schematic_file), "--label", "Case 7"]
    assert main([*arguments, "--report", "json", "--report", "pdf"]) == 0
    assert "case_report.pdf" in capsys.readouterr().out
    assert (segmented / "case_report.pdf").read_bytes().startswith(b"%PDF")
    assert summary(segmented / "case_report.json") == first


def test_without_a_format_a_pdf_is_made(segmented: Path, schematic_file: Path) -> None:
    (segmented / "case_report.pdf").unlink(missing_ok=True)
    assert main(["report", str(segmented), "--ct", str(schematic_file)]) == 0
    assert (segmented / "case_report.pdf").is_file()


def test_a_folder_without_a_result_is_refused(
    tmp_path: Path, schematic_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path), "--ct", str(schematic_file)]) == 2
    assert "cacnet segment" in capsys.readouterr().err


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["report", str(tmp_path), "--ct", "x", "--report", "docx"])
