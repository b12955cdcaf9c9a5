"""Figures that compare a result with its truth. What is not defined for a case is None, never 0 or 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

BOOTSTRAP_SAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Overlap:
    """Voxel agreement of two masks (CAC-Net paper, section 3.2): SE = TP/(TP+FN), PE = TP/(TP+FP), Dice."""

    true_positive: int
    false_positive: int
    false_negative: int

    @property
    def sensitivity(self) -> float | None:
        """None where the truth is empty."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def precision(self) -> float | None:
        """None where the result is empty."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def dice(self) -> float | None:
        """None where both are empty."""
        return _ratio(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)


@dataclass(frozen=True)
class LesionMatch:
    """Lesions found and missed, by orCaScore's rule: 6-connected components, label-independent.

    Attributes:
        true_lesions: components of the truth.
        found: those of them that the result touches.
        false_positives: components of the result that touch no truth.
    """

    true_lesions: int
    found: int
    false_positives: int

    @property
    def sensitivity(self) -> float | None:
        """None where there is no true lesion."""
        return _ratio(self.found, self.true_lesions)


def overlap(result: np.ndarray, truth: np.ndarray) -> Overlap:
    """Voxel counts of two bool masks of one shape."""
    both = int(np.count_nonzero(result & truth))
    return Overlap(both, int(np.count_nonzero(result)) - both, int(np.count_nonzero(truth)) - both)


def match_lesions(
    result: np.ndarray, truth: np.ndarray, voxel_volume_mm3: float, minimum_mm3: float = 0.0
) -> LesionMatch:
    """Match the components of two bool masks; true components smaller than `minimum_mm3` are neither asked for nor
    counted against what touches them."""
    true_labels, true_count = ndimage.label(truth)
    result_labels, result_count = ndimage.label(result)
    volume_mm3 = np.bincount(true_labels.ravel(), minlength=true_count + 1) * voxel_volume_mm3
    asked_for = volume_mm3 >= minimum_mm3
    asked_for[0] = False
    touched = np.zeros(true_count + 1, bool)
    touched[np.unique(true_labels[result])] = True
    touching = np.zeros(result_count + 1, bool)
    touching[np.unique(result_labels[truth])] = True
    touching[0] = False
    return LesionMatch(
        true_lesions=int(asked_for.sum()),
        found=int((asked_for & touched).sum()),
        false_positives=result_count - int(touching.sum()),
    )


def mean_with_interval(values: Sequence[float | None], seed: int = 0) -> tuple[float, float, float] | None:
    """Mean over the cases where a figure is defined, with its bootstrap percentile interval; None without any."""
    defined = np.array([value for value in values if value is not None], float)
    if defined.size == 0:
        return None
    draws = np.random.default_rng(seed).integers(0, defined.size, (BOOTSTRAP_SAMPLES, defined.size))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(defined[draws].mean(1), [tail, 100 - tail])
    return float(defined.mean()), float(low), float(high)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
