"""Implicit shapes: callables that give the signed distance (mm, negative inside) of points (3, ...) in x, y, z.

Distances are exact on the surface and close to exact near it, which is all that partial volume needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

FAR_MM = 30.0
"""Beyond this from a tube's bounding box its distance is only bounded from below, which saves most of the work."""

Shape = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid with its own axes.

    Attributes:
        centre_mm: (3,).
        axes: (3, 3), unit vectors in rows.
        radii_mm: (3,), semi-axes along the rows of `axes`.
        shear: drift of the second and third axis' centre per mm along the first: bends a ventricle around another.
    """

    centre_mm: np.ndarray
    axes: np.ndarray
    radii_mm: np.ndarray
    shear: tuple[float, float] = (0.0, 0.0)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        rows = np.asarray(self.axes, np.float32)
        offset = [points[i] - np.float32(self.centre_mm[i]) for i in range(3)]
        local = [row[0] * offset[0] + row[1] * offset[1] + row[2] * offset[2] for row in rows]
        local[1] = local[1] - np.float32(self.shear[0]) * local[0]
        local[2] = local[2] - np.float32(self.shear[1]) * local[0]
        scaled = [v / np.float32(r) for v, r in zip(local, self.radii_mm, strict=True)]
        gradient = [v / np.float32(r) for v, r in zip(scaled, self.radii_mm, strict=True)]
        k0 = np.sqrt(scaled[0] ** 2 + scaled[1] ** 2 + scaled[2] ** 2)
        k1 = np.sqrt(gradient[0] ** 2 + gradient[1] ** 2 + gradient[2] ** 2) + np.float32(1e-6)
        near_centre = np.float32(min(self.radii_mm)) * (k0 - 1)
        return np.where(k0 < 0.3, near_centre, k0 * (k0 - 1) / k1)


@dataclass(frozen=True)
class Tube:
    """A smooth tube with round ends along a centre line of varying radius."""

    points_mm: np.ndarray
    radii_mm: np.ndarray

    @classmethod
    def through(cls, points_mm: object, radii_mm: object, samples_per_span: int = 3) -> Tube:
        """A tube along the cubic spline through given points (n, 3), radii (n,) interpolated alike."""
        points, radii = np.asarray(points_mm, float), np.asarray(radii_mm, float)
        if len(points) < 3:
            return cls(points, radii)
        length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        fine = np.linspace(0.0, length[-1], samples_per_span * (len(points) - 1) + 1)
        return cls(CubicSpline(length, points)(fine), np.interp(fine, length, radii))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        lower = (self.points_mm - self.radii_mm[:, None]).min(axis=0).astype(np.float32)
        upper = (self.points_mm + self.radii_mm[:, None]).max(axis=0).astype(np.float32)
        beyond = np.maximum.reduce([np.maximum(lower[i] - points[i], points[i] - upper[i]) for i in range(3)])
        near = beyond < FAR_MM
        result = np.asarray(beyond, np.float32)
        if near.any():
            result[near] = self._exact([points[i][near] for i in range(3)])
        return result

    def _exact(self, points: list[np.ndarray]) -> np.ndarray:
        distance = np.full(points[0].shape, 1e3, np.float32)
        ends = zip(self.points_mm[:-1], self.points_mm[1:], self.radii_mm[:-1], self.radii_mm[1:], strict=True)
        for start, end, radius, end_radius in ends:
            along = (end - start).astype(np.float32)
            offset = [points[i] - np.float32(start[i]) for i in range(3)]
            part = (offset[0] * along[0] + offset[1] * along[1] + offset[2] * along[2]) / np.float32(along @ along)
            part = np.clip(part, 0, 1)
            squared = sum((offset[i] - part * along[i]) ** 2 for i in range(3))
            np.minimum(
                distance, np.sqrt(squared) - np.float32(radius) - part * np.float32(end_radius - radius), distance
            )
        return distance


@dataclass(frozen=True)
class HalfSpace:
    """The side of a plane that its normal points away from."""

    point_mm: np.ndarray
    normal: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return sum(np.float32(self.normal[i]) * (points[i] - np.float32(self.point_mm[i])) for i in range(3))


@dataclass(frozen=True)
class Union:
    """Shapes melted together: concave edges between them are filled over about `blend_mm`."""

    parts: tuple[Shape, ...]
    blend_mm: float = 2.0

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return smooth_minimum([part(points) for part in self.parts], self.blend_mm)


@dataclass(frozen=True)
class Intersection:
    """What all shapes share, its edge rounded over about `blend_mm`."""

    parts: tuple[Shape, ...]
    blend_mm: float = 2.0

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return -smooth_minimum([-part(points) for part in self.parts], self.blend_mm)


@dataclass(frozen=True)
class Shrunk:
    """A shape less a wall: `basal_mm` thick, thinning to `apical_mm` along an axis between two distances."""

    outer: Shape
    basal_mm: float
    apical_mm: float | None = None
    origin_mm: np.ndarray | None = None
    axis: np.ndarray | None = None
    from_to_mm: tuple[float, float] = (45.0, 85.0)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        distance = self.outer(points)
        if self.apical_mm is None or self.axis is None or self.origin_mm is None:
            return distance + np.float32(self.basal_mm)
        along = HalfSpace(self.origin_mm, self.axis)(points)
        low, high = self.from_to_mm
        part = np.clip((along - low) / (high - low), 0, 1)
        part = part * part * (3 - 2 * part)
        return distance + np.float32(self.basal_mm) + part * np.float32(self.apical_mm - self.basal_mm)


@dataclass(frozen=True)
class Rippled:
    """A shape whose surface is raised and lowered by smooth waves: the uneven thickness of fat.

    Attributes:
        wave_vectors: (n, 3), rad/mm.
        amplitudes_mm: (n,).
    """

    shape: Shape
    wave_vectors: np.ndarray
    phases: np.ndarray
    amplitudes_mm: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        result = self.shape(points)
        for vector, phase, amplitude in zip(self.wave_vectors, self.phases, self.amplitudes_mm, strict=True):
            angle = sum(np.float32(vector[i]) * points[i] for i in range(3)) + np.float32(phase)
            result = result + np.float32(amplitude) * np.sin(angle)
        return result


@dataclass(frozen=True)
class Complement:
    """Everything outside a shape."""

    shape: Shape

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return -self.shape(points)


def smooth_minimum(distances: list[np.ndarray], blend_mm: float) -> np.ndarray:
    """Polynomial smooth minimum, one after the other; lower than the minimum by at most blend_mm / 4 per pair."""
    result = distances[0]
    for other in distances[1:]:
        part = np.clip(blend_mm - np.abs(result - other), 0, None)
        result = np.minimum(result, other) - part * part / np.float32(4 * blend_mm)
    return result


def gradient(shape: Shape, points: np.ndarray, step_mm: float = 0.5) -> np.ndarray:
    """Central-difference gradient (3, n) of a shape's distance at points (3, n)."""
    result = np.empty(points.shape, float)
    for i in range(3):
        shift = np.zeros((3, 1))
        shift[i] = step_mm
        result[i] = (shape(points + shift) - shape(points - shift)) / (2 * step_mm)
    return result
