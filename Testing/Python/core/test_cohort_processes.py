"""Worker processes: one that dies takes nothing along, and its case is done once more."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from cacnet.cohort.case import CaseJob
from cacnet.cohort.processes import Lost, run_in_processes
from cohort_work import SETTINGS, attempts, obey, write_scans


def jobs_of(tmp_path: Path, **texts: str) -> dict[str, CaseJob]:
    folder = write_scans(tmp_path / "scans", **texts)
    return {name: CaseJob(name, folder / f"{name}.nrrd", tmp_path / "out" / name, SETTINGS) for name in texts}


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, a="3", b="die once", c="5", d="7")
    outcomes = {job.case: outcome for job, outcome in run_in_processes(obey, jobs.values(), 2)}
    assert {case: outcome.agatston for case, outcome in outcomes.items()} == {"a": 3.0, "b": 1.0, "c": 5.0, "d": 7.0}
    assert {case: attempts(job) for case, job in jobs.items()} == {"a": 1, "b": 2, "c": 1, "d": 1}


def test_a_case_that_kills_every_worker_is_lost_after_two_and_the_rest_is_done(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, a="die", b="bug", c="5")
    outcomes = {job.case: outcome for job, outcome in run_in_processes(obey, jobs.values(), 1)}
    assert isinstance(outcomes["a"], Lost)
    assert "2 times (SIGKILL; often memory ran out)" in outcomes["a"].reason
    assert isinstance(outcomes["b"], Lost)
    assert "exit code 1" in outcomes["b"].reason
    assert outcomes["c"].agatston == 5.0
    assert attempts(jobs["a"]) == attempts(jobs["b"]) == 2


def test_closing_the_iterator_ends_every_process(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, a="3", b="wait", c="wait")
    results = run_in_processes(obey, jobs.values(), 2)
    job, _ = next(results)
    assert job.case == "a"
    results.close()
    assert multiprocessing.active_children() == []


def test_no_case_needs_no_process(tmp_path: Path) -> None:
    assert list(run_in_processes(obey, [], 4)) == []
