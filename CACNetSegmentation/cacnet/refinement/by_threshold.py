"""The border of each lesion, by the CT's own values: from the network's mask to calcium that stands out of its artery.

The network sees half-millimetre voxels and was trained on one simulator; where calcium ends, the CT says better. Three
things together decide whether a voxel beside a lesion is calcium: the network does not rule it out, it lies in the
artery, and it is bright.

The threshold follows the half-maximum rule: a sharp border that the scanner has blurred lies where the value is midway
between its two sides (as for cortical bone, Prevrhal 1999, 10.1088/0031-9155/44/3/017; it holds for what is wider than
the blur). A plaque of the wall has blood on one side, where midway is 1/2 of its contrast to blood, and fat on the
other, where it is about 1/5 (plaque 1200, blood 400, fat −90 HU: 555 HU, 155 of 800). The share of 0.4 lies between
the two; with it, found lesions have their true volume in the median of the development scans. What it brings, and what
was tried and left out, is in Testing/Benchmark/refinement.md; measured on simulated CCTA only. Research use only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cacnet.bounding_box import Box
from cacnet.components import find_components
from cacnet.refinement.evidence import Evidence, NothingToRefineByError, measured_blood
from cacnet.refinement.result import InvalidRefinementError, Refined, unrefined
from cacnet.scoring.threshold import BloodPool
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry

TOUCHING = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True)
class RefinementSettings:
    """How a lesion's border is drawn. Chosen on simulated scans that are not those of the reported accuracy.

    Attributes:
        contrast_fraction: calcium begins at blood + this share of the plaque's contrast to blood (see the module).
        blood_sd: and never below blood + this many SD, as the adaptive score (Pavitt 2014,
            10.1007/s10554-014-0439-3), so that no lumen is added.
        plateau_share: the plaque's own value is the mean of this share of its brightest voxels; a single brightest
            voxel is noise, or metal.
        least_probability: a voxel of less calcium probability is never added.
        sure_probability: a lesion grows only if the network is this sure of one of its voxels, and is else only
            trimmed: what may be no lesion should not become a large one.
        reach_mm: how far from the network's lesion a voxel may be added: beside a plaque of the aortic wall, a bone or
            metal the lesion cannot run away.
    """

    contrast_fraction: float = 0.4
    blood_sd: float = 2.0
    plateau_share: float = 0.25
    least_probability: float = 0.05
    sure_probability: float = 0.85
    reach_mm: float = 1.0

    def __post_init__(self) -> None:
        shares = (self.contrast_fraction, self.plateau_share, self.least_probability, self.sure_probability)
        if not all(0 <= share <= 1 for share in shares) or min(self.blood_sd, self.reach_mm) < 0:
            raise InvalidRefinementError(
                f"shares {', '.join(f'{share:g}' for share in shares)}, {self.blood_sd:g} SD, {self.reach_mm:g} mm",
                "shares and probabilities from 0 to 1, a number of SD and a distance from 0 on",
            )


DEFAULT_SETTINGS = RefinementSettings()


def refine(found: Evidence, settings: RefinementSettings = DEFAULT_SETTINGS) -> Refined:
    """Draw the border of every lesion anew; the lesions themselves stay those that CAC-Net found."""
    calcium, geometry = found.calcium, found.geometry
    try:
        blood = measured_blood(found.blood_hu)
    except NothingToRefineByError as error:
        return unrefined(calcium, error.found)
    redrawn = [calcium.index[:0]]
    for voxels in _lesions(calcium):
        start, stop = voxels.min(axis=0), voxels.max(axis=0) + 1
        box, margin = _grown((start, stop), geometry, settings.reach_mm)
        lesion = np.zeros(stop - start, dtype=bool)
        lesion[tuple((voxels - start).T)] = True
        arrays = (found.calcium_probability[box], found.coronary[box], found.hu[box])
        drawn = np.argwhere(_redrawn(np.pad(lesion, margin), *arrays, geometry, blood, settings))
        at = drawn + [side.start for side in box]
        redrawn.append(np.ravel_multi_index(tuple(at.T), geometry.shape_zyx))
    refined = SparseMap.mask(np.unique(np.concatenate(redrawn)), geometry.shape_zyx)
    return Refined(refined, True, _statement(blood, settings))


def _lesions(calcium: SparseMap) -> Iterator[np.ndarray]:
    """The voxels (n, 3) of each component."""
    components = find_components(calcium)
    for _, voxels in components.voxels_of(np.ones(components.count, dtype=bool)):
        yield voxels


def _redrawn(
    lesion: np.ndarray,
    probability: np.ndarray,
    coronary: np.ndarray,
    hu: np.ndarray,
    geometry: Geometry,
    blood: BloodPool,
    settings: RefinementSettings,
) -> np.ndarray:
    """One lesion on its box: what connects to it and is bright; itself where nothing in it stands out of the blood."""
    above_blood = hu >= blood.median_hu + settings.blood_sd * blood.sd_hu
    seed = lesion & above_blood
    if not seed.any():
        return lesion
    grown = seed
    if probability[lesion].max() >= settings.sure_probability:
        distance_mm = ndimage.distance_transform_edt(~lesion, sampling=geometry.spacing_mm_zyx)
        near = (distance_mm <= settings.reach_mm * (1 + 1e-9)) & coronary & (probability >= settings.least_probability)
        grown = _connected((lesion | near) & above_blood, seed)
    brightest = np.sort(hu[grown])[-max(1, round(settings.plateau_share * np.count_nonzero(grown))) :]
    plateau_hu = float(brightest.mean(dtype=np.float64))
    border_hu = blood.median_hu + settings.contrast_fraction * (plateau_hu - blood.median_hu)
    return grown & (hu >= border_hu)


def _connected(mask: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """The components of `mask` that hold a voxel of `seed`."""
    components, count = ndimage.label(mask, TOUCHING)
    keep = np.zeros(count + 1, dtype=bool)
    keep[components[seed]] = True
    keep[0] = False
    return keep[components]


def _grown(
    corners: tuple[np.ndarray, np.ndarray], geometry: Geometry, by_mm: float
) -> tuple[Box, list[tuple[int, int]]]:
    """The box grown on every side, within the grid, and how many voxels it grew before and after on each axis."""
    slices, margins = [], []
    for start, stop, spacing, size in zip(*corners, geometry.spacing_mm_zyx, geometry.shape_zyx, strict=True):
        reach = math.ceil(by_mm / spacing)
        wide = slice(max(0, int(start) - reach), min(size, int(stop) + reach))
        slices.append(wide)
        margins.append((int(start) - wide.start, wide.stop - int(stop)))
    return (slices[0], slices[1], slices[2]), margins


def _statement(blood: BloodPool, settings: RefinementSettings) -> str:
    return (
        f"Lesion borders drawn at {settings.contrast_fraction:g} of each plaque's contrast to blood "
        f"({blood.median_hu:.0f} HU), from blood + {settings.blood_sd:g} × SD ({blood.sd_hu:.0f} HU) on; inside the "
        f"artery, up to {settings.reach_mm:g} mm from a lesion that reaches a calcium probability of "
        f"{settings.sure_probability:g}, where that is at least {settings.least_probability:g}."
    )
