"""Training of the wall network: `python -m cacnet.training.walls --model ID --seeds A:B --output RUN_DIR`.

A run is a folder: cases/ (windows of simulated patients with what a run answers), curve.csv, checkpoint.pt, and in the
end model/<id>, the model with its new wall network. It may be stopped at any time and called again, see
cacnet.training.companion.
"""

from __future__ import annotations

import argparse
import copy
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
from cacnet.network import WallConfig, WallNetwork
from cacnet.network.loss import soft_dice_loss
from cacnet.refinement import NothingToRefineByError
from cacnet.refinement.walls import WALL_WINDOW, channels_of
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
from cacnet.training.wall_cases import WallCase, make_wall_case, read_wall_case, write_wall_case
from cacnet.training.window_variation import WindowTrainingConfig, varied
from cacnet.weights import ModelBundle, load_bundle

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WallTrainingConfig(WindowTrainingConfig):
    """How the wall network is trained."""

    total_steps: int = 6000
    network: WallConfig = field(default_factory=WallConfig)


class WallWindows:
    """Draws training windows from cases."""

    def __init__(self, cases: Sequence[WallCase], config: WallTrainingConfig) -> None:
        self.cases, self.config = [case for case in cases if len(case.hu)], config
        if not self.cases:
            raise CompanionTrainingError("no windows to learn from", "cases with windows")

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Input (n, 3, z, y, x), and truth and where it is asked for, both (n, 1, z, y, x), of a step: always the same
        ones for the same step."""
        random = np.random.default_rng((self.config.seed, step))
        drawn = [self._draw(random) for _ in range(self.config.batch)]
        image, truth, asked = (torch.from_numpy(np.stack(parts)) for parts in zip(*drawn, strict=True))
        return image, truth[:, None].float(), asked[:, None].float()

    def _draw(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        case = self.cases[random.integers(len(self.cases))]
        row = int(random.integers(len(case.hu)))
        z, y, x = (
            slice(start, start + size)
            for start, size in (
                (int(random.integers(side - size + 1)), size)
                for side, size in zip(case.hu.shape[1:], WALL_WINDOW, strict=True)
            )
        )
        at = (row, z, y, x)
        hu, blood_hu = varied(case.hu[at].astype(np.float32), case.blood_hu, random, self.config)
        image = channels_of(hu, case.probability[at] / np.float32(255), case.found[at], blood_hu)
        parts = [image, case.true[at], case.near[at]]
        flipped = tuple(axis for axis in (-3, -2, -1) if random.random() < 0.5)
        parts = [np.flip(part, flipped) for part in parts]
        if random.random() < 0.5:
            parts = [part.swapaxes(-2, -1) for part in parts]
        image, truth, asked = map(np.ascontiguousarray, parts)
        return image, truth, asked


class WallTrainer(CompanionTrainer[WallNetwork]):
    """A wall network in training."""

    FIGURES = ("cross_entropy", "dice")

    def __init__(self, config: WallTrainingConfig, device: str = "auto", start: WallNetwork | None = None) -> None:
        """`start` is a network to go on from; raises CompanionTrainingError where it is of another shape."""
        torch.manual_seed(config.seed)
        if start is not None and start.config != config.network:
            raise CompanionTrainingError(
                f"a network to start from with {start.config}", f"one with {config.network}", "Start from another model"
            )
        network = WallNetwork(config.network) if start is None else copy.deepcopy(start)
        super().__init__(network.train(), config, device)

    def loss(self, image: torch.Tensor, *truth: torch.Tensor) -> tuple[torch.Tensor, tuple[float, ...]]:
        """Mean cross-entropy and Dice loss, both where the network is asked; told are the mean and the Dice."""
        artery, asked = truth
        with precision_context(self.device):
            logits = self.network(image)
        logits = logits.float()
        entropy = F.binary_cross_entropy_with_logits(logits, artery, reduction="none")
        mean = (entropy * asked).sum() / asked.sum().clamp(min=1)
        dice_loss = soft_dice_loss(torch.sigmoid(logits) * asked, artery * asked)
        return mean + dice_loss, (mean.item(), 1 - dice_loss.item())


def _make_case(seed: int, model: str, folder: Path) -> None:
    started = time.perf_counter()
    try:
        case = make_wall_case(seed, load_bundle(model), choose_device("auto"))
    except NothingToRefineByError as error:
        logger.info("seed %d is left out: %s", seed, error)
        return
    write_wall_case(case_file(folder, seed), case)
    logger.info("seed %d: %d windows; %.0f s", seed, len(case.hu), time.perf_counter() - started)


def train_walls(
    cases: Sequence[Path],
    output: Path,
    config: WallTrainingConfig,
    device: str = "auto",
    max_minutes: float = math.inf,
    start: WallNetwork | None = None,
) -> WallTrainer:
    """Train on cases until `total_steps` or `max_minutes`.

    Goes on from the checkpoint in `output`, if there is one, and otherwise from the network `start`, if one is given.
    All cases are kept in memory: about 36 MB for each.
    """
    trainer = WallTrainer(config, device, start)
    train(trainer, WallWindows([read_wall_case(path) for path in cases], config).batch, output, max_minutes)
    return trainer


def _run(options: argparse.Namespace) -> ModelBundle:
    config, seeds = WallTrainingConfig(total_steps=options.steps), parse_seed_ranges(options.seeds)
    return run_training(options, "walls", config, seeds, _make_case, train_walls, ("borders", "context"))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = parser_of("Train the wall network of a model.", WallTrainingConfig.total_steps)
    return run_command(parser.parse_args(arguments), _run)


if __name__ == "__main__":
    raise SystemExit(main())
