"""What disease does to the lumen itself: aneurysms and occlusions (narrowing plaque is in `plaque`).

Aneurysms in 2 %, occlusion in 1.5 % per unit of calcium burden: orders of magnitude of CT series, not one source's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from cacnet.phantom.coronary_tree import Branch
from cacnet.phantom.patient import Patient

ANEURYSM = 0.02
OCCLUSION_PER_BURDEN = 0.015
TRUNKS = ("LAD", "LCx", "RCA")


def diseased(branches: tuple[Branch, ...], patient: Patient) -> tuple[Branch, ...]:
    """The arteries with this patient's aneurysm or occlusion, if any."""
    rng = patient.rng("coronary lumen")
    has_aneurysm, has_occlusion = rng.random() < ANEURYSM, rng.random() < OCCLUSION_PER_BURDEN * patient.calcium_burden
    if has_aneurysm:
        branches = _with_aneurysm(branches, rng)
    if has_occlusion:
        branches = _with_occlusion(branches, rng)
    return branches


def _trunk(branches: tuple[Branch, ...], rng: np.random.Generator) -> int:
    name = str(rng.choice(TRUNKS))
    return next(i for i, b in enumerate(branches) if b.name == name)


def _with_aneurysm(branches: tuple[Branch, ...], rng: np.random.Generator) -> tuple[Branch, ...]:
    """One trunk widened 1.5 to 2.1 times over 6 to 14 mm."""
    at = _trunk(branches, rng)
    branch = branches[at]
    along = branch.from_ostium_mm - branch.from_ostium_mm[0] - rng.uniform(12, 45)
    bulge = 1 + rng.uniform(0.5, 1.1) * np.exp(-0.5 * (along / rng.uniform(2.0, 4.5)) ** 2)
    return (*branches[:at], replace(branch, radius_mm=branch.radius_mm * bulge), *branches[at + 1 :])


def _with_occlusion(branches: tuple[Branch, ...], rng: np.random.Generator) -> tuple[Branch, ...]:
    """One trunk without contrast over 6 to 25 mm, and weaker contrast in a smaller lumen beyond it (collaterals)."""
    at = _trunk(branches, rng)
    along = branches[at].from_ostium_mm - branches[at].from_ostium_mm[0]
    start, length = rng.uniform(15, 60), rng.uniform(6, 25)
    beyond = float(rng.uniform(0.55, 0.9))
    filling = np.where(along < start, 1.0, np.where(along < start + length, 0.0, beyond))
    result = list(branches)
    result[at] = _filled(branches[at], gaussian_filter1d(filling, 2))
    for index, branch in enumerate(branches):
        if branch.parent < 0 or index <= at or not _comes_from(branches, index, at):
            continue
        upstream = result[branch.parent]
        if upstream.filling is not None and upstream.filling[branch.parent_index] < 0.99:
            # Collaterals fill what leaves the occluded stretch itself.
            result[index] = _filled(branch, np.full(len(branch.points_mm), beyond))
    return tuple(result)


def _filled(branch: Branch, filling: np.ndarray) -> Branch:
    smaller = np.where(filling < 0.95, 0.88, 1.0)
    return replace(branch, filling=filling, radius_mm=branch.radius_mm * gaussian_filter1d(smaller, 6))


def _comes_from(branches: tuple[Branch, ...], index: int, trunk: int) -> bool:
    while index >= 0 and index != trunk:
        index = branches[index].parent
    return index == trunk
