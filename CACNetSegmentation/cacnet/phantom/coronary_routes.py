"""Courses of coronary arteries and veins: guide points in groove coordinates, settled onto the heart's own surface.

A groove is where two chambers' outer surfaces are equally near. A guide is moved by damped Newton steps until it lies
a given distance off both, so every heart, however deformed, carries its arteries in its own grooves, in the fat.
Angles about the left ventricle: 0 towards the right ventricle, -63 degrees the anterior and +63 degrees the posterior
interventricular groove, 180 degrees the lateral wall.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from cacnet.phantom.heart_template import TRICUSPID_CENTRE, TRICUSPID_NORMAL, HeartTemplate, in_ventricle, unit
from cacnet.phantom.shapes import Shape

ANTERIOR_GROOVE_DEG = -63.0
POSTERIOR_GROOVE_DEG = 63.0


@dataclass(frozen=True)
class Rule:
    """A wish for the points of a course: to lie `distance_mm` off a shape, or at least that far outside it."""

    shape: Shape
    distance_mm: float | np.ndarray
    weight: float | np.ndarray = 1.0
    at_least: bool = False


def settle(points: np.ndarray, rules: list[Rule], free: np.ndarray, rounds: int = 14) -> np.ndarray:
    """Points (n, 3) moved to satisfy the rules as well as they can, kept smooth; where `free` is 0 they stay."""
    moved = points.T.copy()
    for _ in range(rounds):
        rows, residuals = [], []
        for rule in rules:
            distance, slope = _distance_and_gradient(rule.shape, moved)
            residual = distance - rule.distance_mm
            residual = np.minimum(residual, 0.0) if rule.at_least else residual
            weight = np.where(residual == 0.0, 0.0, rule.weight)
            rows.append(slope * weight)
            residuals.append(np.clip(residual, -5.0, 5.0) * weight)
        moved -= _damped_step(rows, residuals) * free
        middle = 0.25 * (moved[:, :-2] + moved[:, 2:]) + 0.5 * moved[:, 1:-1]
        moved[:, 1:-1] += (middle - moved[:, 1:-1]) * free[1:-1]
    return moved.T


def _distance_and_gradient(shape: Shape, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    step = 0.3
    n = points.shape[1]
    shifted = np.concatenate([points] + [points + step * np.eye(3)[:, [i]] for i in range(3)], axis=1)
    values = np.asarray(shape(shifted), float).reshape(4, n)
    return values[0], (values[1:] - values[0]) / step


def _damped_step(rows: list[np.ndarray], residuals: list[np.ndarray]) -> np.ndarray:
    """Least-squares step (3, n) for k residuals per point, damped against parallel surfaces."""
    matrix = np.stack(rows, axis=0).transpose(2, 0, 1)
    right = np.stack(residuals, axis=0).T[:, :, None]
    gram = matrix @ matrix.transpose(0, 2, 1) + 0.12 * np.eye(matrix.shape[1])
    return (matrix.transpose(0, 2, 1) @ np.linalg.solve(gram, right))[:, :, 0].T * 0.7


def resample(points: np.ndarray, step_mm: float) -> np.ndarray:
    """The cubic spline through points (n, 3) at even steps."""
    keep = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-3])
    points = points[keep]
    length = arc_length(points)
    count = max(int(np.ceil(length[-1] / step_mm)) + 1, 4)
    return CubicSpline(length, points)(np.linspace(0, length[-1], count))


def even_out(points: np.ndarray, free: np.ndarray, step_mm: float = 1.5) -> np.ndarray:
    """The course (n, 3) without kinks shorter than about 3 mm, evenly sampled; where `free` is 0 it stays."""
    smooth = gaussian_filter1d(points, 1.2, axis=0, mode="nearest")
    smooth[-1] = points[-1]
    return resample(points + (smooth - points) * free[:, None], step_mm)


def arc_length(points: np.ndarray) -> np.ndarray:
    """Length along points (n, 3) from the first, (n,)."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])


def wiggle(points: np.ndarray, rng: np.random.Generator, near_mm: float, far_mm: float) -> np.ndarray:
    """A tortuous version: smooth random displacement, from `near_mm` at the start to `far_mm` at the end."""
    length = arc_length(points)
    total = np.zeros(points.shape)
    for wavelength in (38.0, 22.0, 13.0):
        for axis in range(3):
            phase, drift = rng.uniform(0, 2 * np.pi), rng.uniform(0.85, 1.2)
            total[:, axis] += (
                rng.normal(0, 1) * (wavelength / 38.0) * np.sin(2 * np.pi * length * drift / wavelength + phase)
            )
    part = length / max(length[-1], 1e-6)
    return points + total * (near_mm + (far_mm - near_mm) * part)[:, None] * np.clip(length / 6.0, 0, 1)[:, None]


def on_ventricle(template: HeartTemplate, along_mm: float, angle_deg: float, off_mm: float = 2.0) -> np.ndarray:
    """A point `off_mm` off the left ventricle's outer surface, at a distance from the base and an angle."""
    part = np.clip(1 - ((along_mm - 28.0) / 60.0) ** 2, 0.0, 1.0)
    radius = 33.5 * template.lv_size * np.sqrt(part) + off_mm
    angle = np.radians(angle_deg)
    return in_ventricle(along_mm, radius * np.cos(angle), radius * np.sin(angle))


def on_tricuspid_ring(angle_deg: float, radius_mm: float = 25.0) -> np.ndarray:
    """A point around the tricuspid annulus: 0 at the top, 90 at the right-anterior margin, 180 at the bottom."""
    up = unit(np.array([0.0, 0.0, 1.0]) - TRICUSPID_NORMAL * TRICUSPID_NORMAL[2])
    front = np.cross(up, TRICUSPID_NORMAL)
    front = front if front[1] < 0 else -front
    angle = np.radians(angle_deg)
    return TRICUSPID_CENTRE + radius_mm * (np.cos(angle) * up + np.sin(angle) * front)
