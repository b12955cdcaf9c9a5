"""A case is done once, recognised, and done again when anything that matters changed; its files name nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cacnet.cohort import case as cohort_case
from cacnet.cohort.case import DONE_FILE, CaseJob, do_case, finished
from cacnet.errors import CacnetError, Cancelled
from cacnet.outputs import LESIONS
from cacnet.reporting.write import ReportFormat
from cohort_work import SETTINGS
from report_cases import NAME, result, without_arteries


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CaseJob:
    """A case whose segmentation is at hand."""
    scan = tmp_path / "scans" / NAME / "ct.nrrd"
    scan.parent.mkdir(parents=True)
    scan.write_text("pixels")
    monkeypatch.setattr(cohort_case, "segment", lambda request: result())
    return CaseJob("case-12", scan, tmp_path / "out" / "case-12", SETTINGS)


def test_a_case_is_finished_once_it_is_done(job: CaseJob) -> None:
    assert finished(job) is None
    outcome = do_case(job)
    assert (outcome.status, outcome.agatston, outcome.lesions, outcome.cac_drs) == ("done", 28.0, 3, "A1/N2")
    assert outcome.findings == ("slice-increment-thick", "contrast")
    assert outcome.percentile == "25th–50th"
    assert finished(job) == outcome


@pytest.mark.parametrize(
    "changed", [{"model_sha256": "1" * 64}, {"protocol": "literature"}, {"formats": (ReportFormat.JSON,)}]
)
def test_another_request_is_another_case(job: CaseJob, changed: dict) -> None:
    do_case(job)
    assert finished(replace(job, settings=replace(SETTINGS, **changed))) is None


def test_the_device_and_the_models_place_do_not_belong_to_the_request(job: CaseJob) -> None:
    do_case(job)
    assert finished(replace(job, settings=replace(SETTINGS, device="cuda", model="/elsewhere"))) is not None


def test_a_missing_output_a_changed_scan_or_a_damaged_file_is_done_again(job: CaseJob) -> None:
    do_case(job)
    (job.output / LESIONS).rename(job.output / "hidden")
    assert finished(job) is None
    (job.output / "hidden").rename(job.output / LESIONS)
    assert finished(job) is not None
    job.scan.write_text("other pixels")
    assert finished(job) is None
    do_case(job)
    (job.output / DONE_FILE).write_text('{"files": [}')
    assert finished(job) is None


def test_no_output_names_the_patient(job: CaseJob) -> None:
    do_case(replace(job, settings=replace(SETTINGS, formats=tuple(ReportFormat))))
    texts = {path.name: path.read_bytes() for path in job.output.iterdir()}
    assert "case_report.pdf" in texts
    assert [name for name, content in texts.items() if b"DOE" in content] == []
    assert b"case-12" in texts["report.json"]


def test_a_failure_is_one_sentence_without_names_and_is_tried_again(
    job: CaseJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(request: object) -> None:
        raise CacnetError(f"'{job.scan}' and '{NAME}/ct.nrrd' cannot be read")

    monkeypatch.setattr(cohort_case, "segment", fail)
    outcome = do_case(job)
    assert outcome.status == "failed"
    assert outcome.agatston is None
    assert outcome.error == "'case-12' and 'case-12/case-12' cannot be read."
    assert finished(job) is None


def test_a_scan_with_a_problem_is_not_touched(job: CaseJob) -> None:
    outcome = do_case(replace(job, problem="the folder holds several DICOM studies"))
    assert outcome.error == "the folder holds several DICOM studies."
    assert not job.output.exists()


def test_without_arteries_there_is_no_score(job: CaseJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohort_case, "segment", lambda request: without_arteries())
    outcome = do_case(job)
    assert outcome.done
    assert outcome.conclusive is False
    assert (outcome.agatston, outcome.lesions, outcome.percentile) == (None, None, None)


def test_cancelling_is_no_outcome(job: CaseJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancel(request: object) -> None:
        raise Cancelled("cancelled")

    monkeypatch.setattr(cohort_case, "segment", cancel)
    with pytest.raises(Cancelled):
        do_case(job)
    assert not (job.output / DONE_FILE).exists()
