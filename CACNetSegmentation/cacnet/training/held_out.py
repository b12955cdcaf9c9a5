"""What further training gained and lost on cases that it has not seen: before and after, case by case."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cacnet.inference import Device
from cacnet.progress import Progress, silent
from cacnet.training.validation import ValidationScores, validate
from cacnet.weights import LoadedModel

STAGE = "compare"


@dataclass(frozen=True)
class HeldOutCase:
    """One case under both models, before any post-processing."""

    name: str
    before: ValidationScores
    after: ValidationScores


@dataclass(frozen=True)
class HeldOut:
    """All held-out cases under both models.

    Attributes:
        model_before: id of the model that was trained further.
    """

    model_before: str
    cases: tuple[HeldOutCase, ...]

    @property
    def calcium_dice(self) -> tuple[float, float]:
        """Mean over the cases with calcium, before and after; nan where none has any.

        In a case without calcium Dice is 0 or not defined; what was found there are false positives.
        """
        cases = [case for case in self.cases if case.before.lesions]
        return _mean([c.before.calcium_dice for c in cases]), _mean([c.after.calcium_dice for c in cases])

    @property
    def coronary_dice(self) -> tuple[float, float]:
        """Of the arteries; mean over the cases in which they are labelled."""
        return _mean([c.before.coronary_dice for c in self.cases]), _mean([c.after.coronary_dice for c in self.cases])

    def table(self) -> str:
        """Markdown: a row for each case and their mean."""
        heads = ("Case", "Calcium Dice", "after", "Arteries Dice", "after", "Lesions found", "after", "False", "after")
        rows = [_row(case.name, case.before, case.after) for case in self.cases]
        calcium, coronary = map(_shown, self.calcium_dice), map(_shown, self.coronary_dice)
        counts = [sum(getattr(getattr(c, when), name) for c in self.cases) for name, when in _COUNTS]
        lesions = sum(case.before.lesions for case in self.cases)
        found = [f"{counts[0]} of {lesions}", f"{counts[1]} of {lesions}", str(counts[2]), str(counts[3])]
        rows.append(["all", *calcium, *coronary, *found])
        lines = [heads, ["---"] * len(heads), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def record(self) -> dict[str, Any]:
        """For the model's card, as JSON."""
        return {
            "cases": len(self.cases),
            "model_before": self.model_before,
            "measured": "on the model's grid, before post-processing, on cases that were not learned from",
            "calcium_dice": dict(zip(("before", "after"), map(_number, self.calcium_dice), strict=True)),
            "coronary_dice": dict(zip(("before", "after"), map(_number, self.coronary_dice), strict=True)),
            "by_case": [
                {"case": case.name, "before": _plain(case.before), "after": _plain(case.after)} for case in self.cases
            ],
        }


_COUNTS = (
    ("lesions_found", "before"),
    ("lesions_found", "after"),
    ("false_positives", "before"),
    ("false_positives", "after"),
)


def compare(
    before: LoadedModel, after: LoadedModel, cases: Sequence[Path], device: Device, progress: Progress = silent
) -> HeldOut:
    """Both models on every case of a folder of training cases that neither has learned from."""
    compared = []
    for number, case in enumerate(cases):
        progress(STAGE, number / len(cases))
        compared.append(HeldOutCase(case.name, validate(before, [case], device), validate(after, [case], device)))
    return HeldOut(before.card.id, tuple(compared))


def _row(name: str, before: ValidationScores, after: ValidationScores) -> list[str]:
    return [
        name,
        _shown(before.calcium_dice),
        _shown(after.calcium_dice),
        _shown(before.coronary_dice),
        _shown(after.coronary_dice),
        f"{before.lesions_found} of {before.lesions}",
        f"{after.lesions_found} of {after.lesions}",
        str(before.false_positives),
        str(after.false_positives),
    ]


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _shown(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _plain(scores: ValidationScores) -> dict[str, Any]:
    return {name: _number(value) if isinstance(value, float) else value for name, value in vars(scores).items()}
