"""Training all rows side by side: each batch of patches is drawn once and given to every network.

That makes the patches the same by construction, draws them once instead of once for each network, and leaves the rows
at the same step whenever it is stopped.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cacnet
import torch
from Benchmark.comparing.rows import Row
from cacnet.files import write_json
from cacnet.inference import Device, precision_context
from cacnet.network import SegmentationLoss
from cacnet.training.cases import list_cases
from cacnet.training.checkpoint import load_checkpoint, save_checkpoint
from cacnet.training.configuration import PRESETS, TrainingConfig
from cacnet.training.sampling import CaseSampler, PatchDataset
from cacnet.training.trainer import learning_rate_at
from torch import nn
from torch.utils.data import DataLoader

RESULT_FILE = "result.json"
SAVE_EVERY_S = 120.0
NEVER = 10**12

Clock = Callable[[], float]
"""Seconds that are left."""


def configuration(steps: int, patch: int, batch: int, seed: int, learning_rate: float, workers: int) -> TrainingConfig:
    """The one configuration of all rows: the preset of the bundled model, for fewer steps, without mining.

    Mining would give every network patches of its own; the folder of cases is looked through once.
    """
    preset = PRESETS["bundled"]
    return replace(
        preset,
        sampling=replace(preset.sampling, mined=0.0, rescan_patches=NEVER),
        learning_rate=learning_rate,
        warmup_steps=min(preset.warmup_steps, steps // 10),
        total_steps=steps,
        patch_voxels=patch,
        batch=batch,
        seed=seed,
        workers=workers,
        mine_steps=0,
    )


class Learner:
    """One row with one seed: its network, optimiser and running average, kept in a folder of its own."""

    def __init__(self, row: Row, config: TrainingConfig, output: Path, device: Device) -> None:
        torch.manual_seed(config.seed)
        self.row, self.config, self.device = row, config, device
        self.folder = output / row.run / f"seed-{config.seed}"
        self.network = _placed(row.build(), device)
        self.average = copy.deepcopy(self.network).eval()
        self.loss = SegmentationLoss(row.loss)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.step = 0
        self.step_seconds: list[float] = []
        self.result: dict[str, Any] = {"schema_version": 1, "cases": {}}
        self._restore()

    @property
    def failed(self) -> str:
        """Why its training cannot go on; empty if it can."""
        return str(self.result.get("failed", ""))

    @property
    def trained(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.config.total_steps

    def learn(self, image: torch.Tensor, target: torch.Tensor) -> None:
        """One step; a loss that is no number ends the run, and the table will say so."""
        started = time.perf_counter()
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate_at(self.step, self.config)
        with precision_context(self.device):
            logits = self.network(image)
        total = self.loss(logits.float(), target[:, : self.row.classes]).total
        if not math.isfinite(total.item()):
            self.result["failed"] = f"the loss at step {self.step} is {total.item()}"
            self.write_result()
            return
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_limit)
        self.optimiser.step()
        self.step += 1
        self._update_average()
        if self.device.name == "cuda":
            torch.cuda.synchronize()
        self.step_seconds.append(time.perf_counter() - started)

    def _update_average(self) -> None:
        # As cacnet.training.trainer does: it follows closely at first.
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mine, theirs in zip(
                self.average.state_dict().values(), self.network.state_dict().values(), strict=True
            ):
                if mine.is_floating_point():
                    mine.lerp_(theirs, 1 - decay)
                else:
                    mine.copy_(theirs)

    def save(self) -> None:
        """Write the checkpoint; of a finished run only what is scored."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {"step": self.step, "step_seconds": self.step_seconds}
        state["average"] = self.average.state_dict()
        if not self.trained:
            state |= {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}
        save_checkpoint(self.folder, state)

    def _restore(self) -> None:
        state = load_checkpoint(self.folder)
        if state is not None:
            self.step, self.step_seconds = state["step"], state["step_seconds"]
            self.average.load_state_dict(state["average"])
            if not self.trained:
                self.network.load_state_dict(state["network"])
                self.optimiser.load_state_dict(state["optimiser"])
        self.result |= read_result(self.folder)

    def write_result(self) -> None:
        """What is known of this run, for the table."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.result |= {
            "run": self.row.run,
            "seed": self.config.seed,
            "steps": self.step,
            "parameters": sum(parameter.numel() for parameter in self.network.parameters()),
            "device": self.device.description,
            "program_sha256": program_sha256(),
        }
        if self.step_seconds:  # the median: the first steps choose their algorithms
            self.result["seconds_per_step"] = statistics.median(self.step_seconds)
        write_json(self.folder / RESULT_FILE, self.result)


def read_result(folder: Path) -> dict[str, Any]:
    """What is known of the run in a folder; nothing where it has not begun."""
    path = folder / RESULT_FILE
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


@lru_cache(maxsize=1)
def program_sha256() -> str:
    """Of the source of networks, losses and patches: runs of one table should agree in it."""
    product, here = Path(cacnet.__file__).parent, Path(__file__).parents[1]
    folders = (product / "network", product / "training", here / "peers", here / "comparing")
    digest = hashlib.sha256()
    for path in (path for folder in folders for path in sorted(folder.glob("*.py"))):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def train_together(learners: Sequence[Learner], cases: Path, left_s: Clock) -> None:
    """Train learners of one seed until all are done or the time is up; learners that are ahead wait for the others."""
    learning = [learner for learner in learners if not learner.trained and not learner.failed]
    if not learning or left_s() <= 0:
        return
    saved = time.monotonic()
    for step, image, target in _batches(learning[0], min(learner.step for learner in learning), cases):
        for learner in learning:
            if learner.step == step and not learner.failed:
                learner.learn(image, target)
        if time.monotonic() - saved > SAVE_EVERY_S:
            _save(learning)
            saved = time.monotonic()
        if left_s() <= 0:
            break
    _save(learning)


def _save(learners: Sequence[Learner]) -> None:
    for learner in learners:
        learner.save()
        learner.write_result()


def _batches(like: Learner, first: int, cases: Path) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    config, device = like.config, like.device
    numbers = range(first * config.batch, config.total_steps * config.batch)
    patches = PatchDataset([cases], config)
    patches.samplers.update(_samplers(cases, config.workers))
    loader = DataLoader(
        patches,
        batch_size=config.batch,
        sampler=list(numbers),
        num_workers=config.workers,
        pin_memory=device.name == "cuda",
    )
    for step, (image, target) in enumerate(loader, start=first):
        placed = image.to(device.name, non_blocking=True).contiguous(memory_format=torch.channels_last_3d)
        yield step, placed, target.to(device.name, non_blocking=True)


@lru_cache(maxsize=1)
def _samplers(cases: Path, workers: int) -> Mapping[Path, CaseSampler]:
    """Where the interesting voxels of every case are, found once and shared by all workers of all seeds.

    Each worker would otherwise look through each case by itself, about a second each.
    """
    if workers == 0:
        return {}
    samplers = {folder: CaseSampler(folder) for folder in list_cases(cases)}
    with ProcessPoolExecutor(workers) as pool:
        for sampler, found in zip(samplers.values(), pool.map(_positions, samplers), strict=True):
            sampler.lesions, sampler.vessel, sampler.distractors = found
    return samplers


def _positions(folder: Path) -> tuple[Any, Any, Any]:
    sampler = CaseSampler(folder)
    return sampler.lesions, sampler.vessel, sampler.distractors


def _placed(network: nn.Module, device: Device) -> nn.Module:
    return network.to(device.name).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
