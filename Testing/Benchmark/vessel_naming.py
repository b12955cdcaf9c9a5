"""How well the arteries of a coronary mask are named, whole and spoilt as a network would spoil it.

    python Testing/Benchmark/vessel_naming.py CASES [--masks FOLDER] [--cases] [--spoilt WORD …]

CASES holds cases in the layout of cacnet.training.cases, whose coronary label is the truth. Each mask is spoilt in
several ways and named again; the table says, pooled over the cases, what share of the mask's true voxels and of the
true calcium was named rightly, wrongly or not at all, and what share of the mask's voxels that lie in no artery got the
name of one; then the worst patient's share of calcium named wrongly, and how often the dominance was told rightly,
wrongly or not at all (which is right for a co-dominant patient). `--masks` measures masks found by a network instead: a
`<case>.npz` for each case, with the array `co`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from cacnet.anatomy import Vessel
from cacnet.phantom.devices import Distractor
from cacnet.training.cases import Case, list_cases, read_case
from cacnet.vessels import TerritoryMap, assign_calcium, label_territories
from cacnet.volume import Geometry
from scipy import ndimage
from scipy.spatial import cKDTree

SPACING_MM = 0.5
TRUTH_REACH_MM = 2.0
"""A voxel of a network's mask this near to a true artery belongs to it."""
TOUCHING = np.ones((3, 3, 3), bool)

HEAD = (
    "| mask | voxels right | wrong | unassigned | calcium right | wrong | unassigned | wrong in the worst patient "
    "| strangers named | dominance right/wrong/not told | s |"
)

Spoil = Callable[[np.ndarray, Case, np.random.Generator], np.ndarray]


def whole(truth: np.ndarray, case: Case, rng: np.random.Generator) -> np.ndarray:
    return truth > 0


def with_gaps(truth: np.ndarray, case: Case, rng: np.random.Generator) -> np.ndarray:
    """Eight gaps of 2 to 15 mm anywhere."""
    mask = truth > 0
    voxels = np.argwhere(mask)
    for centre in voxels[rng.integers(len(voxels), size=8)]:
        _clear(mask, centre, rng.uniform(1.0, 7.5))
    return mask


def _clear(mask: np.ndarray, centre: np.ndarray, radius_mm: float) -> None:
    reach = int(np.ceil(radius_mm / SPACING_MM))
    box = tuple(slice(max(0, c - reach), c + reach + 1) for c in centre)
    grid = np.meshgrid(
        *(np.arange(s.start, min(s.stop, n)) for s, n in zip(box, mask.shape, strict=True)), indexing="ij"
    )
    far = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) ** 0.5 * SPACING_MM
    mask[box] &= far > radius_mm


def in_pieces(truth: np.ndarray, case: Case, rng: np.random.Generator) -> np.ndarray:
    """A third of the tree gone, in stretches of 15 to 30 mm."""
    mask = truth > 0
    voxels, enough = np.argwhere(mask), mask.sum() * 2 / 3
    while mask.sum() > enough:
        _clear(mask, voxels[rng.integers(len(voxels))], rng.uniform(7.5, 15))
    return mask


def thick_only(truth: np.ndarray, case: Case, rng: np.random.Generator, radius_mm: float = 0.8) -> np.ndarray:
    """Nothing below a calibre of 1.6 mm, wall included."""
    mask = truth > 0
    core = ndimage.distance_transform_edt(mask, sampling=SPACING_MM) > radius_mm
    return mask & (ndimage.distance_transform_edt(~core, sampling=SPACING_MM) <= radius_mm + SPACING_MM)


def proximal_only(truth: np.ndarray, case: Case, rng: np.random.Generator) -> np.ndarray:
    """Nothing below a calibre of 2.8 mm, wall included: distal vessels and most side branches are gone."""
    return thick_only(truth, case, rng, 1.4)


def without_left_main(truth: np.ndarray, case: Case, rng: np.random.Generator) -> np.ndarray:
    return (truth > 0) & (truth != Vessel.LM)


