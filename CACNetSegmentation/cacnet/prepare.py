"""From a CT to what the network sees, and exactly back: model grid, lungs removed, HU normalised.

One mechanism serves every orientation, obliquity and pixel shape: the network works on an isotropic, LPS-aligned grid
in patient space, and both directions are resamplings between physical positions, so labels cannot shift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from cacnet.dense_resampling import linear_everywhere
from cacnet.heart_region import HeartRegion, find_heart_region
from cacnet.progress import Progress, silent
from cacnet.resampling import linear, nearest, resampled
from cacnet.volume import Geometry, Volume

MODEL_SPACING_MM = 0.5
"""Voxel edge of the model's isotropic, LPS-aligned grid (the paper's slice distance, section 3.1)."""

HU_RANGE = (-250.0, 3071.0)
"""Below it is lung and air, which are removed; most scanners give nothing above it."""

DENSE_HU, DENSE_SLOPE = 1300.0, 0.25
"""Above it is dense calcium or metal only: less contrast is enough to tell the two, and metal does not drown the rest.
Half of 59 simulated plaques of at least 1 mm³ reached 1360 HU, so clipping here made the densest look like clips."""

REMOVED_HU = -1024
"""What lungs and everything outside the scan become."""

LUNG_TISSUE_HU = -224.0
"""Upper limit of lung in the paper's coarse mask (−224…600 HU is tissue; section 3.1)."""

LUNG_GRID_STEP = 4
"""The lung mask is found on every fourth model voxel (2 mm)."""

TISSUE_NECK_MM = 4.0
"""Tissue strands thinner than this (lung vessels) do not carry the seed filling into the lungs."""


@dataclass(frozen=True)
class Prepared:
    """A CT on the model's grid.

    Attributes:
        hu: (z, y, x) int16 on `grid`; lungs and everything outside the scan are REMOVED_HU.
        grid: isotropic and LPS-aligned, over the heart's region.
        region: the heart's region in the patient.
    """

    hu: np.ndarray
    grid: Geometry
    region: HeartRegion


def prepare(volume: Volume, progress: Progress = silent) -> Prepared:
    """Find the heart, bring it to the model's grid and remove the lungs."""
    progress("find the heart", 0.0)
    region = find_heart_region(volume)
    grid = region.grid(MODEL_SPACING_MM)
    progress("prepare", 0.0)
    hu = to_model_grid(volume, grid)
    progress("prepare", 0.6)
    prepared = Prepared(remove_lungs(hu), grid, region)
    progress("prepare", 1.0)
    return prepared


def to_model_grid(volume: Volume, grid: Geometry) -> np.ndarray:
    """The CT interpolated linearly at the voxel centres of `grid`: int16 HU, REMOVED_HU outside the scan."""
    crop = crop_covering(grid, volume.geometry)
    if crop is None:
        return np.full(grid.shape_zyx, REMOVED_HU, np.int16)
    hu, geometry = volume.hu[crop.slices], crop.geometry
    if hu.dtype != np.int16:
        hu = np.clip(np.rint(hu), -32768, 32767).astype(np.int16)
    return linear_everywhere(hu, geometry, grid, REMOVED_HU)


def remove_lungs(hu_zyx: np.ndarray) -> np.ndarray:
    """Lungs with their vessels, and air, set to REMOVED_HU; tissue grown from the heart stays untouched.

    Args:
        hu_zyx: (z, y, x) int16 on a grid of MODEL_SPACING_MM.

    Source: the paper's section 3.1, coarse lung mask and seed filling, read so that a strand of tissue thinner than
    TISSUE_NECK_MM that runs into the lung (a pulmonary vessel) is removed with it.
    """
    coarse = hu_zyx[::LUNG_GRID_STEP, ::LUNG_GRID_STEP, ::LUNG_GRID_STEP]
    tissue = coarse > LUNG_TISSUE_HU
    step_mm = MODEL_SPACING_MM * LUNG_GRID_STEP
    neck = max(1, round(TISSUE_NECK_MM / 2 / step_mm))
    solid = ndimage.binary_opening(tissue, ndimage.generate_binary_structure(3, 2), iterations=neck)
    kept = ndimage.binary_dilation(_component_at_centre(solid), iterations=2 * neck, mask=tissue)
    # A rim of one coarse voxel keeps the fine surface, where the coarse mask cannot say what is tissue.
    kept = ndimage.binary_dilation(kept, ndimage.generate_binary_structure(3, 3))
    fine = _repeated(kept, LUNG_GRID_STEP, hu_zyx.shape)
    return np.where(fine, hu_zyx, np.int16(REMOVED_HU))


