"""What the precision of the network's arithmetic changes: probabilities, labels, score and risk category of the same
scans in float32 and in bfloat16, and in float32 with two threads.

python Testing/Benchmark/precision.py CT [CT …] [--model ID]

Prints a table for README.md. Two threads only where said.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from cacnet.inference import Device, Probabilities, predict
from cacnet.labelling import label
from cacnet.lesions import find_lesions
from cacnet.pipeline import DEFAULT_MODEL, resolve_for
from cacnet.prepare import Prepared, normalise_hu, prepare
from cacnet.reading import read_ct
from cacnet.scoring import risk_category, total
from cacnet.volume import Volume
from cacnet.weights import LoadedModel, load_bundle

REFERENCE = ("float32", 1)
OTHERS = (("bfloat16", 1), ("float32", 2))
HEAD = (
    "| Scan | Compared with float32, 1 thread | Largest difference of a probability | Mean | 99.9 % of voxels below "
    "| Calcium voxels | of these other | Lesions | Agatston equivalent | Category |\n|" + "---|" * 10
)


@dataclass(frozen=True)
class Run:
    """One scan with one precision."""

    probabilities: Probabilities
    calcium: np.ndarray
    lesions: int
    agatston: float

    @property
    def category(self) -> str:
        """Of the sum of the lesions, as the report gives it for orientation."""
        return risk_category(self.agatston).value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cts", type=Path, nargs="+", metavar="CT")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    options = parser.parse_args()
    model = load_bundle(options.model)
    print(f"Model {model.card.id}, torch {torch.__version__}.\n\n{HEAD}", flush=True)
    for ct in options.cts:
        volume = read_ct(ct)
        prepared = prepare(volume)
        reference = run(volume, prepared, model, *REFERENCE)
        name = ct.parent.name if ct.name.startswith("ct.") else ct.name
        for precision, threads in OTHERS:
            other = run(volume, prepared, model, precision, threads)
            print(row(name, f"{precision}, {threads} thread{'s' * (threads > 1)}", reference, other), flush=True)


def run(volume: Volume, prepared: Prepared, model: LoadedModel, precision: str, threads: int) -> Run:
    """The chain after reading."""
    torch.set_num_threads(threads)
    sys.stderr.write(f"{precision}, {threads}\n")
    found = predict(normalise_hu(prepared.hu), model, Device("cpu", precision, "CPU"))
    if found.notes:
        raise SystemExit(f"memory is too short for a comparison: {found.notes}")
    labels = label(volume, prepared, found)
    resolved = resolve_for(volume, None, labels.blood_hu)
    lesions = find_lesions(labels.calcium, volume.hu, volume.geometry, resolved, labels.probability, labels.courses)
    totals = total(lesions.lesions, resolved.protocol.equivalent)
    return Run(found, labels.calcium, len(lesions.lesions), totals.agatston)


def row(name: str, what: str, reference: Run, other: Run) -> str:
    """One line of the table."""
    changes = np.concatenate(
        [
            np.abs(getattr(other.probabilities, part) - getattr(reference.probabilities, part)).ravel()
            for part in ("calcium", "coronary")
        ]
    )
    changed = int((reference.calcium != other.calcium).sum())
    categories = dict.fromkeys((reference.category, other.category))
    return (
        f"| {name} | {what} | {changes.max():.2g} | {changes.mean():.1e} | {np.quantile(changes, 0.999):.1e} "
        f"| {int((reference.calcium > 0).sum())} | {changed} | {reference.lesions} → {other.lesions} "
        f"| {reference.agatston:.2f} → {other.agatston:.2f} | {' → '.join(categories)} |"
    )


if __name__ == "__main__":
    main()
