"""What averaging over mirrored passes of the network ("test-time flips") brings, on a folder of cases with true labels.

python Testing/Benchmark/mirrored_passes.py build/held-out [--model ID]

Prints a table for README.md: one pass; two (as scanned, and left–right); four (and front–back, and head–feet).
Intervals are 95 % bootstrap percentiles, patients drawn with replacement. The network's time grows with the passes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from cacnet.inference import Probabilities, choose_device, predict
from cacnet.labelling import label
from cacnet.masks import read_labels
from cacnet.prepare import normalise_hu, prepare
from cacnet.reading import read_ct
from cacnet.weights import LoadedModel
from refinement import Outcome, border_model_of, compare, model_and_cases, table

PASSES = ((), (2,), (1,), (0,))
"""Mirrored axes of each pass, of (z, y, x)."""
COUNTS = (1, 2, 4)


def main() -> None:
    model, folders = model_and_cases(__doc__ or "")
    results: dict[str, list[Outcome]] = {f"{count} pass{'es' * (count > 1)}": [] for count in COUNTS}
    for folder in folders:
        outcomes = list(outcomes_of(folder, model))
        for name, outcome in zip(results, outcomes, strict=True):
            results[name].append(outcome)
        dices = ", ".join("–" if one.dice is None else f"{one.dice:.3f}" for one in outcomes)
        sys.stderr.write(f"{folder.name}: Dice {dices}\n")
    print(table(results))


def outcomes_of(folder: Path, model: LoadedModel) -> Iterator[Outcome]:
    """A result for each of COUNTS, after post-processing and refinement."""
    volume = read_ct(folder / "ct.nii.gz")
    prepared = prepare(volume)
    image = normalise_hu(prepared.hu)
    border_model = border_model_of(model)
    truth = read_labels(folder / "calcium.nii.gz", volume.geometry, "true calcium") > 0
    calcium, coronary = np.zeros(image.shape, np.float32), np.zeros(image.shape, np.float32)
    for done, axes in enumerate(PASSES, start=1):
        found = predict(np.ascontiguousarray(np.flip(image, axes)), model, choose_device())
        calcium += np.flip(found.calcium, axes)
        coronary += np.flip(found.coronary, axes)
        if done in COUNTS:
            mean = Probabilities(calcium / done, coronary / done, found.device, found.tile_voxels)
            labels = label(volume, prepared, mean, border_model=border_model)
            yield compare(labels.calcium > 0, truth, volume, labels.blood_hu)


if __name__ == "__main__":
    main()
