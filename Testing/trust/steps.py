"""Everything that is tried, in the order of the table; each step can run in a process of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

from cacnet.dataset.export import ExportLayout

from trust import damaged, disks, kills, memory, same, scenes, soak
from trust.scenes import Scene
from trust.table import Trial

Step = Callable[[Path, random.Random], list[Trial]]
"""Tries something in a folder of its own, with random choices of its own."""


def short_steps(times: int) -> Mapping[str, Step]:
    """A handful of each, by names 'kind' or 'kind/what'; damaged files and same results have tests of their own."""
    return {
        **_kills(times),
        "disks": lambda folder, rng: disks.fill_all(folder, 2),
        "memory": lambda folder, rng: memory.exhaust_all(folder, long=False),
        "soak/corrections": lambda folder, rng: [soak.soak_edits(folder, rng, 100)],
        "soak/runs": lambda folder, rng: [soak.soak_runs(folder, 3)],
    }


def long_steps(times: int) -> Mapping[str, Step]:
    """All of it."""
    return {
        **_kills(times),
        "disks": lambda folder, rng: disks.fill_all(folder, 12),
        "memory": lambda folder, rng: memory.exhaust_all(folder, long=True),
        "soak/corrections": lambda folder, rng: [soak.soak_edits(folder, rng, 1000)],
        "soak/runs": lambda folder, rng: [soak.soak_runs(folder, 50)],
        "same": lambda folder, rng: same.compare_all(folder, 3),
        "damaged files": lambda folder, rng: damaged.read_all(rng.randrange(1 << 30)),
    }


def _kills(times: int) -> Mapping[str, Step]:
    """Every kind of work, killed `times` times, the slow ones less often."""

    def again(make: Callable[[Path], Scene], kills_wanted: int) -> Step:
        def step(folder: Path, rng: random.Random) -> list[Trial]:
            (folder / "scratch").mkdir()
            return [kills.kill_again_and_again(make(folder), folder / "scratch", rng, kills_wanted)]

        return step

    return {
        "kills/segmentation": again(scenes.segmentation, times),
        "kills/training": lambda folder, rng: [kills.kill_training(folder, rng, times)],
        "kills/review": lambda folder, rng: [kills.kill_review(folder, rng, times)],
        "kills/worker": lambda folder, rng: [kills.kill_worker_process(folder, rng, max(2, times // 10))],
        "kills/export": again(lambda folder: scenes.export(folder, ExportLayout.OURS), times),
        "kills/export to nnU-Net": again(lambda folder: scenes.export(folder, ExportLayout.NNUNET), times),
        # Two segmentations each, so fewer: what differs from the first kind is written in milliseconds.
        "kills/batch": again(scenes.batch, max(2, times // 4)),
    }
