"""Which plaques a patient has: how many, where, of what kind, how large and how dense.

Published: of calcified patients LAD 89, RCA 59, LCx 56, LM 34 %; 5.4 ± 4.9 to 7.5 lesions, at most about 43; area per
slice median 4-5 mm²; crescents over 10-180° of the wall, 1-15 mm long, 0.3-2 mm thick, peak 500-1600 HU. Heavy disease
also runs along both walls for centimetres (tram tracks). Soft plaque: low-attenuation core below 30-60 HU, positive
remodelling, spots of calcium within it, napkin rings: the high-risk features of CT, each in a minority of plaques.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cacnet.phantom.coronary_tree import Branch, CoronaryTree
from cacnet.phantom.patient import Patient

VESSEL_WEIGHT = {"LM": 0.09, "LAD": 0.44, "LCx": 0.17, "RCA": 0.23}
VESSEL_SPREAD = 0.7
FIRST_IN_LAD = 0.7
"""Patients whose first calcium is in the left anterior descending artery, as is usual."""
MEAN_PLAQUES, DISPERSION, BURDEN_POWER = 6.3, 2.4, 0.8
SIDE_BRANCH, AT_FORK = 0.13, 0.3
SOFT_BESIDE, SPOTS_WITHIN = 0.35, 0.3
LOW_CORE, NAPKIN_RING, REMODELLED = 0.25, 0.05, 0.3
TRAM_TRACK_PER_BURDEN = 0.009
LEAST_DIAMETER_MM = 1.5
"""Calcium is drawn in arteries at least this wide at their start."""
MEAN_FROM_START_MM = {"LM": 6.0, "LAD": 26.0, "LCx": 26.0, "RCA": 42.0}
MOST_LESIONS = 40


@dataclass(frozen=True)
class Plaque:
    """One plaque on a branch.

    Attributes:
        branch: index into the tree's arteries.
        sample: centre-line sample at its middle.
        kind: 'spot', 'crescent', 'sheet', 'nodule', 'tram' or 'soft'.
        calcified: whether it counts as calcium; soft plaque does not.
        angle: direction of its middle about the centre line, rad.
        twist: rad per mm along the vessel.
        encroachment: share of its thickness on the lumen's side of the wall's middle.
        roughness: how far noise breaks up the outline.
        core_hu: attenuation of a soft plaque's core; None for one as dense as its rim.
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
    core_hu: float | None = None


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
        count = 1 + int(
            rng.poisson(rng.gamma(DISPERSION, MEAN_PLAQUES * patient.calcium_burden**BURDEN_POWER / DISPERSION))
        )
        weights = _patient_weights(rng)
        for number in range(min(count, MOST_LESIONS)):
            first = number == 0 and rng.random() < FIRST_IN_LAD
            place = _place(tree, rng, {"LAD": 1.0} if first else weights)
            if rng.random() < TRAM_TRACK_PER_BURDEN * patient.calcium_burden:
                plaques += _tram_track(tree, place, rng, patient)
                continue
            plaques.append(_calcified(tree, place, rng, patient))
            if rng.random() < SOFT_BESIDE:
                plaques.append(_soft(tree, place, rng))
    for _ in range(int(rng.poisson(0.03 * max(patient.age_years - 35, 0)))):
        soft = _soft(tree, _place(tree, rng, VESSEL_WEIGHT), rng)
        plaques.append(soft)
        if patient.calcium_burden > 0 and rng.random() < SPOTS_WITHIN:
            plaques += _spots_within(tree, soft, rng, patient)
    return tuple(plaques)


def _patient_weights(rng: np.random.Generator) -> dict[str, float]:
    """One patient's disease favours some vessels over others."""
    return {name: weight * float(rng.lognormal(0, VESSEL_SPREAD)) for name, weight in VESSEL_WEIGHT.items()}


def _place(tree: CoronaryTree, rng: np.random.Generator, weights: dict[str, float]) -> tuple[int, int]:
    trunks = {b.name: i for i, b in enumerate(tree.arteries) if b.name in weights}
    share = np.array([weights[name] for name in trunks])
    name = str(rng.choice(list(trunks), p=share / share.sum()))
    trunk = trunks[name]
    children = [i for i, b in enumerate(tree.arteries) if b.parent == trunk and b.labelled]
    children = [i for i in children if 2 * tree.arteries[i].radius_mm[:10].mean() >= LEAST_DIAMETER_MM]
    if name != "LM" and children and rng.random() < SIDE_BRANCH:
        side = int(rng.choice(children))
        return side, _sample_at(tree.arteries[side], rng.exponential(9.0))
    if children and rng.random() < AT_FORK:
        fork = tree.arteries[int(rng.choice(children))].parent_index * 0.3
        return trunk, _sample_at(tree.arteries[trunk], abs(fork + rng.normal(0, 3.0)))
    return trunk, _sample_at(tree.arteries[trunk], rng.gamma(1.4, MEAN_FROM_START_MM[name] / 1.4))


def _sample_at(branch: Branch, from_start_mm: float) -> int:
    """The sample at a length from where the branch leaves the aortic lumen; a length too great is folded back."""
    start = int(np.argmin(branch.in_aorta))
    usable = 0.93 * (len(branch.points_mm) - start) * 0.3
    length = from_start_mm if from_start_mm < usable else (from_start_mm * 0.37) % max(usable, 0.3)
    return int(np.clip(start + 3 + length / 0.3, start + 2, len(branch.points_mm) - 3))


