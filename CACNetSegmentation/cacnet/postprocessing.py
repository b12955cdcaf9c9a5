"""From the network's two probability maps to a calcium mask and a coronary mask that agree with each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cacnet.bounding_box import Box
from cacnet.components import find_components, lie_within
from cacnet.errors import CacnetError
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry, GeometryMismatchError


class InvalidPostprocessingError(CacnetError):
    """A setting that cannot be meant."""


@dataclass(frozen=True)
class PostprocessingSettings:
    """How probabilities become masks.

    Attributes:
        threshold: probability from which a voxel belongs to a class (0.5, as in the CAC-Net paper).
        coronary_margin_mm: how far the coronary mask is grown before calcium is compared with it. Two voxels of the
            network's grid: calcium lies inside the artery by definition, so only the mask's error has to be bridged.
        fraction_in_coronary: a lesion is kept whole if this share of its voxels lies in the grown mask. Half: a plaque
            whose far side the coronary mask misses stays, a sheet of aortic wall that touches an ostium goes. The paper
            cuts voxel by voxel and observes that this removes small true lesions.
        minimum_calcium_mm3: a smaller calcium component is noise; one voxel of the network's grid is 0.125 mm³.
        minimum_coronary_mm3: a smaller coronary component is noise; 5 mm of a vessel of 2 mm are 16 mm³.
        trunk_mm3: a coronary component of this volume is believed wherever it lies; 40 mm of a vessel of 2.5 mm.
        gap_mm: a smaller component must lie this near to a believed one: a step between slabs, motion or a blooming
            plaque interrupts an artery over such a distance. If none is large enough, every component is kept that is
            not noise.
        axis_distance_mm: how near a component must come, in the axial plane, to the middle of the heart's region to be
            believed by its size alone. Every coronary tree begins at the aortic root, which lies there; a rib, a costal
            cartilage or a vessel of the lung at the region's edge does not come so near.
    """

    threshold: float = 0.5
    coronary_margin_mm: float = 1.0
    fraction_in_coronary: float = 0.5
    minimum_calcium_mm3: float = 0.25
    minimum_coronary_mm3: float = 15.0
    trunk_mm3: float = 200.0
    gap_mm: float = 15.0
    axis_distance_mm: float = 45.0

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1 or not 0 <= self.fraction_in_coronary <= 1:
            raise InvalidPostprocessingError(
                f"threshold {self.threshold:g} and fraction {self.fraction_in_coronary:g}",
                "a threshold between 0 and 1 and a fraction from 0 to 1",
            )
        distances = (self.coronary_margin_mm, self.gap_mm, self.axis_distance_mm)
        volumes = (self.minimum_calcium_mm3, self.minimum_coronary_mm3, self.trunk_mm3)
        if min(distances + volumes) < 0:
            raise InvalidPostprocessingError("a negative distance or volume", "distances and volumes from 0 on")


DEFAULT_SETTINGS = PostprocessingSettings()


def clean(
    calcium_probability_zyx: np.ndarray | SparseMap,
    coronary_probability_zyx: np.ndarray | SparseMap,
    geometry: Geometry,
    settings: PostprocessingSettings = DEFAULT_SETTINGS,
    heart_axis_mm_lps: tuple[float, float] | None = None,
) -> tuple[SparseMap, SparseMap]:
    """Calcium and coronary masks (bool); the calcium lies within the coronary mask.

    Components have 26 neighbours: half-millimetre voxels often touch only by an edge or a corner in a thin vessel.

    Args:
        calcium_probability_zyx, coronary_probability_zyx: from the network, on `geometry`.
        geometry: their grid.
        settings: see PostprocessingSettings.
        heart_axis_mm_lps: x and y of the middle of the heart's region; None where the heart was not found.

    Raises:
        GeometryMismatchError: a probability map without the grid's shape.
    """
    for name, array in (("calcium", calcium_probability_zyx), ("coronary", coronary_probability_zyx)):
        if array.shape != geometry.shape_zyx:
            raise GeometryMismatchError(
                f"the {name} probability has the shape {array.shape} (z, y, x)",
                f"the grid's shape, {geometry.shape_zyx}",
            )
    calcium, coronary = (_reaching(p, settings.threshold) for p in (calcium_probability_zyx, coronary_probability_zyx))
    coronary = _plausible_arteries(coronary, geometry, settings, heart_axis_mm_lps)
    calcium = _lesions_on_arteries(calcium, coronary, geometry, settings)
    return calcium, SparseMap.mask(np.union1d(coronary.index, calcium.index), geometry.shape_zyx)


def _reaching(probability_zyx: np.ndarray | SparseMap, threshold: float) -> SparseMap:
    if isinstance(probability_zyx, SparseMap):
        return SparseMap.mask(probability_zyx.index[probability_zyx.values >= threshold], probability_zyx.shape)
    return SparseMap.of(probability_zyx >= threshold)


def _plausible_arteries(
    candidates: SparseMap,
    geometry: Geometry,
    settings: PostprocessingSettings,
    heart_axis_mm_lps: tuple[float, float] | None,
) -> SparseMap:
    """Drop noise, and what is neither long enough for an artery in the heart's middle nor near one that is."""
    components = find_components(candidates)
    volume_mm3 = components.sizes * geometry.voxel_volume_mm3
    keep = volume_mm3 >= max(settings.minimum_coronary_mm3, geometry.voxel_volume_mm3)
    points = {number: geometry.index_to_lps(voxels) for number, voxels in components.voxels_of(keep)}
    central = np.ones(components.count, dtype=bool)
    if heart_axis_mm_lps is not None:
        central[:] = False
        for number, positions in points.items():
            from_axis_mm = np.linalg.norm(positions[:, :2] - heart_axis_mm_lps, axis=1)
            central[number] = from_axis_mm.min() <= settings.axis_distance_mm
    trunks = (volume_mm3 >= max(settings.trunk_mm3, geometry.voxel_volume_mm3)) & central & keep
    if not trunks.any():
        return components.mask_of(keep & central)
    trunk_points = np.concatenate([points[number] for number in np.flatnonzero(trunks).tolist()])
    for number in np.flatnonzero(keep & ~trunks).tolist():
        keep[number] = lie_within(settings.gap_mm, points[number], trunk_points)
    return components.mask_of(keep)


