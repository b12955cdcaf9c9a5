"""Lay the atlas of usual courses over a patient's centre lines: where the heart lies, its turn and its size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from cacnet.vessels.atlas import LEFT_OSTIUM, RIGHT_OSTIUM, Atlas
from cacnet.vessels.centerlines import Centerlines
from cacnet.volume import Geometry

ROUNDS = 15
MAX_FITTED_POINTS = 350
MAX_START_TIPS = 14

MISFIT_LIMIT = 4.5
"""Half the square of three spreads: a point further from every course counts as much as one that lies there."""

USUAL_TURN_DEG, MAX_TURN_DEG = 18.0, 40.0
USUAL_LOG_SCALE, SCALES = 0.12, (0.78, 1.35)

UNCERTAIN_POINTS = 60.0
"""With this many points turn and size are taken halfway between the usual ones and those that fit best."""

TRUNKS_WEIGHT, ROOT_WEIGHT, PRIOR_WEIGHT = 0.5, 0.8, 0.25
ROOT_RADIUS_MM, BRIGHT_SHARE_OF_LUMEN = 7.0, 0.75


@dataclass(frozen=True, eq=False)
class Alignment:
    """p ↦ scale · rotation (p − origin), from the patient to the atlas.

    Attributes:
        origin_mm_lps: the patient's point at the atlas' origin: between the ostia, so in the aortic root.
        misfit: mean over the centre lines of half the squared distance to the nearest course in spreads, limited.
    """

    origin_mm_lps: np.ndarray
    rotation: Rotation
    scale: float
    misfit: float = 0.0

    def to_atlas(self, points_mm_lps: np.ndarray) -> np.ndarray:
        """(n, 3) positions in the atlas."""
        return self.scale * self.rotation.apply(points_mm_lps - self.origin_mm_lps)

    def to_patient(self, points_mm: np.ndarray) -> np.ndarray:
        """(n, 3) positions in the patient."""
        return self.rotation.inv().apply(points_mm) / self.scale + self.origin_mm_lps


def align(lines: Centerlines, atlas: Atlas, lumen_hu: float, hu_zyx: np.ndarray, geometry: Geometry) -> Alignment:
    """The best of many fits, each begun with another tip taken for an ostium.

    A fit is good if the centre lines lie near courses, the trunks of the atlas lie near centre lines, the atlas is
    little turned and scaled, and the aortic root that it predicts is as bright as the arteries.
    """
    step = max(1, len(lines.points_mm_lps) // MAX_FITTED_POINTS)
    points, weight = lines.points_mm_lps[::step], np.clip(lines.radius_mm[::step], 0.7, 2.0)
    fits = [_fitted(points, weight, origin, atlas) for origin in _starts(lines, atlas)]
    bright = BRIGHT_SHARE_OF_LUMEN * lumen_hu
    scores = [_cost(fit, points, atlas) - ROOT_WEIGHT * _share_bright(fit, bright, hu_zyx, geometry) for fit in fits]
    return fits[int(np.argmin(scores))]


def _starts(lines: Centerlines, atlas: Atlas) -> list[np.ndarray]:
    """Where the atlas' origin may lie in the patient."""
    around = cKDTree(lines.points_mm_lps).query_ball_point(lines.points_mm_lps[lines.tips], 6.0)
    thickness = np.array([lines.radius_mm[near].max() for near in around])
    tips = lines.points_mm_lps[lines.tips[np.argsort(-thickness, kind="stable")[:MAX_START_TIPS]]]
    middle = lines.points_mm_lps.mean(axis=0) - atlas.points_mm.mean(axis=0)
    return [middle, *(tips - np.array(LEFT_OSTIUM)), *(tips - np.array(RIGHT_OSTIUM))]


def _fitted(points: np.ndarray, weight: np.ndarray, origin: np.ndarray, atlas: Atlas) -> Alignment:
    """Nearest courses and best similarity transform in turn, from the atlas unturned at `origin`."""
    fit = Alignment(origin, Rotation.identity(), 1.0)
    for _ in range(ROUNDS):
        misfit, nearest = _misfit(fit.to_atlas(points), atlas)
        pull = weight * np.exp(-misfit / 2) / atlas.width_mm[nearest]
        if pull.sum() < 1e-6:
            break
        fit = _similarity(points, atlas.points_mm[nearest], pull)
    misfit, _ = _misfit(fit.to_atlas(points), atlas)
    mean = float(np.average(np.minimum(misfit, MISFIT_LIMIT), weights=weight))
    return Alignment(fit.origin_mm_lps, fit.rotation, fit.scale, mean)


def _misfit(placed: np.ndarray, atlas: Atlas) -> tuple[np.ndarray, np.ndarray]:
    squared = cdist(placed, atlas.points_mm)
    squared /= atlas.width_mm
    squared *= squared
    squared *= 0.5
    nearest = squared.argmin(axis=1)
    return squared[np.arange(len(placed)), nearest], nearest


def _similarity(points: np.ndarray, targets: np.ndarray, weight: np.ndarray) -> Alignment:
    """The weighted least-squares transform, drawn towards the usual turn and size the fewer points there are."""
    share = weight / weight.sum()
    here, there = share @ points, share @ targets
    covariance = ((targets - there) * share[:, None]).T @ (points - here)
    u, _, vt = np.linalg.svd(covariance)
    rotation = Rotation.from_matrix(u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt)
    trust = len(points) / (len(points) + UNCERTAIN_POINTS)
    turn = trust * rotation.as_rotvec(degrees=True)
    turn *= min(1.0, MAX_TURN_DEG / max(float(np.linalg.norm(turn)), 1e-9))
    rotation = Rotation.from_rotvec(turn, degrees=True)
    spread = float(share @ ((points - here) ** 2).sum(axis=1))
    fitting = float(np.trace(rotation.as_matrix().T @ covariance)) / max(spread, 1e-9)
    scale = float(np.clip(np.exp(trust * np.log(max(fitting, 0.1))), *SCALES))
    return Alignment(here - rotation.inv().apply(there) / scale, rotation, scale)


def _cost(fit: Alignment, points: np.ndarray, atlas: Atlas) -> float:
    trunks = atlas.trunk
    away = cKDTree(fit.to_atlas(points)).query(atlas.points_mm[trunks])[0] / atlas.width_mm[trunks]
    uncovered = float(np.minimum(0.5 * away**2, MISFIT_LIMIT).mean())
    turn = np.degrees(fit.rotation.magnitude()) / USUAL_TURN_DEG
    prior = 0.5 * (turn**2 + (np.log(fit.scale) / USUAL_LOG_SCALE) ** 2)
    return fit.misfit + TRUNKS_WEIGHT * uncovered + PRIOR_WEIGHT * float(prior)


def _share_bright(fit: Alignment, bright_hu: float, hu_zyx: np.ndarray, geometry: Geometry) -> float:
    """Share of a ball around the predicted aortic root that is as bright as the lumen."""
    axis = np.arange(-ROOT_RADIUS_MM, ROOT_RADIUS_MM + 1, 2.0)
    ball = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3)
    ball = ball[np.linalg.norm(ball, axis=1) <= ROOT_RADIUS_MM]
    index = np.rint(geometry.lps_to_index(fit.origin_mm_lps + ball)).astype(int)
    within = ((index >= 0) & (index < hu_zyx.shape)).all(axis=1)
    return float((hu_zyx[tuple(index[within].T)] >= bright_hu).sum() / len(ball))
