"""The whole heart in voxels of a millimetre: what the context network is shown, and what it answers.

See cacnet.network.context for why.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cacnet.components import find_components
from cacnet.prepare import Prepared
from cacnet.sparse_maps import SparseMap
from cacnet.spots import accept_if, count_and_places
from cacnet.volume import Geometry

BLOCK = 2
"""Voxels of the model's grid along each edge of a coarse one."""

SURE_OF_ARTERY = 0.8
"""Blood is measured where CAC-Net is this sure of an artery."""

FEWEST_BLOOD_VOXELS = 50
BLOOD_HU = 400.0
"""Taken for the blood where fewer voxels are that sure."""

BELONGS = 0.5
"""The context network's probability from which CAC-Net's artery is believed."""

LEAST_PLAQUE = 0.1
"""A lesion of less mean probability by the context network is no coronary artery's calcium. In fifteen simulated
patients three calcifications of the mitral annulus had at most 0.03, and 67 plaques at least 0.18."""

RATHER_PLAQUE = 0.5
"""From this mean probability on, a lesion is not taken for the annulus for its place alone. In 98 simulated patients a
plaque of 12 mm³ has 0.81, and three calcifications of the annulus at most 0.49."""

SURELY_PLAQUE = 0.86
"""From this mean probability on, a lesion near an artery's mouth is not taken for the aorta's."""

MOST_TAKEN = 0.5
"""Where the context network would take more than this of the arteries away, it does not know such a heart and is not
believed. In fifteen simulated patients it took at most 0.23."""

NOTHING = (-2.0, -2.0, -1.0, -1.0)
"""What `channels_of` shows where there is air, and no answer."""


@dataclass(frozen=True)
class CoarseHeart:
    """A prepared CT and CAC-Net's answer in coarse voxels; all (z, y, x).

    Attributes:
        mean_hu, highest_hu: of the voxels of the model's grid in each; the lungs are REMOVED_HU, as they are there.
        coronary_probability, calcium_probability: the largest of them, 0 to 1.
        grid: the coarse voxels.
    """

    mean_hu: np.ndarray
    highest_hu: np.ndarray
    coronary_probability: np.ndarray
    calcium_probability: np.ndarray
    grid: Geometry

    def channels(self) -> np.ndarray:
        """What the network is shown: (4, z, y, x) float32."""
        blood_hu = blood_of(self.mean_hu, self.coronary_probability)
        return channels_of(self.mean_hu, self.highest_hu, self.coronary_probability, self.calcium_probability, blood_hu)


def blood_of(mean_hu: np.ndarray, coronary_probability: np.ndarray) -> float:
    """Median HU where CAC-Net is sure of an artery."""
    lumen = mean_hu[coronary_probability >= SURE_OF_ARTERY]
    return float(np.median(lumen)) if len(lumen) >= FEWEST_BLOOD_VOXELS else BLOOD_HU


@dataclass(frozen=True, eq=False)
class HeartContext:
    """What the context network answers on the coarse voxels of a prepared CT; float32 (z, y, x), 0 to 1.

    Attributes:
        artery: whether what lies there belongs to a coronary artery, if it is a vessel.
        plaque: whether what lies there is calcium of a coronary artery, if it is calcium.
        grid: of both.
    """

    artery: np.ndarray
    plaque: np.ndarray
    grid: Geometry

    def artery_at(self, points_mm_lps: np.ndarray) -> np.ndarray:
        """`artery` interpolated at points (n, 3), LPS mm; beyond the grid, as at its edge."""
        return self._at(self.artery, points_mm_lps)

    def plaque_at(self, points_mm_lps: np.ndarray) -> np.ndarray:
        """`plaque` interpolated at points (n, 3), LPS mm; beyond the grid, as at its edge."""
        return self._at(self.plaque, points_mm_lps)

    def _at(self, answer: np.ndarray, points_mm_lps: np.ndarray) -> np.ndarray:
        index = self.grid.lps_to_index(points_mm_lps)
        found: np.ndarray = ndimage.map_coordinates(answer, index.T, order=1, mode="nearest")
        return found


def within_arteries(
    coronary_probability: SparseMap, geometry: Geometry, context: HeartContext, at_least: float = BELONGS
) -> SparseMap:
    """A map of CAC-Net's coronary probability on `geometry` without what does not belong to a coronary artery."""
    stays = context.artery_at(geometry.index_to_lps(coronary_probability.voxels)) >= at_least
    index, values = coronary_probability.index[stays], coronary_probability.values[stays]
    return SparseMap(index, values, coronary_probability.shape)


def is_believable(taken: SparseMap, coronary: SparseMap) -> bool:
    """Whether a context may take the mask `taken` from the mask `coronary` of all that CAC-Net found."""
    return len(taken.index) <= MOST_TAKEN * len(coronary.index)


