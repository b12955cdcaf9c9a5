"""Batches of patches, prepared by worker processes while the network trains; it says so where training waits."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from cacnet.training.configuration import TrainingConfig
from cacnet.training.mining import MINING_DELAY_STEPS
from cacnet.training.parallel import Processes
from cacnet.training.sampling import PatchDataset

Batch = tuple[torch.Tensor, torch.Tensor]

PREFETCHED_BATCHES = 4
"""What each worker prepares ahead, where there are few of them."""
SAY_AFTER_S = 15.0

logger = logging.getLogger(__name__)


def prefetched_batches(workers: int) -> int:
    """What each of so many workers prepares ahead: all of it is younger than the delay with which mining is used."""
    return max(1, min(PREFETCHED_BATCHES, MINING_DELAY_STEPS // workers - 1))


class PatchFeed:
    """Iterates over the batches of a run from a step on: images (N, 1, e, e, e) and targets (N, classes, e, e, e).

    `waited_s` is how long its caller has waited for patches in all.
    """

    def __init__(
        self,
        cases: Sequence[Path],
        config: TrainingConfig,
        mined: Path,
        first_step: int,
        processes: Processes,
        pin: bool,
    ) -> None:
        self.workers = config.workers
        self.waited_s = 0.0
        self.loader = DataLoader(
            PatchDataset(cases, config, mined),
            batch_size=config.batch // processes.count,
            sampler=processes.patch_numbers(first_step, config),
            num_workers=config.workers,
            prefetch_factor=prefetched_batches(config.workers) if config.workers else None,
            pin_memory=pin,
        )

    def __iter__(self) -> Iterator[Batch]:
        batches = iter(self.loader)
        while True:
            started = time.monotonic()
            reminder = threading.Timer(SAY_AFTER_S, self._say_waiting)
            reminder.daemon = True
            reminder.start()
            try:
                batch = next(batches, None)
            finally:
                reminder.cancel()
            if batch is None:
                return
            self.waited_s += time.monotonic() - started
            yield batch

    def _say_waiting(self) -> None:
        logger.warning(
            "training has waited %.0f s for patches, which %d workers prepare; more of them may help",
            SAY_AFTER_S,
            self.workers,
        )
