"""Voxel agreement of a result with its truth. What is not defined for a case is None, never 0 or 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Overlap:
    """Voxel agreement of two masks (CAC-Net paper, section 3.2): SE = TP/(TP+FN), PE = TP/(TP+FP), Dice."""

    true_positive: int
    false_positive: int
    false_negative: int

    @property
    def sensitivity(self) -> float | None:
        """SE; None where the truth is empty."""
        return share(self.true_positive, self.true_positive + self.false_negative)

    @property
    def precision(self) -> float | None:
        """PE; None where the result is empty."""
        return share(self.true_positive, self.true_positive + self.false_positive)

    @property
    def dice(self) -> float | None:
        """None where both are empty."""
        return share(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)

    @property
    def truth_is_empty(self) -> bool:
        """Whether the truth has no voxel."""
        return self.true_positive + self.false_negative == 0

    @property
    def result_is_empty(self) -> bool:
        """Whether the result has no voxel."""
        return self.true_positive + self.false_positive == 0


def overlap(result: np.ndarray, truth: np.ndarray) -> Overlap:
    """Voxel counts of two bool masks of one shape."""
    both = int(np.count_nonzero(result & truth))
    return Overlap(both, int(np.count_nonzero(result)) - both, int(np.count_nonzero(truth)) - both)


def share(part: float, whole: float) -> float | None:
    """part / whole, or None where the whole is 0."""
    return part / whole if whole else None
