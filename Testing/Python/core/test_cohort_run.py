"""A cohort: one failure stops nothing, finished cases are kept, and the table is always whole."""

from __future__ import annotations

import csv
import multiprocessing
from pathlib import Path

import pytest
from cacnet.cohort.pseudonyms import IDENTIFYING_FILE
from cacnet.cohort.run import CohortRequest, Step, plan, run_cohort
from cacnet.cohort.scans import NoScansError
from cacnet.cohort.table import SUMMARY_FILE
from cohort_work import SETTINGS, attempts, obey, write_scans


def request_of(tmp_path: Path, **texts: str) -> CohortRequest:
    return CohortRequest(write_scans(tmp_path / "scans", **texts), tmp_path / "out", SETTINGS)


def table(request: CohortRequest) -> list[dict[str, str]]:
    with (request.output / SUMMARY_FILE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_case_that_fails_does_not_stop_the_rest(tmp_path: Path) -> None:
    request = request_of(tmp_path, a="3", b="fail", c="die")
    outcomes = run_cohort(request, work=obey)
    assert sorted((outcome.status, outcome.agatston) for outcome in outcomes if outcome.done) == [("done", 3.0)]
    errors = sorted(row["error"] for row in table(request) if row["status"] == "failed")
    assert errors[1] == "The scan cannot be used."
    assert errors[0].startswith("The process that did this case died 2 times")
    assert all(row["agatston"] == "" for row in table(request) if row["status"] == "failed")
    assert list(request.output.rglob(".cacnet-*")) == []


def test_finished_cases_are_kept_and_failed_ones_tried_again(tmp_path: Path) -> None:
    request = request_of(tmp_path, a="3", b="fail")
    run_cohort(request, work=obey)
    steps: list[Step] = []
    outcomes = run_cohort(request, steps.append, work=obey)
    assert sorted(attempts(job) for job in plan(request)) == [1, 2]
    assert sum(outcome.done for outcome in outcomes) == 1
    assert [(step.done, step.of, step.kept) for step in steps] == [(1, 2, 1), (2, 2, 1)]
    assert steps[0].seconds_left is None
    assert steps[1].seconds_left == 0.0


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    request = request_of(tmp_path, a="3", b="4", c="5")

    def interrupt(step: Step) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_cohort(request, interrupt, work=obey)
    assert multiprocessing.active_children() == []
    assert len(table(request)) == 1
    outcomes = run_cohort(request, work=obey)
    assert sorted(outcome.agatston for outcome in outcomes) == [3.0, 4.0, 5.0]
    assert len(table(request)) == 3


def test_new_scans_are_added_to_a_finished_cohort(tmp_path: Path) -> None:
    run_cohort(request_of(tmp_path, a="3"), work=obey)
    request = request_of(tmp_path, b="4")
    run_cohort(request, work=obey)
    assert [row["agatston"] for row in sorted(table(request), key=lambda row: row["agatston"])] == ["3.0", "4.0"]
    assert [attempts(job) for job in plan(request)] == [1, 1]


def test_paths_are_in_the_identifying_file_only(tmp_path: Path) -> None:
    request = request_of(tmp_path, doe_jane="3")
    run_cohort(request, work=obey)
    naming = {path.name for path in request.output.rglob("*") if path.is_file() and b"doe_jane" in path.read_bytes()}
    assert naming == {IDENTIFYING_FILE}
    assert not any("doe_jane" in path.name for path in request.output.rglob("*"))


def test_results_may_lie_among_the_scans(tmp_path: Path) -> None:
    folder = write_scans(tmp_path, a="3")
    request = CohortRequest(folder, folder / "out", SETTINGS)
    run_cohort(request, work=obey)
    [job] = plan(request)
    run_cohort(request, work=obey)
    assert attempts(job) == 1


def test_an_empty_folder_makes_no_output(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    with pytest.raises(NoScansError):
        run_cohort(request_of(tmp_path), work=obey)
    assert not (tmp_path / "out").exists()
