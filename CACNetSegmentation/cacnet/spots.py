"""Where the parts of a mask lie, in words that can be looked up in a viewer."""

from __future__ import annotations

import numpy as np

from cacnet.components import find_components
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry

NAMED_AT_MOST = 8


def count_and_places(mask: SparseMap, geometry: Geometry) -> tuple[int, str]:
    """How many 26-connected parts a mask (bool) has, and the volume and place of the first ones, in RAS mm."""
    spots = find_components(mask)
    named = [
        _place(geometry.index_to_lps(voxels).mean(axis=0), len(voxels) * geometry.voxel_volume_mm3)
        for number, voxels in spots.voxels_of(np.ones(spots.count, bool))
        if number < NAMED_AT_MOST
    ]
    if spots.count > NAMED_AT_MOST:
        named.append(f"{spots.count - NAMED_AT_MOST} more")
    return spots.count, "; ".join(named)


def accept_if(count: int) -> str:
    """What a reader can do about this many spots that were left out."""
    if count == 1:
        return "The review lists it as left out: accept it there if you see plaque."
    return "The review lists them as left out: accept there what you see as plaque."


def _place(centre_mm_lps: np.ndarray, volume_mm3: float) -> str:
    left, posterior, superior = centre_mm_lps
    return f"{volume_mm3:.1f} mm³ at R {-left:.1f}, A {-posterior:.1f}, S {superior:.1f} mm"
