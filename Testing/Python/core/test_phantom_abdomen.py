"""Organs lie under the diaphragm, apart from each other, and are the same each time."""

import numpy as np
import pytest
from cacnet.phantom.abdomen import draw_organs, paint_abdomen
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.chest import draw_chest
from cacnet.phantom.heart import build_heart
from cacnet.phantom.patient import draw_patient

PATIENT = draw_patient(3)
CHEST = draw_chest(PATIENT, build_heart(PATIENT))
AXES = [np.arange(-160.0, 160.0, 6.0), np.arange(-120.0, 150.0, 6.0), np.arange(-150.0, 20.0, 6.0)]
POINTS = tuple(a.reshape(s) for a, s in zip(AXES, ((1, 1, -1), (1, -1, 1), (-1, 1, 1)), strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_organs_lie_under_the_diaphragm_and_apart(seed):
    organs = draw_organs(CHEST, np.random.default_rng(seed))
    inside = [organ(POINTS) < 0 for organ in (organs.liver, organs.stomach, organs.spleen, organs.colon)]
    assert inside[0].sum() > 1000
    assert (sum(part.astype(int) for part in inside) <= 1).all()
    assert (organs.under(POINTS)[inside[0]] < 0.5).all()


def painted() -> Canvas:
    canvas = Canvas.filled((-150, -110, -120), (150, 140, 60), 3.0, -1000.0)
    paint_abdomen(canvas, CHEST, PATIENT)
    return canvas


def test_nothing_is_painted_above_the_diaphragm_and_the_same_is_painted_again():
    canvas = painted()
    z, y, x = (axis.ravel() for axis in np.indices(canvas.hu.shape))
    points = canvas.geometry.index_to_lps(np.stack([z, y, x], axis=-1)).T
    above = CHEST.diaphragm(tuple(points)) > 8.0
    assert (canvas.hu.ravel()[above] == -1000).all()
    assert (canvas.hu > 0).mean() > 0.1
    np.testing.assert_array_equal(painted().hu, canvas.hu)