def normalise_hu(hu_zyx: np.ndarray) -> np.ndarray:
    """Network input (float32) from Hounsfield units: clipped to HU_RANGE, 0 at 250 HU, 1 at 750, flatter from 1300."""
    hu = np.asarray(np.clip(hu_zyx, *HU_RANGE, dtype=np.float32))
    dense = hu > DENSE_HU
    hu[dense] = DENSE_HU + DENSE_SLOPE * (hu[dense] - DENSE_HU)
    hu -= 250.0
    hu /= 500.0
    return hu


@dataclass(frozen=True)
class Crop:
    """A part of a volume's own grid.

    Attributes:
        slices: what cuts it out of an array of the volume.
        geometry: the grid of the part.
    """

    slices: tuple[slice, slice, slice]
    geometry: Geometry


def crop_covering(grid: Geometry, of: Geometry) -> Crop | None:
    """The smallest part of the grid `of` that holds every voxel centre within `grid`; None where they do not meet."""
    lower, upper = grid.bounds_mm_lps
    corners = np.stack(np.meshgrid(*zip(lower, upper, strict=True), indexing="ij"), -1).reshape(-1, 3)
    index = of.lps_to_index(corners)
    low = np.maximum(np.floor(index.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(index.max(0)).astype(int) + 2, of.shape_zyx)
    if np.any(high <= low):
        return None
    geometry = Geometry(tuple(high - low), of.spacing_mm_zyx, tuple(of.index_to_lps(low)), of.direction_lps)
    return Crop(tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True)), geometry)  # type: ignore[arg-type]


def probability_on(
    geometry: Geometry, probability_zyx: np.ndarray, grid: Geometry, at_least: float = 0.0
) -> np.ndarray:
    """A probability map on the model's `grid` interpolated linearly at the voxel centres of `geometry`; 0 outside.

    With `at_least`, a voxel that does not reach that much may be 0: most of a heart is, and it takes a tenth
    of the time.
    """
    if at_least > 0:
        return linear(probability_zyx, grid, geometry, at_least)
    return resampled(probability_zyx.astype(np.float32, copy=False), grid, geometry, sitk.sitkLinear, 0.0)


def labels_on(geometry: Geometry, labels_zyx: np.ndarray, grid: Geometry) -> np.ndarray:
    """A label map on the model's `grid` taken over by the nearest voxel centres of `geometry`; 0 outside."""
    return nearest(labels_zyx, grid, geometry)


def _component_at_centre(mask: np.ndarray) -> np.ndarray:
    """The connected component that has most voxels in the middle half of the grid: the heart's seed."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    middle = labels[tuple(slice(n // 4, n - n // 4) for n in mask.shape)]
    counts = np.bincount(middle.ravel(), minlength=count + 1)
    counts[0] = 0
    return labels == int(np.argmax(counts)) if counts.any() else mask


def _repeated(mask: np.ndarray, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """A coarse mask with every voxel repeated `step` times along each axis, centred on the sample it stands for."""
    for axis, length in enumerate(shape):
        index = np.clip((np.arange(length) + step // 2) // step, 0, mask.shape[axis] - 1)
        mask = np.take(mask, index, axis=axis)
    return mask
