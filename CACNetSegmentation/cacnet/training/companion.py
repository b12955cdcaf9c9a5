"""What the training of any network that works on CAC-Net's answers has in common: steps, average, checkpoints, resume.

A run's folder holds curve.csv and checkpoint.pt. It may be stopped at any time and called again: training goes on from
the last checkpoint with the examples that would have come next.
"""

from __future__ import annotations

import argparse
import copy
import logging
import math
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from torch import nn

from cacnet.errors import CacnetError
from cacnet.pipeline import DEFAULT_MODEL
from cacnet.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from cacnet.training.curves import CURVE_FILE, append_row, keep_rows
from cacnet.training.make_cases import end_with_parent
from cacnet.training.trainer import LOWEST_SHARE_OF_RATE, TrainingDivergedError, training_device
from cacnet.weights import ModelBundle, load_bundle, save_bundle

Network = TypeVar("Network", bound=nn.Module)

SAVE_STEPS, LOG_STEPS = 200, 100

logger = logging.getLogger(__name__)


class CompanionTrainingError(CacnetError):
    """A run that makes no sense."""


@dataclass(frozen=True)
class CompanionConfig:
    """How a network is optimised: AdamW, the rate up over the warm-up and then linearly down."""

    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup_steps: int = 100
    total_steps: int = 3500
    gradient_limit: float = 2.0
    ema_decay: float = 0.998
    seed: int = 0


