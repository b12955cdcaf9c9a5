"""What refining the lesions' borders brings, on a folder of cases with true labels: before and after.

python Testing/Benchmark/refinement.py build/held-out [--model ID]

Prints the table of refinement.md. The network runs once for each case; both results follow from its answer.
Intervals are 95 % bootstrap percentiles, patients drawn with replacement.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from cacnet import postprocessing
from cacnet.inference import choose_device, predict
from cacnet.labelling import lumen_hu
from cacnet.lesions import find_lesions
from cacnet.masks import read_labels
from cacnet.pipeline import DEFAULT_MODEL, resolve_for
from cacnet.prepare import crop_covering, normalise_hu, prepare, probability_on
from cacnet.reading import read_ct
from cacnet.refinement import refine
from cacnet.scoring import total
from cacnet.volume import Volume
from cacnet.weights import LoadedModel, load_bundle
from scipy import ndimage

VISIBLE_LESION_MM3 = 1.0
BOOTSTRAP_SAMPLES = 2000
BEFORE, AFTER = "network's border", "refined border"


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, help="folders as 'cacnet phantom' writes them")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    options = parser.parse_args()
    model = load_bundle(options.model)
    folders = sorted(path.parent for path in options.cases.glob("**/ct.nii.gz"))
    if not folders:
        parser.error(f"no ct.nii.gz below {options.cases}")
    cases = [outcomes(folder, model) for folder in folders]
    print(table({name: [case[name] for case in cases] for name in (BEFORE, AFTER)}))


def outcomes(folder: Path, model: LoadedModel) -> dict[str, Outcome]:
    """Both results for one case, on the part of the CT that the network saw."""
    whole = read_ct(folder / "ct.nii.gz")
    prepared = prepare(whole)
    probabilities = predict(normalise_hu(prepared.hu), model, choose_device())
    crop = crop_covering(prepared.grid, whole.geometry)
    if crop is None:
        raise SystemExit(f"the heart's region lies outside the CT of {folder.name}")
    volume = replace(whole, hu=whole.hu[crop.slices], geometry=crop.geometry)
    truth = read_labels(folder / "calcium.nii.gz", whole.geometry, "true calcium")[crop.slices] > 0
    maps = [probability_on(crop.geometry, p, prepared.grid) for p in (probabilities.calcium, probabilities.coronary)]
    masks = postprocessing.clean(*maps, crop.geometry, heart_axis_mm_lps=prepared.region.axis_mm_lps)
    calcium, coronary = (mask.dense() for mask in masks)
    blood_hu = lumen_hu(volume.hu, coronary, calcium, crop.geometry)
    refined = refine(calcium, maps[0], coronary, volume.hu, crop.geometry, blood_hu).calcium.dense()
    return {
        BEFORE: compare(calcium, truth, volume, blood_hu),
        AFTER: compare(refined, truth, volume, blood_hu),
    }


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
    """Markdown: a row per figure, before and after, and the paired change."""
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
