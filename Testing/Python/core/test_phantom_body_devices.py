"""Devices on and under the skin lie there, and are distractors."""

import numpy as np
import pytest
from cacnet.phantom.body_devices import front_of, paint_breast_implants, paint_electrodes, paint_pacemaker
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.chest import draw_chest
from cacnet.phantom.devices import Distractor
from cacnet.phantom.heart import build_heart
from cacnet.phantom.patient import draw_patient

PATIENT = draw_patient(3)
HEART = build_heart(PATIENT)
CHEST = draw_chest(PATIENT, HEART)


def empty_chest() -> Canvas:
    canvas = Canvas.filled((-200, -200, -110), (200, 60, 190), 3.0, -1000.0)
    canvas.layers["distractor"] = np.zeros(canvas.hu.shape, np.uint8)
    return canvas


def test_the_front_of_a_sphere_is_its_foremost_point():
    def sphere(points):
        return np.sqrt(sum(p**2 for p in points)) - 50.0

    np.testing.assert_allclose(front_of(sphere, 0.0, 0.0), [0, -50, 0], atol=1.0)
    np.testing.assert_allclose(front_of(sphere, 30.0, 0.0, -10.0), [30, -26.5, 0], atol=1.1)


@pytest.mark.parametrize(
    ("paint", "distractor"),
    [
        (lambda canvas: paint_electrodes(canvas, CHEST, PATIENT), Distractor.SURFACE),
        (lambda canvas: paint_pacemaker(canvas, CHEST, HEART, PATIENT), Distractor.LEAD),
    ],
)
def test_what_is_dense_is_a_distractor_outside_the_ribs(paint, distractor):
    canvas = empty_chest()
    paint(canvas)
    found = np.argwhere(canvas.layers["distractor"] == distractor)
    assert len(found)
    dense = np.argwhere(canvas.hu > 3000)
    x, y, z = canvas.geometry.index_to_lps(dense[:1])[0] if len(dense) else CHEST.midline_x + np.zeros(3)
    assert not len(dense) or CHEST.cage((np.array([x]), np.array([y]), np.array([z])))[0] > 0


def test_breast_implants_lie_in_front_of_the_ribs_on_both_sides():
    canvas = empty_chest()
    paint_breast_implants(canvas, CHEST, PATIENT)
    x = np.unique(canvas.geometry.index_to_lps(np.argwhere(canvas.hu > 0))[:, 0])
    assert x.min() < CHEST.midline_x - 20
    assert x.max() > CHEST.midline_x + 20
