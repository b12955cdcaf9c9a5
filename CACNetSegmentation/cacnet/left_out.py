"""Lesions that were found and are not believed: they do not count, and a reader can take each in with one step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.components import find_components
from cacnet.sparse_maps import SparseMap


class RejectReason(StrEnum):
    """What a lesion that does not count is instead of coronary calcium."""

    STENT = "stent"
    CLIP = "clip"
    VALVE = "valve"
    AORTIC_WALL = "aortic wall"
    NOISE = "noise"
    BONE = "bone"
    OTHER = "other"


@dataclass(frozen=True, eq=False)
class LeftOutLesion:
    """One lesion that was found and left out.

    Attributes:
        vessel: the artery that it would count for.
        index: sorted int64 flat (C-order) indices of its voxels.
        reason: what it probably is.
        confidence: mean calcium probability over it.
    """

    vessel: Vessel
    index: np.ndarray
    reason: RejectReason
    confidence: float


def each_left_out(
    mask: SparseMap, calcium_vessel: SparseMap, probability: SparseMap, reason: RejectReason
) -> Iterator[LeftOutLesion]:
    """The 26-connected parts of a mask as lesions, with indices on its grid.

    Args:
        mask: what is left out; calcium_vessel: the `Vessel` numbers that it would have; probability: of calcium.
        reason: what it probably is; what no artery could be named for is RejectReason.OTHER.
    """
    parts = find_components(mask)
    for _, voxels in parts.voxels_of(np.ones(parts.count, bool)):
        index = np.ravel_multi_index(tuple(voxels.T), mask.shape).astype(np.int64)
        numbers = calcium_vessel.at(index)
        vessel = Vessel(int(np.bincount(numbers[numbers > 0]).argmax())) if numbers.any() else Vessel.UNASSIGNED
        named = vessel is not Vessel.UNASSIGNED
        confidence = float(probability.at(index).mean(dtype=np.float64))
        yield LeftOutLesion(vessel, index, reason if named else RejectReason.OTHER, confidence)
