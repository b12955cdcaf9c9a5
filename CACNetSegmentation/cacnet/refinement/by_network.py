"""The lesions as the border network draws them, and a second look at bright parts of arteries that CAC-Net left out.

A threshold cannot draw every border: with the best threshold of each lesion, known from its truth, simulated lesions
still overlap their truth by no more than 0.7, because blur mixes calcium with blood on one side and fat on the other. A
network that has seen many plaques beside their truth undoes part of the blur. It sees the CT in its own voxels, so it
can also tell calcium from metal and noise where CAC-Net, on half-millimetre voxels, was too careful.
What it brings is in Testing/Benchmark/refinement.md; measured on simulated CCTA only. Research use only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from cacnet.bounding_box import Box
from cacnet.components import find_components, is_near
from cacnet.postprocessing import DEFAULT_SETTINGS as POSTPROCESSING
from cacnet.refinement.evidence import Evidence, NothingToRefineByError, measured_blood
from cacnet.refinement.result import InvalidRefinementError, Refined, unrefined
from cacnet.refinement.windows import AIR_HU, answer_for, cells_around, channels_of, cut, window_around
from cacnet.scoring.threshold import BloodPool
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry

WindowModel = Callable[[Iterable[np.ndarray]], Iterable[np.ndarray]]
"""Answers windows, each (3, z, y, x) float32, with calcium probabilities (z, y, x), one after the other."""


@dataclass(frozen=True)
class LearnedBorderSettings:
    """How the border network's answer becomes lesions. Chosen on simulated scans that are not those of the accuracy.

    Attributes:
        threshold: probability from which a voxel is calcium.
        reach_mm: how far from CAC-Net's lesions, or from a bright part of an artery, a voxel may be calcium.
        second_look_sd, second_look_hu: a part of an artery is looked at a second time where it is brighter than blood
            by both, which is above noise and above what a border of a fresh bolus can be.
        second_look_mm3: and where so much of it is.
        least_mm3: a smaller part is noise, as in cacnet.postprocessing.
        confirming_probability: a lesion that CAC-Net had found stays only if the border network is this sure of a voxel
            of it.
        sure_probability: a lesion that CAC-Net had not found is added only if the border network is this sure of a
            voxel of it.
        least_added_mm3: and only if it is this large.
    """

    threshold: float = 0.3
    reach_mm: float = 1.5
    second_look_sd: float = 3.0
    second_look_hu: float = 120.0
    second_look_mm3: float = 0.5
    least_mm3: float = POSTPROCESSING.minimum_calcium_mm3
    confirming_probability: float = 0.8
    sure_probability: float = 0.9
    least_added_mm3: float = 1.0

    def __post_init__(self) -> None:
        contrasts = (self.second_look_sd, self.second_look_hu)
        lengths = (self.reach_mm, *contrasts, self.second_look_mm3, self.least_mm3, self.least_added_mm3)
        sure = (self.confirming_probability, self.sure_probability)
        if not 0 < self.threshold < 1 or not all(0 <= p <= 1 for p in sure) or min(lengths) < 0:
            raise InvalidRefinementError(
                f"threshold {self.threshold:g}, sure probabilities {sure}, the others {lengths}",
                "probabilities between 0 and 1, and nothing negative",
            )


DEFAULT_SETTINGS = LearnedBorderSettings()


def refine_by_network(
    found: Evidence, model: WindowModel, settings: LearnedBorderSettings = DEFAULT_SETTINGS
) -> Refined:
    """Draw every lesion anew with the border network, and look a second time at bright parts of the arteries."""
    calcium, geometry = found.calcium, found.geometry
    try:
        blood = measured_blood(found.blood_hu)
    except NothingToRefineByError as error:
        return unrefined(calcium, error.found)
    bright = bright_parts(found.coronary, found.hu, geometry, blood, settings)
    seeds = SparseMap.mask(np.union1d(calcium.index, bright.index), geometry.shape_zyx)
    reach = [math.ceil(settings.reach_mm / spacing) for spacing in geometry.spacing_mm_zyx]
    cells = cells_around(seeds.voxels, reach, geometry.shape_zyx)
    windows = (
        channels_of(
            cut(found.hu, box, AIR_HU),
            cut(found.calcium_probability, box, 0),
            cut(found.coronary_probability, box, 0),
            blood.median_hu,
        )
        for box in map(window_around, cells)
    )
    answers = model(windows)
    probability = _collected(cells, answers, geometry, settings.threshold)
    probability = within_reach(probability, seeds, geometry, settings.reach_mm)
    kept, added = _lesions(probability, calcium, seeds, geometry, settings)
    denied = _without_any_of(calcium, kept)
    return Refined(_mask(kept), True, _statement(settings, blood), kept, added, denied)


def bright_parts(
    coronary: SparseMap,
    hu_zyx: np.ndarray,
    geometry: Geometry,
    blood: BloodPool,
    settings: LearnedBorderSettings = DEFAULT_SETTINGS,
) -> SparseMap:
    """Parts of arteries (bool) that stand out of the blood: calcium, metal, or nothing of the two."""
    from_hu = blood.median_hu + max(settings.second_look_sd * blood.sd_hu, settings.second_look_hu)
    is_bright = hu_zyx[np.unravel_index(coronary.index, coronary.shape)] >= from_hu
    parts = find_components(SparseMap.mask(coronary.index[is_bright], coronary.shape))
    return parts.mask_of(parts.sizes * geometry.voxel_volume_mm3 >= settings.second_look_mm3)


def _collected(cells: Sequence[Box], answers: Iterable[np.ndarray], geometry: Geometry, threshold: float) -> SparseMap:
    """What of the cells' answers reaches the threshold."""
    index, values = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for cell, answer in zip(cells, answers, strict=True):
        own = answer_for(cell, answer)
        at = np.argwhere(own >= threshold)
        values.append(own[tuple(at.T)])
        index.append(np.ravel_multi_index(tuple((at + [side.start for side in cell]).T), geometry.shape_zyx))
    where = np.concatenate(index)
    order = np.argsort(where)
    return SparseMap(where[order], np.concatenate(values)[order], geometry.shape_zyx)


