"""How fast training is fed: seconds for a simulated case, and patches a second that worker processes make of cases.

python Testing/Benchmark/patches.py [--cases DIR] [--preset bundled] [--workers 1 2]
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from cacnet.training.cases import list_cases
from cacnet.training.configuration import PRESETS, TrainingConfig
from cacnet.training.feed import PatchFeed
from cacnet.training.make_cases import make_case
from cacnet.training.parallel import ALONE
from cacnet.training.sampling import PatchDataset

SIMULATED_SEEDS = (0, 1)
WARM_UP_PATCHES = 40
"""Enough to have visited every case, which is read and searched for lesions at the first visit."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, help="training cases; by default two are simulated, and timed")
    parser.add_argument("--keep", type=Path, default=Path("build/patches"), help="where simulated cases are kept")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="bundled")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--patches", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    config = PRESETS[options.preset]
    cases = options.cases or simulate(options.keep)
    print(f"{len(list_cases(cases))} cases, patches of {config.patch_voxels} cubed, {os.cpu_count()} processors")
    say_seconds(cases, config, options.patches)
    for workers in options.workers:
        print(
            f"{workers} workers: {rate(cases, replace(config, workers=workers), options.patches):.1f} patches a second"
        )


def simulate(folder: Path) -> Path:
    """Two cases, timed where they are not there yet."""
    for seed in SIMULATED_SEEDS:
        wall, processor = time.perf_counter(), time.process_time()
        if make_case(seed, folder) is not None:
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            print(f"case of seed {seed}: {wall:.1f} s, {processor:.1f} s of processor time")
    return folder


def say_seconds(cases: Path, config: TrainingConfig, patches: int) -> None:
    """Processor time of single patches in this process, which other work on the machine hardly changes."""
    dataset = PatchDataset([cases], config)
    seconds = []
    for number in range(WARM_UP_PATCHES + patches):
        started = time.process_time()
        dataset[number]
        seconds.append(time.process_time() - started)
    mean, slow, slowest = (f(seconds[WARM_UP_PATCHES:]) for f in (np.mean, lambda s: np.percentile(s, 95), np.max))
    print(f"a patch: {mean:.3f} s of processor time, 95 of 100 within {slow:.3f} s, slowest {slowest:.3f} s")


def rate(cases: Path, config: TrainingConfig, patches: int) -> float:
    """Patches a second, once every worker has seen its cases."""
    feed = PatchFeed([cases], config, cases / "mined", 0, ALONE, pin=False)
    batches = iter(feed)
    for _ in range(WARM_UP_PATCHES * config.workers // config.batch):
        next(batches)
    started = time.perf_counter()
    for _ in range(patches // config.batch):
        next(batches)
    return patches // config.batch * config.batch / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
