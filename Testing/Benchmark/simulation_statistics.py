"""Simulated coronary trees and plaques against published statistics, as a Markdown table.

python Testing/Benchmark/simulation_statistics.py --seeds 1000:1100 --scans 12 --workers 2 --output build/statistics

What each seed gave is kept in OUTPUT/seed-N.json (OUTPUT/scan-N.json for whole scans), so that an interrupted run
continues; delete them after changing the simulator. The table goes to OUTPUT/statistics.md.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from cacnet.anatomy import NAMED_VESSELS
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronaries import build_coronaries
from cacnet.phantom.coronary_tree import Branch, CoronaryTree
from cacnet.phantom.heart import build_heart
from cacnet.phantom.motion import move_labels
from cacnet.phantom.patient import Patient, draw_patient
from cacnet.phantom.plaque import paint_plaque
from cacnet.phantom.scanner import draw_scan
from cacnet.phantom.separable import axes_of
from cacnet.phantom.simulate import label_by_coverage, simulate
from cacnet.volume import Geometry
from scipy import ndimage

CANVAS_MM = 0.5
SOFT_HU = 45.0
SCORE_SLICE_MM = 3.0
BLOCK = np.ones((3, 3, 3))

Measured = dict[str, list[float]]
"""Values by what was measured."""

DODGE = "Dodge 1992"
CT_NORMALS = "PMID 29452689"
BOTH = f"{DODGE}; {CT_NORMALS}"
COCA = "COCA"
LESIONS = "CAC-CTA; COCA"
SHAPES = "DeepCAC label shapes"
FACTS = "facts"


def lowest_tenth(values: np.ndarray) -> float:
    """The value below which one in ten lies."""
    return float(np.quantile(values, 0.1))


@dataclass(frozen=True)
class Quantity:
    """One row: a published value, and the range in which the simulated mean (or what `of` takes) counts as within."""

    name: str
    published: str
    source: str
    key: str
    low: float
    high: float
    of: Callable[[np.ndarray], float] = np.mean


QUANTITIES = (
    Quantity("LM diameter, men, mm", "4.5±.5; CT 5.4±.7", BOTH, "LM mm M", 4.5, 5.4),
    Quantity("LM diameter, women, mm", "4.1; CT 5.0±.8", BOTH, "LM mm F", 4.1, 5.0),
    Quantity("proximal LAD (5-10 mm), men, mm", "3.7±.4", DODGE, "proximal LAD mm M", 3.5, 3.9),
    Quantity("proximal LAD (5-10 mm), women, mm", "3.4", DODGE, "proximal LAD mm F", 3.15, 3.6),
    Quantity("mid LAD (half way), mm", "2.3-2.5", FACTS, "mid LAD mm", 2.2, 2.6),
    Quantity("distal LAD (5/6 of its length), mm", "1.9±.4", DODGE, "distal LAD mm", 1.7, 2.1),
    Quantity("proximal RCA, right dominance, mm", "3.9±.6; CT 4.1±.6", BOTH, "RCA mm right", 3.7, 4.2),
    Quantity("proximal RCA, left dominance, mm", "2.8±.5", DODGE, "RCA mm left", 2.6, 3.0),
    Quantity("mid RCA, right dominance, mm", "3.4", FACTS, "mid RCA mm right", 3.2, 3.6),
    Quantity("proximal LCx, right dominance, mm", "3.4±.5; CT 3.6±.7", BOTH, "LCx mm right", 3.2, 3.7),
    Quantity("proximal LCx, left dominance, mm", "4.2±.6", DODGE, "LCx mm left", 3.9, 4.5),
    Quantity("LM length, mm", "about 10 drawn", "ours", "LM length mm", 7, 13),
    Quantity("RCA length, right dominance, mm", "120-140", FACTS, "RCA length mm right", 120, 140),
    Quantity("LAD length, mm", "100-130", FACTS, "LAD length mm", 100, 130),
    Quantity("LCx length, right dominance, mm", "80-100", FACTS, "LCx length mm right", 80, 100),
    Quantity("PDA length, mm", "55", FACTS, "PDA length mm", 48, 62),
    Quantity("PDA length, lower tenth, mm", "not below 25", "ours", "PDA length mm", 25, 60, lowest_tenth),
    Quantity("acute marginal length, mm", "51", FACTS, "AM length mm", 44, 58),
    Quantity("side branch, radius at its start, mm", "0.9-1.2", FACTS, "side radius mm", 0.85, 1.25),
    Quantity("LAD curvature, distal to proximal third", "above 1", "PMC2759354", "LAD distal to proximal", 1.0, 3.0),
    Quantity("RCA curvature, middle to proximal third", "below 1", "PMC2759354", "RCA middle to proximal", 0.0, 1.0),
    Quantity("RCA curvature, middle to distal third", "below 1", "PMC2759354", "RCA middle to distal", 0.0, 1.0),
    Quantity("right dominance, share", ".78 drawn", "ours", "right", 0.70, 0.88),
    Quantity("left dominance, share", ".12 drawn", "ours", "left", 0.06, 0.16),
    Quantity("no calcium, share of patients", ".2 by design", "ours", "zero", 0.1, 0.3),
    *(
        Quantity(f"{name} of calcified patients", f"{share:.2f}", COCA, f"{name} calcified", share - 0.06, share + 0.06)
        for name, share in (("LAD", 0.89), ("RCA", 0.59), ("LCx", 0.56), ("LM", 0.34))
    ),
    Quantity("lesions per patient, mean", "5.4-7.5", LESIONS, "lesions", 5.0, 7.8),
    Quantity("lesions per patient, SD", "4.9", LESIONS, "lesions", 3.8, 6.5, np.std),
    Quantity("lesions per patient, most", "43", LESIONS, "lesions", 15, 50, np.max),
    Quantity("the same as scored, mean", "5.4-7.5", LESIONS, "scored lesions", 5.0, 7.8),
    Quantity("area per slice and region as scored, median, mm²", "4.1-5.0", COCA, "scored area mm2", 4, 5.2, np.median),
    Quantity("area per slice and region as scored, mean, mm²", "7-10", COCA, "scored area mm2", 6.5, 10.5),
    Quantity("area per slice and region as scored, most, mm²", "213", COCA, "scored area mm2", 60, 260, np.max),
    Quantity("slices of 3 mm with calcium per patient, as scored", "12", COCA, "scored slices", 9, 15),
    Quantity("lesion volume as scored, median, mm³", "10 (3 scans)", SHAPES, "scored volume mm3", 6, 30, np.median),
    Quantity("lesion volume as scored, mean, mm³", "58 (3 scans)", SHAPES, "scored volume mm3", 25, 110),
    Quantity("area per slice and region, label, median, mm²", "", "ours", "area mm2", 0, 9, np.median),
    Quantity("area per slice and region, label, mean, mm²", "", "ours", "area mm2", 0, 19),
    Quantity("lesion height in z, label, mm", "1-15", FACTS, "span mm", 1, 15),
    Quantity("label's volume, of what is painted", "1", "ours", "label volume", 0.97, 1.03),
    Quantity("pieces of a vessel's label", "1", "ours", "pieces", 1, 1, np.max),
    Quantity("plaque peak as scanned, median, HU", "500-1600", FACTS, "peak hu", 500, 1600, np.median),
    Quantity("proximal LAD and RCA lumen, HU", "300-550", FACTS, "lumen hu", 300, 600),
    Quantity("aorta, HU", "300-550", FACTS, "aorta hu", 300, 600),
    Quantity("myocardium, HU", "80-130", FACTS, "myocardium hu", 80, 130),
    Quantity("pericoronary fat, HU", "−90±11", FACTS, "fat hu", -101, -79),
    Quantity("noise SD in the aortic root, HU", "15-45", FACTS, "noise hu", 15, 45),
)  # fmt: skip


def arc_length(points_mm: np.ndarray) -> np.ndarray:
    """Length along points (n, 3) from the first, (n,)."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points_mm, axis=0), axis=1))])


