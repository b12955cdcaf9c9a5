"""Training of the border network: `python -m cacnet.training.borders --model ID --seeds A:B --output RUN_DIR`.

A run is a folder: cases/ (windows of simulated patients with CAC-Net's answers), curve.csv, checkpoint.pt, and in the
end model/<id>, the model with its new border network. It may be stopped at any time and called again: cases that are
there are kept, and training goes on from the last checkpoint with the windows that would have come next.
"""

from __future__ import annotations

import argparse
import copy
import logging
import math
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from cacnet.errors import CacnetError
from cacnet.inference import choose_device, precision_context
from cacnet.network import BorderConfig, BorderNetwork
from cacnet.network.border import grown
from cacnet.network.loss import soft_dice_loss
from cacnet.phantom.patient import draw_patient
from cacnet.pipeline import DEFAULT_MODEL
from cacnet.refinement import NothingToRefineByError
from cacnet.refinement.windows import WINDOW_VOXELS, channels_of
from cacnet.training.border_cases import KINDS, BorderCase, make_border_case, read_border_case, write_border_case
from cacnet.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from cacnet.training.curves import CURVE_FILE, append_row, keep_rows
from cacnet.training.make_cases import end_with_parent, parse_seeds
from cacnet.training.trainer import LOWEST_SHARE_OF_RATE, TrainingDivergedError, training_device
from cacnet.weights import ModelBundle, load_bundle, save_bundle

SAVE_STEPS, LOG_STEPS = 200, 100
COLUMNS = ("step", "cross_entropy", "dice", "learning_rate", "seconds_per_step")
HEAVY_BURDEN = 0.7
"""Patients with this much calcium are worth a simulation."""
WITHOUT = 12
"""And every so many others, for what is there instead of calcium."""

logger = logging.getLogger(__name__)


class BorderTrainingError(CacnetError):
    """A run of the border network that makes no sense."""


@dataclass(frozen=True)
class BorderTrainingConfig:
    """How the border network is trained.

    Attributes:
        shares: how often a window is of each of KINDS.
        hide_answer: how often CAC-Net's calcium is hidden, so that the network also judges the CT by itself.
        hardest_fraction: share of voxels that the cross-entropy is the mean of, those of greatest loss.
        contrast, contrast_range: how often, and by what, all contrast is multiplied: another bolus, another kVp.
        blood_hu: standard deviation of an error of the measured blood, for as many windows.
        noise, noise_hu: how often noise is added, and its standard deviation.
    """

    network: BorderConfig = field(default_factory=BorderConfig)
    shares: tuple[float, ...] = (0.16, 0.22, 0.12, 0.03, 0.11, 0.14, 0.14, 0.08)
    hide_answer: float = 0.35
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup_steps: int = 100
    total_steps: int = 3500
    batch: int = 8
    gradient_limit: float = 2.0
    ema_decay: float = 0.998
    hardest_fraction: float = 0.03
    contrast: float = 0.6
    contrast_range: tuple[float, float] = (0.85, 1.18)
    blood_hu: float = 12.0
    noise: float = 0.25
    noise_hu: tuple[float, float] = (3.0, 30.0)
    seed: int = 0


