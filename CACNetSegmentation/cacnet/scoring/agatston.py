"""The scores of one lesion, summed from its islands, slice by slice."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cacnet.scoring.protocol import AGATSTON_INCREMENT_MM, WeightRule
from cacnet.scoring.reslice import resliced
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
        density: mean density factor over the area that counts, 1 to 4 (Criqui 2014, 10.1001/jama.2013.282535).
    """

    agatston: float
    volume_mm3: float
    mass_mg: float
    islands: int
    density: float = 0.0


NO_SCORE = LesionScore(0.0, 0.0, 0.0, 0)


def score_lesion(
    mask_zyx: np.ndarray, hu_zyx: np.ndarray, geometry: Geometry, resolved: ResolvedProtocol
) -> LesionScore:
    """Score one lesion that touches no other of its artery; see `score_touching`, which this is for a single one."""
    return score_touching(mask_zyx.astype(np.int32), hu_zyx, geometry, resolved)[1]


def score_touching(
    lesions_zyx: np.ndarray, hu_zyx: np.ndarray, geometry: Geometry, resolved: ResolvedProtocol
) -> dict[int, LesionScore]:
    """Score lesions of one artery that may touch, such as the halves of one that a reader has split.

    Islands are those of all the lesions together, so that splitting changes no sum: an island that two lesions share
    keeps its area and its density factor, and each lesion scores its own pixels of it.

    Args:
        lesions_zyx: lesion numbers, 0 for background; voxels below the threshold do not count, so generous masks are
            harmless.
        hu_zyx: HU of the same voxels; a protocol that reslices needs `margin_voxels` of surroundings.
        geometry: spacing, direction and, for a protocol that reslices, origin of the array, which may be a crop.
        resolved: protocol and threshold, from `resolve`.

    Returns:
        the score of every number in the array; of 1 also where the array is empty.

    Source: Agatston 1990; islands, minimum area and increment as described in 10.1002/mp.14912.
    """
    present = np.unique(lesions_zyx)
    scores = {int(number): NO_SCORE for number in present[present > 0]} or {1: NO_SCORE}
    pixels = counted_pixels(lesions_zyx, hu_zyx, geometry, resolved)
    for number in np.unique(pixels.lesion):
        own = pixels.lesion == number
        volume_mm3 = int(own.sum()) * pixels.volume_mm3
        scores[int(number)] = LesionScore(
            agatston=float(pixels.factor[own].sum() * pixels.agatston_per_factor),
            volume_mm3=volume_mm3,
            mass_mg=float(resolved.protocol.mass_factor * pixels.hu[own].mean() * volume_mm3),
            islands=len(np.unique(pixels.island[own])),
            density=float(pixels.factor[own].mean()),
        )
    return scores


@dataclass(frozen=True, eq=False)
class CountedPixels:
    """The pixels that score, each one in a slice of an Agatston grid; all arrays are (n,).

    Attributes:
        lesion: number of its lesion; island: number of its island, unique over slices.
        slice_index: its slice in `geometry`; hu: its HU; factor: its density factor.
        geometry: the grid that was scored, resliced where the protocol says so.
        agatston_per_factor: what a pixel of density factor 1 adds to the score.
    """

    lesion: np.ndarray
    island: np.ndarray
    slice_index: np.ndarray
    hu: np.ndarray
    factor: np.ndarray
    geometry: Geometry
    agatston_per_factor: float

    @property
    def volume_mm3(self) -> float:
        """Volume of one pixel."""
        return self.geometry.voxel_volume_mm3


def counted_pixels(
    lesions_zyx: np.ndarray, hu_zyx: np.ndarray, geometry: Geometry, resolved: ResolvedProtocol
) -> CountedPixels:
    """Which pixels reach threshold and minimum area, and with which density factor; arguments as `score_touching`."""
    if resolved.protocol.reslice_mm is not None:
        slice_axis = AgatstonGrid.of(geometry).slice_axis
        lesions_zyx, hu_zyx, geometry = resliced(
            lesions_zyx, hu_zyx, geometry, slice_axis, resolved.protocol.reslice_mm
        )
    grid = AgatstonGrid.of(geometry)
    hu = np.moveaxis(hu_zyx, grid.slice_axis, 0).astype(np.float64)
    lesions = np.moveaxis(lesions_zyx, grid.slice_axis, 0)
    counted = (lesions > 0) & resolved.counts(hu)
    islands, n_islands = ndimage.label(counted, in_plane_neighbours(resolved.protocol.island_connectivity))
    size = np.bincount(islands.ravel(), minlength=n_islands + 1)
    keeps = size >= resolved.protocol.minimum.pixels(grid.pixel_area_mm2)
    keeps[0] = False
    counted &= keeps[islands]
    values, island_of, lesion_of, slice_of = hu[counted], islands[counted], lesions[counted], np.nonzero(counted)[0]
    scale = grid.increment_mm / AGATSTON_INCREMENT_MM if resolved.protocol.normalise_increment else 1.0
    return CountedPixels(
        lesion=lesion_of,
        island=island_of,
        slice_index=slice_of,
        hu=values,
        factor=_density_factors(values, island_of, slice_of, lesion_of, resolved),
        geometry=geometry,
        agatston_per_factor=grid.pixel_area_mm2 * scale * resolved.agatston_factor,
    )


def margin_voxels(geometry: Geometry, resolved: ResolvedProtocol) -> tuple[int, int, int]:
    """How many voxels beyond a lesion its scores look at, on either side of each array axis."""
    margin = [1, 1, 1]
    if resolved.protocol.reslice_mm is not None:
        grid = AgatstonGrid.of(geometry)
        margin[grid.slice_axis] = math.ceil(resolved.protocol.reslice_mm / grid.increment_mm) + 1
    return margin[0], margin[1], margin[2]


def in_plane_neighbours(connectivity: int) -> np.ndarray:
    """For ndimage.label: neighbours in the slice only, so that one call labels the islands of every slice."""
    neighbours = np.zeros((3, 3, 3), dtype=bool)
    neighbours[1] = ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2)
    return neighbours


def _density_factors(
    hu: np.ndarray, island_of: np.ndarray, slice_of: np.ndarray, lesion_of: np.ndarray, resolved: ResolvedProtocol
) -> np.ndarray:
    """Density factor of every counted voxel. A voxel below the first band (a low threshold) has factor 1."""
    if not hu.size:
        return np.zeros(0)
    match resolved.protocol.weight:
        case WeightRule.ISLAND:
            group = island_of
        case WeightRule.LESION_SECTION:
            group = slice_of * (int(lesion_of.max()) + 1) + lesion_of
        case WeightRule.LESION:
            group = lesion_of
    _, group = np.unique(group, return_inverse=True)
    peaks = np.full(group.max() + 1, -np.inf)
    np.maximum.at(peaks, group, hu)
    return np.maximum(1, np.searchsorted(resolved.bands_hu, peaks, side="right"))[group]