def without_ostia(truth: np.ndarray, case: Case, rng: np.random.Generator) -> np.ndarray:
    """The first 12 mm of both trees gone."""
    mask = truth > 0
    for name in ("left_ostium", "right_ostium"):
        _clear(mask, np.rint(_index_of(case, name)).astype(int), 12.0)
    return mask


def _index_of(case: Case, landmark: str) -> np.ndarray:
    position = np.asarray(case.record["truth"]["landmarks_mm_lps"][landmark])
    return np.asarray(geometry_of(case).lps_to_index(position))


def with_strangers(truth: np.ndarray, case: Case, rng: np.random.Generator) -> np.ndarray:
    """Veins, a rib, and balls of blood beside the arteries: aorta, appendage, chambers."""
    mask = (truth > 0) | (np.asarray(case.distractor) == Distractor.VEIN)
    depth, _, width = mask.shape
    mask[depth // 2 : depth // 2 + 14, 4:14, width // 4 : 3 * width // 4] = True
    blood = np.asarray(case.hu) > 0.75 * np.median(np.asarray(case.hu)[truth > 0])
    near = np.argwhere(truth > 0)
    for centre in near[rng.integers(len(near), size=10)]:
        ball = np.ones_like(mask)
        _clear(ball, centre, rng.uniform(3, 7))
        mask |= ~ball & blood
    ball = np.ones_like(mask)
    _clear(ball, np.rint(_index_of(case, "left_ostium")).astype(int), 7.0)
    return mask | (~ball & blood)


def merged(truth: np.ndarray, case: Case, rng: np.random.Generator) -> np.ndarray:
    """The two trees joined where they come nearest to each other far from the ostia."""
    mask = truth > 0
    root = np.mean([_index_of(case, name) for name in ("left_ostium", "right_ostium")], axis=0)
    voxels = np.argwhere(mask)
    distal = np.linalg.norm(voxels - root, axis=1) * SPACING_MM > 40
    right = truth[tuple(voxels.T)] == Vessel.RCA
    a, b = voxels[distal & right], voxels[distal & ~right]
    if not len(a) or not len(b):
        return mask
    gap, nearest = cKDTree(b).query(a)
    start, end = a[gap.argmin()], b[nearest[gap.argmin()]]
    for part in np.linspace(0, 1, 80):
        z, y, x = np.rint(start + part * (end - start)).astype(int)
        mask[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2] = True
    return mask


def doubled(truth: np.ndarray, case: Case, rng: np.random.Generator) -> np.ndarray:
    """Every artery a second time, 2 to 4 mm aside, as motion shows it."""
    mask = truth > 0
    for vessel in (Vessel.LAD, Vessel.LCX, Vessel.RCA):
        aside = rng.normal(size=3)
        step = np.rint(aside / np.linalg.norm(aside) * rng.uniform(2, 4) / SPACING_MM).astype(int)
        mask |= np.roll(truth == vessel, tuple(step), axis=(0, 1, 2))
    return mask


def all_together(truth: np.ndarray, case: Case, rng: np.random.Generator) -> np.ndarray:
    """Thin vessels and stretches gone, strangers added."""
    kept = thick_only(np.where(with_gaps(truth, case, rng), truth, 0), case, rng)
    return kept | (with_strangers(truth, case, rng) & (truth == 0))


SPOILS: Mapping[str, Spoil] = {
    "whole": whole,
    "8 gaps of 2–15 mm": with_gaps,
    "a third lost in stretches": in_pieces,
    "below 1.6 mm lost": thick_only,
    "below 2.8 mm lost": proximal_only,
    "left main lost": without_left_main,
    "12 mm at the ostia lost": without_ostia,
    "veins, rib, blood added": with_strangers,
    "trees joined": merged,
    "doubled by motion": doubled,
    "gaps, thin lost, strangers": all_together,
}


def geometry_of(case: Case) -> Geometry:
    return Geometry(case.hu.shape, (SPACING_MM,) * 3, tuple(case.record.get("origin_mm_lps", (0.0, 0.0, 0.0))))


def counts_of(case: Case, truth: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, TerritoryMap]:
    """(4, 3): voxels of mask, calcium and strangers, and the dominance, by rightly, wrongly and not named."""
    geometry = geometry_of(case)
    named = label_territories(mask, np.asarray(case.hu), geometry)
    inside = mask & (truth > 0)
    calcium = np.asarray(case.calcium)
    labels = named.labels.dense()
    found = assign_calcium(calcium > 0, named.labels, geometry).dense()
    strange = labels[mask & (truth == 0)]
    unnamed = int((strange == Vessel.UNASSIGNED).sum())
    rows = [
        _shares(labels[inside], truth[inside]),
        _shares(found[calcium > 0], calcium[calcium > 0]),
        (0, len(strange) - unnamed, unnamed),
        _dominance(named, case.record["truth"]["patient"]["dominance"]),
    ]
    return np.array(rows), named


def _dominance(named: TerritoryMap, true: str) -> tuple[int, int, int]:
    if named.dominance is None:
        return (1, 0, 0) if true == "co" else (0, 0, 1)
    right = int(named.dominance.value == true)
    return right, 1 - right, 0


def _shares(found: np.ndarray, true: np.ndarray) -> tuple[int, int, int]:
    right, unnamed = int((found == true).sum()), int((found == Vessel.UNASSIGNED).sum())
    return right, len(found) - right - unnamed, unnamed


def spread_truth(truth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The true artery of every voxel of another mask, 0 where none is near."""
    distance_mm, nearest = ndimage.distance_transform_edt(truth == 0, sampling=SPACING_MM, return_indices=True)
    return np.where(mask & (distance_mm <= TRUTH_REACH_MM), truth[tuple(nearest)], 0)


def row(name: str, counts: np.ndarray, worst: float, seconds: float) -> str:
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells = [f"{x:.1f}" for x in (*shares[0], *shares[1], worst, shares[2][1])]
    return f"| {name} | " + " | ".join(cells) + f" | {'/'.join(map(str, counts[3]))} | {seconds:.1f} |"


def wrong_calcium(counts: np.ndarray) -> float:
    """Percent of the calcium that was given to another artery than its own."""
    return float(100 * counts[1, 1] / max(1, counts[1].sum()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--masks", type=Path)
    parser.add_argument("--cases", action="store_true", help="a line for each case too")
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--spoilt", nargs="+", help="only the ways whose names hold one of these words")
    arguments = parser.parse_args()
    words = arguments.spoilt or [""]
    spoils = {name: spoil for name, spoil in SPOILS.items() if any(word in name for word in words)}
    if arguments.masks:
        spoils = {"network": lambda truth, case, rng: np.load(arguments.masks / f"{case.name}.npz")["co"]}
    print(HEAD)
    print("|---" * (HEAD.count("|") - 1) + "|")
    cases = [read_case(path) for path in list_cases(arguments.folder)][: arguments.limit]
    for name, spoil in spoils.items():
        total, seconds, n, worst = np.zeros((4, 3), np.int64), 0.0, 0, 0.0
        for number, case in enumerate(cases):
            if arguments.masks and not (arguments.masks / f"{case.name}.npz").exists():
                continue
            truth = np.asarray(case.coronary)
            mask = spoil(truth, case, np.random.default_rng(number))
            began = time.perf_counter()
            counts, named = counts_of(case, spread_truth(truth, mask) if arguments.masks else truth, mask)
            took = time.perf_counter() - began
            seconds, total, n, worst = seconds + took, total + counts, n + 1, max(worst, wrong_calcium(counts))
            if arguments.cases:
                title = f"{name} {case.name} {' '.join(named.notes)}"
                print(row(title, counts, wrong_calcium(counts), took), flush=True)
        print(row(f"**{name}**", total, worst, seconds / max(n, 1)), flush=True)


if __name__ == "__main__":
    main()