class CompanionTrainer(ABC, Generic[Network]):
    """A network in training, its running average and its optimiser.

    Attributes:
        FIGURES: names of what `loss` tells besides the loss.
    """

    PARTS = ("network", "average", "optimiser")
    FIGURES: ClassVar[tuple[str, ...]] = ()

    def __init__(self, network: Network, config: CompanionConfig, device: str = "auto") -> None:
        self.config, self.device, self.step = config, training_device(device, "auto"), 0
        self.network = network.to(self.device.name)
        self.network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    @abstractmethod
    def loss(self, image: torch.Tensor, *truth: torch.Tensor) -> tuple[torch.Tensor, tuple[float, ...]]:
        """The loss of a batch, which lies on the device, and the FIGURES to be told."""

    @property
    def learning_rate(self) -> float:
        """Of this step: up over the warm-up, then linearly down."""
        config = self.config
        left = 1 - self.step / config.total_steps
        rise = min(1.0, (self.step + 1) / max(1, config.warmup_steps))
        return config.learning_rate * rise * (LOWEST_SHARE_OF_RATE + (1 - LOWEST_SHARE_OF_RATE) * left)

    def train_step(self, image: torch.Tensor, *truth: torch.Tensor) -> tuple[float, ...]:
        """One batch; returns the FIGURES. Raises TrainingDivergedError."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate
        image = image.to(self.device.name).contiguous(memory_format=torch.channels_last_3d)
        loss, figures = self.loss(image, *(part.to(self.device.name) for part in truth))
        if not math.isfinite(loss.item()):
            raise TrainingDivergedError(f"the loss at step {self.step} is {loss.item()}", "a finite loss")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_limit)
        self.optimiser.step()
        self.step += 1
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mine, theirs in zip(
                self.average.state_dict().values(), self.network.state_dict().values(), strict=True
            ):
                if mine.is_floating_point():  # not the count of batches that a normalisation keeps
                    mine.lerp_(theirs, 1 - decay)
        return figures

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs."""
        return {"step": self.step, **{name: getattr(self, name).state_dict() for name in self.PARTS}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state; raises CheckpointError where it is of another network."""
        try:
            for name in self.PARTS:
                getattr(self, name).load_state_dict(state[name])
            self.step = state["step"]
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint does not fit ({error})", "one of the same network") from error


def train(
    trainer: CompanionTrainer[Any],
    batch: Callable[[int], Sequence[torch.Tensor]],
    output: Path,
    max_minutes: float = math.inf,
) -> None:
    """Train until `total_steps` or `max_minutes`, from the checkpoint in `output` if there is one.

    `batch` gives the examples of a step, always the same ones for the same step; the next one's are made meanwhile.
    """
    state = load_checkpoint(output)
    if state is not None:
        trainer.restore(state)
    columns = ("step", *trainer.FIGURES, "learning_rate", "seconds_per_step")
    output.mkdir(parents=True, exist_ok=True)
    keep_rows(output / CURVE_FILE, columns, trainer.step)
    last = trainer.config.total_steps
    end = time.monotonic() + 60 * max_minutes
    started, figures = time.monotonic(), []
    with ThreadPoolExecutor(1, "batch") as beside:
        coming = beside.submit(batch, trainer.step) if trainer.step < last else None
        while coming is not None and time.monotonic() < end:
            examples = coming.result()
            coming = beside.submit(batch, trainer.step + 1) if trainer.step + 1 < last else None
            figures.append(trainer.train_step(*examples))
            if trainer.step % LOG_STEPS == 0:
                means = np.mean(figures, axis=0)
                seconds = (time.monotonic() - started) / len(figures)
                append_row(output / CURVE_FILE, (trainer.step, *means, trainer.learning_rate, seconds))
                told = ", ".join(f"{name} {mean:.3f}" for name, mean in zip(trainer.FIGURES, means, strict=True))
                logger.info("step %d: %s; %.2f s a step", trainer.step, told, seconds)
                started, figures = time.monotonic(), []
            if trainer.step % SAVE_STEPS == 0:
                save_checkpoint(output, trainer.state())
    save_checkpoint(output, trainer.state())


def make_missing(make: Callable[[int], None], seeds: Sequence[int], folder: Path, workers: int = 1) -> None:
    """Call `make` of the seeds that have no case in a folder yet, in `workers` processes."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in seeds if not case_file(folder, seed).exists()]
    if workers <= 1:
        for seed in missing:
            make(seed)
        return
    with ProcessPoolExecutor(workers, initializer=end_with_parent) as pool:
        for _ in pool.map(make, missing):
            pass


def case_file(folder: Path, seed: int) -> Path:
    """Where the case of a seed is written."""
    return folder / f"seed-{seed:06d}.npz"


def require_unseen(seeds: Sequence[int], model: str, companions: Sequence[str] = ()) -> None:
    """Raise CompanionTrainingError where the model's CAC-Net, or one of its companions of these names, has learned from
    one of these patients."""
    training = load_bundle(model).card.training
    records = (training, *(training.get(name, {}) for name in companions))
    seen = sorted(set(seeds).intersection(seed for record in records for seed in record.get("seeds", ())))
    if seen:
        raise CompanionTrainingError(
            f"the model '{model}' has learned from {len(seen)} of these patients, as from seed {seen[0]}",
            "patients that it has not seen: it misses less on those that it has",
            "Choose other seeds",
        )


def companion_of(model: str, name: str) -> Any:
    """A model's companion of a name in cacnet.network.companions; raises CompanionTrainingError."""
    network = getattr(load_bundle(model).companions, name)
    if network is None:
        what = {"borders": "border", "context": "context", "walls": "wall"}[name]
        raise CompanionTrainingError(
            f"the model '{model}' has no {what} network", "one that has", "Start from another model"
        )
    return network


def with_companion(
    model: str,
    name: str,
    network: nn.Module,
    record: Mapping[str, Any],
    folder: Path,
    model_id: str | None = None,
) -> ModelBundle:
    """Write a model with another companion to `folder`, and how that was trained into its card.

    `name` is one in cacnet.network.companions.
    """
    loaded = load_bundle(model)
    card = replace(loaded.card, id=model_id or loaded.card.id, training={**loaded.card.training, name: dict(record)})
    companions = replace(loaded.companions, **{name: network.cpu()})  # type: ignore[arg-type]
    return save_bundle(loaded.network, card, folder, companions)


def run_training(
    options: argparse.Namespace,
    name: str,
    config: CompanionConfig,
    seeds: Sequence[int],
    make_case: Callable[..., None],
    train_on: Callable[..., CompanionTrainer[Any]],
    also_unseen_by: Sequence[str] = (),
) -> ModelBundle:
    """Make the cases that a run still lacks, train on them, and write the model with how it was trained.

    Args:
        options: of `parser_of`.
        name: of the companion, in cacnet.network.companions.
        config: how it is trained; seeds: on whom.
        make_case: called with a seed, `model` and `folder`; writes its `case_file`, or none where nothing is learned
            from that patient.
        train_on: called with the cases' files, the run's folder, `config`, the device, the most minutes, and the
            network to start from or None.
        also_unseen_by: companions, besides CAC-Net, that must not have learned from these patients.

    Raises CompanionTrainingError, and what the functions raise.
    """
    require_unseen(seeds, options.model, also_unseen_by)
    folder = options.output / "cases"
    make_missing(partial(make_case, model=options.model, folder=folder), seeds, folder, options.workers)
    cases = [path for seed in seeds if (path := case_file(folder, seed)).exists()]
    start = companion_of(options.init, name) if options.init else None
    trainer = train_on(cases, options.output, config, options.device, options.max_minutes, start)
    record = {
        "config": asdict(config),
        "steps": trainer.step,
        "seeds": [int(path.stem.removeprefix("seed-")) for path in cases],
        "answers_of": load_bundle(options.model).card.id,
        "initialised_from": load_bundle(options.init).card.id if options.init else None,
    }
    return with_companion(options.model, name, trainer.average, record, options.output / "model", options.model_id)


def parser_of(description: str, steps: int) -> argparse.ArgumentParser:
    """The options that every such training has."""
    parser = argparse.ArgumentParser(description=f"{description} Research use only.")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="id or folder of the model whose answers it sees")
    parser.add_argument(
        "--seeds", required=True, help="A:B,C:D…, B and D excluded; the patients to learn from are of these"
    )
    parser.add_argument("--output", required=True, type=Path, help="the run's folder")
    parser.add_argument("--init", help="id or folder of a model whose network of this kind is trained further")
    parser.add_argument("--model-id", help="id of the written model; that of --model by default")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--max-minutes", type=float, default=math.inf, help="of training, after the cases are there")
    parser.add_argument("--workers", type=int, default=1, help="processes that simulate (each needs about 2 GB)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    return parser


def run_command(options: argparse.Namespace, run: Callable[[argparse.Namespace], ModelBundle]) -> int:
    """Run a training of the options of `parser_of`; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        logger.info("wrote %s", run(options).folder)
    except CacnetError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0
