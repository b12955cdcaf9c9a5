"""One case of a cohort: done once, recognised when done, and told in one row."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import cacnet
from cacnet.errors import CacnetError, Cancelled
from cacnet.files import remove_staging, write_json
from cacnet.outputs import write_result
from cacnet.pipeline import Request, Result, segment
from cacnet.plain_json import parse_json
from cacnet.reporting.case_report import report_of_result
from cacnet.reporting.write import ReportFormat, write_reports
from cacnet.scoring import hoff_percentile

DONE_FILE = "case.json"
"""Written last: a case with this file, and every file that it names, is finished."""
SCHEMA_VERSION = 1
# What a damaged file, a full disk or an odd input raises; a programming error ends the worker instead.
CASE_ERRORS = (CacnetError, OSError, MemoryError, RuntimeError, ValueError)


class UnusableScanError(CacnetError):
    """Something in the folder that cannot be taken as one case."""


@dataclass(frozen=True)
class Settings:
    """What is asked of every case.

    Attributes:
        model: id or folder of a bundle; model_sha256: of its weights, so that another model is another request.
        device: where the network runs; it does not belong to the request.
        formats: reports to write.
    """

    model: str
    model_sha256: str
    device: str = "auto"
    protocol: str | None = None
    formats: tuple[ReportFormat, ...] = ()


@dataclass(frozen=True)
class CaseJob:
    """One case's work, as it is sent to a process or to another computer.

    Attributes:
        case: its pseudonym.
        scan: what `read_ct` reads; output: the case's own folder.
        problem: why the scan cannot be taken; None where it can.
    """

    case: str
    scan: Path
    output: Path
    settings: Settings
    problem: str | None = None

    def fingerprint(self) -> str:
        """Of the request and the scan's files: a finished case with another one is done again."""
        asked = {name: value for name, value in asdict(self.settings).items() if name not in ("device", "model")}
        parts = (SCHEMA_VERSION, cacnet.__version__, sorted(asked.items()), *_sizes(self.scan, self.output.parent))
        return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True)
class CaseOutcome:
    """What came of a case: a row of the cohort's table.

    Attributes:
        status: 'done' or 'failed'.
        agatston …: None where the case failed or too few arteries were recognised; never 0 for want of a result.
        findings: codes, each once; error: one sentence, or ''.
        seconds: of the work itself.
    """

    case: str
    status: str
    agatston: float | None = None
    volume_mm3: float | None = None
    mass_mg: float | None = None
    lesions: int | None = None
    vessels: int | None = None
    category: str | None = None
    cac_drs: str | None = None
    conclusive: bool | None = None
    percentile: str | None = None
    estimate_without_contrast: float | None = None
    estimate_low: float | None = None
    estimate_high: float | None = None
    protocol: str | None = None
    threshold_hu: float | None = None
    model: str | None = None
    findings: tuple[str, ...] = field(default=())
    error: str = ""
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        """Whether there is a result."""
        return self.status == "done"

    @classmethod
    def failed(cls, case: str, error: str, seconds: float = 0.0) -> CaseOutcome:
        """A case without a result, and why."""
        return cls(case, "failed", error=error, seconds=seconds)


