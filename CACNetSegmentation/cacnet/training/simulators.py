"""Cases simulated while training runs: background processes fill a folder, and patches come from what is there."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from cacnet.errors import CacnetError
from cacnet.files import writing_to
from cacnet.training.cases import RECORD_FILE, list_cases
from cacnet.training.make_cases import case_folder, end_with_parent, make_case

FIRST_CASES = 2
"""How many cases a run waits for before it begins."""
SAY_AGAIN_S = 30.0
POLITENESS = 10
"""Simulators leave the processor to training where both want it."""

logger = logging.getLogger(__name__)

Maker = Callable[[int, Path], object]


@dataclass(frozen=True)
class Simulators:
    """Background processes that make cases, none where nothing is to be simulated."""

    processes: tuple[BaseProcess, ...] = ()

    @property
    def at_work(self) -> int:
        """How many still make cases."""
        return sum(process.is_alive() for process in self.processes)

    @property
    def failed(self) -> int:
        """How many ended before their work did."""
        return sum(process.exitcode not in (None, 0) for process in self.processes)


@contextmanager
def simulating(seeds: Sequence[int], folder: Path, processes: int, make: Maker = make_case) -> Iterator[Simulators]:
    """Make the cases of `seeds` that `folder` lacks, in the background, until the block ends.

    The processes end with this one, even where it is killed; a case that is half made is then made again.
    """
    missing = [seed for seed in seeds if not (case_folder(folder, seed) / RECORD_FILE).is_file()]
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    shares = [missing[i::processes] for i in range(max(1, processes))]
    started = [
        context.Process(target=_make_cases, args=(share, folder, make), daemon=True) for share in shares if share
    ]
    for process in started:
        process.start()
    try:
        yield Simulators(tuple(started))
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.join()


def wait_for_first_cases(folders: Sequence[Path], simulators: Simulators) -> None:
    """Return when there are FIRST_CASES cases, or nobody makes more; says every half minute that it waits."""
    said = -SAY_AGAIN_S
    while simulators.at_work:
        cases = sum(len(list_cases(folder)) for folder in folders)
        if cases >= FIRST_CASES:
            return
        if time.monotonic() - said >= SAY_AGAIN_S:
            logger.info(
                "waiting for the first cases: %d of %d are there, simulated by %d processes",
                cases,
                FIRST_CASES,
                simulators.at_work,
            )
            said = time.monotonic()
        time.sleep(0.2)


def _make_cases(seeds: Sequence[int], folder: Path, make: Maker) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    end_with_parent()
    if hasattr(os, "nice"):  # not on Windows
        os.nice(POLITENESS)
    for seed in seeds:
        try:
            make(seed, folder)
        except CacnetError as error:
            logger.warning("seed %d is left out: %s", seed, error)