def diameter_between(branch: Branch, start_mm: float, end_mm: float) -> float:
    """Mean lumen diameter between two lengths from where the branch leaves the aorta or its parent."""
    length = arc_length(branch.points_mm)
    length = length - length[int(np.argmin(branch.in_aorta))]
    inside = (length >= start_mm) & (length <= end_mm)
    return float(2 * branch.radius_mm[inside].mean())


def curvature(points_mm: np.ndarray, smooth_mm: float = 1.5) -> np.ndarray:
    """Curvature (n,) in 1/mm of points (n, 3), after smoothing by a Gaussian of this SD."""
    step = float(arc_length(points_mm)[-1] / (len(points_mm) - 1))
    points = ndimage.gaussian_filter1d(points_mm, smooth_mm / step, axis=0, mode="nearest")
    first = np.gradient(points, step, axis=0)
    second = np.gradient(first, step, axis=0)
    speed = np.linalg.norm(first, axis=1)
    return np.linalg.norm(np.cross(first, second), axis=1) / np.maximum(speed, 1e-9) ** 3


def measure_tree(tree: CoronaryTree, sex: str, dominance: str) -> Measured:
    """Calibres, lengths and curvature of one tree, by the definitions of the sources."""
    found: Measured = {}
    branches = {b.name: b for b in tree.arteries}
    if "LM" in branches:
        found[f"LM mm {sex}"] = [diameter_between(branches["LM"], 0.5, 30)]
        found["LM length mm"] = [branches["LM"].length_mm - 0.3 * int(branches["LM"].in_aorta.sum())]
    for name in ("LAD", "LCx", "RCA"):
        branch, third = branches[name], np.array_split(np.arange(len(branches[name].points_mm)), 3)
        found[f"{name} length mm"] = found[f"{name} length mm {dominance}"] = [branch.length_mm]
        bend = curvature(branch.points_mm)
        first, middle, last = (float(bend[part].mean()) for part in third)
        found[f"{name} distal to proximal"] = [last / first]
        found[f"{name} middle to proximal"] = [middle / first]
        found[f"{name} middle to distal"] = [middle / last]
        if name != "LAD":
            found[f"{name} mm {dominance}"] = [diameter_between(branch, 5, 10)]
    lad, rca = branches["LAD"], branches["RCA"]
    found[f"proximal LAD mm {sex}"] = [diameter_between(lad, 5, 10)]
    for key, branch, part in (("mid LAD mm", lad, 1 / 2), ("distal LAD mm", lad, 5 / 6), ("mid RCA mm", rca, 1 / 2)):
        middle = part * branch.length_mm
        found[key] = found[f"{key} {dominance}"] = [diameter_between(branch, middle - 5, middle + 5)]
    for name in ("PDA", "AM"):
        found[f"{name} length mm"] = [branches[name].length_mm] if name in branches else []
    side = [b for b in tree.arteries if b.labelled and b.name.rstrip("0123456789") in ("D", "OM", "AM", "PDA", "PL")]
    found["side radius mm"] = [float(b.radius_mm[6:30].mean()) for b in side]
    return found


