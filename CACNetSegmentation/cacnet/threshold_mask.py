"""Calcium candidates by a plain threshold, on scans without contrast: what a scoring workstation starts from."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cacnet.bounding_box import box_of_nonzero
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity
from cacnet.heart_region import find_heart_region
from cacnet.lesions import neighbourhoods
from cacnet.scoring import AgatstonGrid, Protocol, protocol_named, resolve
from cacnet.volume import Volume

MOST_MM3 = 3000.0
"""A component larger than this is bone or a device; the largest coronary calcifications have about 1000 mm³."""
NOISE_WIDTH_MM = 1.5
"""A candidate reaches the threshold also on average over a square of this width in some slice. Noise hardly does: that
average has a third of a pixel's noise; calcium of 1 mm² and 300 HU does."""
RANGE_HU = (50.0, 1000.0)


class ThresholdRangeError(CacnetError):
    """A threshold at which calcium cannot be told."""


def threshold_mask(volume: Volume, threshold_hu: float, blood_hu: float | None) -> tuple[np.ndarray, Finding]:
    """Everything in the heart's region from a threshold on that could be calcium, bool (z, y, x), and what to check.

    Bone, implants and valves that lie in the region are candidates too: a reader has to reject them.

    Args:
        blood_hu: of the scan, or None where it is not known.

    Raises:
        PlainThresholdOnContrastError: contrast agent would be counted as calcium.
        ThresholdRangeError: a threshold outside 50 to 1000 HU.
    """
    if not RANGE_HU[0] <= threshold_hu <= RANGE_HU[1]:
        raise ThresholdRangeError(
            f"a threshold of {threshold_hu:g} HU", f"{RANGE_HU[0]:g} to {RANGE_HU[1]:g} HU; the usual one is 130"
        )
    rules: Protocol = protocol_named("literature")
    resolve(rules, blood_hu, kvp=volume.acquisition.kvp, has_calcium_mask=False)
    region = find_heart_region(volume)
    box = _box_of(volume, region.lower_mm_lps, region.upper_mm_lps)
    mask = np.zeros(volume.hu.shape, dtype=bool)
    mask[box] = volume.hu[box] >= threshold_hu
    _drop_bone_and_noise(mask, volume, threshold_hu)
    where = "the heart's region" if region.found else "the whole volume, because no heart was found between two lungs"
    message = (
        f"The calcium is everything from {threshold_hu:g} HU on in {where} that is more than noise and at most "
        f"{MOST_MM3:.0f} mm³ large. Valves, aortic wall, bone and implants are among it: check every lesion."
    )
    return mask, Finding("calcium-by-threshold", Severity.WARNING, message)


def _box_of(volume: Volume, lower: tuple[float, ...], upper: tuple[float, ...]) -> tuple[slice, slice, slice]:
    corners = np.stack(np.meshgrid(*zip(lower, upper, strict=True), indexing="ij"), -1).reshape(-1, 3)
    index = volume.geometry.lps_to_index(corners)
    low = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, volume.geometry.shape_zyx)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return z, y, x


def _drop_bone_and_noise(mask: np.ndarray, volume: Volume, threshold_hu: float) -> None:
    sure = _averaged(volume, mask, threshold_hu) & mask
    index = np.flatnonzero(mask)
    for part in neighbourhoods(index, volume.geometry.shape_zyx):
        voxels = np.stack(np.unravel_index(index[part], volume.geometry.shape_zyx), axis=-1)
        start = voxels.min(axis=0)
        local = np.zeros(voxels.max(axis=0) - start + 1, dtype=bool)
        local[tuple((voxels - start).T)] = True
        labels, number = ndimage.label(local, np.ones((3, 3, 3)))
        at = labels[tuple((voxels - start).T)]
        sizes_mm3 = np.bincount(at, minlength=number + 1) * volume.geometry.voxel_volume_mm3
        certain = np.bincount(at, sure[tuple(voxels.T)], minlength=number + 1) > 0
        gone = voxels[(sizes_mm3 > MOST_MM3)[at] | ~certain[at]]
        mask[tuple(gone.T)] = False


def _averaged(volume: Volume, mask: np.ndarray, threshold_hu: float) -> np.ndarray:
    """Where the mean over a small square in the slice reaches the threshold; looked at near the mask only."""
    grid = AgatstonGrid.of(volume.geometry)
    size = [2 * max(1, round(NOISE_WIDTH_MM / 2 / spacing)) + 1 for spacing in volume.geometry.spacing_mm_zyx]
    size[grid.slice_axis] = 1
    box = box_of_nonzero(mask)
    reached = np.zeros(mask.shape, dtype=bool)
    if box is not None:
        wider = [(max(side.start - n, 0), side.stop + n) for side, n in zip(box, size, strict=True)]
        box = (slice(*wider[0]), slice(*wider[1]), slice(*wider[2]))
        mean = ndimage.uniform_filter(volume.hu[box].astype(np.float32), size, mode="nearest")
        reached[box] = mean >= threshold_hu
    return reached
