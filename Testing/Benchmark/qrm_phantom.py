"""Mass and volume of the inserts of a real QRM calcification phantom against its maker's figures.

python Testing/Benchmark/qrm_phantom.py SCAN      # the public scan of github.com/MolloiLab/CAC-stanford-data

The mass factor is that of the phantom's own rod of 200 mg/cm³ hydroxyapatite in the same scan, water taken as 0 HU.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from cacnet.reading import read_ct
from cacnet.scoring import protocol_named, resolve, score_lesion
from cacnet.scoring.integrated import integrate_calcium, mass_factor_of_rod
from scipy import ndimage

# Density in mg/cm³ and diameter in mm: centre (z, y, x) found by eye, true mass in mg, true volume in mm³.
INSERTS = {
    (800, 5): ((22, 220, 180), 78.5, 98.2),
    (400, 5): ((22, 151, 292), 39.3, 98.2),
    (200, 5): ((23, 282, 299), 19.6, 98.2),
    (800, 3): ((22, 221, 206), 17.0, 21.2),
    (400, 3): ((22, 173, 281), 8.5, 21.2),
    (200, 3): ((22, 260, 286), 4.2, 21.2),
}
ROD = np.s_[32:37, 210:228, 250:266]
AROUND = (5, 28, 28)
LEAST_VOXELS = 20
"""A connected region of fewer voxels from 130 HU is noise."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan", type=Path)
    scan = read_ct(parser.parse_args().scan)
    rod_hu = float(scan.hu[ROD].mean())
    factor = mass_factor_of_rod(rod_hu)
    rules = resolve(protocol_named("literature"), kvp=scan.acquisition.kvp)
    print(f"Rod {rod_hu:.0f} HU, so {factor:.6f} mg/mm³/HU.\n")
    head = ["Insert", "True mg", "Integrated mg", "From 130 HU, mg", "True mm³", "Integrated mm³", "From 130 HU, mm³"]
    rows, sums = [], np.zeros(6)
    for (density, diameter), (centre, true_mg, true_mm3) in INSERTS.items():
        box = tuple(slice(c - n, c + n + 1) for c, n in zip(centre, AROUND, strict=True))
        hu = scan.hu[box]
        labels, _ = ndimage.label(hu >= 130, np.ones((3, 3, 3)))
        middle = labels[tuple(slice(n - 1, n + 2) for n in AROUND)]
        own = labels == np.bincount(middle[middle > 0]).argmax()
        others = (np.bincount(labels.ravel()) >= LEAST_VOXELS)[labels] & (labels > 0) & ~own
        integrated = integrate_calcium(own, hu, scan.geometry, factor, others)
        score = score_lesion(own, hu, scan.geometry, rules)
        by_threshold_mg = score.mass_mg * factor / rules.protocol.mass_factor
        values = (true_mg, integrated.mass_mg, by_threshold_mg, true_mm3, integrated.volume_mm3, score.volume_mm3)
        sums += values
        rows.append([f"{density} mg/cm³, {diameter} mm", *(f"{value:.1f}" for value in values)])
    rows.append(["all", *(f"{value:.1f}" for value in sums)])
    ratios = (sums[0], sums[0], sums[0], sums[3], sums[3], sums[3])
    rows.append(["all, share of the truth", *(f"{value / true:.2f}" for value, true in zip(sums, ratios, strict=True))])
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