class Windows:
    """Draws training windows from cases."""

    def __init__(self, cases: Sequence[BorderCase], config: BorderTrainingConfig) -> None:
        self.cases, self.config = cases, config
        self.of_kind = [
            [(case, row) for case in cases for row in np.flatnonzero(case.kind == kind).tolist()]
            for kind in range(len(KINDS))
        ]
        shares = np.array([share if rows else 0.0 for share, rows in zip(config.shares, self.of_kind, strict=True)])
        if shares.sum() == 0:
            raise BorderTrainingError("no windows to learn from", "cases with windows")
        self.shares = shares / shares.sum()

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Input (n, 3, z, y, x) and truth (n, 1, z, y, x) of a step: always the same ones for the same step."""
        random = np.random.default_rng((self.config.seed, step))
        drawn = [self._draw(random) for _ in range(self.config.batch)]
        image, truth = (np.stack(parts) for parts in zip(*drawn, strict=True))
        return torch.from_numpy(image), torch.from_numpy(truth)[:, None].float()

    def _draw(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        rows = self.of_kind[int(random.choice(len(KINDS), p=self.shares))]
        case, row = rows[random.integers(len(rows))]
        box = tuple(
            slice(start, start + size)
            for size, start in zip(WINDOW_VOXELS, map(int, self._start(case.hu.shape[1:], random)), strict=True)
        )
        hu, blood_hu = self._varied(case.hu[row][box].astype(np.float32), case.blood_hu, random)
        calcium, coronary = (
            _reshaded(probability[row][box] / np.float32(255), random)
            for probability in (case.calcium_probability, case.coronary_probability)
        )
        if random.random() < self.config.hide_answer:
            calcium = np.zeros_like(calcium)
        image = channels_of(hu, calcium, coronary, blood_hu)
        truth = case.calcium[row][box]
        flipped = tuple(axis for axis in range(3) if random.random() < 0.5)
        image, truth = np.flip(image, tuple(axis + 1 for axis in flipped)), np.flip(truth, flipped)
        if random.random() < 0.5:
            image, truth = image.swapaxes(2, 3), truth.swapaxes(1, 2)
        return np.ascontiguousarray(image), np.ascontiguousarray(truth)

    @staticmethod
    def _start(sides: Sequence[int], random: np.random.Generator) -> list[float]:
        """The middle mostly, and as far off it as there is room."""
        room = [side - size for side, size in zip(sides, WINDOW_VOXELS, strict=True)]
        return [float(np.clip(random.normal(most / 2, most / 4), 0, most)) for most in room]

    def _varied(self, hu: np.ndarray, blood_hu: float, random: np.random.Generator) -> tuple[np.ndarray, float]:
        config = self.config
        if random.random() < config.contrast:
            gain = random.uniform(*config.contrast_range)
            hu, blood_hu = hu * np.float32(gain), blood_hu * gain
        if random.random() < config.contrast:
            blood_hu += random.normal(0, config.blood_hu)
        if random.random() < config.noise:
            noise = ndimage.gaussian_filter(random.standard_normal(hu.shape, np.float32), random.uniform(0.3, 0.9))
            hu = hu + noise * np.float32(random.uniform(*config.noise_hu) / noise.std())
        return hu, blood_hu


def _reshaded(probability: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Another network's answers are steeper or flatter."""
    return probability ** np.float32(random.uniform(0.5, 2.0)) if random.random() < 0.4 else probability


class BorderTrainer:
    """A border network in training."""

    PARTS = ("network", "average", "optimiser")

    def __init__(self, config: BorderTrainingConfig, device: str = "auto", start: BorderNetwork | None = None) -> None:
        """`start` is a network to go on from. Raises NetworkConfigError where it is wider than the new one."""
        torch.manual_seed(config.seed)
        self.config, self.device, self.step = config, training_device(device, "auto"), 0
        self.network = BorderNetwork(config.network) if start is None else grown(start, config.network)
        self.network.to(self.device.name)
        self.network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    @property
    def learning_rate(self) -> float:
        """Of this step: up over the warm-up, then linearly down."""
        config = self.config
        left = 1 - self.step / config.total_steps
        rise = min(1.0, (self.step + 1) / max(1, config.warmup_steps))
        return config.learning_rate * rise * (LOWEST_SHARE_OF_RATE + (1 - LOWEST_SHARE_OF_RATE) * left)

    def train_step(self, image: torch.Tensor, truth: torch.Tensor) -> tuple[float, float]:
        """One batch; returns cross-entropy and Dice. Raises TrainingDivergedError."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate
        image = image.to(self.device.name).contiguous(memory_format=torch.channels_last_3d)
        truth = truth.to(self.device.name)
        with precision_context(self.device):
            logits = self.network(image)
        logits = logits.float()
        entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").flatten()
        hardest = entropy.topk(
            max(1, round(self.config.hardest_fraction * entropy.numel())), sorted=False
        ).values.mean()
        dice_loss = soft_dice_loss(torch.sigmoid(logits), truth)
        loss = hardest + dice_loss
        if not math.isfinite(loss.item()):
            raise TrainingDivergedError(f"the loss at step {self.step} is {loss.item()}", "a finite loss")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_limit)
        self.optimiser.step()
        self.step += 1
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mine, theirs in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mine.lerp_(theirs, 1 - decay)
        return hardest.item(), 1 - dice_loss.item()

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


def chosen_seeds(seeds: range) -> list[int]:
    """The patients of a range that are worth their simulation: those with much calcium, and some without."""
    return [seed for seed in seeds if draw_patient(seed).calcium_burden > HEAVY_BURDEN or seed % WITHOUT == 0]


def make_border_cases(seeds: Sequence[int], model: str, folder: Path, workers: int = 1) -> None:
    """Simulate the patients that are not there yet; one without lumen is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in seeds if not _case_file(folder, seed).exists()]
    make = partial(_make_case, model=model, folder=folder)
    if workers <= 1:
        for seed in missing:
            make(seed)
        return
    with ProcessPoolExecutor(workers, initializer=end_with_parent) as pool:
        for _ in pool.map(make, missing):
            pass


def _case_file(folder: Path, seed: int) -> Path:
    return folder / f"seed-{seed:06d}.npz"


