"""A model on a set of cases, through the whole chain that a user's scan goes through, case by case.

A finished case is kept in the output's `cache` under a checksum of model, program, device, protocol and case, so an
interrupted run is taken up where it stopped. A case that fails is reported and the run goes on.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch

from cacnet.errors import CacnetError, Cancelled
from cacnet.evaluation.case import CaseResult, evaluate_case
from cacnet.evaluation.dataset import CT_FILE, CaseSource, Dataset, open_dataset, require_held_out
from cacnet.evaluation.provenance import case_sha256, chain_sha256, text_sha256
from cacnet.files import require_writable, write_json
from cacnet.inference import choose_device
from cacnet.phantom.simulate import simulate, write_scan
from cacnet.pipeline import DEFAULT_MODEL
from cacnet.plain_json import parse_json
from cacnet.scoring import protocol_named
from cacnet.weights import ModelCard, load_bundle

BUNDLED = "bundled"
"""What stands for the default model on the command line."""
CACHE_VERSION = 3
# What a damaged file, a full disk, or torch on an odd input raises; a programming error is not among them.
CASE_ERRORS = (CacnetError, OSError, MemoryError, RuntimeError, ValueError)


class NoResultsError(CacnetError):
    """Every case failed."""


@dataclass(frozen=True)
class Failure:
    """A case without a result, and why."""

    case: str
    message: str


@dataclass(frozen=True)
class EvaluationRequest:
    """What is asked for.

    Attributes:
        model: id, folder, or 'bundled' for the default model.
        dataset: a folder of cases, or seeds of the simulator as 'A:B'.
        output: folder of the tables, of the cache and of simulated patients.
        device, protocol: as for a segmentation.
        workers: processes; each needs about 2 GB.
        allow_training_seeds: take patients that the model was trained on as well.
    """

    model: str
    dataset: str
    output: Path
    device: str = "auto"
    protocol: str | None = None
    workers: int = 1
    allow_training_seeds: bool = False


@dataclass(frozen=True)
class Evaluation:
    """Cases with a result and cases without, in the dataset's order.

    Attributes:
        training_seeds: seeds among them that the model was trained on; empty unless that was allowed.
    """

    card: ModelCard
    dataset: Dataset
    protocol: str | None
    device: str
    training_seeds: tuple[int, ...]
    cases: tuple[CaseResult, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class Job:
    """One case's work, as it is sent to a process."""

    source: CaseSource
    model: str
    model_sha256: str
    device: str
    protocol: str | None
    cache: Path


OnCase = Callable[[int, int, CaseResult | Failure], None]
"""Called after each case with how many are done, how many there are, and what came of it."""


def evaluate(request: EvaluationRequest, on_case: OnCase = lambda done, of, outcome: None) -> Evaluation:
    """Evaluate a model on every case.

    Raises:
        NoResultsError: every case failed; further CacnetErrors of the model, the dataset, the device and the output.
    """
    model = DEFAULT_MODEL if request.model == BUNDLED else request.model
    card = load_bundle(model).card
    device = choose_device(request.device)
    if request.protocol is not None:
        protocol_named(request.protocol)
    require_writable(request.output)
    dataset = open_dataset(request.dataset, request.output)
    training_seeds = require_held_out(dataset, card, request.allow_training_seeds)
    cache = request.output / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    sha256 = card.weights.sha256 if card.weights else ""
    jobs = [Job(source, model, sha256, device.name, request.protocol, cache) for source in dataset.cases]
    outcomes: dict[str, CaseResult | Failure] = {}
    for outcome in _run(jobs, request.workers):
        outcomes[outcome.case] = outcome
        on_case(len(outcomes), len(jobs), outcome)
    ordered = [outcomes[source.name] for source in dataset.cases]
    cases = tuple(outcome for outcome in ordered if isinstance(outcome, CaseResult))
    failures = tuple(outcome for outcome in ordered if isinstance(outcome, Failure))
    if not cases:
        raise NoResultsError(
            f"all {len(failures)} cases failed; the first, '{failures[0].case}': {failures[0].message}"
        )
    return Evaluation(card, dataset, request.protocol, device.description, training_seeds, cases, failures)


def _run(jobs: list[Job], workers: int) -> Iterator[CaseResult | Failure]:
    workers = max(1, min(workers, len(jobs)))
    if workers == 1:
        yield from map(run_job, jobs)
        return
    threads = max(1, min(torch.get_num_threads(), (os.cpu_count() or 1) // workers))
    # 'spawn' because a forked process inherits torch's thread pool without its threads.
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (threads,)) as pool:
        started = {pool.submit(run_job, job): job for job in jobs}
        try:
            for future in as_completed(started):
                error = future.exception()
                if error is None:
                    yield future.result()
                elif isinstance(error, CASE_ERRORS):  # the process died, as it does where memory ran out
                    yield Failure(started[future].source.name, str(error))
                else:
                    raise error
        finally:
            pool.shutdown(cancel_futures=True)


def run_job(job: Job) -> CaseResult | Failure:
    """One case: simulated where it is missing, taken from the cache where it is known, evaluated otherwise."""
    source = job.source
    try:
        if source.seed is not None and not (source.folder / CT_FILE).is_file():
            write_scan(simulate(source.seed), source.folder)
        kept = job.cache / f"{_key(job)}.json"
        result = _read_kept(kept)
        if result is None:
            result = evaluate_case(source.name, source.folder, job.model, job.device, job.protocol)
            write_json(kept, result.to_plain())
        return dataclasses.replace(result, case=source.name)
    except Cancelled:
        raise
    except CASE_ERRORS as error:
        return Failure(source.name, str(error) or type(error).__name__)


def _key(job: Job) -> str:
    parts = (str(CACHE_VERSION), job.model_sha256, chain_sha256(), job.device, job.protocol or "")
    return text_sha256(*parts, case_sha256(job.source.folder))


def _read_kept(path: Path) -> CaseResult | None:
    """A result kept by an earlier run; one that cannot be read is made again."""
    try:
        return CaseResult.from_plain(parse_json(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
