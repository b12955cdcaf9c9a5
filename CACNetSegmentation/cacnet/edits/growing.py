"""Shapes that a click stands for: the calcium grown from a seed, and a lesion cut in pieces."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cacnet.edits.review import EditError, flat_index, voxels_of
from cacnet.volume import Geometry

TOUCHING = np.ones((3, 3, 3), dtype=bool)
SEED_SEARCH_MM = 1.5
"""A click misses a small lesion by about a voxel or two."""
REACH_MM = 12.0
"""Calcium further from the click than this needs another click: a leak stays small."""
MOST_MM3 = 1500.0
"""More than this is no coronary lesion, but contrast agent or bone."""
HALF = 0.5


def grow_from_seed(
    hu_zyx: np.ndarray, geometry: Geometry, seed_zyx: tuple[int, int, int], threshold_hu: float, lumen_hu: float | None
) -> np.ndarray:
    """Flat indices of the calcium around a click.

    It begins at the brightest voxel near the click and takes connected voxels of at least the midpoint between lumen
    and that peak, where the edge of a blurred object lies, but never below `threshold_hu`. So it stops at the lumen
    even where the lumen itself reaches the threshold.

    Args:
        hu_zyx: HU; geometry: their grid.
        seed_zyx: the voxel clicked.
        threshold_hu: of the scoring protocol.
        lumen_hu: typical HU of blood in this scan; None for a scan without contrast.

    Raises:
        EditError: a click outside the scan or beside any calcium, or calcium that runs on like contrast or bone.
    """
    if any(not 0 <= i < n for i, n in zip(seed_zyx, geometry.shape_zyx, strict=True)):
        raise EditError("the click lies outside the scan", "one inside it", "Click on the calcium in a slice of the CT")
    spacing = np.array(geometry.spacing_mm_zyx)
    low = np.maximum(np.array(seed_zyx) - np.ceil(REACH_MM / spacing).astype(int), 0)
    high = np.minimum(np.array(seed_zyx) + np.ceil(REACH_MM / spacing).astype(int) + 1, geometry.shape_zyx)
    hu = hu_zyx[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    away_mm = _distance_mm(hu.shape, np.array(seed_zyx) - low, spacing)
    near = np.where(away_mm <= max(SEED_SEARCH_MM, spacing.max()), hu, -np.inf)
    peak_at = np.unravel_index(int(np.argmax(near)), hu.shape)
    peak_hu = float(hu[peak_at])
    if peak_hu < threshold_hu:
        raise EditError(
            f"there is no calcium at the click: at most {peak_hu:.0f} HU",
            f"at least {threshold_hu:.0f} HU, the protocol's threshold",
            "Click on the calcium itself, or choose a protocol with a lower threshold",
        )
    level = threshold_hu if lumen_hu is None else max(threshold_hu, lumen_hu + HALF * (peak_hu - lumen_hu))
    grown = (hu >= level) & (away_mm <= REACH_MM)
    components, _ = ndimage.label(grown, TOUCHING)
    lesion = components == components[peak_at]
    volume_mm3 = int(lesion.sum()) * geometry.voxel_volume_mm3
    if volume_mm3 > MOST_MM3:
        raise EditError(
            f"{volume_mm3:.0f} mm³ are connected from {level:.0f} HU at the click",
            f"at most {MOST_MM3:.0f} mm³, as coronary calcium is",
            "This looks like contrast agent or bone; paint the lesion instead",
        )
    return flat_index(np.argwhere(lesion) + low, geometry.shape_zyx)


def cut_by_plane(
    index: np.ndarray, geometry: Geometry, point_mm_lps: tuple[float, float, float], normal_lps: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The voxels of a lesion behind a plane and in front of it; raises EditError where it does not cut the lesion."""
    normal = np.asarray(normal_lps, float)
    if not np.linalg.norm(normal) > 0:
        raise EditError("a plane without a direction", "a normal of some length")
    positions = geometry.index_to_lps(voxels_of(index, geometry.shape_zyx))
    ahead = (positions - np.asarray(point_mm_lps, float)) @ normal > 0
    if ahead.all() or not ahead.any():
        raise EditError("the plane does not cut the lesion", "a plane through it", "Place it between the two parts")
    return index[~ahead], index[ahead]


def cut_at_waist(index: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """A lesion in two, along the watershed between its two thickest parts, the larger first.

    Raises:
        EditError: a lesion with one thickest part only, which has no waist to be cut at.
    """
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    voxels = voxels_of(index, geometry.shape_zyx)
    start = voxels.min(axis=0) - 1
    mask = np.zeros(voxels.max(axis=0) - start + 2, dtype=bool)
    mask[tuple((voxels - start).T)] = True
    depth_mm = ndimage.distance_transform_edt(mask, sampling=geometry.spacing_mm_zyx)
    # Blur joins the peaks of a ragged lesion, so that its two parts remain.
    smooth = ndimage.gaussian_filter(depth_mm, 0.7)
    smooth[~mask] = 0.0
    peaks = peak_local_max(smooth, min_distance=1, labels=mask.astype(int), num_peaks=2, exclude_border=False)
    if len(peaks) < 2:
        raise EditError("this lesion has no waist", "two parts with a thinner place between them", "Cut it by a plane")
    markers = np.zeros(mask.shape, dtype=np.int32)
    markers[tuple(peaks.T)] = (1, 2)
    parts = watershed(-smooth, markers, mask=mask, connectivity=TOUCHING)
    halves = [flat_index(np.argwhere(parts == number) + start, geometry.shape_zyx) for number in (1, 2)]
    halves.sort(key=lambda half: -len(half))
    return halves[0], halves[1]


def _distance_mm(shape_zyx: tuple[int, ...], centre_zyx: np.ndarray, spacing_mm_zyx: np.ndarray) -> np.ndarray:
    axes = [((np.arange(n) - c) * s) ** 2 for n, c, s in zip(shape_zyx, centre_zyx, spacing_mm_zyx, strict=True)]
    return np.sqrt(axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :])
