"""Stents, leads and other things that look like calcium and are not."""

import numpy as np
import pytest
from cacnet.phantom import implants
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronaries import build_coronaries
from cacnet.phantom.devices import Distractor
from cacnet.phantom.heart import build_heart
from cacnet.phantom.patient import draw_patient

PATIENT = draw_patient(3)
HEART = build_heart(PATIENT)
TREE = build_coronaries(PATIENT, HEART)


def canvas_of_heart(hu: float = 40.0, arteries: int = 1) -> Canvas:
    canvas = Canvas.filled(HEART.lower_mm_xyz - 15, HEART.upper_mm_xyz + 15, 1.0, hu)
    canvas.layers["calcium_fraction"] = np.ones(canvas.hu.shape, np.float32)
    canvas.layers["calcium"] = np.ones(canvas.hu.shape, np.uint8)
    canvas.layers["coronary"] = np.full(canvas.hu.shape, arteries, np.uint8)
    canvas.layers["distractor"] = np.zeros(canvas.hu.shape, np.uint8)
    return canvas


CHANCES = (
    *("STENTED", "OPERATED", "GRAFTED", "VALVED", "PACED", "CATHETER", "NODES", "PERICARDIUM"),
    *("ELECTRODES", "BREASTS"),
)


@pytest.mark.parametrize(
    ("chance", "distractor"),
    [
        ("GRAFTED", Distractor.GRAFT),
        ("VALVED", Distractor.PROSTHESIS),
        ("CATHETER", Distractor.LEAD),
        ("STENTED", Distractor.STENT),
        ("OPERATED", Distractor.CLIP),
        ("PACED", Distractor.LEAD),
        ("NODES", Distractor.NODE),
        ("PERICARDIUM", Distractor.PERICARDIAL),
    ],
)
def test_each_kind_is_painted_bright_and_labelled(monkeypatch, chance, distractor):
    for name in CHANCES:
        monkeypatch.setattr(implants, name, 10.0 if name == chance else -1.0)
    canvas = canvas_of_heart(arteries=int(chance == "STENTED"))
    implants.paint_implants(canvas, HEART, TREE, PATIENT)
    found = canvas.layers["distractor"] == distractor
    assert found.any()
    assert canvas.hu[found].max() > 300
    with_clips = {Distractor.CLIP} if chance == "GRAFTED" else set()
    assert set(np.unique(canvas.layers["distractor"])) <= {0, distractor} | with_clips


@pytest.mark.parametrize("chance", ["STENTED", "PACED", "VALVED"])
def test_metal_is_not_calcium(monkeypatch, chance):
    for name in CHANCES:
        monkeypatch.setattr(implants, name, 10.0 if name == chance else -1.0)
    canvas = canvas_of_heart()
    implants.paint_implants(canvas, HEART, TREE, PATIENT)
    metal = canvas.layers["distractor"] > 0
    assert (canvas.layers["calcium_fraction"][metal] == 0).all()
    assert (canvas.layers["calcium_fraction"][~metal] == 1).all()


def test_dense_contrast_is_marked_in_the_right_heart_only(monkeypatch):
    for name in CHANCES:
        monkeypatch.setattr(implants, name, -1.0)
    canvas = canvas_of_heart(700.0)
    implants.paint_implants(canvas, HEART, TREE, PATIENT)
    marked = canvas.layers["distractor"] == Distractor.DENSE_CONTRAST
    litres = marked.sum() * 1e-6
    assert 0.05 < litres < 0.6
    assert set(np.unique(canvas.layers["distractor"])) == {0, Distractor.DENSE_CONTRAST}


def test_grafts_leave_native_arteries_and_their_calcium_alone(monkeypatch):
    for name in CHANCES:
        monkeypatch.setattr(implants, name, 10.0 if name == "GRAFTED" else -1.0)
    canvas = canvas_of_heart(arteries=1)
    implants.paint_implants(canvas, HEART, TREE, PATIENT)
    assert not (canvas.layers["distractor"] == Distractor.GRAFT).any()
    near = canvas.box(HEART.lower_mm_xyz + 20, HEART.upper_mm_xyz - 20)
    assert (canvas.layers["calcium_fraction"][near.slices] == 1).all()
