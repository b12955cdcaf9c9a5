"""What surgery and catheters leave behind is metal where it belongs, and no calcium."""

import numpy as np
import pytest
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.chest import draw_chest
from cacnet.phantom.devices import Distractor
from cacnet.phantom.heart import build_heart
from cacnet.phantom.interventions import paint_metal, paint_prosthesis, paint_sternal_wires
from cacnet.phantom.patient import draw_patient

PATIENT = draw_patient(3)
HEART = build_heart(PATIENT)


def canvas_around(centre_mm, half_mm: float, spacing_mm: float = 1.0) -> Canvas:
    centre = np.asarray(centre_mm, float)
    canvas = Canvas.filled(centre - half_mm, centre + half_mm, spacing_mm, 40.0)
    canvas.layers["calcium_fraction"] = np.ones(canvas.hu.shape, np.float32)
    canvas.layers["distractor"] = np.zeros(canvas.hu.shape, np.uint8)
    return canvas


def test_a_wire_thinner_than_a_voxel_keeps_what_it_attenuates():
    thin = canvas_around((0, 0, 0), 10.0)
    paint_metal(thin, np.array([[-8.0, 0, 0], [8.0, 0, 0]]), 0.3, 8000.0, Distractor.CLIP)
    # Area of the wire times its attenuation, in each plane across it.
    across = (thin.hu - 40.0)[:, :, 10].sum()
    assert across == pytest.approx(np.pi * 0.3**2 * 8000.0, rel=0.35)
    metal = thin.layers["distractor"] == Distractor.CLIP
    assert metal.any()
    assert (thin.layers["calcium_fraction"][metal] == 0).all()


@pytest.mark.parametrize("seed", range(8))
def test_a_prosthesis_lies_at_the_aortic_or_mitral_valve(seed):
    canvas = Canvas.filled(HEART.lower_mm_xyz, HEART.upper_mm_xyz, 1.0, 40.0)
    canvas.layers["distractor"] = np.zeros(canvas.hu.shape, np.uint8)
    paint_prosthesis(canvas, HEART, np.random.default_rng(seed))
    found = np.argwhere(canvas.layers["distractor"] == Distractor.PROSTHESIS)
    assert len(found) > 20
    points = canvas.geometry.index_to_lps(found)
    valves = (HEART.aortic_annulus_mm, HEART.mitral_annulus_mm.mean(axis=0))
    assert min(np.linalg.norm(points - valve, axis=1).max() for valve in valves) < 48


def test_wires_go_round_the_sternum():
    chest = draw_chest(PATIENT, HEART)
    canvas = canvas_around((chest.midline_x, float(chest.front_at(0.0)) - 6.0, 0.0), 40.0)
    paint_sternal_wires(canvas, chest, np.random.default_rng(0))
    wire = canvas.geometry.index_to_lps(np.argwhere(canvas.layers["distractor"] == Distractor.CLIP))
    assert wire[:, 0].min() < chest.midline_x - 10
    assert wire[:, 0].max() > chest.midline_x + 10
    assert np.abs(wire[:, 1] - chest.front_at(wire[:, 2]) + 6.5).max() < 14
