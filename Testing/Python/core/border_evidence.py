"""A row of voxels along x for tests of the lesions' borders."""

from __future__ import annotations

import numpy as np
from cacnet.refinement import Evidence
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry

BLOOD_HU = np.concatenate([np.full(200, 380.0), np.full(600, 400.0), np.full(200, 420.0)])
"""Median 400 HU; the 15.8th percentile is 380 HU."""


def row(
    hu: list[float],
    lesion: list[int],
    probability: list[float] | None = None,
    artery: list[int] | None = None,
    blood_hu: np.ndarray = BLOOD_HU,
    spacing_mm: float = 1.0,
) -> Evidence:
    """Voxels of `spacing_mm` in a row; everything is artery and possible calcium unless stated."""
    columns = np.arange(len(hu))
    arteries = np.isin(columns, columns if artery is None else artery)
    possible = np.ones(len(hu)) if probability is None else np.array(probability)

    def sparse(values: np.ndarray) -> SparseMap:
        return SparseMap.of(values[None, None])

    return Evidence(
        calcium=sparse(np.isin(columns, lesion)),
        calcium_probability=sparse(possible),
        coronary_probability=sparse(arteries.astype(float)),
        coronary=sparse(arteries),
        hu=np.array([[hu]], np.int16),
        geometry=Geometry((1, 1, len(hu)), (1.0, 1.0, spacing_mm)),
        blood_hu=blood_hu,
    )
