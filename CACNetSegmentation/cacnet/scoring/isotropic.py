"""The volume score: the volume above the threshold after interpolation to voxels as thick as they are wide."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cacnet.scoring.agatston import AgatstonGrid, in_plane_neighbours
from cacnet.scoring.threshold import ResolvedProtocol
from cacnet.volume import Geometry


def isotropic_volume_mm3(
    mask_zyx: np.ndarray, hu_zyx: np.ndarray, geometry: Geometry, resolved: ResolvedProtocol
) -> float:
    """Volume of a lesion after linear interpolation across slices, where slices are further apart than pixels.

    New slices lie a pixel's width apart. A sample counts where the interpolated HU reach the threshold, the
    interpolated mask at least one half, and its island in the new slice the minimum area.

    Args:
        mask_zyx: bool; hu_zyx: HU of the same voxels, best with a slice beyond the mask on either side, which is where
            the lesion's ends are interpolated to; what lies beyond the array continues its last slice.
        geometry: spacing and direction of the array; resolved: protocol and threshold.

    Source: Callister 1998, 10.1148/radiology.208.3.9722864; steps as described in 10.1002/mp.14912.
    """
    grid = AgatstonGrid.of(geometry)
    mask = np.moveaxis(mask_zyx, grid.slice_axis, 0).astype(np.float32)
    hu = np.moveaxis(hu_zyx, grid.slice_axis, 0).astype(np.float32)
    step_mm = min(float(np.sqrt(grid.pixel_area_mm2)), grid.increment_mm)
    # From the outer face of the first slice to that of the last, in whole steps about the middle.
    count = max(1, round(len(mask) * grid.increment_mm / step_mm))
    middle = (len(mask) - 1) / 2
    at = middle + (np.arange(count) - (count - 1) / 2) * step_mm / grid.increment_mm
    share, values = _along_first_axis(mask, at), _along_first_axis(hu, at)
    counted = (share >= 0.5) & resolved.counts(values)
    islands, n_islands = ndimage.label(counted, in_plane_neighbours(resolved.protocol.island_connectivity))
    pixels = np.bincount(islands.ravel(), minlength=n_islands + 1)
    keeps = pixels >= resolved.protocol.minimum.pixels(grid.pixel_area_mm2)
    keeps[0] = False
    return float(pixels[keeps].sum() * grid.pixel_area_mm2 * step_mm)


def _along_first_axis(array: np.ndarray, at: np.ndarray) -> np.ndarray:
    low = np.clip(np.floor(at).astype(int), 0, len(array) - 1)
    high = np.minimum(low + 1, len(array) - 1)
    part = np.clip(at - low, 0.0, 1.0).astype(np.float32)[:, None, None]
    return array[low] * (1 - part) + array[high] * part