def finished(job: CaseJob) -> CaseOutcome | None:
    """What came of the case in an earlier run with the same request; None where it has to be done (again)."""
    try:
        content = parse_json((job.output / DONE_FILE).read_text("utf-8"))
        complete = all((job.output / name).is_file() for name in content["files"])
        if content["schema_version"] != SCHEMA_VERSION or content["fingerprint"] != job.fingerprint() or not complete:
            return None
        known = {one.name for one in fields(CaseOutcome)}
        values: dict[str, Any] = {name: value for name, value in content["outcome"].items() if name in known}
        return CaseOutcome(**{**values, "findings": tuple(values["findings"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def do_case(job: CaseJob) -> CaseOutcome:
    """Segment a scan and write its outputs, and last the file by which `finished` knows it; a failure is an outcome."""
    started = time.perf_counter()
    try:
        if job.problem is not None:
            raise UnusableScanError(job.problem)
        fingerprint = job.fingerprint()
        remove_staging(job.output)
        (job.output / DONE_FILE).unlink(missing_ok=True)
        settings = job.settings
        result = segment(Request(job.scan, settings.model, settings.device, settings.protocol))
        result = without_names(result, job)
        write_result(job.output, result)
        if settings.formats:
            write_reports(job.output, report_of_result(result, job.case), settings.formats)
        outcome = outcome_of(job.case, result, time.perf_counter() - started)
        keep(job, fingerprint, outcome)
    except Cancelled:
        raise
    except CASE_ERRORS as error:
        sentence = without_name(str(error) or type(error).__name__, job)
        return CaseOutcome.failed(job.case, sentence, time.perf_counter() - started)
    return outcome


def keep(job: CaseJob, fingerprint: str, outcome: CaseOutcome) -> None:
    """Write the file by which `finished` knows the case; whatever lies in its folder now belongs to it.

    Args:
        fingerprint: from before the work began, so that a scan that changed meanwhile is done again.
    """
    files = sorted(file.name for file in job.output.glob("[!.]*") if file.is_file())
    content = {
        "schema_version": SCHEMA_VERSION,
        "fingerprint": fingerprint,
        "files": files,
        "outcome": {**asdict(outcome), "findings": list(outcome.findings)},
    }
    write_json(job.output / DONE_FILE, content)


def outcome_of(case: str, result: Result, seconds: float) -> CaseOutcome:
    """The row of a result."""
    scores = result.scores
    percentile = None
    if scores.conclusive and scores.age_years is not None and scores.sex is not None:
        percentile = hoff_percentile(scores.totals.agatston, scores.age_years, scores.sex).bracket
    totals = scores.totals if scores.conclusive else None
    estimated = totals.equivalent if totals else None
    return CaseOutcome(
        case=case,
        status="done",
        agatston=totals.agatston if totals else None,
        volume_mm3=totals.volume_mm3 if totals else None,
        mass_mg=totals.mass_mg if totals else None,
        lesions=totals.lesions if totals else None,
        vessels=totals.vessels if totals else None,
        category=totals.category.value if totals else None,
        cac_drs=totals.cac_drs if totals else None,
        conclusive=scores.conclusive,
        percentile=percentile,
        estimate_without_contrast=estimated.estimate if estimated else None,
        estimate_low=estimated.low if estimated else None,
        estimate_high=estimated.high if estimated else None,
        protocol=scores.resolved.protocol.name,
        threshold_hu=scores.resolved.threshold_hu,
        model=scores.model.id,
        findings=tuple(dict.fromkeys(finding.code for finding in scores.findings)),
        seconds=seconds,
    )


def without_names(result: Result, job: CaseJob) -> Result:
    """The result with the case's name in place of the scan's, which is often the patient's."""
    findings = tuple(replace(f, message=without_name(f.message, job)) for f in result.scores.findings)
    return replace(
        result, volume=replace(result.volume, source=job.case), scores=replace(result.scores, findings=findings)
    )


def without_name(text: str, job: CaseJob) -> str:
    """A sentence without any name on the scan's path, or of a file within it."""
    names = {str(job.scan), *job.scan.parts[1:], job.scan.name.split(".")[0]}
    if job.scan.is_dir():
        names |= {file.name for file in job.scan.rglob("*")}
    for name in sorted(names, key=len, reverse=True):
        if len(name) > 1:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", job.case, text)
    return text


def _sizes(scan: Path, results: Path) -> tuple[int, int, int]:
    """Number, bytes and newest change of a scan's files; results may lie in the same folder and are not among them."""
    files = [file for file in scan.rglob("*") if file.is_file()] if scan.is_dir() else [scan]
    files = [file for file in files if not file.is_relative_to(results)]
    stats = [file.stat() for file in files]
    return len(stats), sum(stat.st_size for stat in stats), max((stat.st_mtime_ns for stat in stats), default=0)
