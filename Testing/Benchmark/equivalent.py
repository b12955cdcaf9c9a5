"""Which score of a contrast CT comes closest to the Agatston score of the same patient's calcium scan?

    python Testing/Benchmark/equivalent.py FOLDER [FOLDER …] --held-out FOLDER --masks FOLDER --output equivalent.md

A FOLDER holds simulated patients, as scans with their truth (`cacnet phantom`, `cacnet evaluate`) or as training cases
(`python -m cacnet.training.make_cases`); their record holds the true Agatston score without contrast. Every protocol
scores the true calcium of the contrast CT, so that what is compared are the protocols. The conversions are fitted by
leaving one patient out. The held-out patients are scored by the conversion fitted to all others, in their true masks
and in those that a network found: `--masks` holds the outputs of `cacnet segment`, in folders named as the patients'.

`--write` puts the conversion into cacnet/scoring/simulated_pairs.py, from where 'ccta-calibrated' takes it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from cacnet.contrast import blood_pool
from cacnet.evaluation.agreement import Agreement, agreement, kappa
from cacnet.evaluation.estimates import Estimate
from cacnet.evaluation.truth import read_truth
from cacnet.labelling import lumen_hu
from cacnet.lesions import find_lesions
from cacnet.masks import read_labels
from cacnet.prepare import MODEL_SPACING_MM
from cacnet.reading import read_ct
from cacnet.scoring import (
    PROTOCOLS,
    BloodPoolNotMeasurableError,
    BloodPoolThreshold,
    FixedThreshold,
    Protocol,
    measure_blood_pool,
    resolve,
    total,
)
from cacnet.scoring import simulated_pairs as written
from cacnet.scoring.equivalent import prediction_interval
from cacnet.scoring.risk import RiskCategory, risk_category
from cacnet.training.cases import read_case
from cacnet.volume import Geometry, Volume
from scipy import optimize, stats

ADAPTIVE = PROTOCOLS["ccta-adaptive"]
PAVITT = PROTOCOLS["pavitt-2014"]
CANDIDATES: dict[str, Protocol] = {
    "ccta-adaptive (blood + 2 SD)": ADAPTIVE,
    "blood + 3 SD": replace(ADAPTIVE, threshold=BloodPoolThreshold(3.0)),
    "ccta-adaptive-3mm": PROTOCOLS["ccta-adaptive-3mm"],
    "pavitt-2014 on the scan's own slices": replace(PAVITT, reslice_mm=None),
    "pavitt-2014 on 3 mm": replace(PAVITT, reslice_mm=3.0),
    "130 HU in the mask": PROTOCOLS["literature"],
    "320 HU (Mylonas)": replace(ADAPTIVE, threshold=FixedThreshold(320.0)),
    "351 HU (Otton)": replace(ADAPTIVE, threshold=FixedThreshold(351.0)),
    "600 HU (Glodny)": replace(ADAPTIVE, threshold=FixedThreshold(600.0)),
}
COUNTED, CALIBRATED = "counted mm³", "ccta-calibrated"
CATEGORIES = list(RiskCategory)
RANGES = ((0.0, 0.0), (0.0, 100.0), (100.0, 400.0), (400.0, np.inf))
HEAD = """\
# Scores of contrast CT against the calcium scan, on simulated pairs

Simulated patients only; no real pair of scans has been measured. Research use only, not for diagnosis. Written by
`python Testing/Benchmark/equivalent.py` (see its help); protocols are those of `cacnet.scoring`.

- A sum over calcium in contrast CT is several times too low, because contrast hides blooming. The threshold hardly
  matters: all of them differ by less than their intervals. The default on contrast CT therefore stays `ccta-adaptive`:
  it converts nothing, keeps volume and mass exact, and misses fewer small lesions than slices averaged to 3 mm.
- Of the published conversions, Pavitt 2014 comes close once slices are averaged to the 3 mm that it was established on,
  so the protocol does that. It rests on 503 real patients, but not on masks like ours.
