"""The arteries as the wall network draws them on the CT's own grid.

It moves the border of arteries that have been found, by little; what is an artery, and what calcium counts, has been
decided before. What it brings is in Testing/Benchmark/walls.md; measured on simulated CCTA only. Research use only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cacnet.bounding_box import Box
from cacnet.components import eroded, find_components
from cacnet.dense_resampling import linear_window
from cacnet.refinement.by_network import WindowModel, within_reach
from cacnet.refinement.evidence import NothingToRefineByError, measured_blood
from cacnet.refinement.windows import AIR_HU, answer_for, cells_around, contrast_of, cut, is_fine_enough, window_around
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry

WALL_WINDOW, WALL_CELL = (24, 40, 40), (16, 32, 32)
"""(z, y, x) voxels of a window, and of its middle, which its answer is taken for."""

REACH_MM = 1.5
"""How far the border may move, either way."""

THRESHOLD = 0.4
"""Probability from which a voxel is artery; of 0.35 to 0.55 the best on fourteen simulated patients, by little."""

AS_CAC_NET = "Artery walls are CAC-Net's own"
BY_NETWORK = f"Artery walls drawn by the wall network on the CT's own voxels, within {REACH_MM:g} mm of CAC-Net's."


@dataclass(frozen=True, eq=False)
class Walls:
    """Arteries after their walls were drawn.

    Attributes:
        mask: bool.
        applied: False where they are CAC-Net's own.
        statement: what was done, or why nothing was, for the report.
    """

    mask: SparseMap
    applied: bool
    statement: str


@dataclass(frozen=True, eq=False)
class ArteryEvidence:
    """What the walls are drawn from.

    Attributes:
        coronary: the arteries as found, on `geometry`.
        calcium: what lies in their calcium stays artery, on `geometry`.
        not_artery: what has been found to be none, on `geometry`.
        hu: (z, y, x) the CT on `geometry`.
        geometry: the CT's grid, or a part of it.
        probability: (z, y, x) CAC-Net's coronary probability on `grid`.
        grid: the model's.
        blood_hu: HU of voxels well inside the lumen, in any order.
    """

    coronary: SparseMap
    calcium: SparseMap
    not_artery: SparseMap
    hu: np.ndarray
    geometry: Geometry
    probability: np.ndarray
    grid: Geometry
    blood_hu: np.ndarray


def draw_walls(found: ArteryEvidence, model: WindowModel) -> Walls:
    """Move the arteries' borders to where the wall network puts them."""
    coronary, geometry = found.coronary, found.geometry
    if not is_fine_enough(geometry.spacing_mm_zyx):
        return as_found(coronary, "the wall network helps on finer voxels only")
    try:
        blood_hu = measured_blood(found.blood_hu).median_hu
    except NothingToRefineByError as error:
        return as_found(coronary, error.found)
    reach = [math.ceil(REACH_MM / spacing) for spacing in geometry.spacing_mm_zyx]
    cells = cells_around(coronary.voxels, reach, geometry.shape_zyx, WALL_CELL)
    answers = model(_window(found, window_around(cell, WALL_CELL, WALL_WINDOW), blood_hu) for cell in cells)
    index = [np.zeros(0, np.int64)]
    for cell, answer in zip(cells, answers, strict=True):
        at = np.argwhere(answer_for(cell, answer, WALL_CELL, WALL_WINDOW) >= THRESHOLD)
        index.append(np.ravel_multi_index(tuple((at + [side.start for side in cell]).T), geometry.shape_zyx))
    drawn = within_reach(SparseMap.mask(np.sort(np.concatenate(index)), coronary.shape), coronary, geometry, REACH_MM)
    drawn = SparseMap.mask(np.setdiff1d(drawn.index, found.not_artery.index), coronary.shape)
    stays = np.union1d(eroded(coronary, reach), found.calcium.index)
    drawn = _touching(SparseMap.mask(np.union1d(drawn.index, stays), coronary.shape), coronary)
    return Walls(drawn, True, BY_NETWORK)


def as_found(coronary: SparseMap, why: str) -> Walls:
    """CAC-Net's own walls, and why they stay."""
    return Walls(coronary, False, f"{AS_CAC_NET}: {why}.")


def channels_of(
    hu_zyx: np.ndarray, coronary_probability_zyx: np.ndarray, coronary_zyx: np.ndarray, blood_hu: float
) -> np.ndarray:
    """The network's input (3, z, y, x) float32: the CT as contrast to blood, CAC-Net's probability of an artery, and
    whether the voxel belongs to an artery that has been found."""
    channels = np.empty((3, *hu_zyx.shape), np.float32)
    contrast_of(hu_zyx, blood_hu, out=channels[0])
    np.multiply(coronary_probability_zyx, 2, out=channels[1])
    np.multiply(coronary_zyx, 2, out=channels[2])
    channels[1:] -= 1
    return channels


def _window(found: ArteryEvidence, box: Box, blood_hu: float) -> np.ndarray:
    probability = linear_window(found.probability, found.grid, found.geometry.crop(box))
    return channels_of(cut(found.hu, box, AIR_HU), probability, cut(found.coronary, box, 0) > 0, blood_hu)


def _touching(drawn: SparseMap, coronary: SparseMap) -> SparseMap:
    """The pieces that share a voxel with what had been found."""
    parts = find_components(drawn)
    shared = np.bincount(parts.number, np.isin(parts.index, coronary.index), minlength=parts.count)
    return parts.mask_of(shared > 0)
