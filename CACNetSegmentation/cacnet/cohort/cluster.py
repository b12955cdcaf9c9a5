"""The cases on many computers: handed to the workers of a Dask scheduler that already runs.

Every computer must see the scans and the output folder under the same paths, and have this program installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cacnet.cohort.case import CaseJob, CaseOutcome
from cacnet.cohort.processes import Lost, Work
from cacnet.errors import CacnetError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_TIMEOUT_S = 20


class ClusterUnreachableError(CacnetError):
    """There is no scheduler at the address, or Dask is not installed."""


def run_on_cluster(work: Work, jobs: Iterable[CaseJob], scheduler: str) -> Iterator[tuple[CaseJob, CaseOutcome | Lost]]:
    """Do the cases on a Dask cluster; yields each as it is done, in no order.

    A case whose worker dies goes to another one by itself. One that the scheduler gives up (after
    `distributed.scheduler.allowed-failures` deaths, which may have been another case's fault) is done once more by
    itself at the end, and then `Lost`. Closing the iterator cancels what has not begun.

    Raises:
        ClusterUnreachableError: see the class.
    """
    client = _client(scheduler)
    given_up: list[CaseJob] = []
    try:
        for job, outcome in _done(client, work, list(jobs)):
            if isinstance(outcome, Lost):
                given_up.append(job)
            else:
                yield job, outcome
        for job in given_up:
            yield from _done(client, work, [job])
    finally:
        client.close()


def _client(scheduler: str) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterUnreachableError(
            "Dask is not installed", "the package 'distributed'", "Run: pip install 'cacnet[cluster]'"
        ) from error
    try:
        return Client(scheduler, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterUnreachableError(
            f"no scheduler answers at '{scheduler}'", "the address of a Dask scheduler", "Start one: dask scheduler"
        ) from error


def _done(client: Client, work: Work, jobs: list[CaseJob]) -> Iterator[tuple[CaseJob, CaseOutcome | Lost]]:
    from distributed import as_completed

    # pure=False: the same case asked for again is work again, never a result that the cluster still keeps.
    futures = {client.submit(work, job, pure=False): job for job in jobs}
    try:
        for future in as_completed(list(futures), loop=client.loop):
            job, problem = futures.pop(future), future.exception()
            yield job, future.result() if problem is None else Lost(f"The cluster lost this case ({_why(problem)}).")
    finally:
        client.cancel(list(futures))


def _why(error: BaseException) -> str:
    name = type(error).__name__
    return "its workers died" if name == "KilledWorker" else f"{name}: {error}"
