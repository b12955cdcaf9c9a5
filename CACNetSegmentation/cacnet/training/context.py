"""Training of the context network: `python -m cacnet.training.context --model ID --seeds A:B --output RUN_DIR`.

A run is a folder: cases/ (simulated hearts with CAC-Net's answers), curve.csv, checkpoint.pt, and in the end
model/<id>, the model with its new context network. It may be stopped at any time and called again, see
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

from cacnet.heart_context import channels_of
from cacnet.inference import choose_device, precision_context
from cacnet.network.context import OUTPUTS, ContextConfig, ContextNetwork
from cacnet.phantom.devices import Distractor
from cacnet.training.companion import (
    CompanionConfig,
    CompanionTrainer,
    CompanionTrainingError,
    case_file,
    parser_of,
    run_command,
    run_training,
    train,
)
from cacnet.training.context_cases import ContextCase, make_context_case, read_context_case, write_context_case
from cacnet.training.make_cases import parse_seed_ranges
from cacnet.weights import ModelBundle, load_bundle

NOT_PLAQUE = tuple(
    sort for sort in Distractor if sort not in (Distractor.NONE, Distractor.VEIN, Distractor.DENSE_CONTRAST)
)
"""Dense things of which a voxel is no coronary calcium, unless calcium touches it. Contrast fills half a heart."""

FEWEST_CANDIDATES = 300
"""A patient in whom CAC-Net marks fewer coarse voxels as artery shows nothing."""

SURE, DOUBTFUL = 0.2, 0.1
"""CAC-Net's coronary and calcium probabilities from which a voxel is a candidate, about which the loss asks most."""

FEWEST_WEIGHT = 200.0
"""A patient without candidates of a kind weighs less in the mean of that kind."""

AIR = 1024
"""Added to HU, so that what lies outside a case, sampled as 0, is air."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ContextTrainingConfig(CompanionConfig):
    """How the context network is trained.

    Attributes:
        crop_voxels: edge of what is shown of a heart, in voxels of 1 mm.
        away_voxels: standard deviation of the crop's middle from a voxel that CAC-Net takes for artery.
        zoom, stretch: standard deviation of the logarithm of the size, of the whole and of each axis.
        rotation_deg: standard deviation of each of three turns.
        noise, noise_hu: how often noise is added, and the range of its standard deviation.
        reshade: how often CAC-Net's answers are made steeper or flatter, as another network's are.
        hide_calcium: how often its calcium is hidden.
        blood: standard deviation of the logarithm of an error of the measured blood.
    """

    total_steps: int = 4000
    network: ContextConfig = field(default_factory=ContextConfig)
    crop_voxels: int = 112
    away_voxels: float = 18.0
    zoom: float = 0.06
    stretch: float = 0.03
    rotation_deg: float = 7.0
    noise: float = 0.4
    noise_hu: tuple[float, float] = (3.0, 20.0)
    reshade: float = 0.5
    hide_calcium: float = 0.15
    blood: float = 0.05


class Hearts:
    """Draws training examples from cases: parts of hearts, turned and stretched a little."""

    def __init__(self, cases: Sequence[ContextCase], config: ContextTrainingConfig) -> None:
        self.config = config
        self.cases = [case for case in cases if np.count_nonzero(_candidates(case)) >= FEWEST_CANDIDATES]
        if not self.cases:
            raise CompanionTrainingError("no hearts to learn from", "cases in which CAC-Net found arteries")
        self.middles = [np.argwhere(_candidates(case)).astype(np.int16) for case in self.cases]
        self.blood_hu = [case.blood_hu for case in self.cases]

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Input, truth and weight, each (1, 4, z, y, x), of a step: always the same ones for the same step."""
        random = np.random.default_rng((self.config.seed, step))
        number = int(random.integers(len(self.cases)))
        case, middles = self.cases[number], self.middles[number]
        shown, truth = self._sampled(case, middles[random.integers(len(middles))].astype(float), random)
        image = self._varied(shown, self.blood_hu[number], random)
        target, weight = target_and_weight(shown[2:], truth)
        return torch.from_numpy(image)[None], target[None], weight[None]

    def _sampled(
        self, case: ContextCase, middle: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, torch.Tensor]:
        """Both CT channels and both answers (4, z, y, x), and the truth (4, z, y, x) in the order of OUTPUTS."""
        config, size = self.config, self.config.crop_voxels
        sides = np.array(case.coronary.shape)
        nearest_to_edge = np.minimum(0.4 * size, sides / 2)
        middle = np.clip(middle + random.normal(0, config.away_voxels, 3), nearest_to_edge, sides - nearest_to_edge)
        scale = np.exp(random.normal(0, config.zoom) + random.normal(0, config.stretch, 3))
        turn = _rotation(np.deg2rad(random.normal(0, config.rotation_deg, 3))) * scale
        axis = torch.arange(size) - (size - 1) / 2
        at = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1) @ torch.from_numpy(turn.T).float()
        low, high = (np.ceil(middle + sign * size * np.abs(turn).sum(1) / 2).astype(int) for sign in (-1, 1))
        box = tuple(slice(a, b) for a, b in zip(np.maximum(low - 1, 0), np.minimum(high + 1, sides), strict=True))
        part = torch.tensor([side.stop - side.start for side in box], dtype=torch.float32)
        first = torch.tensor([side.start for side in box], dtype=torch.float32)
        at = (2 * (at + torch.from_numpy(middle).float() - first + 0.5) / part - 1).flip(-1)[None]
        shown = [case.mean_hu[box] + AIR, case.highest_hu[box] + AIR]
        shown += [case.coronary_probability[box], case.calcium_probability[box]]
        vein = (case.distractor[box] == Distractor.VEIN) & ~case.coronary[box]
        truth = [case.coronary[box], vein, case.calcium[box], np.isin(case.distractor[box], NOT_PLAQUE)]
        images = F.grid_sample(_stacked(shown), at, mode="bilinear", align_corners=False)[0].numpy()
        labels = F.grid_sample(_stacked(truth), at, mode="nearest", align_corners=False)[0]
        images[:2] -= AIR
        images[2:] /= 255
        return images, labels

    def _varied(self, shown: np.ndarray, blood_hu: float, random: np.random.Generator) -> np.ndarray:
        config = self.config
        mean_hu, highest_hu, coronary, calcium = shown
        if random.random() < config.noise:
            noise = random.standard_normal(mean_hu.shape, np.float32) * np.float32(random.uniform(*config.noise_hu))
            mean_hu, highest_hu = mean_hu + noise, highest_hu + np.abs(noise)
        if random.random() < config.reshade:
            power = np.float32(random.uniform(0.5, 2.0))
            coronary, calcium = coronary**power, calcium**power
        if random.random() < config.hide_calcium:
            calcium = np.zeros_like(calcium)
        return channels_of(mean_hu, highest_hu, coronary, calcium, blood_hu * math.exp(random.normal(0, config.blood)))


