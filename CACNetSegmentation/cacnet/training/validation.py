"""How well a network does on whole held-out cases, in the few numbers that a learning curve needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy import ndimage

from cacnet.inference import Device, predict
from cacnet.prepare import normalise_hu
from cacnet.training.cases import read_case
from cacnet.weights import LoadedModel

THRESHOLD = 0.5


@dataclass(frozen=True)
class ValidationScores:
    """Means over cases (Dice) and sums over cases (lesion counts).

    Attributes:
        calcium_dice, coronary_dice: 0 to 1; nan where neither truth nor prediction has a voxel, or nobody labelled.
        lesions: true lesions; lesions_found: those that the prediction touches.
        false_positives: predicted lesions that touch no true one.
    """

    calcium_dice: float
    coronary_dice: float
    lesions: int
    lesions_found: int
    false_positives: int

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The attributes in order, for table headings."""
        return tuple(entry.name for entry in fields(cls))


def validate(model: LoadedModel, cases: Sequence[Path], device: Device) -> ValidationScores:
    """Predict every case and compare with its labels, before any post-processing."""
    scores = [_validate_case(model, folder, device) for folder in cases]
    dice = np.array([(score.calcium_dice, score.coronary_dice) for score in scores])
    known = ~np.isnan(dice)
    means = np.where(known, dice, 0).sum(0) / np.where(known.any(0), known.sum(0), np.nan)
    return ValidationScores(
        float(means[0]),
        float(means[1]),
        sum(score.lesions for score in scores),
        sum(score.lesions_found for score in scores),
        sum(score.false_positives for score in scores),
    )


def dice_coefficient(predicted: np.ndarray, true: np.ndarray) -> float:
    """2 |P ∩ T| / (|P| + |T|) of two bool masks; nan where both are empty."""
    size = int(predicted.sum()) + int(true.sum())
    return 2 * int((predicted & true).sum()) / size if size else float("nan")


def _validate_case(model: LoadedModel, folder: Path, device: Device) -> ValidationScores:
    case = read_case(folder)
    answer = predict(normalise_hu(np.asarray(case.hu)), model, device)
    calcium, coronary = answer.calcium > THRESHOLD, answer.coronary > THRESHOLD
    true_calcium, true_coronary = np.asarray(case.calcium) > 0, np.asarray(case.coronary) > 0
    calcium_dice, coronary_dice = dice_coefficient(calcium, true_calcium), dice_coefficient(coronary, true_coronary)
    if "coronary" in case.unknown_channels:
        coronary_dice = float("nan")
    if "calcium" in case.unknown_channels:
        return ValidationScores(float("nan"), coronary_dice, 0, 0, 0)
    lesions, found = _lesions_touched(true_calcium, calcium)
    predicted, matched = _lesions_touched(calcium, true_calcium)
    return ValidationScores(
        calcium_dice,
        coronary_dice,
        lesions,
        found,
        predicted - matched,
    )


def _lesions_touched(mask: np.ndarray, by: np.ndarray) -> tuple[int, int]:
    """Number of connected components (26 neighbours) of `mask`, and how many of them `by` touches."""
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    return int(count), len(np.unique(labels[by & mask]))