def within_reach(probability: SparseMap, seeds: SparseMap, geometry: Geometry, reach_mm: float) -> SparseMap:
    """What of a map lies within a reach of another one."""
    voxels, others = probability.voxels, seeds.voxels
    if len(voxels) == 0 or len(others) == 0:
        return probability
    reach = [math.ceil(reach_mm / spacing) for spacing in geometry.spacing_mm_zyx]
    near = others[is_near(others, voxels, reach)]
    if len(near) == 0:
        return SparseMap(probability.index[:0], probability.values[:0], probability.shape)
    distance_mm, _ = cKDTree(geometry.index_to_lps(near)).query(
        geometry.index_to_lps(voxels), distance_upper_bound=reach_mm * (1 + 1e-9)
    )
    reached = np.isfinite(distance_mm)
    return SparseMap(probability.index[reached], probability.values[reached], probability.shape)


def _lesions(
    probability: SparseMap, calcium: SparseMap, seeds: SparseMap, geometry: Geometry, settings: LearnedBorderSettings
) -> tuple[SparseMap, SparseMap]:
    """The lesions that stay, and those of them (bool) that CAC-Net had not found."""
    parts = find_components(_mask(probability))
    known, seeded = np.zeros(parts.count, bool), np.zeros(parts.count, bool)
    known[parts.number[np.isin(parts.index, calcium.index)]] = True
    seeded[parts.number[np.isin(parts.index, seeds.index)]] = True
    peak = np.zeros(parts.count, np.float32)
    np.maximum.at(peak, parts.number, probability.values)
    volume_mm3 = parts.sizes * geometry.voxel_volume_mm3
    stays = known & (volume_mm3 >= settings.least_mm3) & (peak >= settings.confirming_probability)
    new = seeded & ~known & (volume_mm3 >= settings.least_added_mm3) & (peak >= settings.sure_probability)
    keep = (stays | new)[parts.number]
    return SparseMap(parts.index[keep], probability.values[keep], parts.shape_zyx), parts.mask_of(new)


def _without_any_of(calcium: SparseMap, kept: SparseMap) -> SparseMap:
    """The lesions of CAC-Net that share no voxel with what stays."""
    lesions = find_components(calcium)
    gone = np.ones(lesions.count, bool)
    gone[lesions.number[np.isin(lesions.index, kept.index)]] = False
    return lesions.mask_of(gone)


def _mask(probability: SparseMap) -> SparseMap:
    return SparseMap.mask(probability.index, probability.shape)


def _statement(settings: LearnedBorderSettings, blood: BloodPool) -> str:
    return (
        f"Lesion borders drawn by the border network on the CT's own voxels, from a probability of "
        f"{settings.threshold:g} on, against blood of {blood.median_hu:.0f} HU; bright parts of arteries looked at a "
        f"second time."
    )
