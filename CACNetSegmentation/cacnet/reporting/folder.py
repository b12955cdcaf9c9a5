"""The report of a folder that `cacnet segment` wrote, with the corrections made of it."""

from __future__ import annotations

from pathlib import Path

from cacnet.edits.stored_json import read_review
from cacnet.edits.summary import summarize
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity
from cacnet.outputs import REPORT, REVIEW
from cacnet.plain_json import parse_json
from cacnet.reporting.case_report import CaseBackground, CaseReport, report_of_review
from cacnet.result_folder import open_result


class UnusableReportError(CacnetError):
    """The folder's report.json is missing or damaged, so its findings are not known."""


def report_of_folder(
    folder: Path, ct: Path, label: str = "", corrections: Path | None = None, series_uid: str | None = None
) -> CaseReport:
    """The report of a result and its review.

    Args:
        folder: written by `cacnet segment`; ct: the scan that it was made of.
        label: the user's words for the case.
        corrections: a journal of corrections; by default those kept in the folder.
        series_uid: which series of a DICOM folder.

    Raises:
        UnusableReportError: see the class; further errors of `cacnet.result_folder.open_result`.
    """
    case = open_result(folder, ct, corrections, series_uid)
    stored = read_review(folder / REVIEW)
    summary = summarize(case.session, case.resolved, stored.rules.age_years, stored.rules.sex)
    background = CaseBackground(
        volume=case.volume,
        coronary=case.coronary,
        model=case.model,
        findings=_findings(folder / REPORT),
        dominance=stored.dominance,
        age_years=stored.rules.age_years,
        sex=stored.rules.sex,
        courses=stored.courses,
    )
    return report_of_review(case.session, summary, background, label)


def _findings(path: Path) -> tuple[Finding, ...]:
    """What was found about the scan; a report without them would hide that a score of 0 may be no finding."""
    try:
        stated = parse_json(path.read_text("utf-8"))["findings"]
        findings = tuple(Finding(f["code"], Severity(f["severity"]), f["message"]) for f in stated)
        if not all(isinstance(text, str) for finding in findings for text in (finding.code, finding.message)):
            raise TypeError("a finding without words")
        return findings
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableReportError(
            f"the findings in '{path.name}' cannot be read ({error})",
            "the report.json of 'cacnet segment'",
            "Segment the CT again",
        ) from error
