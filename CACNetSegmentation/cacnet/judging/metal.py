"""Calcium that is none: what reaches the end of the CT's range is metal."""

from __future__ import annotations

import numpy as np

from cacnet.components import find_components
from cacnet.sparse_maps import SparseMap
from cacnet.spots import accept_if, count_and_places
from cacnet.volume import Geometry

RANGE_END_HU = 3071.0
"""The largest value that twelve bits hold, which clips, stents and leads reach and calcium does not."""


def reaching_the_end(calcium: SparseMap, hu_zyx: np.ndarray, end_hu: float = RANGE_END_HU) -> SparseMap:
    """The lesions (26-connected) of `calcium` with a voxel of at least `end_hu`; bool.

    Args:
        calcium: on the grid of the CT.
        hu_zyx: the CT.
    """
    lesions = find_components(calcium)
    bright = hu_zyx[np.unravel_index(lesions.index, calcium.shape)] >= end_hu
    return lesions.mask_of(np.bincount(lesions.number, bright, minlength=lesions.count) > 0)


def taken_for_metal(metal: SparseMap, geometry: Geometry) -> tuple[str, ...]:
    """A sentence on what `reaching_the_end` gave; none where that is nothing."""
    count, places = count_and_places(metal, geometry)
    if not count:
        return ()
    spots = "One bright spot in an artery" if count == 1 else f"{count} bright spots in arteries"
    return (
        f"{spots} {'reaches' if count == 1 else 'reach'} the end of the CT's range, {RANGE_END_HU:.0f} HU, as clips, "
        f"stents and leads do, and {'was' if count == 1 else 'were'} left out as metal: {places}. {accept_if(count)}",
    )
