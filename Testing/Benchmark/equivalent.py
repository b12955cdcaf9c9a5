"""Which score of a contrast CT comes closest to the Agatston score of the same patient's calcium scan?

    python Testing/Benchmark/equivalent.py CASES [CASES …] --output equivalent.md

CASES are folders of simulated training cases (`python -m cacnet.training.make_cases`), whose record holds the patient's
true Agatston score without contrast. Every protocol scores the *true* calcium of the contrast CT, so that what is
compared are the protocols, not a network. The conversions are fitted by leaving one patient out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from cacnet.evaluation.agreement import Agreement, agreement, kappa
from cacnet.evaluation.estimates import Estimate
from cacnet.labelling import lumen_hu
from cacnet.lesions import find_lesions
from cacnet.prepare import MODEL_SPACING_MM
from cacnet.scoring import PROTOCOLS, BloodPoolThreshold, FixedThreshold, Protocol, measure_blood_pool, resolve, total
from cacnet.scoring.risk import RiskCategory, risk_category
from cacnet.training.cases import list_cases, read_case
from cacnet.volume import Geometry

ADAPTIVE = PROTOCOLS["ccta-adaptive"]
CANDIDATES: dict[str, Protocol] = {
    "ccta-adaptive (blood + 2 SD)": ADAPTIVE,
    "blood + 3 SD": replace(ADAPTIVE, threshold=BloodPoolThreshold(3.0)),
    "ccta-adaptive-3mm": PROTOCOLS["ccta-adaptive-3mm"],
    "pavitt-2014": PROTOCOLS["pavitt-2014"],
    "pavitt-2014 on 3 mm": replace(PROTOCOLS["pavitt-2014"], reslice_mm=3.0),
    "130 HU in the mask": PROTOCOLS["literature"],
    "320 HU (Mylonas)": replace(ADAPTIVE, threshold=FixedThreshold(320.0)),
    "351 HU (Otton)": replace(ADAPTIVE, threshold=FixedThreshold(351.0)),
    "600 HU (Glodny)": replace(ADAPTIVE, threshold=FixedThreshold(600.0)),
}
CATEGORIES = list(RiskCategory)


@dataclass(frozen=True)
class Patient:
    """One patient's scores: Agatston by each candidate, the calcium's volume, and the true score without contrast."""

    name: str
    true: float
    volume_mm3: float
    found: dict[str, float]


def patient_of(folder: Path) -> Patient | None:
    """Score one case; None where its record holds no true score."""
    case = read_case(folder)
    record = json.loads((folder / "case.json").read_text("utf-8"))
    true = record.get("truth", {}).get("agatston_without_contrast")
    if true is None:
        return None
    hu, calcium, coronary = (np.asarray(array) for array in (case.hu, case.calcium, case.coronary))
    grid = Geometry(hu.shape, (MODEL_SPACING_MM,) * 3, tuple(record["origin_mm_lps"]))
    pool = measure_blood_pool(blood := lumen_hu(hu, coronary > 0, calcium > 0, grid), np.ones(blood.shape, bool))
    found = {}
    for name, protocol in CANDIDATES.items():
        rules = resolve(protocol, pool.median_hu, pool.sd_hu, 120.0)
        found[name] = total(find_lesions(calcium, hu, grid, rules).lesions).agatston
    volume_mm3 = float((calcium > 0).sum() * grid.voxel_volume_mm3)
    return Patient(folder.name, float(true["total"]), volume_mm3, found)


def leave_one_out(x: np.ndarray, true: np.ndarray, fit: Callable[[np.ndarray, np.ndarray], Callable]) -> np.ndarray:
    """Each patient's prediction by a conversion fitted to all others."""
    every = np.arange(len(x))
    return np.array([float(fit(x[every != i], true[every != i])(x[i])) for i in every])


def proportional(x: np.ndarray, true: np.ndarray) -> Callable:
    """true = b · x, by least squares of the square roots, so that no single severe patient decides."""
    b = (np.sqrt(x * true).sum() / max(x.sum(), 1e-9)) ** 2
    return lambda value: b * value


def power(x: np.ndarray, true: np.ndarray) -> Callable:
    """true + 1 = a · (x + 1)^b, by least squares of the logarithms; nothing found stays 0."""
    b, a = np.polyfit(np.log1p(x), np.log1p(true), 1)
    return lambda value: np.where(value > 0, np.expm1(a + b * np.log1p(value)), 0.0)


def row(name: str, found: np.ndarray, true: np.ndarray) -> list[str]:
    """One line of the table."""
    of: Agreement = agreement(list(found), list(true))
    classes = [[CATEGORIES.index(risk_category(max(float(v), 0.0))) for v in values] for values in (found, true)]
    same = float(np.mean(np.array(classes[0]) == np.array(classes[1])))
    limits = f"{_number(of.lower_limit)} to {_number(of.upper_limit)}"
    return [name, _interval(of.bias), limits, _interval(of.icc, 2), _interval(kappa(*classes), 2), f"{same:.2f}"]


def _number(value: Estimate) -> str:
    return "–" if value.value is None else f"{value.value:.0f}"


def _interval(value: Estimate, digits: int = 0) -> str:
    if value.value is None or value.low is None or value.high is None:
        return f"not defined: {value.note}" if value.value is None else f"{value.value:.{digits}f}"
    return f"{value.value:.{digits}f} ({value.low:.{digits}f} to {value.high:.{digits}f})"


def table(patients: list[Patient]) -> str:
    """The comparison as Markdown."""
    true = np.array([p.true for p in patients])
    found = {name: np.array([p.found[name] for p in patients]) for name in CANDIDATES}
    volume = np.array([p.volume_mm3 for p in patients])
    rows = [row(name, values, true) for name, values in found.items()]
    sources = {"ccta-adaptive": found["ccta-adaptive (blood + 2 SD)"], "calcium volume": volume}
    sources["ccta-adaptive-3mm"] = found["ccta-adaptive-3mm"]
    for source, x in sources.items():
        for label, fit in (("× constant", proportional), ("power law", power)):
            rows.append(row(f"{source}, {label}, left one out", leave_one_out(x, true, fit), true))
    head = ["Score", "Bias", "Limits of agreement", "ICC(2,1)", "Category κ", "Same category"]
    lines = [head, ["---"] * len(head), *rows]
    fits = [f"calcium volume: × {proportional(volume, true)(1.0):.3g}"]
    b, a = np.polyfit(np.log1p(volume), np.log1p(true), 1)
    fits.append(f"(true + 1) = {np.exp(a):.3g} · (mm³ + 1)^{b:.3g}")
    about = (
        f"{len(patients)} simulated patients; true score without contrast: median {np.median(true):.0f}, "
        f"quartiles {np.percentile(true, 25):.0f} and {np.percentile(true, 75):.0f}, most {true.max():.0f}; "
        f"{int((true == 0).sum())} of them 0. Fitted to all: {'; '.join(fits)}."
    )
    return about + "\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    folders = [folder for cases in arguments.cases for folder in list_cases(cases)]
    with ProcessPoolExecutor(arguments.workers) as pool:
        patients = [patient for patient in pool.map(patient_of, folders) if patient is not None]
    text = table(patients)
    arguments.output.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
