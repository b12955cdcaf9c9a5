"""A whole cohort: what is finished is kept, the rest is done, and the table grows with every case."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from cacnet.cohort.case import CaseJob, CaseOutcome, Settings, do_case, finished
from cacnet.cohort.cluster import run_on_cluster
from cacnet.cohort.processes import Lost, Work, run_in_processes
from cacnet.cohort.pseudonyms import name_cases
from cacnet.cohort.scans import find_scans
from cacnet.cohort.table import write_summary
from cacnet.files import remove_staging, require_writable


@dataclass(frozen=True)
class CohortRequest:
    """What is asked for.

    Attributes:
        folder: with scans, to any depth.
        output: one folder per case, the table, and the identifying file of case names.
        workers: processes on this computer; each needs about 4 GB for a full CCTA.
        scheduler: address of a Dask scheduler, which then does the cases instead.
    """

    folder: Path
    output: Path
    settings: Settings
    workers: int = 1
    scheduler: str | None = None


@dataclass(frozen=True)
class Step:
    """Where a cohort stands after a case.

    Attributes:
        done: cases with an outcome, of `of`; kept: those among them that were finished before.
        seconds_left: None before the first case is done.
    """

    outcome: CaseOutcome
    done: int
    of: int
    kept: int
    seconds_left: float | None


OnStep = Callable[[Step], None]


def run_cohort(
    request: CohortRequest, on_step: OnStep = lambda step: None, work: Work = do_case
) -> tuple[CaseOutcome, ...]:
    """Do every case that is not finished; the outcomes are in the order of the case names.

    An interrupted run (KeyboardInterrupt) keeps what is finished, and the same request goes on from there.

    Args:
        work: what is done with a case; importable by its name, because other processes do it.

    Raises:
        NoScansError, PseudonymFileError, UnwritableOutputError, ClusterUnreachableError.
    """
    jobs = plan(request)
    outcomes = {job.case: outcome for job in jobs if (outcome := finished(job)) is not None}
    kept = len(outcomes)
    open_jobs = [job for job in jobs if job.case not in outcomes]
    write_summary(request.output, _ordered(outcomes))
    for outcome in _ordered(outcomes):
        on_step(Step(outcome, kept, len(jobs), kept, None))
    started = time.monotonic()
    results = _run(work, open_jobs, request)
    try:
        for job, result in results:
            outcome = CaseOutcome.failed(job.case, result.reason) if isinstance(result, Lost) else result
            outcomes[job.case] = outcome
            write_summary(request.output, _ordered(outcomes))
            done_now = len(outcomes) - kept
            left = (time.monotonic() - started) / done_now * (len(jobs) - len(outcomes))
            on_step(Step(outcome, len(outcomes), len(jobs), kept, left))
    finally:
        results.close()
        for job in open_jobs:  # what a worker that was killed may have left half-written
            if job.output.is_dir():
                remove_staging(job.output)
    return _ordered(outcomes)


def plan(request: CohortRequest) -> tuple[CaseJob, ...]:
    """The cases of a cohort, in the order of their names."""
    scans = find_scans(request.folder, leave_out=request.output)
    require_writable(request.output)
    request.output.mkdir(parents=True, exist_ok=True)
    problems = {scan.path: scan.problem for scan in scans}
    names = name_cases(request.output, request.folder, problems)
    return tuple(
        CaseJob(name, scan, request.output.absolute() / name, request.settings, problems[scan])
        for name, scan in sorted(names.items())
    )


def _run(
    work: Work, jobs: list[CaseJob], request: CohortRequest
) -> Generator[tuple[CaseJob, CaseOutcome | Lost], None, None]:
    if jobs and request.scheduler is not None:
        yield from run_on_cluster(work, jobs, request.scheduler)
    elif jobs:
        yield from run_in_processes(work, jobs, request.workers)


def _ordered(outcomes: dict[str, CaseOutcome]) -> tuple[CaseOutcome, ...]:
    return tuple(outcomes[case] for case in sorted(outcomes))
