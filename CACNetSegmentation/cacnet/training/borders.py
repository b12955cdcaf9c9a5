"""Training of the border network: `python -m cacnet.training.borders --model ID --seeds A:B --output RUN_DIR`.

A run is a folder: cases/ (windows of simulated patients with CAC-Net's answers), curve.csv, checkpoint.pt, and in the
end model/<id>, the model with its new border network. It may be stopped at any time and called again, see
cacnet.training.companion.
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from cacnet.inference import choose_device, precision_context
from cacnet.network import BorderConfig, BorderNetwork
from cacnet.network.border import grown
from cacnet.network.loss import soft_dice_loss
from cacnet.phantom.patient import draw_patient
from cacnet.refinement import NothingToRefineByError
from cacnet.refinement.windows import WINDOW_VOXELS, channels_of
from cacnet.training.border_cases import KINDS, BorderCase, make_border_case, read_border_case, write_border_case
from cacnet.training.companion import (
    CompanionTrainer,
    CompanionTrainingError,
    case_file,
    parser_of,
    run_command,
    run_training,
    train,
)
from cacnet.training.make_cases import parse_seed_ranges
from cacnet.training.window_variation import WindowTrainingConfig, varied
from cacnet.weights import ModelBundle, load_bundle

HEAVY_BURDEN = 0.7
"""Patients with this much calcium are worth a simulation."""
WITHOUT = 12
"""And every so many others, for what is there instead of calcium."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BorderTrainingConfig(WindowTrainingConfig):
    """How the border network is trained.

    Attributes:
        shares: how often a window is of each of KINDS.
        hide_answer: how often CAC-Net's calcium is hidden, so that the network also judges the CT by itself.
        hardest_fraction: share of voxels that the cross-entropy is the mean of, those of greatest loss.
    """

    network: BorderConfig = field(default_factory=BorderConfig)
    shares: tuple[float, ...] = (0.16, 0.22, 0.12, 0.03, 0.11, 0.14, 0.14, 0.08)
    hide_answer: float = 0.35
    hardest_fraction: float = 0.03


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
            raise CompanionTrainingError("no windows to learn from", "cases with windows")
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
        hu, blood_hu = varied(case.hu[row][box].astype(np.float32), case.blood_hu, random, self.config)
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


def _reshaded(probability: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Another network's answers are steeper or flatter."""
    return probability ** np.float32(random.uniform(0.5, 2.0)) if random.random() < 0.4 else probability


class BorderTrainer(CompanionTrainer[BorderNetwork]):
    """A border network in training."""

    FIGURES = ("cross_entropy", "dice")

    def __init__(self, config: BorderTrainingConfig, device: str = "auto", start: BorderNetwork | None = None) -> None:
        """`start` is a network to go on from. Raises NetworkConfigError where it is wider than the new one."""
        torch.manual_seed(config.seed)
        network = BorderNetwork(config.network) if start is None else grown(start, config.network)
        super().__init__(network, config, device)
        self.hardest_fraction = config.hardest_fraction

    def loss(self, image: torch.Tensor, *truth: torch.Tensor) -> tuple[torch.Tensor, tuple[float, ...]]:
        """Mean cross-entropy of the hardest voxels and Dice loss; told are that mean and the Dice coefficient."""
        (calcium,) = truth
        with precision_context(self.device):
            logits = self.network(image)
        logits = logits.float()
        entropy = F.binary_cross_entropy_with_logits(logits, calcium, reduction="none").flatten()
        hardest = entropy.topk(max(1, round(self.hardest_fraction * entropy.numel())), sorted=False).values.mean()
        dice_loss = soft_dice_loss(torch.sigmoid(logits), calcium)
        return hardest + dice_loss, (hardest.item(), 1 - dice_loss.item())


def chosen_seeds(seeds: Sequence[int]) -> list[int]:
    """The patients of a range that are worth their simulation: those with much calcium, and some without."""
    return [seed for seed in seeds if draw_patient(seed).calcium_burden > HEAVY_BURDEN or seed % WITHOUT == 0]


def _make_case(seed: int, model: str, folder: Path) -> None:
    started = time.perf_counter()
    try:
        case = make_border_case(seed, load_bundle(model), choose_device("auto"))
    except NothingToRefineByError as error:
        logger.info("seed %d is left out: %s", seed, error)
        return
    write_border_case(case_file(folder, seed), case)
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
    train(trainer, Windows([read_border_case(path) for path in cases], config).batch, output, max_minutes)
    return trainer


def _run(options: argparse.Namespace) -> ModelBundle:
    config, seeds = BorderTrainingConfig(total_steps=options.steps), chosen_seeds(parse_seed_ranges(options.seeds))
    return run_training(options, "borders", config, seeds, _make_case, train_borders)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = parser_of("Train the border network of a model.", BorderTrainingConfig.total_steps)
    return run_command(parser.parse_args(arguments), _run)


if __name__ == "__main__":
    raise SystemExit(main())
