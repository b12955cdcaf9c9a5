"""Aneurysms widen, occlusions empty the lumen and weaken what lies beyond."""

from dataclasses import replace

import numpy as np
import pytest
from cacnet.phantom import coronary_disease
from cacnet.phantom.coronary_disease import diseased
from cacnet.phantom.coronary_tree import Branch
from cacnet.phantom.patient import draw_patient


def straight(name, vessel, start, parent=-1, parent_index=0, from_ostium=0.0):
    z = np.arange(0, 120, 0.3)
    points = np.stack([np.full_like(z, start), np.zeros_like(z), z], axis=1)
    radius = np.full(len(z), 1.8)
    return Branch(name, vessel, points, radius, parent, parent_index, from_ostium + z, np.zeros(len(z), bool))


@pytest.fixture
def branches():
    trunks = (straight("LAD", 2, 0), straight("LCx", 3, 10), straight("RCA", 4, 20))
    sides = [straight(f"{b.name}-side", b.vessel, 30, i, 390, 117.0) for i, b in enumerate(trunks)]
    early = [straight(f"{b.name}-early", b.vessel, 40, i, 5, 1.5) for i, b in enumerate(trunks)]
    return (*trunks, *sides, *early)


def test_most_patients_have_neither(branches):
    unchanged = [diseased(branches, draw_patient(seed)) is branches for seed in range(40)]
    assert sum(unchanged) > 30


def test_an_aneurysm_widens_one_trunk_over_a_short_stretch(branches, monkeypatch):
    monkeypatch.setattr(coronary_disease, "ANEURYSM", 1.0)
    found = diseased(branches, replace(draw_patient(3), calcium_burden=0.0))
    ratio = [new.radius_mm / old.radius_mm for new, old in zip(found, branches, strict=True)]
    wide = [r for r in ratio if r.max() > 1.2]
    assert len(wide) == 1
    assert 1.5 <= wide[0].max() <= 2.1
    assert 3.0 < (wide[0] > 1.2).sum() * 0.3 < 20.0


def test_an_occlusion_empties_a_stretch_and_weakens_the_lumen_beyond(branches, monkeypatch):
    monkeypatch.setattr(coronary_disease, "OCCLUSION_PER_BURDEN", 1.0)
    monkeypatch.setattr(coronary_disease, "ANEURYSM", 0.0)
    found = diseased(branches, replace(draw_patient(3), calcium_burden=2.0))
    (trunk,) = [b for b in found[:3] if b.filling is not None]
    assert trunk.filling[:40] == pytest.approx(1.0)
    assert (trunk.filling < 0.3).sum() * 0.3 + 1.5 >= 6.0
    assert 0.5 < trunk.filling[-1] < 0.95
    assert trunk.radius_mm[-1] < trunk.radius_mm[0]
    beyond = next(b for b in found if b.name == f"{trunk.name}-side")
    before = next(b for b in found if b.name == f"{trunk.name}-early")
    assert beyond.filling == pytest.approx(trunk.filling[-1])
    assert before.filling is None
    assert all(b.filling is None for b in found if b.vessel != trunk.vessel)


def test_a_patient_without_calcium_has_no_occlusion(branches, monkeypatch):
    monkeypatch.setattr(coronary_disease, "OCCLUSION_PER_BURDEN", 1.0)
    monkeypatch.setattr(coronary_disease, "ANEURYSM", 0.0)
    assert diseased(branches, replace(draw_patient(3), calcium_burden=0.0)) is branches