def measure_calcium(calcium: np.ndarray, spacing_mm_zyx: tuple[float, ...]) -> Measured:
    """Lesions (26-connected) and their sections in each slice (8-connected) of a (z, y, x) label of vessel numbers."""
    lesions, count = ndimage.label(calcium > 0, BLOCK)
    pixel = spacing_mm_zyx[1] * spacing_mm_zyx[2]
    spans = [(part[0].stop - part[0].start) * spacing_mm_zyx[0] for part in ndimage.find_objects(lesions)]
    voxels = np.bincount(lesions.ravel(), minlength=count + 1)[1:]
    areas: list[float] = []
    for plane in calcium[np.flatnonzero(calcium.any(axis=(1, 2)))]:
        regions, _ = ndimage.label(plane > 0, BLOCK[0])
        areas += (np.bincount(regions.ravel())[1:] * pixel).tolist()
    return {
        "zero": [float(count == 0)],
        "lesions": [float(count)] if count else [],
        "span mm": [float(s) for s in spans],
        "volume mm3": (voxels * pixel * spacing_mm_zyx[0]).tolist(),
        "area mm2": areas,
        **{f"{v.label} calcified": [float((calcium == v).any())] if count else [] for v in NAMED_VESSELS},
    }


def paint_plaque_alone(tree: CoronaryTree, patient: Patient) -> Canvas:
    """The patient's plaque in soft tissue, without heart or contrast."""
    points = np.concatenate([b.points_mm for b in tree.arteries])
    canvas = Canvas.filled(points.min(axis=0) - 8, points.max(axis=0) + 8, CANVAS_MM, SOFT_HU)
    paint_plaque(canvas, tree, patient)
    return canvas


