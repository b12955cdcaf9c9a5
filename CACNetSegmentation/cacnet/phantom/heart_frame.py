"""Where a patient's heart lies: the rigid pose, size and smooth individual deformation of the template heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cacnet.phantom.patient import Patient

TEMPLATE_SCALE = 0.92
"""The template in `heart_anatomy` is drawn for a large heart; this brings it to an average adult's size."""


@dataclass(frozen=True)
class HeartFrame:
    """Maps patient coordinates (LPS mm) to template coordinates and back.

    template = q + sum of sine waves at q, with q = rotation^T (patient - shift) / scale.

    Attributes:
        rotation: (3, 3).
        scale: patient mm per template mm.
        shift_mm: (3,), patient position of the template's origin.
        wave_vectors: (n, 3), rad/mm.
        wave_phases: (n,).
        wave_amplitudes_mm: (n, 3).
    """

    rotation: np.ndarray
    scale: float
    shift_mm: np.ndarray
    wave_vectors: np.ndarray
    wave_phases: np.ndarray
    wave_amplitudes_mm: np.ndarray

    def to_template(self, points_mm: np.ndarray) -> np.ndarray:
        """Template coordinates of patient points, both (3, ...)."""
        moved = [points_mm[i] - np.float32(self.shift_mm[i]) for i in range(3)]
        matrix = (self.rotation.T / self.scale).astype(np.float32)
        q = np.stack(
            np.broadcast_arrays(*(row[0] * moved[0] + row[1] * moved[1] + row[2] * moved[2] for row in matrix))
        )
        return q + self._warp(q)

    def to_patient(self, points_mm: np.ndarray) -> np.ndarray:
        """Patient coordinates of template points, both (3, n)."""
        target = np.asarray(points_mm, float)
        q = target.copy()
        for _ in range(12):
            q = target - self._warp(q)
        return self.rotation @ q * self.scale + self.shift_mm[:, None]

    def _warp(self, q: np.ndarray) -> np.ndarray:
        result = np.zeros(q.shape, q.dtype)
        waves = zip(self.wave_vectors, self.wave_phases, self.wave_amplitudes_mm, strict=True)
        for vector, phase, amplitude in waves:
            angle = (
                vector[0].astype(q.dtype) * q[0] + vector[1].astype(q.dtype) * q[1] + vector[2].astype(q.dtype) * q[2]
            )
            wave = np.sin(angle + q.dtype.type(phase))
            for i in range(3):
                result[i] += amplitude[i].astype(q.dtype) * wave
        return result


def draw_frame(patient: Patient) -> HeartFrame:
    """The pose of this patient's heart."""
    rng = patient.rng("heart frame")
    vectors = rng.normal(size=(8, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    wavelength = rng.uniform(70, 200, 8)
    return HeartFrame(
        rotation=rotation_matrix(patient.heart_axis_tilt_deg),
        scale=TEMPLATE_SCALE * patient.heart_scale,
        shift_mm=np.zeros(3),
        wave_vectors=vectors * (2 * np.pi / wavelength)[:, None],
        wave_phases=rng.uniform(0, 2 * np.pi, 8),
        # Amplitude grows with wavelength, so that the local stretch stays below about 10 % and the map invertible.
        wave_amplitudes_mm=rng.normal(0, 0.0075, (8, 3)) * wavelength[:, None],
    )


def rotation_matrix(angles_deg: tuple[float, float, float]) -> np.ndarray:
    """Rotation about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians(angles_deg)), np.sin(np.radians(angles_deg))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x