def target_and_weight(answers: np.ndarray, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What the network should say (0 or 1), and how much each voxel counts, (4, z, y, x) in the order of OUTPUTS.

    A voxel beside an artery counts as artery, since the network is asked what CAC-Net's answer belongs to and not where
    the border is; beside a plaque likewise. What CAC-Net takes for artery or calcium counts most.

    Args:
        answers: CAC-Net's coronary and calcium probabilities, (2, z, y, x).
        truth: (4, z, y, x) float, 1 for what truly is one of OUTPUTS.
    """
    beside = F.max_pool3d(truth[:, None], 3, stride=1, padding=1)[:, 0]
    target = torch.stack([beside[0], truth[1] * (1 - truth[0]), beside[2], beside[3] * (1 - beside[2])])
    artery, calcium = (torch.from_numpy(answers[i] >= least).float() for i, least in enumerate((SURE, DOUBTFUL)))
    weight = torch.stack(
        [
            artery + 0.02,
            torch.maximum(artery, truth[1]) + 0.02,
            calcium + 0.2 * beside[2] + 0.002,
            calcium + 0.1 * beside[3] + 0.002,
        ]
    )
    return target, weight


class ContextTrainer(CompanionTrainer[ContextNetwork]):
    """A context network in training."""

    FIGURES = OUTPUTS

    def __init__(
        self, config: ContextTrainingConfig, device: str = "auto", start: ContextNetwork | None = None
    ) -> None:
        """`start` is a network to go on from; raises CompanionTrainingError where it is of another shape."""
        torch.manual_seed(config.seed)
        if start is not None and start.config != config.network:
            raise CompanionTrainingError(
                f"a network to start from with {start.config}", f"one with {config.network}", "Start from another model"
            )
        network = ContextNetwork(config.network) if start is None else copy.deepcopy(start)
        super().__init__(network.train(), config, device)

    def loss(self, image: torch.Tensor, *truth: torch.Tensor) -> tuple[torch.Tensor, tuple[float, ...]]:
        """Sum over the outputs of the weighted mean cross-entropy, and each of them."""
        target, weight = truth
        with precision_context(self.device):
            logits = self.network(image)
        entropy = F.binary_cross_entropy_with_logits(logits.float(), target, reduction="none") * weight
        axes = (0, 2, 3, 4)
        parts = entropy.sum(axes) / weight.sum(axes).clamp(min=FEWEST_WEIGHT)
        return parts.sum(), tuple(parts.tolist())


def _make_case(seed: int, model: str, folder: Path) -> None:
    started = time.perf_counter()
    write_context_case(case_file(folder, seed), make_context_case(seed, load_bundle(model), choose_device("auto")))
    logger.info("seed %d: %.0f s", seed, time.perf_counter() - started)


def train_context(
    cases: Sequence[Path],
    output: Path,
    config: ContextTrainingConfig,
    device: str = "auto",
    max_minutes: float = math.inf,
    start: ContextNetwork | None = None,
) -> ContextTrainer:
    """Train on cases until `total_steps` or `max_minutes`.

    Goes on from the checkpoint in `output`, if there is one, and otherwise from the network `start`, if one is given.
    All cases are kept in memory: about 40 MB for each.
    """
    trainer = ContextTrainer(config, device, start)
    train(trainer, Hearts([read_context_case(path) for path in cases], config).batch, output, max_minutes)
    return trainer


def _candidates(case: ContextCase) -> np.ndarray:
    return case.coronary_probability >= 128


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Turns about the three axes, one after the other."""
    whole = np.eye(3)
    for angle, (i, j) in zip(angles, ((0, 1), (0, 2), (1, 2)), strict=True):
        turn = np.eye(3)
        turn[[i, j], [i, j]] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        whole = whole @ turn
    return whole


def _stacked(arrays: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack([array.astype(np.float32) for array in arrays]))[None]


def _run(options: argparse.Namespace) -> ModelBundle:
    config, seeds = ContextTrainingConfig(total_steps=options.steps), parse_seed_ranges(options.seeds)
    return run_training(options, "context", config, seeds, _make_case, train_context)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = parser_of("Train the context network of a model.", ContextTrainingConfig.total_steps)
    return run_command(parser.parse_args(arguments), _run)


if __name__ == "__main__":
    raise SystemExit(main())
