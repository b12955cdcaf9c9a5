"""The scores of one lesion, summed from its islands, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cacnet.scoring.protocol import AGATSTON_INCREMENT_MM, WeightRule
from cacnet.scoring.threshold import ResolvedProtocol
from cacnet.volume import Geometry


@dataclass(frozen=True)
class AgatstonGrid:
    """The slices that an Agatston score is summed over: planes across the array axis nearest the patient's long axis.

    Attributes:
        slice_axis: index of that axis in a (z, y, x) array.
        pixel_area_mm2: area of one pixel in such a plane.
        increment_mm: distance between planes.
    """

    slice_axis: int
    pixel_area_mm2: float
    increment_mm: float

    @classmethod
    def of(cls, geometry: Geometry) -> AgatstonGrid:
        """The slices of a grid in any orientation; the increment is the grid's, never the SliceThickness tag."""
        towards_head_xyz = np.abs(np.asarray(geometry.direction_lps, dtype=float).reshape(3, 3)[2])
        axis = 2 - int(np.argmax(towards_head_xyz))
        increment_mm = geometry.spacing_mm_zyx[axis]
        return cls(axis, geometry.voxel_volume_mm3 / increment_mm, increment_mm)


@dataclass(frozen=True)
class LesionScore:
    """What one lesion scores. All are 0 where no island reaches both the threshold and the minimum area.

    Attributes:
        agatston: score, normalised and calibrated as the protocol says.
        volume_mm3: volume of the voxels that count.
        mass_mg: protocol's mass factor × Σ HU × voxel volume over the voxels that count.
        islands: number of 2-D islands that count.
    """

    agatston: float
    volume_mm3: float
    mass_mg: float
    islands: int


def score_lesion(
    mask_zyx: np.ndarray, hu_zyx: np.ndarray, geometry: Geometry, resolved: ResolvedProtocol
) -> LesionScore:
    """Score one lesion, or any group of voxels that no island leaves.

    Args:
        mask_zyx: bool, the lesion; voxels below the threshold do not count, so a generous mask is harmless.
        hu_zyx: HU of the same voxels.
        geometry: spacing and direction of the array; its shape and origin do not matter, so a crop may be passed.
        resolved: protocol and threshold, from `resolve`.

    Source: Agatston 1990; islands, minimum area and increment as described in 10.1002/mp.14912.
    """
    grid = AgatstonGrid.of(geometry)
    hu = np.moveaxis(hu_zyx, grid.slice_axis, 0).astype(np.float64)
    counted = np.moveaxis(mask_zyx, grid.slice_axis, 0).astype(bool) & resolved.counts(hu)
    islands, n_islands = ndimage.label(counted, _in_plane(resolved.protocol.island_connectivity))
    pixels = np.bincount(islands.ravel(), minlength=n_islands + 1)
    keeps = pixels >= resolved.protocol.minimum.pixels(grid.pixel_area_mm2)
    keeps[0] = False
    counted &= keeps[islands]
    if not counted.any():
        return LesionScore(0.0, 0.0, 0.0, 0)
    values, island_of = hu[counted], islands[counted]
    factors = _density_factors(values, island_of, np.nonzero(counted)[0], resolved)
    scale = grid.increment_mm / AGATSTON_INCREMENT_MM if resolved.protocol.normalise_increment else 1.0
    volume_mm3 = values.size * geometry.voxel_volume_mm3
    return LesionScore(
        agatston=float(factors.sum() * grid.pixel_area_mm2 * scale * resolved.agatston_factor),
        volume_mm3=volume_mm3,
        mass_mg=float(resolved.protocol.mass_factor * values.mean() * volume_mm3),
        islands=int(keeps.sum()),
    )


def _in_plane(connectivity: int) -> np.ndarray:
    """Neighbours in the slice only, so that one call labels the islands of every slice."""
    neighbours = np.zeros((3, 3, 3), dtype=bool)
    neighbours[1] = ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2)
    return neighbours


def _density_factors(
    hu: np.ndarray, island_of: np.ndarray, slice_of: np.ndarray, resolved: ResolvedProtocol
) -> np.ndarray:
    """Density factor of every counted voxel. A voxel below the first band (a low threshold) has factor 1."""
    match resolved.protocol.weight:
        case WeightRule.ISLAND:
            group = island_of
        case WeightRule.LESION_SECTION:
            group = slice_of
        case WeightRule.LESION:
            group = np.zeros_like(island_of)
    peaks = np.full(group.max() + 1, -np.inf)
    np.maximum.at(peaks, group, hu)
    return np.maximum(1, np.searchsorted(resolved.bands_hu, peaks, side="right"))[group]