def _calcified(tree: CoronaryTree, place: tuple[int, int], rng: np.random.Generator, patient: Patient) -> Plaque:
    severe = np.clip(patient.calcium_burden / 4, 0, 1)
    share = [0.56 - 0.26 * severe, 0.34, 0.06 + 0.2 * severe, 0.04 + 0.06 * severe]
    kind = str(rng.choice(["spot", "crescent", "sheet", "nodule"], p=share))
    length, thickness, arc = {
        "spot": (rng.lognormal(np.log(1.5), 0.4), rng.lognormal(np.log(0.85), 0.3), rng.uniform(20, 70)),
        "crescent": (rng.lognormal(np.log(4.6), 0.55), rng.lognormal(np.log(1.1), 0.38), rng.uniform(35, 150)),
        "nodule": (rng.uniform(2.0, 7.0), rng.uniform(1.5, 3.2), rng.uniform(60, 140)),
        "sheet": (rng.lognormal(np.log(10.0), 0.4), rng.uniform(0.6, 1.7), rng.uniform(110, 280)),
    }[kind]
    # A small artery carries small plaque.
    room = float(np.clip(tree.arteries[place[0]].radius_mm[place[1]] / 1.6, 0.6, 1.2))
    size = (float(np.clip(length * room, 0.8, 22)), float(np.clip(thickness * room, 0.4, 3.6)), arc)
    return _plaque(place, kind, True, size, _calcium_hu(rng, patient), rng)


def _calcium_hu(rng: np.random.Generator, patient: Patient) -> float:
    """Before the scanner's blur, which halves the peak of a plaque 0.6 mm thick: the peaks seen are 500-1600 HU."""
    weak = rng.random() < 0.1
    hu = rng.uniform(550, 850) if weak else float(np.clip(rng.lognormal(np.log(1350), 0.28), 850, 2400))
    return float(hu * patient.attenuation.calcium_gain)


def _tram_track(tree: CoronaryTree, place: tuple[int, int], rng: np.random.Generator, patient: Patient) -> list[Plaque]:
    """Long calcification of both walls of a trunk, the two sides unlike."""
    track = []
    angle, hu = float(rng.uniform(-np.pi, np.pi)), _calcium_hu(rng, patient)
    for side in range(2):
        size = (float(rng.uniform(14, 40)), float(rng.uniform(0.7, 1.8)), float(rng.uniform(60, 130)))
        at = _along(tree, place, float(rng.normal(0, 3)))
        plaque = _plaque(at, "tram", True, size, hu, rng)
        track.append(replace(plaque, angle=angle + side * np.pi + float(rng.normal(0, 0.3)), roughness=0.3))
    return track


def _soft(tree: CoronaryTree, place: tuple[int, int], rng: np.random.Generator) -> Plaque:
    radius = float(tree.arteries[place[0]].radius_mm[place[1]])
    size = (rng.uniform(4, 18), rng.uniform(0.4, 0.9) * radius, rng.uniform(90, 300))
    plaque = _plaque(place, "soft", False, size, rng.uniform(20, 95), rng)
    feature = rng.random()
    if feature < NAPKIN_RING:
        # A low core under the lumen within a ring of 80-130 HU, in an artery that has grown outwards.
        core, rim = float(rng.uniform(5, 35)), float(rng.uniform(85, 130))
        return replace(plaque, hu=rim, core_hu=core, arc_deg=float(rng.uniform(220, 330)), encroachment=0.3)
    if feature < NAPKIN_RING + LOW_CORE:
        return replace(plaque, hu=float(rng.uniform(50, 95)), core_hu=float(rng.uniform(-5, 30)))
    return plaque


def _spots_within(tree: CoronaryTree, soft: Plaque, rng: np.random.Generator, patient: Patient) -> list[Plaque]:
    """One to three specks of calcium within a soft plaque, which makes it a mixed one."""
    spots = []
    for _ in range(int(rng.integers(1, 4))):
        at = _along(tree, (soft.branch, soft.sample), float(rng.uniform(-0.35, 0.35)) * soft.length_mm)
        size = (float(rng.uniform(0.9, 2.4)), float(rng.uniform(0.6, 1.3)), float(rng.uniform(20, 60)))
        spot = _plaque(at, "spot", True, size, _calcium_hu(rng, patient), rng)
        turn = float(rng.uniform(-0.35, 0.35)) * np.radians(soft.arc_deg)
        spots.append(replace(spot, angle=soft.angle + turn, encroachment=soft.encroachment))
    return spots


def _along(tree: CoronaryTree, place: tuple[int, int], shift_mm: float) -> tuple[int, int]:
    """A place further along its branch, within its calcifiable part."""
    branch = tree.arteries[place[0]]
    start = int(np.argmin(branch.in_aorta))
    return place[0], int(np.clip(place[1] + shift_mm / 0.3, start + 2, len(branch.points_mm) - 3))


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
        encroachment=float(rng.uniform(0.0, 0.25) if rng.random() < REMODELLED else rng.uniform(0.25, 0.75)),
        roughness=float(rng.uniform(0.05, 0.25)),
        hu=float(hu),
        noise_seed=int(rng.integers(2**31)),
    )
