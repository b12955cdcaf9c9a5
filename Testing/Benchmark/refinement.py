"""What drawing the lesions' borders anew brings, on a folder of cases with true labels: by a rule, by a network.

python Testing/Benchmark/refinement.py build/held-out [--model ID]

Prints the table of refinement.md. CAC-Net runs once for each case; all results follow from its answer. Intervals are
95 % bootstrap percentiles, patients drawn with replacement.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cacnet.inference import choose_device, predict
from cacnet.labelling import label
from cacnet.lesions import find_lesions
from cacnet.masks import read_labels
from cacnet.pipeline import DEFAULT_MODEL, resolve_for
from cacnet.prepare import normalise_hu, prepare
from cacnet.reading import read_ct
from cacnet.scoring import total
from cacnet.volume import Volume
from cacnet.weights import LoadedModel, load_bundle
from cacnet.window_inference import WindowPredictor
from scipy import ndimage

VISIBLE_LESION_MM3 = 1.0
BOOTSTRAP_SAMPLES = 2000
AS_FOUND, BY_RULE, BY_NETWORK = "CAC-Net's border", "rule", "border network"


@dataclass(frozen=True)
class Outcome:
    """One result against its truth; None where a figure is not defined. Lesions are 6-connected, as in orCaScore."""

    dice: float | None
    sensitivity: float | None
    precision: float | None
    true_lesions: int
    found: int
    false_positives: int
    volume_error_mm3: float
    agatston_error: float


def main() -> None:
    model, folders = model_and_cases(__doc__ or "")
    cases = []
    for folder in folders:
        cases.append(outcomes(folder, model))
        dices = ", ".join("–" if one.dice is None else f"{one.dice:.3f}" for one in cases[-1].values())
        sys.stderr.write(f"{folder.name}: Dice {dices}\n")
    print(table({name: [case[name] for case in cases] for name in cases[0]}))


def model_and_cases(description: str) -> tuple[LoadedModel, list[Path]]:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, help="folders as 'cacnet phantom' writes them")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    options = parser.parse_args()
    folders = sorted(path.parent for path in options.cases.glob("**/ct.nii.gz"))
    if not folders:
        parser.error(f"no ct.nii.gz below {options.cases}")
    return load_bundle(options.model), folders


def border_model_of(model: LoadedModel) -> WindowPredictor | None:
    """The model's border network, where it has one."""
    return WindowPredictor(model.borders, choose_device()) if model.borders is not None else None


def outcomes(folder: Path, model: LoadedModel) -> dict[str, Outcome]:
    """All results for one case."""
    volume = read_ct(folder / "ct.nii.gz")
    prepared = prepare(volume)
    truth = read_labels(folder / "calcium.nii.gz", volume.geometry, "true calcium") > 0
    answer = predict(normalise_hu(prepared.hu), model, choose_device())
    results = {
        AS_FOUND: label(volume, prepared, answer, refine_borders=False),
        BY_RULE: label(volume, prepared, answer),
    }
    border_model = border_model_of(model)
    if border_model is not None:
        results[BY_NETWORK] = label(volume, prepared, answer, border_model=border_model)
    return {name: compare(labels.calcium > 0, truth, volume, labels.blood_hu) for name, labels in results.items()}


def compare(calcium: np.ndarray, truth: np.ndarray, volume: Volume, blood_hu: np.ndarray) -> Outcome:
    """A mask against the truth; both are scored with the threshold that the result's own blood gives."""
    both, found_voxels, true_voxels = (int(np.count_nonzero(m)) for m in (calcium & truth, calcium, truth))
    resolved = resolve_for(volume, "ccta-adaptive", blood_hu)
    sums = [
        total(find_lesions(mask.astype(np.uint8), volume.hu, volume.geometry, resolved).lesions)
        for mask in (calcium, truth)
    ]
    true_labels, _ = ndimage.label(truth)
    visible = np.bincount(true_labels.ravel()) * volume.geometry.voxel_volume_mm3 >= VISIBLE_LESION_MM3
    visible[0] = False
    touched = np.isin(np.arange(visible.size), true_labels[calcium])
    labels, count = ndimage.label(calcium)
    return Outcome(
        dice=_ratio(2 * both, found_voxels + true_voxels),
        sensitivity=_ratio(both, true_voxels),
        precision=_ratio(both, found_voxels),
        true_lesions=int(visible.sum()),
        found=int((visible & touched).sum()),
        false_positives=count - np.setdiff1d(labels[truth], [0]).size,
        volume_error_mm3=sums[0].volume_mm3 - sums[1].volume_mm3,
        agatston_error=sums[0].agatston - sums[1].agatston,
    )


FIGURES: dict[str, Callable[[Sequence[Outcome]], float]] = {
    "Dice": lambda o: _mean([x.dice for x in o]),
    "SE": lambda o: _mean([x.sensitivity for x in o]),
    "PE": lambda o: _mean([x.precision for x in o]),
    "lesions found": lambda o: sum(x.found for x in o) / max(sum(x.true_lesions for x in o), 1),
    "false lesions per scan": lambda o: sum(x.false_positives for x in o) / len(o),
    "lesion F1": lambda o: (
        2 * sum(x.found for x in o) / max(sum(x.true_lesions + x.found + x.false_positives for x in o), 1)
    ),
    "volume bias, mm³": lambda o: _mean([x.volume_error_mm3 for x in o]),
    "volume error, mm³": lambda o: _mean([abs(x.volume_error_mm3) for x in o]),
    "Agatston bias": lambda o: _mean([x.agatston_error for x in o]),
    "Agatston error": lambda o: _mean([abs(x.agatston_error) for x in o]),
}


def table(results: dict[str, list[Outcome]]) -> str:
    """Markdown: a row per figure, and the paired change from the first result to the last."""
    names = list(results)
    cases = len(results[names[0]])
    draws = np.random.default_rng(0).integers(0, cases, (BOOTSTRAP_SAMPLES, cases))
    lines = [f"| {cases} cases | " + " | ".join(names) + " | change |", "|---" * (len(names) + 2) + "|"]
    for title, figure in FIGURES.items():
        sampled = {name: np.array([figure([results[name][i] for i in draw]) for draw in draws]) for name in names}
        cells = [f"{figure(results[name]):.2f} [{_interval(sampled[name])}]" for name in names]
        change = figure(results[names[-1]]) - figure(results[names[0]])
        cells.append(f"{change:+.2f} [{_interval(sampled[names[-1]] - sampled[names[0]])}]")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _interval(values: np.ndarray) -> str:
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return f"{low:.2f}, {high:.2f}"


def _mean(values: Sequence[float | None]) -> float:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else float("nan")


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


if __name__ == "__main__":
    main()
