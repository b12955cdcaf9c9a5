"""Where the heart is, found from the lungs at coarse resolution, so that the network never sees the whole chest.

No network and no contrast is needed: the heart is the wide soft-tissue body between the two lungs. Where lungs cannot
be found (a phantom, a very tight field of view) the whole volume is the region, and the result says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from cacnet.volume import Geometry, Volume, to_sitk

COARSE_SPACING_MM = 3.0
LUNG_HU = (-1050.0, -500.0)
"""Aerated lung averaged over 3 mm; soft tissue and fat are above."""
TISSUE_HU = -300.0
MINIMUM_LUNG_ML = 60.0
MARGIN_MM = 14.0
"""Kept around the heart: epicardial fat and the coronary arteries lie on its surface."""
LEFT_MARGIN_MM = 26.0
"""Kept on the patient's left, where the apex is thin between lung and diaphragm and is easily cut off."""
MINIMUM_HEART_ML = 250.0
"""What is smaller is a piece of a heart, found where little lung is in sight."""
DIAPHRAGM_TISSUE_FRACTION = 0.62
"""Above this part of soft tissue within the lungs' outline, a slice is liver rather than heart."""
BELOW_DIAPHRAGM_MM = 30.0
"""The heart's lower wall rests on the diaphragm, below the dome at which the liver fills the slice."""
ABOVE_DIAPHRAGM_MM = 130.0
"""The left main artery leaves the aorta 55 to 85 mm above that level; the rest is for long hearts and deep breaths."""
WIDENING_VOXELS_PER_SLICE = 2
"""How much wider the heart can get from one 3 mm slice to the next on the way down to its apex."""
CARDIAC_SCAN_LENGTH_MM = 175.0
"""A scan no longer than this was planned on the heart, so all its slices are kept."""
CARDIAC_FIELD_MM = 180.0
"""A field no wider than this was planned on the heart, so it is kept from edge to edge. It shows too little lung to
find the heart by: of 26 simulated scans of such a field the lungs' outline cut arteries off in 14."""
MAXIMUM_WIDTH_MM, MAXIMUM_DEPTH_MM = 185.0, 155.0
"""No adult heart with margin is larger."""


@dataclass(frozen=True)
class HeartRegion:
    """An LPS-aligned box around the heart.

    Attributes:
        lower_mm_lps, upper_mm_lps: its corners, inside the volume.
        found: False where the heart could not be told from the lungs and the box is the whole volume.
    """

    lower_mm_lps: tuple[float, float, float]
    upper_mm_lps: tuple[float, float, float]
    found: bool

    @property
    def axis_mm_lps(self) -> tuple[float, float] | None:
        """x and y of the box's middle, near which the aortic root lies; None where the heart was not found."""
        if not self.found:
            return None
        (x0, y0, _), (x1, y1, _) = self.lower_mm_lps, self.upper_mm_lps
        return (x0 + x1) / 2, (y0 + y1) / 2

    def grid(self, spacing_mm: float) -> Geometry:
        """An isotropic LPS-aligned grid over the box."""
        lower, upper = np.asarray(self.lower_mm_lps), np.asarray(self.upper_mm_lps)
        z, y, x = (max(round(e / spacing_mm), 1) for e in (upper - lower)[::-1])
        return Geometry((z, y, x), (spacing_mm,) * 3, tuple(lower + spacing_mm / 2))


def find_heart_region(volume: Volume) -> HeartRegion:
    """The heart's box in a CT of any orientation, contrast phase and field of view."""
    coarse_hu, geometry = _coarse_lps(volume)
    lower, upper = volume.geometry.bounds_mm_lps
    between, outline = _body_between_lungs(coarse_hu)
    slices = _heart_slices(between, outline)
    heart = _followed_downwards(between, slices)
    is_wide = upper - lower > CARDIAC_FIELD_MM
    is_small = np.count_nonzero(heart) * COARSE_SPACING_MM**3 < MINIMUM_HEART_ML * 1000
    if not heart.any() or (is_small and is_wide[:2].any()):
        return HeartRegion(tuple(lower.tolist()), tuple(upper.tolist()), found=False)
    index = np.argwhere(heart)
    low = geometry.index_to_lps(index.min(0)) - MARGIN_MM
    high = geometry.index_to_lps(index.max(0)) + np.array([LEFT_MARGIN_MM, MARGIN_MM, MARGIN_MM])
    # The front, behind the sternum, is a sure end; at the back lies the spine.
    high[1] = min(high[1], low[1] + MAXIMUM_DEPTH_MM)
    middle = (low[0] + high[0]) / 2
    low[0], high[0] = max(low[0], middle - MAXIMUM_WIDTH_MM / 2), min(high[0], middle + MAXIMUM_WIDTH_MM / 2)
    for axis in (0, 1):
        if not is_wide[axis]:
            low[axis], high[axis] = lower[axis], upper[axis]
    if upper[2] - lower[2] <= CARDIAC_SCAN_LENGTH_MM:
        low[2], high[2] = lower[2], upper[2]
    else:
        diaphragm_mm = geometry.index_to_lps(np.array([slices.start, 0, 0]))[2]
        low[2], high[2] = diaphragm_mm - BELOW_DIAPHRAGM_MM, diaphragm_mm + ABOVE_DIAPHRAGM_MM
    low, high = np.maximum(low, lower), np.minimum(high, upper)
    return HeartRegion(tuple(low.tolist()), tuple(high.tolist()), found=True)


