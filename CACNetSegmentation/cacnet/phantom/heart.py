"""The simulated heart: its shape, the points others need, and its painting on the canvas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cacnet.phantom.canvas import Box, Canvas
from cacnet.phantom.heart_calcium import paint_heart_calcium
from cacnet.phantom.heart_frame import HeartFrame, draw_frame
from cacnet.phantom.heart_painting import paint_chambers
from cacnet.phantom.heart_sampling import distance_on_box
from cacnet.phantom.heart_template import (
    AORTIC_AXIS,
    AORTIC_CENTRE,
    LV_S,
    LV_T,
    MITRAL_CENTRE,
    HeartTemplate,
    draw_template,
    in_ventricle,
)
from cacnet.phantom.patient import Patient


@dataclass(frozen=True)
class Heart:
    """One patient's heart in patient coordinates (LPS mm).

    Attributes:
        frame: patient to template coordinates.
        template: the shapes, in template coordinates.
        lower_mm_xyz: lower corner of the pericardium's bounding box, (3,).
        upper_mm_xyz: upper corner.
        left_ostium_mm: (3,), where the left main leaves the aortic lumen.
        right_ostium_mm: (3,).
        aortic_annulus_mm: (3,), its centre.
        aortic_axis: (3,), unit vector downstream.
        mitral_annulus_mm: (n, 3), ring of points.
        apex_mm: (3,), epicardial apex of the left ventricle.
    """

    frame: HeartFrame
    template: HeartTemplate
    lower_mm_xyz: np.ndarray
    upper_mm_xyz: np.ndarray
    left_ostium_mm: np.ndarray
    right_ostium_mm: np.ndarray
    aortic_annulus_mm: np.ndarray
    aortic_axis: np.ndarray
    mitral_annulus_mm: np.ndarray
    apex_mm: np.ndarray

    def pericardium_distance(self, box: Box) -> np.ndarray:
        """Signed distance in mm to the pericardium, (nz, ny, nx) float32, negative inside."""
        return distance_on_box(self.template.pericardium, self.frame, box)


def build_heart(patient: Patient) -> Heart:
    """The heart of a patient; the same patient always has the same heart."""
    frame, template = draw_frame(patient), draw_template(patient)

    def place(points: np.ndarray) -> np.ndarray:
        return frame.to_patient(np.atleast_2d(points).T).T

    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)[:, None]
    ring = MITRAL_CENTRE + 17.0 * (np.cos(angle) * LV_S + np.sin(angle) * LV_T)
    annulus, above = place(np.stack([AORTIC_CENTRE, AORTIC_CENTRE + 10 * AORTIC_AXIS]))
    lower, upper = _bounds(template, frame)
    return Heart(
        frame=frame,
        template=template,
        lower_mm_xyz=lower,
        upper_mm_xyz=upper,
        left_ostium_mm=place(template.left_ostium)[0],
        right_ostium_mm=place(template.right_ostium)[0],
        aortic_annulus_mm=annulus,
        aortic_axis=(above - annulus) / np.linalg.norm(above - annulus),
        mitral_annulus_mm=place(ring),
        apex_mm=place(in_ventricle(88, 0, 0))[0],
    )


def paint_heart(canvas: Canvas, heart: Heart, patient: Patient) -> None:
    """Paint fat, pericardium, myocardium, blood pools, great vessels, valves and extracoronary calcium."""
    paint_chambers(canvas, heart.template, heart.frame, patient)
    paint_heart_calcium(canvas, heart.template, heart.frame, patient)


def _bounds(template: HeartTemplate, frame: HeartFrame) -> tuple[np.ndarray, np.ndarray]:
    axis = np.arange(-110.0, 111.0, 4.0, dtype=np.float32)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"))
    inside = template.pericardium(frame.to_template(points)) < 0
    found = points[:, inside]
    return found.min(axis=1).astype(float) - 4.0, found.max(axis=1).astype(float) + 4.0
