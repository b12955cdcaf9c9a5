"""What the lesions' borders are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cacnet.contrast import WEAK_FROM_HU
from cacnet.errors import CacnetError
from cacnet.scoring.threshold import BloodPool, BloodPoolNotMeasurableError, measure_blood_pool
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry, GeometryMismatchError


class NothingToRefineByError(CacnetError):
    """The blood, to which calcium is compared, is unknown or holds no contrast agent."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What CAC-Net found, and the CT; all on `geometry`.

    Attributes:
        calcium: bool, CAC-Net's lesions.
        calcium_probability, coronary_probability: CAC-Net's, 0 to 1.
        coronary: bool, the arteries with their calcium.
        hu: (z, y, x) the CT.
        geometry: the grid of them all.
        blood_hu: HU of voxels well inside the lumen, in any order.

    Raises:
        GeometryMismatchError: an array without the grid's shape.
    """

    calcium: SparseMap
    calcium_probability: SparseMap
    coronary_probability: SparseMap
    coronary: SparseMap
    hu: np.ndarray
    geometry: Geometry
    blood_hu: np.ndarray

    def __post_init__(self) -> None:
        for name in ("calcium", "calcium_probability", "coronary_probability", "coronary", "hu"):
            shape = getattr(self, name).shape
            if shape != self.geometry.shape_zyx:
                raise GeometryMismatchError(
                    f"the {name.replace('_', ' ')} array has the shape {shape} (z, y, x)",
                    f"the grid's shape, {self.geometry.shape_zyx}",
                )


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
