"""A trained network on whole held-out cases: voxel agreement before and after the post-processing of the product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from cacnet.errors import OutOfMemoryError
from cacnet.evaluation.metrics import Overlap, overlap
from cacnet.inference import Device, predict
from cacnet.network import NetworkConfig
from cacnet.postprocessing import DEFAULT_SETTINGS, clean
from cacnet.prepare import MODEL_SPACING_MM, normalise_hu
from cacnet.training.cases import Case, CaseError, read_case
from cacnet.volume import Geometry
from cacnet.weights import InputContract, LoadedModel, ModelCard
from torch import nn

FIGURES = ("calcium_se", "calcium_pe", "calcium_dice", "cleaned_se", "cleaned_pe", "cleaned_dice", "coronary_dice")
"""What is measured of a case; null where it is not defined."""

LARGEST_WIDTHS = (64, 64, 128, 256, 256)
"""Of the networks compared, about."""

UNLIMITED_BYTES = 1 << 60
"""Tiles are not made smaller on a guess: the same tiles for all, or an error."""


class _AsPredicted(nn.Module):
    """Any network, with what `cacnet.inference.predict` asks a CACNet for."""

    def __init__(self, network: nn.Module, classes: int) -> None:
        super().__init__()
        self.network = network
        self.config = NetworkConfig(widths=LARGEST_WIDTHS, classes=classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.network(image)

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())


def score_case(network: nn.Module, classes: int, folder: Path, tile: int, device: Device) -> dict[str, float | None]:
    """FIGURES of one case, predicted in tiles of the size trained on.

    Raises CaseError where a label is not known, OutOfMemoryError where smaller tiles would have to be taken.
    """
    case = read_case(folder)
    if case.unknown_channels:
        raise CaseError(f"'{case.name}' has no {' and no '.join(case.unknown_channels)}", "a fully labelled case")
    model = LoadedModel(_AsPredicted(network, classes), _card(classes, tile))
    answer = predict(normalise_hu(np.asarray(case.hu)), model, device, memory_budget_bytes=UNLIMITED_BYTES)
    if answer.notes:
        raise OutOfMemoryError(answer.notes[-1], f"tiles of {tile} voxels on {device.name}", "Close other programs")
    true_calcium, true_coronary = np.asarray(case.calcium) > 0, np.asarray(case.coronary) > 0
    figures = _figures("calcium", overlap(answer.calcium >= DEFAULT_SETTINGS.threshold, true_calcium))
    if classes == 2:  # the post-processing compares calcium with the arteries, which a network of one class has not
        calcium, _ = clean(answer.calcium, answer.coronary, _geometry(case))
        coronary = answer.coronary >= DEFAULT_SETTINGS.threshold
        figures |= _figures("cleaned", overlap(calcium.dense(), true_calcium))
        figures["coronary_dice"] = overlap(coronary, true_coronary).dice
    return {name: figures.get(name) for name in FIGURES}


def _figures(name: str, agreement: Overlap) -> dict[str, float | None]:
    return {
        f"{name}_se": agreement.sensitivity,
        f"{name}_pe": agreement.precision,
        f"{name}_dice": agreement.dice,
    }


def _geometry(case: Case) -> Geometry:
    origin = case.record.get("origin_mm_lps", (0.0, 0.0, 0.0))
    return Geometry(case.hu.shape, (MODEL_SPACING_MM,) * 3, tuple(origin))


def _card(classes: int, tile: int) -> ModelCard:
    network = NetworkConfig(widths=LARGEST_WIDTHS, classes=classes)
    return ModelCard(id="compared", name="compared", network=network, input=InputContract(tile_voxels=tile))