- `ccta-calibrated` leaves the raw score as it is, from the scan's own slices, and puts an estimate beside it that comes
  about as close to the calcium scan as Pavitt 2014 on 3 mm. It holds for masks as this simulator draws them (each
  plaque with its own volume) and as a network trained on them does; a mask drawn more generously gives too high an
  estimate. In real patients the published gap is two- to threefold, less than here, so the estimate may be too high for
  them.
- A network's masks add its own misses and false positives, so their interval is wider. An unreviewed result carries
  that wide interval, a reviewed one that of right masks.
"""
CONSTANTS = '''\
"""The calibration of contrast CT against the calcium scan. Written by Testing/Benchmark/equivalent.py; do not edit."""

from __future__ import annotations

from cacnet.scoring.protocol import SimulatedPairs, VolumeCalibration

VOLUME_CALIBRATION = VolumeCalibration(
    factor={factor:.4g},
    power={power:.4g},
    right_masks=SimulatedPairs({n_right}, "{seeds_right}", "true masks", {width_right:.3g}),
    network_masks=SimulatedPairs({n_network}, "{seeds_network}", "masks of {model}", {width_network:.3g}),
)
'''


@dataclass(frozen=True)
class Patient:
    """One patient's scores by each candidate, the volume that counts, and the true score without contrast."""

    seed: int
    true: float
    found: dict[str, float]


@dataclass(frozen=True)
class Conversion:
    """factor · (mm³) ** power."""

    factor: float
    power: float

    def __call__(self, volume_mm3: np.ndarray) -> np.ndarray:
        return np.where(volume_mm3 > 0, self.factor * np.maximum(volume_mm3, 1e-9) ** self.power, 0.0)


def patients_in(folder: Path, masks: Path | None = None) -> list[Patient]:
    """The patients of a folder whose true score is known, by seed; in a network's masks where those are given."""
    found = sorted({path.parent for name in ("ct.nii.gz", "case.json") for path in folder.glob(f"**/{name}")})
    patients = [_patient(one, masks) for one in found if masks is None or (masks / one.name).is_dir()]
    return sorted((p for p in patients if p is not None), key=lambda p: p.seed)


def _patient(folder: Path, masks: Path | None) -> Patient | None:
    if (folder / "case.json").is_file():
        case = read_case(folder)
        record = json.loads((folder / "case.json").read_text("utf-8"))
        truth = record.get("truth", {})
        hu, calcium, coronary = (np.asarray(array) for array in (case.hu, case.calcium, case.coronary))
        geometry = Geometry(hu.shape, (MODEL_SPACING_MM,) * 3, tuple(record["origin_mm_lps"]))
    else:
        truth = json.loads((folder / "truth.json").read_text("utf-8"))
        volume = read_ct(folder / "ct.nii.gz")
        labels = read_truth(folder, volume.geometry)
        hu, geometry, calcium, coronary = volume.hu, volume.geometry, labels.calcium, labels.coronary
    if "agatston_without_contrast" not in truth:
        return None
    if masks is not None:
        names = (("calcium", "calcium"), ("coronary", "arteries"))
        files = [read_labels(masks / folder.name / f"{file}.nii.gz", geometry, name) for file, name in names]
        calcium, coronary = files
    true = float(truth["agatston_without_contrast"]["total"])
    return Patient(int(truth["patient"]["seed"]), true, _scores(hu, calcium, coronary, geometry))


def _scores(hu: np.ndarray, calcium: np.ndarray, coronary: np.ndarray, geometry: Geometry) -> dict[str, float]:
    median_hu, sd_hu = _blood(hu, coronary, calcium, geometry)
    found = {}
    for name, protocol in CANDIDATES.items():
        rules = resolve(protocol, median_hu, sd_hu, 120.0)
        totals = total(find_lesions(calcium, hu, geometry, rules).lesions)
        found[name] = totals.agatston
        if protocol is ADAPTIVE:
            found[COUNTED] = totals.volume_mm3
    return found


