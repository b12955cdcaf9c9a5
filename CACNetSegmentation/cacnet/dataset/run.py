"""Through a whole data set, case by case: check it, or import it. One bad case does not stop the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from cacnet.dataset.case_folder import RECORD_FILE, write_case_folder
from cacnet.dataset.check import check_scan
from cacnet.dataset.errors import DuplicateCaseError, NotApprovedError, UnusableScanError
from cacnet.dataset.scan import LabelledScan, ReviewState
from cacnet.dataset.source import SourceCase, fingerprint, require_safe_id
from cacnet.errors import CacnetError, Cancelled, OutOfMemoryError
from cacnet.files import UnwritableOutputError, require_writable
from cacnet.findings import Finding, Severity
from cacnet.plain_json import parse_json
from cacnet.validation import exit_code

FINGERPRINT = "source_fingerprint"
"""Entry of a written record: what the source's files were, so that a changed case is imported again."""


class Outcome(StrEnum):
    """What became of a case."""

    USABLE = "usable"
    IMPORTED = "imported"
    ALREADY_THERE = "already there"
    REFUSED = "refused"


@dataclass(frozen=True)
class CaseReport:
    """One case.

    Attributes:
        name: what the source calls it; for the screen only.
        case_id: its pseudonym, where it has one.
        findings: everything noticed, in order.
        error: why it was refused.
    """

    name: str
    outcome: Outcome
    case_id: str | None = None
    findings: tuple[Finding, ...] = ()
    error: CacnetError | None = None


class CaseForm(Protocol):
    """A way to write cases."""

    @property
    def record_file(self) -> str:
        """The JSON file that a complete case has."""

    def write(self, folder: Path, scan: LabelledScan, extra: Mapping[str, Any]) -> None:
        """Write a case whole or not at all, with `extra` in its record. Raises CacnetError."""


class CaseFolders:
    """The folders that `cacnet evaluate` reads."""

    record_file = RECORD_FILE

    def write(self, folder: Path, scan: LabelledScan, extra: Mapping[str, Any]) -> None:
        """As `write_case_folder`."""
        write_case_folder(folder, scan, extra)


def check_cases(cases: Sequence[SourceCase]) -> Iterator[CaseReport]:
    """Read every case and say what is to be said about it; nothing is written."""
    taken: dict[str, str] = {}
    for case in cases:
        try:
            case_id = _new_id(case, taken)
            findings = check_scan(case.read())
        except (CacnetError, MemoryError) as error:
            yield _refused(case, error, taken)
            continue
        outcome = Outcome.REFUSED if exit_code(findings) == 2 else Outcome.USABLE
        yield CaseReport(case.name, outcome, case_id, findings)


def import_cases(
    cases: Sequence[SourceCase], output: Path, form: CaseForm, any_state: bool = False
) -> Iterator[CaseReport]:
    """Write every usable case to output/<pseudonym>; one that is there and whose source did not change is left alone.

    Args:
        form: how cases are written.
        any_state: take corrections that nobody has approved, too.

    Raises:
        UnwritableOutputError: nothing can be written there; raised before the first case, or where the disk is full.
        Cancelled: by the user; cases written before stay.
    """
    require_writable(output)
    taken: dict[str, str] = {}
    for case in cases:
        try:
            yield _import_case(case, output, form, any_state, taken)
        except (UnwritableOutputError, Cancelled):
            raise
        except (CacnetError, MemoryError) as error:
            yield _refused(case, error, taken)


def check_exit_code(reports: Sequence[CaseReport]) -> int:
    """0 where every case is fine, 1 where there are warnings, 2 where a case cannot be used."""
    if any(report.outcome is Outcome.REFUSED for report in reports):
        return 2
    return exit_code([finding for report in reports for finding in report.findings])


def import_exit_code(reports: Sequence[CaseReport]) -> int:
    """0 where every case was imported or is there, 1 where some were refused, 2 where all were."""
    refused = sum(report.outcome is Outcome.REFUSED for report in reports)
    return 2 if refused == len(reports) else min(refused, 1)


def _import_case(case: SourceCase, output: Path, form: CaseForm, any_state: bool, taken: dict[str, str]) -> CaseReport:
    case_id = _new_id(case, taken)
    source = fingerprint(case.files)
    folder = output / case_id
    if _written_from(folder / form.record_file) == source:
        return CaseReport(case.name, Outcome.ALREADY_THERE, case_id)
    scan = case.read()
    findings = check_scan(scan)
    _require_usable(scan, findings, any_state)
    form.write(folder, scan, {FINGERPRINT: source})
    return CaseReport(case.name, Outcome.IMPORTED, case_id, findings)


def _new_id(case: SourceCase, taken: dict[str, str]) -> str:
    """The pseudonym of a case, which no case before it in `taken` may have."""
    case_id = require_safe_id(case.case_id())
    if case_id in taken:
        raise DuplicateCaseError(f"it is the same scan as '{taken[case_id]}'", "every scan once", "Remove one of them")
    taken[case_id] = case.name
    return case_id


def _require_usable(scan: LabelledScan, findings: Sequence[Finding], any_state: bool) -> None:
    errors = [finding.message for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise UnusableScanError(errors[0])
    review = scan.provenance.review
    if review is not None and review.state is not ReviewState.APPROVED and not any_state:
        raise NotApprovedError(
            f"its review state is '{review.state.value}'",
            "approved",
            "Approve it, or include cases nobody has approved",
        )


def _written_from(record: Path) -> str | None:
    """The fingerprint in the record of a written case; None where there is no such record."""
    try:
        content = parse_json(record.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content.get(FINGERPRINT) if isinstance(content, dict) else None


def _refused(case: SourceCase, error: CacnetError | MemoryError, taken: Mapping[str, str]) -> CaseReport:
    if not isinstance(error, CacnetError):
        error = OutOfMemoryError("the case does not fit into memory", action="Crop it to the heart")
    case_id = next((i for i, name in taken.items() if name == case.name), None)
    return CaseReport(case.name, Outcome.REFUSED, case_id, error=error)