def calcium_without_contrast(canvas: Canvas, calcium_gain: float) -> np.ndarray:
    """What a calcium score sees of painted plaque: at least 130 HU at 120 kVp in 3 mm slices, (z, y, x) uint8.

    In-plane blur 0.9 mm FWHM; no noise, so that every voxel is plaque. Voxels are 3 x CANVAS_MM x CANVAS_MM.
    """
    slices = round(SCORE_SLICE_MM / CANVAS_MM)
    hu = np.where(canvas.layers["calcium_fraction"] > 0, (canvas.hu - SOFT_HU) / calcium_gain, 0.0)
    hu = hu[: len(hu) // slices * slices].reshape(-1, slices, *hu.shape[1:]).mean(axis=1)
    blurred = ndimage.gaussian_filter(hu, (0, *2 * (0.9 / 2.355 / CANVAS_MM,)))
    return (blurred + SOFT_HU >= 130).astype(np.uint8)


def measure_seed(seed: int) -> Measured:
    """Everything that needs no scan."""
    patient = draw_patient(seed)
    tree = build_coronaries(patient, build_heart(patient))
    settings = replace(draw_scan(patient), motion=())
    geometry = settings.geometry
    found = measure_tree(tree, patient.sex, patient.dominance)
    found |= {name: [float(patient.dominance == name)] for name in ("right", "left", "co")}
    canvas = paint_plaque_alone(tree, patient)
    scored = calcium_without_contrast(canvas, patient.attenuation.calcium_gain)
    as_scored = measure_calcium(scored, (SCORE_SLICE_MM, CANVAS_MM, CANVAS_MM))
    found |= {f"scored {name}": values for name, values in as_scored.items() if "calcified" not in name}
    found["scored slices"] = [float(scored.any(axis=(1, 2)).sum())] if scored.any() else []
    painted_mm3 = float(canvas.layers["calcium_fraction"].sum()) * CANVAS_MM**3
    move_labels(canvas, settings)
    label = label_by_coverage(canvas, canvas.layers["calcium"], canvas.layers["calcium_fraction"], geometry)
    found |= measure_calcium(label, geometry.spacing_mm_zyx)
    label_mm3 = np.count_nonzero(label) * geometry.voxel_volume_mm3
    found["label volume"] = [label_mm3 / painted_mm3] if painted_mm3 > 1 else []
    return found


def _voxels(geometry: Geometry, branch: Branch | None) -> list[tuple[int, int, int]]:
    """The scan's voxels on a branch's centre line, 5 to 25 mm from its start."""
    if branch is None:
        return []
    length = arc_length(branch.points_mm)
    points = branch.points_mm[(length > 5) & (length < 25)]
    axes = zip(axes_of(geometry), points.T[::-1], strict=True)
    steps = [(along - axis.centres_mm[0]) / axis.step_mm for axis, along in axes]
    at = np.rint(np.stack(steps, axis=1)).astype(int)
    inside = np.all((at >= 0) & (at < geometry.shape_zyx), axis=1)
    return [(int(z), int(y), int(x)) for z, y, x in at[inside]]


def robust_sd(hu: np.ndarray) -> float:
    """1.48 × median absolute deviation: noise, whatever leaflets and calcium lie among the voxels."""
    return float(1.4826 * np.median(np.abs(hu - np.median(hu))))


def measure_scan(seed: int) -> Measured:
    """Attenuation and noise in one whole scan, within the labels, and how many pieces each vessel's label has."""
    scanned = simulate(seed)
    hu, coronary, calcium, truth = scanned.volume.hu, scanned.coronary, scanned.calcium, scanned.truth
    heart = build_heart(truth.patient)
    geometry = truth.scan.geometry

    def around(point_mm: np.ndarray, radius_mm: float) -> np.ndarray:
        axes = [a.centres_mm - p for a, p in zip(axes_of(geometry), point_mm[::-1], strict=True)]
        return axes[0][:, None, None] ** 2 + axes[1][None, :, None] ** 2 + axes[2] ** 2 < radius_mm**2

    lesions, count = ndimage.label(calcium > 0, BLOCK)
    root = heart.frame.to_patient(heart.template.sinus_centre[:, None])[:, 0]
    tree = build_coronaries(truth.patient, heart)
    lumen = [hu[at] for name in ("LAD", "RCA") for at in _voxels(geometry, tree.branch(name)) if not calcium[at]]
    ventricle = heart.template.left_ventricle
    step = tuple(slice(None, None, 3) for _ in range(3))
    near = ndimage.distance_transform_edt(coronary[step] == 0, np.multiply(3, geometry.spacing_mm_zyx))
    z, y, x = (a.centres_mm[::3] for a in axes_of(geometry))
    grid = heart.frame.to_template(np.stack(np.meshgrid(x, y, z, indexing="ij")).transpose(0, 3, 2, 1))
    muscle = (ventricle.outer(grid) < -3) & (ventricle.blood(grid) > 3)
    outside = (heart.template.epicardium(grid) > 3) & (heart.template.pericardium(grid) < -2) & (near < 6)
    fat = outside & (near > 2.5) & (scanned.distractor[step] == 0) & (hu[step] < 0)
    return {
        "pieces": [float(ndimage.label(coronary == v, BLOCK)[1]) for v in np.unique(coronary) if v],
        "peak hu": np.atleast_1d(ndimage.maximum(hu, lesions, np.arange(1, count + 1))).tolist() if count else [],
        "lumen hu": [float(np.median(lumen))] if lumen else [],
        "aorta hu": [float(hu[around(root, 6.0)].mean())],
        "noise hu": [robust_sd(hu[around(root, 6.0)])],
        "myocardium hu": [float(np.median(hu[step][muscle]))],
        "fat hu": [float(np.median(hu[step][fat]))] if fat.any() else [],
    }  # fmt: skip


def kept(measure: Callable[[int], Measured], name: str, folder: Path, seed: int) -> Measured:
    """What a seed gave, from its file where it was measured before."""
    file = folder / f"{name}-{seed}.json"
    if not file.is_file():
        part = file.with_suffix(".part")
        part.write_text(json.dumps(measure(seed)), "utf-8")
        os.replace(part, file)
    return json.loads(file.read_text("utf-8"))  # type: ignore[no-any-return]


def pooled(found: Iterable[Measured]) -> dict[str, np.ndarray]:
    """The values of all seeds by key."""
    result: Measured = {}
    for values in found:
        for key, more in values.items():
            result.setdefault(key, []).extend(more)
    return {key: np.asarray(values, float) for key, values in result.items()}


def table(values: dict[str, np.ndarray]) -> str:
    """The Markdown table; a quantity that was not measured is left out."""
    rows = ["| Quantity | Published | Source | Simulated | n | Within |", "|---|---|---|---|---|---|"]
    for quantity in QUANTITIES:
        found = values.get(quantity.key, np.empty(0))
        if not len(found):
            continue
        value = float(quantity.of(found))
        digits = 3 if abs(value) < 0.3 else 2 if abs(value) < 10 else 0
        shown = f"{value:.{digits}f}" + (f" ± {found.std():.{digits}f}" if quantity.of is np.mean else "")
        within = "yes" if quantity.low <= value <= quantity.high else "**no**"
        rows.append(
            f"| {quantity.name} | {quantity.published} | {quantity.source} | {shown} | {len(found)} | {within} |"
        )
    return "\n".join(rows) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1000:1100", help="A:B, B excluded")
    parser.add_argument("--scans", type=int, default=0, help="how many of them to scan as well, 30 s each")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("build/statistics"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    seeds = range(*(int(seed) for seed in options.seeds.split(":")))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(options.workers) as pool:
        found = list(pool.map(partial(kept, measure_seed, "seed", options.output), seeds))
        found += pool.map(partial(kept, measure_scan, "scan", options.output), seeds[: options.scans])
    text = table(pooled(found))
    (options.output / "statistics.md").write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