def _blood(hu: np.ndarray, coronary: np.ndarray, calcium: np.ndarray, geometry: Geometry) -> tuple[float, float]:
    """Median and SD of the blood in the arteries or, as in a run, in the heart where too little of them is wide."""
    blood = lumen_hu(hu, coronary > 0, calcium > 0, geometry)
    try:
        pool = measure_blood_pool(blood, np.ones(blood.shape, bool))
    except BloodPoolNotMeasurableError:
        heart = blood_pool(Volume(hu, geometry))
        return heart.median_hu, heart.sd_hu
    return pool.median_hu, pool.sd_hu


def fit(volume_mm3: np.ndarray, true: np.ndarray) -> Conversion:
    """By least squares of the square roots, which neither the severe nor the mild patients decide alone."""

    def errors(p: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(Conversion(np.exp(p[0]), p[1])(volume_mm3)) - np.sqrt(true))

    log_factor, power = optimize.least_squares(errors, (2.0, 0.9)).x
    return Conversion(float(np.exp(log_factor)), float(power))


def left_one_out(volume_mm3: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Each patient's estimate by the conversion fitted to all others."""
    every = np.arange(len(true))
    return np.array([float(fit(volume_mm3[every != i], true[every != i])(volume_mm3[i])) for i in every])


def root_half_width(estimate: np.ndarray, true: np.ndarray) -> float:
    """Half a 95 % prediction interval of a score's square root: t-distributed, any bias counted in."""
    errors = np.sqrt(true) - np.sqrt(estimate)
    n = len(errors)
    return float(stats.t.ppf(0.975, n - 1) * np.sqrt((errors**2).mean() * (1 + 1 / n)))


def table(rows: Sequence[tuple[str, np.ndarray]], true: np.ndarray) -> str:
    """Scores against the truth as Markdown."""
    head = ["Score", "Bias", "Limits of agreement", "ICC(2,1)", "Category κ", "Same category", "Missed: 0 found"]
    return _markdown([head, ["---"] * len(head), *(_row(name, found, true) for name, found in rows)])


def _row(name: str, found: np.ndarray, true: np.ndarray) -> list[str]:
    of: Agreement = agreement(list(found), list(true))
    classes = [[CATEGORIES.index(risk_category(float(v))) for v in values] for values in (found, true)]
    same = float(np.mean(np.array(classes[0]) == np.array(classes[1])))
    limits = f"{_number(of.lower_limit)} to {_number(of.upper_limit)}"
    missed = f"{int(((found == 0) & (true > 0)).sum())} of {int((true > 0).sum())}"
    return [
        name,
        _interval(of.bias),
        limits,
        _interval(of.icc, 2),
        _interval(kappa(*classes), 2),
        f"{same:.2f}",
        missed,
    ]


def _number(value: Estimate) -> str:
    return "–" if value.value is None else f"{value.value:.0f}"


def _interval(value: Estimate, digits: int = 0) -> str:
    if value.value is None or value.low is None or value.high is None:
        return f"not defined: {value.note}" if value.value is None else f"{value.value:.{digits}f}"
    return f"{value.value:.{digits}f} ({value.low:.{digits}f} to {value.high:.{digits}f})"


def coverage(groups: dict[str, tuple[np.ndarray, np.ndarray, float]]) -> str:
    """How often the truth lies in the 95 % interval, by the estimate's range."""
    head = ["Masks", "Half width, √score", *(_range_name(*r) for r in RANGES), "all"]
    lines = [head, ["---"] * len(head)]
    for name, (estimate, true, width) in groups.items():
        ends = np.array([prediction_interval(e, width) for e in estimate])
        inside = (true >= ends[:, 0]) & (true <= ends[:, 1])
        members = [_in_range(estimate, *r) for r in RANGES] + [np.ones(len(true), bool)]
        lines.append([name, f"{width:.1f}", *(f"{int(inside[m].sum())} of {int(m.sum())}" for m in members)])
    return _markdown(lines)


def _in_range(estimate: np.ndarray, low: float, high: float) -> np.ndarray:
    return (estimate == 0) if high == 0 else (estimate > low) & (estimate <= high)


def _range_name(low: float, high: float) -> str:
    return "estimate 0" if high == 0 else f"{low:.0f} to {high:.0f}" if np.isfinite(high) else f"over {low:.0f}"


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def columns(patients: Sequence[Patient]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Scores by name, the counted volume among them, and the truth."""
    names = (*CANDIDATES, COUNTED)
    return {n: np.array([p.found[n] for p in patients]) for n in names}, np.array([p.true for p in patients])


def in_words(patients: Sequence[Patient]) -> str:
    """Such as '2000 to 2049 and 2300'."""
    seeds = sorted(p.seed for p in patients)
    parts = np.split(seeds, np.flatnonzero(np.diff(seeds) > 10) + 1)
    return " and ".join(str(p[0]) if len(p) == 1 else f"{p[0]} to {p[-1]}" for p in parts)


def describe(patients: Sequence[Patient]) -> str:
    """How many and how much calcium they have."""
    true = np.array([p.true for p in patients])
    return (
        f"{len(patients)} simulated patients (seeds {in_words(patients)}); true score without contrast: median "
        f"{np.median(true):.0f}, quartiles {np.percentile(true, 25):.0f} and {np.percentile(true, 75):.0f}, most "
        f"{true.max():.0f}; {int((true == 0).sum())} of them 0."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--masks", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--write", action="store_true", help="the conversion into cacnet/scoring/simulated_pairs.py")
    arguments = parser.parse_args()
    pairs = [patient for folder in arguments.folders for patient in patients_in(folder)]
    held_out = patients_in(arguments.held_out)
    network = patients_in(arguments.held_out, arguments.masks)
    model = json.loads(next(arguments.masks.glob("*/report.json")).read_text("utf-8"))["model"]["id"]
    scores, true = columns(pairs)
    conversion, loo = fit(scores[COUNTED], true), left_one_out(scores[COUNTED], true)
    widths, groups, sections = [root_half_width(loo, true)], {}, []
    groups["true, left one out"] = (loo, true, widths[0])
    rows = [*((name, scores[name]) for name in CANDIDATES), (f"{CALIBRATED}, left one out", loo)]
    sections.append(f"## True masks\n\n{describe(pairs)}\n\n{table(rows, true)}")
    for title, patients in (("true masks", held_out), (f"masks of {model}", network)):
        scores, true = columns(patients)
        estimate = conversion(scores[COUNTED])
        if patients is network:
            widths.append(root_half_width(estimate, true))
        groups[f"held out, {title}"] = (estimate, true, widths[-1])
        rows = [*((name, scores[name]) for name in CANDIDATES), (CALIBRATED, estimate)]
        sections.append(f"## Held out, {title}\n\n{describe(patients)}\n\n{table(rows, true)}")
    head = f"Conversion: {conversion.factor:.4g} × (mm³ of counted calcium) ^ {conversion.power:.4g}."
    body = "\n\n".join([HEAD.strip(), head, *sections, f"## 95 % prediction intervals\n\n{coverage(groups)}"]) + "\n"
    arguments.output.write_text(body, "utf-8")
    print(body)
    if arguments.write:
        constants = CONSTANTS.format(
            factor=conversion.factor,
            power=conversion.power,
            n_right=len(pairs),
            seeds_right=in_words(pairs),
            width_right=widths[0],
            n_network=len(network),
            seeds_network=in_words(network),
            width_network=widths[1],
            model=model,
        )
        Path(written.__file__).write_text(constants, "utf-8")


if __name__ == "__main__":
    main()
