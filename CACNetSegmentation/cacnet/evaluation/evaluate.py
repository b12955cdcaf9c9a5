"""A model on a folder of cases, each a folder with `ct.nii.gz`, `calcium.nii.gz` and `coronary.nii.gz`, through the
whole chain that a user's scan goes through.

Writes `cases.csv` (a row per case) and `summary.json` (means with bootstrap 95 % intervals, pooled figures).
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cacnet.errors import CacnetError
from cacnet.evaluation.metrics import LesionMatch, Overlap, match_lesions, mean_with_interval, overlap
from cacnet.files import staged_folder, write_json
from cacnet.lesions import find_lesions
from cacnet.masks import read_labels
from cacnet.pipeline import Request, Result, segment
from cacnet.progress import Progress, silent
from cacnet.scoring import total
from cacnet.weights import BUNDLED_MODELS, load_bundle, save_bundle

SCHEMA_VERSION = 1
VISIBLE_LESION_MM3 = 1.0
"""Smaller true lesions are below what a score counts (1 mm² in a slice) and are not asked for."""


class NoCasesError(CacnetError):
    """A folder without cases."""


@dataclass(frozen=True)
class CaseResult:
    """One case: the result against the truth, scored by the same protocol with the same threshold."""

    case: str
    calcium: Overlap
    coronary: Overlap
    lesions: LesionMatch
    vessel_accuracy: float | None
    agatston: float
    true_agatston: float
    volume_mm3: float
    true_volume_mm3: float
    seconds: float


def evaluate(
    model: str, dataset: Path, output: Path, device: str = "auto", progress: Progress = silent
) -> tuple[CaseResult, ...]:
    """Evaluate a model on every case below `dataset` and write the tables into `output`.

    Raises:
        NoCasesError: there is no case.
    """
    folders = sorted(path.parent for path in dataset.glob("**/ct.nii.gz"))
    if not folders:
        raise NoCasesError(f"'{dataset}' holds no cases", "folders with ct.nii.gz, calcium.nii.gz and coronary.nii.gz")
    results = []
    for number, folder in enumerate(folders):
        progress("evaluate", number / len(folders))
        results.append(evaluate_case(folder, model, device))
    with staged_folder(output) as staging:
        _write_cases(staging / "cases.csv", results)
        write_json(staging / "summary.json", summary(model, results))
    return tuple(results)


def evaluate_case(folder: Path, model: str, device: str = "auto") -> CaseResult:
    """Segment one case and compare it with its truth."""
    result = segment(Request(folder / "ct.nii.gz", model=model, device=device))
    geometry = result.volume.geometry
    calcium = read_labels(folder / "calcium.nii.gz", geometry, "true calcium")
    coronary = read_labels(folder / "coronary.nii.gz", geometry, "true coronary arteries")
    true_totals = total(find_lesions(calcium, result.volume.hu, geometry, result.scores.resolved).lesions)
    return CaseResult(
        case=folder.name,
        calcium=overlap(result.calcium > 0, calcium > 0),
        coronary=overlap(result.coronary > 0, coronary > 0),
        lesions=match_lesions(result.calcium > 0, calcium > 0, geometry.voxel_volume_mm3, VISIBLE_LESION_MM3),
        vessel_accuracy=_vessel_accuracy(result, coronary),
        agatston=result.scores.totals.agatston,
        true_agatston=true_totals.agatston,
        volume_mm3=result.scores.totals.volume_mm3,
        true_volume_mm3=true_totals.volume_mm3,
        seconds=sum(seconds for _, seconds in result.scores.timing_s),
    )


def summary(model: str, results: Sequence[CaseResult]) -> dict[str, Any]:
    """Means over cases with intervals, and figures pooled over all cases."""
    figures: dict[str, Callable[[CaseResult], float | None]] = {
        "calcium_dice": lambda case: case.calcium.dice,
        "calcium_sensitivity": lambda case: case.calcium.sensitivity,
        "calcium_precision": lambda case: case.calcium.precision,
        "coronary_dice": lambda case: case.coronary.dice,
        "lesion_sensitivity": lambda case: case.lesions.sensitivity,
        "false_positives_per_scan": lambda case: float(case.lesions.false_positives),
        "vessel_accuracy": lambda case: case.vessel_accuracy,
        "volume_error_mm3": lambda case: case.volume_mm3 - case.true_volume_mm3,
        "agatston_error": lambda case: case.agatston - case.true_agatston,
        "seconds": lambda case: case.seconds,
    }
    pooled = Overlap(*(sum(getattr(r.calcium, f.name) for r in results) for f in dataclasses.fields(Overlap)))
    true_lesions = sum(r.lesions.true_lesions for r in results)
    return {
        "schema_version": SCHEMA_VERSION,
        "model": model,
        "cases": len(results),
        "lesion_rule": f"6-connected, true lesions of at least {VISIBLE_LESION_MM3:g} mm³",
        "mean_low_high": {name: mean_with_interval([figure(r) for r in results]) for name, figure in figures.items()},
        "pooled": {
            "calcium_dice": pooled.dice,
            "calcium_sensitivity": pooled.sensitivity,
            "calcium_precision": pooled.precision,
            "true_lesions": true_lesions,
            "found_lesions": sum(r.lesions.found for r in results),
        },
    }


def record_accuracy(model: str, figures: Mapping[str, Any], measured_on: str) -> None:
    """Write a summary into the card of an installed model, with a statement of what it was measured on."""
    folder = BUNDLED_MODELS / model if (BUNDLED_MODELS / model).is_dir() else Path(model)
    loaded = load_bundle(folder)
    accuracy = {"measured_on": measured_on, **{name: value for name, value in figures.items() if name != "model"}}
    save_bundle(loaded.network, dataclasses.replace(loaded.card, accuracy=accuracy), folder.parent)


def _vessel_accuracy(result: Result, true_coronary: np.ndarray) -> float | None:
    """Share of the correctly found coronary voxels that carry the right artery."""
    both = (result.coronary > 0) & (true_coronary > 0)
    if not both.any():
        return None
    return float((result.coronary[both] == true_coronary[both]).mean())


def _write_cases(path: Path, results: Sequence[CaseResult]) -> None:
    rows = [
        {
            "case": r.case,
            "calcium_dice": _rounded(r.calcium.dice),
            "calcium_sensitivity": _rounded(r.calcium.sensitivity),
            "calcium_precision": _rounded(r.calcium.precision),
            "coronary_dice": _rounded(r.coronary.dice),
            "true_lesions": r.lesions.true_lesions,
            "found_lesions": r.lesions.found,
            "false_positives": r.lesions.false_positives,
            "vessel_accuracy": _rounded(r.vessel_accuracy),
            "agatston": _rounded(r.agatston),
            "true_agatston": _rounded(r.true_agatston),
            "volume_mm3": _rounded(r.volume_mm3),
            "true_volume_mm3": _rounded(r.true_volume_mm3),
            "seconds": _rounded(r.seconds),
        }
        for r in results
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 4)