def _make_case(seed: int, model: str, folder: Path) -> None:
    started = time.perf_counter()
    try:
        case = make_border_case(seed, load_bundle(model), choose_device("auto"))
    except NothingToRefineByError as error:
        logger.info("seed %d is left out: %s", seed, error)
        return
    write_border_case(_case_file(folder, seed), case)
    counts = np.bincount(case.kind, minlength=len(KINDS)).tolist()
    told = ", ".join(f"{count} {kind}" for count, kind in zip(counts, KINDS, strict=True))
    logger.info("seed %d: windows on %s; %.0f s", seed, told, time.perf_counter() - started)


def train_borders(
    cases: Sequence[Path],
    output: Path,
    config: BorderTrainingConfig,
    device: str = "auto",
    max_minutes: float = math.inf,
    start: BorderNetwork | None = None,
) -> BorderTrainer:
    """Train on cases until `total_steps` or `max_minutes`.

    Goes on from the checkpoint in `output`, if there is one, and otherwise from the network `start`, if one is given.
    """
    trainer = BorderTrainer(config, device, start)
    state = load_checkpoint(output)
    if state is not None:
        trainer.restore(state)
    output.mkdir(parents=True, exist_ok=True)
    keep_rows(output / CURVE_FILE, COLUMNS, trainer.step)
    windows = Windows([read_border_case(path) for path in cases], config)
    end = time.monotonic() + 60 * max_minutes
    started, figures = time.monotonic(), []
    while trainer.step < config.total_steps and time.monotonic() < end:
        figures.append(trainer.train_step(*windows.batch(trainer.step)))
        if trainer.step % LOG_STEPS == 0:
            entropy, dice = np.mean(figures, axis=0)
            seconds = (time.monotonic() - started) / len(figures)
            append_row(output / CURVE_FILE, (trainer.step, entropy, dice, trainer.learning_rate, seconds))
            logger.info("step %d: cross-entropy %.3f, Dice %.3f, %.2f s a step", trainer.step, entropy, dice, seconds)
            started, figures = time.monotonic(), []
        if trainer.step % SAVE_STEPS == 0:
            save_checkpoint(output, trainer.state())
    save_checkpoint(output, trainer.state())
    return trainer


def with_borders(
    model: str, borders: BorderNetwork, folder: Path, record: Mapping[str, Any], model_id: str | None = None
) -> ModelBundle:
    """Write a model with another border network to `folder`, and how that was trained into its card."""
    loaded = load_bundle(model)
    card = replace(
        loaded.card, id=model_id or loaded.card.id, training={**loaded.card.training, "borders": dict(record)}
    )
    return save_bundle(loaded.network, card, folder, borders.cpu())


def _require_unseen(seeds: Sequence[int], model: str) -> None:
    seen = sorted(set(seeds) & set(load_bundle(model).card.training.get("seeds", ())))
    if seen:
        raise BorderTrainingError(
            f"the model '{model}' has learned from {len(seen)} of these patients, as from seed {seen[0]}",
            "patients that it has not seen: it misses less on those that it has",
            "Choose other seeds",
        )


def _borders_of(model: str) -> BorderNetwork:
    borders = load_bundle(model).borders
    if borders is None:
        raise BorderTrainingError(
            f"the model '{model}' has no border network", "one that has", "Start from another model"
        )
    return borders


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the border network of a model. Research use only.")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="id or folder of the model whose answers it sees")
    parser.add_argument("--seeds", required=True, help="A:B, B excluded; patients with much calcium are taken from it")
    parser.add_argument("--output", required=True, type=Path, help="the run's folder")
    parser.add_argument("--init", help="id or folder of a model whose border network is trained further")
    parser.add_argument("--model-id", help="id of the written model; that of --model by default")
    parser.add_argument("--steps", type=int, default=BorderTrainingConfig.total_steps)
    parser.add_argument("--max-minutes", type=float, default=math.inf, help="of training, after the cases are there")
    parser.add_argument("--workers", type=int, default=1, help="processes that simulate (each needs about 2 GB)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if options.threads:
        torch.set_num_threads(options.threads)
    config = BorderTrainingConfig(total_steps=options.steps)
    try:
        seeds = chosen_seeds(parse_seeds(options.seeds))
        _require_unseen(seeds, options.model)
        folder = options.output / "cases"
        make_border_cases(seeds, options.model, folder, options.workers)
        cases = [path for seed in seeds if (path := _case_file(folder, seed)).exists()]
        start = _borders_of(options.init) if options.init else None
        trainer = train_borders(cases, options.output, config, options.device, options.max_minutes, start)
        record = {
            "config": asdict(config),
            "steps": trainer.step,
            "seeds": [int(path.stem.removeprefix("seed-")) for path in cases],
            "answers_of": load_bundle(options.model).card.id,
            "initialised_from": load_bundle(options.init).card.id if options.init else None,
        }
        bundle = with_borders(options.model, trainer.average, options.output / "model", record, options.model_id)
        logger.info("wrote %s", bundle.folder)
    except CacnetError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