def _coarse_lps(volume: Volume) -> tuple[np.ndarray, Geometry]:
    """The volume averaged and resampled to a coarse LPS-aligned grid that covers it; air where it does not reach."""
    steps = [max(1, int(COARSE_SPACING_MM // s)) for s in volume.geometry.spacing_mm_zyx]
    image = to_sitk(volume.hu, volume.geometry)
    image = sitk.BinShrink(image, [min(step, n) for step, n in zip(steps[::-1], image.GetSize(), strict=True)])
    lower, upper = volume.geometry.bounds_mm_lps
    shape = tuple(max(int(e // COARSE_SPACING_MM), 1) for e in (upper - lower)[::-1])
    geometry = Geometry(shape, (COARSE_SPACING_MM,) * 3, tuple((lower + COARSE_SPACING_MM / 2).tolist()))  # type: ignore[arg-type]
    resampled = sitk.Resample(
        image,
        shape[::-1],
        sitk.Transform(),
        sitk.sitkLinear,
        geometry.origin_mm_lps,
        geometry.spacing_mm_zyx,
        geometry.direction_lps,
        -1024.0,
        sitk.sitkFloat32,
    )
    return sitk.GetArrayFromImage(resampled), geometry


def _body_between_lungs(coarse_hu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Soft tissue inside the lungs' common outline, and that outline; both empty where there are no lungs."""
    body = _largest(ndimage.binary_opening(coarse_hu > TISSUE_HU))
    inside = _convex_outline(body)
    air = (coarse_hu > LUNG_HU[0]) & (coarse_hu < LUNG_HU[1]) & inside
    lungs = _components_larger_than(ndimage.binary_opening(air), MINIMUM_LUNG_ML * 1000 / COARSE_SPACING_MM**3)
    outline = _convex_outline(lungs)
    return outline & (coarse_hu > TISSUE_HU), outline


def _heart_slices(between: np.ndarray, outline: np.ndarray) -> slice:
    """From the slice above the diaphragm's dome, found on the way down from the largest lungs, to above the heart."""
    area, outline_area = between.sum((1, 2)), outline.sum((1, 2))
    above_diaphragm = (outline_area > 0) & (area < DIAPHRAGM_TISSUE_FRACTION * outline_area)
    if not above_diaphragm.any():
        return slice(0, 0)
    first = int(np.argmax(np.where(above_diaphragm, outline_area.astype(float) - area, -1.0)))
    while first > 0 and above_diaphragm[first - 1]:
        first -= 1
    return slice(first, min(first + round(ABOVE_DIAPHRAGM_MM / COARSE_SPACING_MM), len(area)))


def _followed_downwards(between: np.ndarray, slices: slice) -> np.ndarray:
    """What can be reached from the top of the heart's slices on the way down at a heart's slope, without thin vessels.

    The heart widens steadily from the great vessels to its apex; the liver's dome appears beside it all at once.
    """
    candidate = np.zeros_like(between)
    candidate[slices] = between[slices]
    candidate = _largest(ndimage.binary_opening(candidate, iterations=3))
    heart = np.zeros_like(candidate)
    current: np.ndarray | None = None
    for z in np.flatnonzero(candidate.any((1, 2)))[::-1]:
        if current is None:
            heart[z] = _largest(candidate[z])
        else:
            heart[z] = candidate[z] & ndimage.binary_dilation(current, iterations=WIDENING_VOXELS_PER_SLICE)
        current = heart[z]
    return heart


def _convex_outline(mask: np.ndarray) -> np.ndarray:
    """The convex hull of each axial slice of a mask."""
    from skimage.morphology import convex_hull_image

    hull = np.zeros_like(mask)
    for z in np.flatnonzero(mask.any((1, 2))):
        hull[z] = convex_hull_image(mask[z]) if mask[z].sum() > 2 else mask[z]
    return hull


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected component of a mask; empty if the mask is."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return np.zeros_like(mask)
    return labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))


def _components_larger_than(mask: np.ndarray, voxels: float) -> np.ndarray:
    """The connected components of a mask that have more than some voxels."""
    labels, _ = ndimage.label(mask)
    keep = np.bincount(labels.ravel()) > voxels
    keep[0] = False
    return keep[labels]
