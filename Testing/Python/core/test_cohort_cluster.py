"""A Dask cluster does the same cases; a worker that is killed in mid-run loses none."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from cacnet.cohort.case import CaseJob
from cacnet.cohort.cluster import ClusterUnreachableError, run_on_cluster
from cacnet.cohort.processes import Lost
from cohort_work import SETTINGS, attempts, obey, write_scans

distributed = pytest.importorskip("distributed")


@pytest.fixture
def scheduler() -> Iterator[str]:
    """Two worker processes on this computer."""
    import dask

    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(**options, memory_limit=None, host="127.0.0.1") as cluster,
    ):
        yield cluster.scheduler_address


@pytest.mark.slow
def test_a_killed_worker_loses_nothing_and_a_hopeless_case_only_itself(tmp_path: Path, scheduler: str) -> None:
    texts = {"a": "3", "b": "die once", "c": "5", "d": "fail", "e": "bug", "f": "7", "g": "die"}
    folder = write_scans(tmp_path / "scans", **texts)
    jobs = {name: CaseJob(name, folder / f"{name}.nrrd", tmp_path / "out" / name, SETTINGS) for name in texts}
    outcomes = {job.case: outcome for job, outcome in run_on_cluster(obey, jobs.values(), scheduler)}
    assert set(outcomes) == set(texts)
    scores = {case: outcome.agatston for case, outcome in outcomes.items() if not isinstance(outcome, Lost)}
    assert scores == {"a": 3.0, "b": 1.0, "c": 5.0, "d": None, "f": 7.0}
    assert attempts(jobs["b"]) >= 2
    assert "a programming error" in outcomes["e"].reason
    assert "its workers died" in outcomes["g"].reason


@pytest.mark.slow
def test_handing_cases_to_a_cluster_opens_no_port(
    tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a Dask scheduler that the user started listens; this program connects to it."""
    opened: list[str] = []
    real = socket.socket.listen

    def listen(self: socket.socket, *backlog: int) -> None:
        opened.append(str(self.getsockname()))
        real(self, *backlog)

    monkeypatch.setattr(socket.socket, "listen", listen)
    job = CaseJob("a", write_scans(tmp_path / "scans", a="3") / "a.nrrd", tmp_path / "out" / "a", SETTINGS)
    assert len(list(run_on_cluster(obey, [job], scheduler))) == 1
    assert opened == []


def test_an_address_where_nobody_answers_is_a_named_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cacnet.cohort import cluster

    monkeypatch.setattr(cluster, "CONNECT_TIMEOUT_S", 1)
    with pytest.raises(ClusterUnreachableError, match="no scheduler answers"):
        next(run_on_cluster(obey, [], "tcp://127.0.0.1:9"))


def test_without_dask_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterUnreachableError, match="pip install"):
        next(run_on_cluster(obey, [], "tcp://127.0.0.1:9"))