def not_believed(taken: SparseMap, coronary: SparseMap) -> str:
    """A sentence on a context that is not believable."""
    share = 100 * len(taken.index) / max(1, len(coronary.index))
    return (
        f"The look at the whole heart takes {share:.0f} % of what the first network found as arteries for something "
        f"else; at most {100 * MOST_TAKEN:.0f} % was expected, so it was not used. Either most of it is no artery, or "
        f"the arteries run unlike the simulated ones: compare them with the CT, and look for calcium of the valves "
        f"among the lesions."
    )


def disowned(calcium: SparseMap, geometry: Geometry) -> tuple[str, ...]:
    """A sentence on calcium in what is no artery by the whole heart; none where that is nothing."""
    where = "in a vessel or wall that does not run through the heart as a coronary artery does, such as a cardiac vein,"
    return _left_out(calcium, geometry, where)


def unlikely_plaque(
    calcium: SparseMap, geometry: Geometry, context: HeartContext, at_least: float = LEAST_PLAQUE
) -> SparseMap:
    """The lesions (26-connected) of a map that are other calcium, such as the mitral annulus's, by the whole heart."""
    lesions = find_components(calcium)
    plaque = np.bincount(lesions.number, context.plaque_at(geometry.index_to_lps(calcium.voxels)), lesions.count)
    return lesions.mask_of(plaque / np.maximum(lesions.sizes, 1) < at_least)


def taken_for_other_calcium(unlikely: SparseMap, geometry: Geometry) -> tuple[str, ...]:
    """A sentence on what `unlikely_plaque` gave; none where that is nothing."""
    where = "where the heart's valves, their rings or the aorta's wall calcify, by the look at the whole heart,"
    return _left_out(unlikely, geometry, where)


def _left_out(calcium: SparseMap, geometry: Geometry, where: str) -> tuple[str, ...]:
    count, places = count_and_places(calcium, geometry)
    if not count:
        return ()
    spots, lie, were = (
        ("One calcification", "lies", "was") if count == 1 else (f"{count} calcifications", "lie", "were")
    )
    return (f"{spots} {lie} {where} and {were} left out: {places}. {accept_if(count)}",)


def channels_of(
    mean_hu: np.ndarray,
    highest_hu: np.ndarray,
    coronary_probability: np.ndarray,
    calcium_probability: np.ndarray,
    blood_hu: float,
) -> np.ndarray:
    """Network input (4, z, y, x) float32: both CT channels relative to the blood, both answers from −1 to 1."""
    return np.stack(
        [
            np.clip(2 * (mean_hu.astype(np.float32) / np.float32(blood_hu)) - 1, NOTHING[0], 3),
            np.clip(highest_hu.astype(np.float32) / np.float32(blood_hu) - 1, NOTHING[1], 4),
            2 * coronary_probability.astype(np.float32) - 1,
            2 * calcium_probability.astype(np.float32) - 1,
        ]
    )


def coarse_heart(prepared: Prepared, coronary_probability: np.ndarray, calcium_probability: np.ndarray) -> CoarseHeart:
    """A prepared CT and CAC-Net's answer on its grid in coarse voxels."""
    hu = prepared.hu
    return CoarseHeart(
        in_blocks(hu, np.add, np.float32) / np.float32(BLOCK**3),
        in_blocks(hu, np.maximum),
        in_blocks(coronary_probability, np.maximum),
        in_blocks(calcium_probability, np.maximum),
        coarse_grid(prepared.grid),
    )


def coarse_grid(grid: Geometry) -> Geometry:
    """The grid of the blocks of a grid."""
    spacing_mm = tuple(BLOCK * spacing for spacing in grid.spacing_mm_zyx)
    shape = tuple(-(-side // BLOCK) for side in grid.shape_zyx)
    first_mm_lps = grid.index_to_lps(np.full(3, (BLOCK - 1) / 2))
    return Geometry(shape, spacing_mm, tuple(first_mm_lps.tolist()), grid.direction_lps)  # type: ignore[arg-type]


def in_blocks(array_zyx: np.ndarray, combined: np.ufunc, dtype: type[np.generic] | None = None) -> np.ndarray:
    """An array with each block of BLOCK³ voxels combined into one; an odd side counts its last voxels twice.

    The result has `dtype`, by default the array's own.
    """
    for axis, side in enumerate(array_zyx.shape):
        if side % BLOCK:
            array_zyx = np.append(array_zyx, np.take(array_zyx, [-1], axis), axis)
        before = (slice(None),) * axis
        first, second = (array_zyx[(*before, slice(start, None, BLOCK))] for start in range(BLOCK))
        array_zyx = combined(first, second, dtype=dtype)
    return array_zyx
