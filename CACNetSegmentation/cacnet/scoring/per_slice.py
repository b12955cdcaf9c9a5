"""The scores of each lesion in each Agatston slice; over the slices they add up to the lesion's scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cacnet.scoring.agatston import AgatstonGrid, counted_pixels
from cacnet.scoring.threshold import ResolvedProtocol
from cacnet.volume import Geometry


@dataclass(frozen=True)
class SliceScore:
    """What one lesion scores in one slice.

    Attributes:
        lesion: its number.
        position_mm: of the slice along its normal, towards the head: in an axial scan its LPS z.
        agatston, volume_mm3: this slice's part of the lesion's scores.
        area_mm2: area of the pixels that count.
        islands: 2-D islands that count; one that two lesions share counts for both.
    """

    lesion: int
    position_mm: float
    agatston: float
    area_mm2: float
    volume_mm3: float
    islands: int


def slice_scores(
    lesions_zyx: np.ndarray, hu_zyx: np.ndarray, geometry: Geometry, resolved: ResolvedProtocol
) -> tuple[SliceScore, ...]:
    """The slices of lesions that `score_touching` scores together, by position, then by number.

    Args:
        lesions_zyx, hu_zyx, geometry, resolved: as for `cacnet.scoring.score_touching`.
    """
    pixels = counted_pixels(lesions_zyx, hu_zyx, geometry, resolved)
    grid = AgatstonGrid.of(pixels.geometry)
    rows = []
    for at in np.unique(pixels.slice_index):
        position_mm = _position_mm(pixels.geometry, grid.slice_axis, int(at))
        for number in np.unique(pixels.lesion[pixels.slice_index == at]):
            own = (pixels.slice_index == at) & (pixels.lesion == number)
            rows.append(
                SliceScore(
                    lesion=int(number),
                    position_mm=position_mm,
                    agatston=float(pixels.factor[own].sum() * pixels.agatston_per_factor),
                    area_mm2=int(own.sum()) * grid.pixel_area_mm2,
                    volume_mm3=int(own.sum()) * pixels.volume_mm3,
                    islands=len(np.unique(pixels.island[own])),
                )
            )
    return tuple(sorted(rows, key=lambda row: (row.position_mm, row.lesion)))


def _position_mm(geometry: Geometry, slice_axis: int, index: int) -> float:
    """Along the slices' normal, which neither cropping in the slice nor flipping an axis changes."""
    normal = np.asarray(geometry.direction_lps, float).reshape(3, 3)[:, 2 - slice_axis]
    at = np.zeros(3)
    at[slice_axis] = index
    return float(geometry.index_to_lps(at) @ (normal if normal[2] >= 0 else -normal))