def _lesions_on_arteries(
    candidates: SparseMap, coronary: SparseMap, geometry: Geometry, settings: PostprocessingSettings
) -> SparseMap:
    """Keep each calcium component whole, or drop it whole."""
    components = find_components(candidates)
    keep = components.sizes * geometry.voxel_volume_mm3 >= settings.minimum_calcium_mm3
    for number, voxels in components.voxels_of(keep):
        low, high = voxels.min(axis=0), voxels.max(axis=0) + 1
        z, y, x = (slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))
        near = _near_artery(coronary, (z, y, x), geometry, settings.coronary_margin_mm)[tuple((voxels - low).T)]
        keep[number] = near.any() and near.mean() >= settings.fraction_in_coronary
    return components.mask_of(keep)


def _near_artery(coronary: SparseMap, box: Box, geometry: Geometry, margin_mm: float) -> np.ndarray:
    """Which voxels of `box` lie within `margin_mm` of the coronary mask; looks at the box and its margin only."""
    reach = [math.ceil(margin_mm / s) for s in geometry.spacing_mm_zyx]
    z, y, x = (slice(max(0, s.start - r), s.stop + r) for s, r in zip(box, reach, strict=True))
    inner = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(box, (z, y, x), strict=True))
    around = coronary[z, y, x]
    if not around.any():
        return np.zeros(around[inner].shape, dtype=bool)
    distance_mm = ndimage.distance_transform_edt(~around, sampling=geometry.spacing_mm_zyx)
    return distance_mm[inner] <= margin_mm * (1 + 1e-9)
