"""What drawing the arteries' walls anew brings, on a folder of cases with true labels.

python Testing/Benchmark/walls.py build/held-out [--model ID]

Prints the table of walls.md. CAC-Net and the context network run once for each case; both results follow from their
answers. Intervals are 95 % bootstrap percentiles, patients drawn with replacement.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from cacnet.context_inference import look_at_heart
from cacnet.heart_context import coarse_heart
from cacnet.inference import choose_device, predict
from cacnet.labelling import label
from cacnet.masks import read_labels
from cacnet.prepare import normalise_hu, prepare
from cacnet.reading import read_ct
from cacnet.weights import LoadedModel
from cacnet.window_inference import WindowPredictor
from refinement import BOOTSTRAP_SAMPLES, border_model_of, model_and_cases
from scipy import ndimage

NEAR_MM = 1.0
CAC_NET, DRAWN = "CAC-Net's walls", "wall network's"


@dataclass(frozen=True)
class ArteryOutcome:
    """Arteries against the true ones. What is wrong is near where it lies within NEAR_MM of what is right."""

    dice: float
    sensitivity: float
    precision: float
    false_near_mm3: float
    false_far_mm3: float
    missed_near_mm3: float
    missed_far_mm3: float


def main() -> None:
    model, folders = model_and_cases(__doc__ or "")
    if model.walls is None:
        sys.exit(f"The model '{model.card.id}' has no wall network.")
    cases = []
    for folder in folders:
        cases.append(outcomes(folder, model))
        dices = ", ".join(f"{one.dice:.3f}" for one in cases[-1].values())
        sys.stderr.write(f"{folder.name}: Dice {dices}\n")
    print(table(cases))


def outcomes(folder: Path, model: LoadedModel) -> dict[str, ArteryOutcome]:
    """Both results for one case."""
    volume = read_ct(folder / "ct.nii.gz")
    prepared = prepare(volume)
    device = choose_device()
    answer = predict(normalise_hu(prepared.hu), model, device)
    context = None
    if model.context is not None:
        context = look_at_heart(coarse_heart(prepared, answer.coronary, answer.calcium), model.context, device)
    truth = read_labels(folder / "coronary.nii.gz", volume.geometry, "true arteries") > 0
    results = {}
    for name, wall_model in ((CAC_NET, None), (DRAWN, WindowPredictor(model.walls, device))):
        labels = label(
            volume, prepared, answer, border_model=border_model_of(model), context=context, wall_model=wall_model
        )
        results[name] = compare(labels.coronary > 0, truth, volume.geometry.spacing_mm_zyx)
    return results


def compare(found: np.ndarray, truth: np.ndarray, spacing_mm_zyx: tuple[float, float, float]) -> ArteryOutcome:
    """One mask of arteries against the true one."""
    from_truth_mm, from_found_mm = (
        ndimage.distance_transform_edt(~mask, sampling=spacing_mm_zyx) for mask in (truth, found)
    )
    voxel_mm3 = float(np.prod(spacing_mm_zyx))
    both, false, missed = found & truth, found & ~truth, truth & ~found
    return ArteryOutcome(
        2 * np.count_nonzero(both) / max(1, np.count_nonzero(found) + np.count_nonzero(truth)),
        np.count_nonzero(both) / max(1, np.count_nonzero(truth)),
        np.count_nonzero(both) / max(1, np.count_nonzero(found)),
        *(
            voxel_mm3 * np.count_nonzero(part)
            for wrong, away_mm in ((false, from_truth_mm), (missed, from_found_mm))
            for part in (wrong & (away_mm <= NEAR_MM), wrong & (away_mm > NEAR_MM))
        ),
    )


def table(cases: list[dict[str, ArteryOutcome]]) -> str:
    """Means of both, and of their difference in the same patients, with intervals; Markdown."""
    drawn = np.random.default_rng(0).integers(len(cases), size=(BOOTSTRAP_SAMPLES, len(cases)))
    lines = [f"| {len(cases)} cases, mean | {CAC_NET} | {DRAWN} | difference |", "|---|---|---|---|"]
    for entry in fields(ArteryOutcome):
        before, after = (np.array([getattr(case[name], entry.name) for case in cases]) for name in (CAC_NET, DRAWN))
        digits = 0 if entry.name.endswith("mm3") else 3
        low, high = np.percentile((after - before)[drawn].mean(axis=1), (2.5, 97.5))
        lines.append(
            f"| {entry.name.replace('_', ' ')} | {before.mean():.{digits}f} | {after.mean():.{digits}f} "
            f"| {(after - before).mean():+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f}) |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
