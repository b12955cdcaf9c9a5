"""A coronary tree drawn from text-book directions and Dodge's diameters: tubes in fat beside a bright aortic root."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from cacnet.anatomy import Vessel
from cacnet.volume import Geometry

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Tube:
    """A vessel along LPS points (mm), tapering from the first radius to the last."""

    vessel: Vessel
    points: tuple[Point, ...]
    radius_mm: tuple[float, float]


LEFT_MAIN = Tube(Vessel.LM, ((4, -2, 23), (14, -8, 22)), (2.3, 2.2))
LAD = Tube(
    Vessel.LAD,
    ((14, -8, 22), (22, -30, 18), (32, -45, 5), (45, -55, -20), (55, -55, -45), (50, -50, -62)),
    (1.85, 0.95),
)
DIAGONAL = Tube(Vessel.LAD, ((25, -35, 14), (45, -38, 0), (62, -30, -20)), (1.1, 0.8))
LCX = Tube(Vessel.LCX, ((14, -8, 22), (26, 4, 15), (36, 20, 5), (36, 36, -8), (28, 44, -20)), (1.7, 1.0))
MARGINAL = Tube(Vessel.LCX, ((34, 16, 7.5), (52, 14, -10), (60, 5, -35)), (1.2, 0.8))
RCA = Tube(
    Vessel.RCA,
    ((-15, -20, 22), (-28, -34, 18), (-42, -35, 0), (-45, -20, -20), (-35, 5, -35), (-15, 25, -36), (-3, 32, -32)),
    (1.95, 1.4),
)
DESCENDING = Tube(Vessel.RCA, ((-3, 32, -32), (10, 10, -48), (30, -15, -60)), (1.0, 0.7))
POSTEROLATERAL = Tube(Vessel.RCA, ((-3, 32, -32), (8, 38, -34), (18, 36, -40)), (1.0, 0.7))
ACUTE_MARGINAL = Tube(Vessel.RCA, ((-45, -22, -18), (-35, -38, -35), (-18, -45, -48)), (1.0, 0.7))

RIGHT_DOMINANT = (LEFT_MAIN, LAD, DIAGONAL, LCX, MARGINAL, RCA, DESCENDING, POSTEROLATERAL, ACUTE_MARGINAL)

SHORT_RCA = Tube(Vessel.RCA, ((-15, -20, 22), (-28, -34, 18), (-42, -35, 0), (-45, -20, -20)), (1.4, 1.0))
LONG_LCX = Tube(
    Vessel.LCX,
    (*LCX.points, (12, 42, -32), (0, 32, -34), (10, 10, -48), (30, -15, -60)),
    (2.1, 0.9),
)
LEFT_DOMINANT = (LEFT_MAIN, LAD, DIAGONAL, LONG_LCX, MARGINAL, SHORT_RCA)

AORTIC_ROOT: Point = (-6, -10, 24)
ROOT_RADIUS_MM = 11.0


def heart_grid(spacing_mm: float = 1.0) -> Geometry:
    """An LPS grid around the schematic heart."""
    n_xyz = [int(size / spacing_mm) for size in (130, 120, 120)]
    return Geometry((n_xyz[2], n_xyz[1], n_xyz[0]), (spacing_mm,) * 3, (-60.0, -68.0, -75.0))


def draw(tubes: tuple[Tube, ...], geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """The true territories (uint8) and the HU (int16) of a heart with these vessels; earlier tubes lie on top."""
    labels = np.zeros(geometry.shape_zyx, dtype=np.uint8)
    for tube in reversed(tubes):
        for centre, radius_mm in _balls(tube, min(geometry.spacing_mm_zyx) / 2):
            box, inside = _ball(centre, radius_mm, geometry)
            labels[box][inside] = tube.vessel
    hu = np.where(labels > 0, 400, -80).astype(np.int16)
    box, inside = _ball(np.array(AORTIC_ROOT), ROOT_RADIUS_MM, geometry)
    hu[box][inside & (labels[box] == 0)] = 420
    return labels, hu


def _balls(tube: Tube, step_mm: float) -> list[tuple[np.ndarray, float]]:
    points = np.array(tube.points, dtype=float)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.arange(0, along[-1] + step_mm, step_mm)
    centres = np.stack([np.interp(at, along, points[:, i]) for i in range(3)], axis=1)
    radii = np.interp(at, (0, along[-1]), tube.radius_mm)
    return list(zip(centres, radii, strict=True))


def _ball(centre: np.ndarray, radius_mm: float, geometry: Geometry) -> tuple[tuple[slice, ...], np.ndarray]:
    middle = geometry.lps_to_index(centre)
    reach = radius_mm / np.array(geometry.spacing_mm_zyx)
    low = np.maximum(0, np.floor(middle - reach)).astype(int)
    high = np.minimum(geometry.shape_zyx, np.ceil(middle + reach) + 1).astype(int)
    box = tuple(slice(a, max(a, b)) for a, b in zip(low, high, strict=True))
    axes = [np.arange(a, max(a, b)) for a, b in zip(low, high, strict=True)]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    return box, np.linalg.norm(geometry.index_to_lps(index) - centre, axis=-1) <= radius_mm
