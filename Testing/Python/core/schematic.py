"""A schematic CCTA for tests of the chain: a contrast-filled heart, two straight arteries, a calcification in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from cacnet.prepare import Prepared, prepare
from cacnet.volume import Acquisition, Geometry, Volume

CENTRE_MM_LPS = np.array([10.0, -40.0, 120.0])
HEART_RADIUS_MM = 22.0
ARTERY_RADIUS_MM = 4.5
CALCIUM_RADIUS_MM = 3.0
ARTERY_HALF_LENGTH_MM = 22.0


@dataclass(frozen=True)
class Schematic:
    """The CT, and where its truth lies in the patient."""

    volume: Volume
    calcium: np.ndarray
    coronary: np.ndarray


def artery_centres_mm_lps() -> np.ndarray:
    """A point on each artery, and its calcification: left of and right of the heart; both run along z."""
    return CENTRE_MM_LPS + np.array([[HEART_RADIUS_MM + 6, 0.0, 0.0], [-HEART_RADIUS_MM - 6, 0.0, 0.0]])


def schematic_ccta(
    direction: np.ndarray | None = None, spacing_mm_zyx=(0.9, 0.8, 0.7), shape_zyx=(84, 92, 104)
) -> Schematic:
    """The scan on a grid of any direction about CENTRE_MM_LPS."""
    direction = np.eye(3) if direction is None else direction
    half_xyz = (np.array(shape_zyx)[::-1] - 1) * np.array(spacing_mm_zyx)[::-1] / 2
    origin = CENTRE_MM_LPS - direction @ half_xyz
    geometry = Geometry(shape_zyx, spacing_mm_zyx, tuple(origin), tuple(direction.ravel()))
    points = positions_mm_lps(geometry)
    calcium, coronary = truth_at(points)
    heart = sum((p - c) ** 2 for p, c in zip(points, CENTRE_MM_LPS, strict=True)) < HEART_RADIUS_MM**2
    hu = np.full(shape_zyx, -90, np.int16)
    hu[heart] = 400
    hu[coronary] = 380
    hu[calcium] = 1000
    hu += np.random.default_rng(1).normal(0, 12, shape_zyx).astype(np.int16)
    return Schematic(Volume(hu, geometry, Acquisition("CT", 120.0), "schematic"), calcium, coronary)


def positions_mm_lps(geometry: Geometry) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and z of every voxel, float32."""
    z, y, x = np.ogrid[tuple(slice(0, n) for n in geometry.shape_zyx)]
    rows = geometry.affine_zyx_to_lps[:3].astype(np.float32)
    return tuple(row[0] * z + row[1] * y + row[2] * x + row[3] for row in rows)  # type: ignore[return-value]


def truth_at(points_mm_lps: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Whether each point lies in calcium, and in an artery."""
    calcium = np.zeros(points_mm_lps[0].shape, bool)
    coronary = calcium.copy()
    for centre in artery_centres_mm_lps():
        x, y, z = (p - np.float32(c) for p, c in zip(points_mm_lps, centre, strict=True))
        coronary |= (x**2 + y**2 < ARTERY_RADIUS_MM**2) & (np.abs(z) < ARTERY_HALF_LENGTH_MM)
        calcium |= x**2 + y**2 + z**2 < CALCIUM_RADIUS_MM**2
    return calcium, coronary


def true_probabilities(prepared: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """What a perfect network would say on the model's grid."""
    calcium, coronary = truth_at(positions_mm_lps(prepared.grid))
    return calcium.astype(np.float32), coronary.astype(np.float32)


def prepared(scan: Schematic) -> Prepared:
    """The scan on the model's grid."""
    return prepare(scan.volume)
