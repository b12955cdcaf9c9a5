"""Pictures of what a model gets wrong: the largest lesions that it missed and the largest that are none.

python Testing/Benchmark/failure_cases.py EVALUATION --results RESULTS --output FILE.png

EVALUATION is a folder written by `cacnet evaluate`; RESULTS holds, for each of its cases, a folder of that name that
`cacnet segment` wrote from the same scan.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from cacnet.evaluation.dataset import CT_FILE
from cacnet.masks import read_labels
from cacnet.reading import read_ct

SHOWN = 6
HALF_MM = 16.0
WINDOW_HU = (-200.0, 1000.0)
TRUE_COLOUR, FOUND_COLOUR = "#00d0ff", "#ff9d00"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    with (options.evaluation / "lesions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    missed = largest(rows, "missed")
    false = largest(rows, "false positive")
    draw(options.evaluation, options.results, missed, false, options.output)


def largest(rows: list[dict[str, str]], verdict: str) -> list[dict[str, str]]:
    """The largest lesions of a verdict, at most two of a patient so that one patient does not fill the picture."""
    chosen: list[dict[str, str]] = []
    for row in sorted((r for r in rows if r["verdict"] == verdict), key=lambda r: -float(r["volume_mm3"])):
        if sum(other["case"] == row["case"] for other in chosen) < 2:
            chosen.append(row)
    return chosen[:SHOWN]


def draw(
    evaluation: Path, results: Path, missed: list[dict[str, str]], false: list[dict[str, str]], output: Path
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.3 * SHOWN, 5.8), layout="constrained", facecolor="white")
    titles = ("Missed: the true calcium in blue", "False: what the network drew in orange, the truth in blue")
    for part, lesions, title in zip(figure.subfigures(2, 1), (missed, false), titles, strict=True):
        part.suptitle(title, x=0.01, ha="left", fontsize=10, fontweight="bold")
        axes = part.subplots(1, SHOWN)
        for axis in axes:
            axis.set_axis_off()
        for axis, lesion in zip(axes, lesions, strict=False):
            draw_one(axis, evaluation, results, lesion)
    text = "Simulated patients. Research use only, not for diagnosis."
    figure.text(0.99, 0.985, text, ha="right", va="top", fontsize=8, color="#5a6b7b")
    figure.savefig(output, dpi=110)


def draw_one(axis, evaluation: Path, results: Path, lesion: dict[str, str]) -> None:  # type: ignore[no-untyped-def]
    """The axial slice through a lesion's middle, with the contours of truth and result."""
    [case] = evaluation.glob(f"patients-*/{lesion['case']}")
    volume = read_ct(case / CT_FILE)
    truth = read_labels(case / "calcium.nii.gz", volume.geometry, "calcium")
    found = read_labels(results / lesion["case"] / "calcium.nii.gz", volume.geometry, "calcium")
    position = np.array([-float(lesion["r"]), -float(lesion["a"]), float(lesion["s"])])
    z, y, x = np.rint(volume.geometry.lps_to_index(position)).astype(int)
    reach = [round(HALF_MM / spacing) for spacing in volume.geometry.spacing_mm_zyx[1:]]
    box = (z, slice(max(0, y - reach[0]), y + reach[0] + 1), slice(max(0, x - reach[1]), x + reach[1] + 1))
    axis.imshow(volume.hu[box], cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1], interpolation="bilinear")
    for labels, colour in ((truth, TRUE_COLOUR), (found, FOUND_COLOUR)):
        mask = labels[box] > 0
        if mask.any():
            axis.contour(mask, [0.5], colors=colour, linewidths=1.1)
    what = f"{lesion['vessel']} " if lesion["verdict"] == "missed" else f"on {lesion['lies_on'] or 'no structure'}, "
    size = f"{float(lesion['volume_mm3']):.1f} mm³, {float(lesion['max_hu']):.0f} HU"
    axis.set_title(f"{lesion['case'].removeprefix('seed-')}: {what}{size}", fontsize=7)


if __name__ == "__main__":
    main()
