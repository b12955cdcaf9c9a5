"""Which plaques a patient has: how many, where, of what kind, how large and how dense.

Published: of calcified patients LAD 89, RCA 59, LCx 56, LM 34 %; 5.4 ± 4.9 to 7.5 lesions, at most about 43; area per
slice median 4-5 mm²; crescents over 10-180° of the wall, 1-15 mm long, 0.3-2 mm thick, peak 500-1600 HU.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cacnet.phantom.coronary_tree import Branch, CoronaryTree
from cacnet.phantom.patient import Patient

VESSEL_WEIGHT = {"LM": 0.12, "LAD": 0.44, "LCx": 0.22, "RCA": 0.22}
MEAN_FROM_START_MM = {"LM": 6.0, "LAD": 26.0, "LCx": 26.0, "RCA": 42.0}
MOST_LESIONS = 40


@dataclass(frozen=True)
class Plaque:
    """One plaque on a branch.

    Attributes:
        branch: index into the tree's arteries.
        sample: centre-line sample at its middle.
        kind: 'spot', 'crescent', 'sheet', 'nodule' or 'soft'.
        calcified: whether it counts as calcium; soft plaque does not.
        angle: direction of its middle about the centre line, rad.
        twist: rad per mm along the vessel.
        encroachment: share of its thickness on the lumen's side of the wall's middle.
        roughness: how far noise breaks up the outline.
    """

    branch: int
    sample: int
    kind: str
    calcified: bool
    length_mm: float
    thickness_mm: float
    arc_deg: float
    angle: float
    twist: float
    encroachment: float
    roughness: float
    hu: float
    noise_seed: int


@dataclass(frozen=True)
class PlaqueRecord:
    """What was painted: the truth for one plaque."""

    vessel: int
    branch: str
    kind: str
    calcified: bool
    centre_mm: tuple[float, float, float]
    length_mm: float
    thickness_mm: float
    arc_deg: float
    hu: float
    volume_mm3: float


def draw_plaques(tree: CoronaryTree, patient: Patient) -> tuple[Plaque, ...]:
    """All plaques of a patient: calcified ones by the calcium burden, soft ones by age."""
    rng = patient.rng("plaque")
    plaques: list[Plaque] = []
    if patient.calcium_burden > 0:
        count = 1 + int(rng.poisson(rng.gamma(2.2, 3.9 * patient.calcium_burden / 2.2)))
        weights = _patient_weights(rng)
        for _ in range(min(count, MOST_LESIONS)):
            place = _place(tree, rng, weights)
            plaques.append(_calcified(place, rng, patient))
            if rng.random() < 0.35:
                plaques.append(_soft(tree, (place[0], place[1]), rng))
    for _ in range(int(rng.poisson(0.03 * max(patient.age_years - 35, 0)))):
        plaques.append(_soft(tree, _place(tree, rng, VESSEL_WEIGHT), rng))
    return tuple(plaques)


def _patient_weights(rng: np.random.Generator) -> dict[str, float]:
    """One patient's disease favours some vessels over others."""
    return {name: weight * float(rng.lognormal(0, 0.6)) for name, weight in VESSEL_WEIGHT.items()}


def _place(tree: CoronaryTree, rng: np.random.Generator, weights: dict[str, float]) -> tuple[int, int]:
    names = list(weights)
    share = np.array([weights[n] for n in names])
    name = str(rng.choice(names, p=share / share.sum()))
    trunk = next(i for i, b in enumerate(tree.arteries) if b.name == name)
    children = [i for i, b in enumerate(tree.arteries) if b.parent == trunk and b.labelled]
    if name != "LM" and children and rng.random() < 0.13:
        side = int(rng.choice(children))
        return side, _sample_at(tree.arteries[side], rng.exponential(9.0))
    if children and rng.random() < 0.3:
        fork = tree.arteries[int(rng.choice(children))].parent_index * 0.3
        return trunk, _sample_at(tree.arteries[trunk], abs(fork + rng.normal(0, 3.0)))
    return trunk, _sample_at(tree.arteries[trunk], rng.gamma(1.4, MEAN_FROM_START_MM[name] / 1.4))


def _sample_at(branch: Branch, from_start_mm: float) -> int:
    """The sample at a length from where the branch leaves the aortic lumen; a length too great is folded back."""
    start = int(np.argmin(branch.in_aorta))
    usable = 0.93 * (len(branch.points_mm) - start) * 0.3
    length = from_start_mm if from_start_mm < usable else (from_start_mm * 0.37) % max(usable, 0.3)
    return int(np.clip(start + 3 + length / 0.3, start + 2, len(branch.points_mm) - 3))


def _calcified(place: tuple[int, int], rng: np.random.Generator, patient: Patient) -> Plaque:
    severe = np.clip(patient.calcium_burden / 4, 0, 1)
    share = [0.40 - 0.2 * severe, 0.44, 0.10 + 0.15 * severe, 0.06 + 0.05 * severe]
    kind = str(rng.choice(["spot", "crescent", "sheet", "nodule"], p=share))
    length, thickness, arc = {
        "spot": (rng.uniform(0.9, 2.6), rng.uniform(0.7, 1.9), rng.uniform(20, 70)),
        "crescent": (rng.lognormal(np.log(5.2), 0.5), rng.uniform(0.7, 2.3), rng.uniform(40, 150)),
        "nodule": (rng.uniform(2.0, 6.0), rng.uniform(1.6, 3.0), rng.uniform(60, 130)),
        "sheet": (rng.lognormal(np.log(9.0), 0.35), rng.uniform(0.6, 1.5), rng.uniform(110, 260)),
    }[kind]
    # Before the scanner's blur, which halves the peak of a plaque 0.6 mm thick: the peaks seen are 500-1600 HU.
    weak = rng.random() < 0.1
    hu = rng.uniform(550, 850) if weak else float(np.clip(rng.lognormal(np.log(1350), 0.28), 850, 2400))
    return _plaque(
        place, kind, True, (float(np.clip(length, 0.8, 16)), thickness, arc), hu * patient.attenuation.calcium_gain, rng
    )


def _soft(tree: CoronaryTree, place: tuple[int, int], rng: np.random.Generator) -> Plaque:
    radius = float(tree.arteries[place[0]].radius_mm[place[1]])
    size = (rng.uniform(4, 18), rng.uniform(0.4, 0.9) * radius, rng.uniform(90, 300))
    return _plaque(place, "soft", False, size, rng.uniform(20, 95), rng)


def _plaque(
    place: tuple[int, int],
    kind: str,
    calcified: bool,
    size: tuple[float, float, float],
    hu: float,
    rng: np.random.Generator,
) -> Plaque:
    return Plaque(
        branch=place[0],
        sample=place[1],
        kind=kind,
        calcified=calcified,
        length_mm=size[0],
        thickness_mm=size[1],
        arc_deg=size[2],
        angle=float(rng.uniform(-np.pi, np.pi)),
        twist=float(rng.normal(0, 0.08)),
        encroachment=float(rng.uniform(0.25, 0.75)),
        roughness=float(rng.uniform(0.05, 0.25)),
        hu=float(hu),
        noise_seed=int(rng.integers(2**31)),
    )
