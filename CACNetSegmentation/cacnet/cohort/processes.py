"""The cases on this computer: worker processes, each of which may die without taking anything else along."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext

from cacnet.cohort.case import CaseJob, CaseOutcome

Work = Callable[[CaseJob], CaseOutcome]
ATTEMPTS = 2
"""A case whose worker died is done once more: where memory ran out, the next attempt may have more of it."""
PATIENCE_S = 3.0
"""How long a worker whose connection ended may take to be gone."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Lost:
    """A case that nobody finished, and why."""

    reason: str


class _Worker:
    """One process that does one case after another."""

    def __init__(self, context: SpawnContext, work: Work, threads: int) -> None:
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work, threads), daemon=True)
        self.process.start()
        theirs.close()
        self.job: CaseJob | None = None

    def start(self, job: CaseJob) -> bool:
        """Hand a case over; False where the process is dead."""
        try:
            self.connection.send(job)
        except OSError:
            return False
        self.job = job
        return True

    def end(self) -> None:
        """End the process at once: outputs appear whole or not at all, so there is nothing for it to tidy up."""
        self.connection.close()
        self.process.kill()
        self.process.join()


def run_in_processes(work: Work, jobs: Iterable[CaseJob], workers: int) -> Iterator[tuple[CaseJob, CaseOutcome | Lost]]:
    """Do the cases in `workers` processes; yields each as it is done, in no order.

    A case whose process dies is done once more, and then `Lost`. Closing the iterator ends every process.
    """
    # 'spawn' because a forked process inherits torch's thread pool without its threads.
    context = get_context("spawn")
    waiting, tried = deque(jobs), dict[str, int]()
    workers = max(1, min(workers, len(waiting)))
    threads = max(1, (os.cpu_count() or 1) // workers)
    team: list[_Worker] = []
    try:
        while waiting or any(worker.job for worker in team):
            _give_out(waiting, team, workers, lambda: _Worker(context, work, threads))
            busy = {worker.connection: worker for worker in team if worker.job}
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                job = worker.job
                outcome = _received(worker)
                if job is None:
                    continue
                if outcome is not None:
                    yield job, outcome
                    continue
                team.remove(worker)
                worker.process.join(PATIENCE_S)  # its exit code comes a moment after its connection ends
                code = worker.process.exitcode
                worker.end()
                tried[job.case] = tried.get(job.case, 0) + 1
                if tried[job.case] < ATTEMPTS:
                    waiting.append(job)
                else:
                    yield job, Lost(f"The process that did this case died {ATTEMPTS} times ({_why(code)}).")
    finally:
        for worker in team:
            worker.end()


def _give_out(waiting: deque[CaseJob], team: list[_Worker], workers: int, hire: Callable[[], _Worker]) -> None:
    """A case for everybody who has none."""
    for worker in [worker for worker in team if worker.job is None]:
        if waiting and not worker.start(waiting[0]):
            team.remove(worker)
            worker.end()
        elif waiting:
            waiting.popleft()
    while waiting and len(team) < workers:
        worker = hire()
        team.append(worker)
        if worker.start(waiting[0]):
            waiting.popleft()


def _received(worker: _Worker) -> CaseOutcome | None:
    """What a worker sends; None where it died. It is free again."""
    worker.job = None
    try:
        return worker.connection.recv()
    except (EOFError, OSError):
        return None


def _why(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        return f"{name}; often memory ran out" if name == "SIGKILL" else name
    return f"exit code {exit_code}"


def _serve(connection: Connection, work: Work, threads: int) -> None:
    """The process: a case in, its outcome out, until the other side closes."""
    # Ctrl-C reaches every process of a terminal; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in THREAD_VARIABLES:
        os.environ[name] = str(threads)
    with suppress(EOFError):
        while True:
            connection.send(work(connection.recv()))
