"""What drawing the lesions' borders anew gives, and what every way of doing it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cacnet.contrast import WEAK_FROM_HU
from cacnet.errors import CacnetError
from cacnet.scoring.threshold import BloodPool, BloodPoolNotMeasurableError, measure_blood_pool
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry, GeometryMismatchError


class InvalidRefinementError(CacnetError):
    """A setting that cannot be meant."""


class NothingToRefineByError(CacnetError):
    """The blood, to which calcium is compared, is unknown or holds no contrast agent."""


@dataclass(frozen=True)
class Refined:
    """Calcium after refinement.

    Attributes:
        calcium: bool.
        applied: False where it is the network's own mask.
        statement: what was done, or why nothing was, for the report.
        probability: of calcium, where a second network gave one; None where that of CAC-Net holds.
        added: bool, lesions that CAC-Net had not found; None where nothing looked for such.
    """

    calcium: SparseMap
    applied: bool
    statement: str
    probability: SparseMap | None = None
    added: SparseMap | None = None


def measured_blood(blood_hu: np.ndarray) -> BloodPool:
    """The blood of HU values inside the lumen, in any order; raises NothingToRefineByError."""
    try:
        blood = measure_blood_pool(blood_hu, np.ones(blood_hu.shape, bool))
    except BloodPoolNotMeasurableError as error:
        raise NothingToRefineByError("too little lumen was found to measure the blood", error.expected) from error
    if blood.median_hu < WEAK_FROM_HU:
        raise NothingToRefineByError(
            f"the arteries hold no contrast agent ({blood.median_hu:.0f} HU)", f"at least {WEAK_FROM_HU:g} HU"
        )
    return blood


def unrefined(calcium: SparseMap, why: str) -> Refined:
    """CAC-Net's own borders, and why they stay."""
    return Refined(calcium, False, f"Lesion borders are the network's own: {why}.")


def require_same_shape(arrays: Mapping[str, np.ndarray | SparseMap], geometry: Geometry) -> None:
    """Raise GeometryMismatchError where an array, named for people, has not the grid's shape."""
    for name, array in arrays.items():
        if array.shape != geometry.shape_zyx:
            raise GeometryMismatchError(
                f"the {name} array has the shape {array.shape} (z, y, x)", f"the grid's shape, {geometry.shape_zyx}"
            )
