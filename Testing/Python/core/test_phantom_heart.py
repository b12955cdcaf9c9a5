"""The simulated heart has its parts where they belong."""

import numpy as np
import pytest
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.devices import Distractor
from cacnet.phantom.heart import build_heart, paint_heart
from cacnet.phantom.heart_calcium import draw_deposits
from cacnet.phantom.patient import draw_patient

SEEDS = [0, 3, 7]


def painted(seed, spacing_mm=2.0):
    patient = draw_patient(seed)
    heart = build_heart(patient)
    canvas = Canvas.filled(heart.lower_mm_xyz - 5, heart.upper_mm_xyz + 5, spacing_mm, -850.0)
    paint_heart(canvas, heart, patient)
    return canvas, heart, patient


def hu_at(canvas, point_mm):
    x, y, z = np.rint((np.asarray(point_mm) - canvas.geometry.origin_mm_lps) / canvas.spacing_mm).astype(int)
    return float(canvas.hu[z, y, x])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_apex_points_left_forward_and_down(seed):
    heart = build_heart(draw_patient(seed))
    x, y, z = heart.apex_mm - heart.mitral_annulus_mm.mean(axis=0)
    assert x > 15
    assert y < -10
    assert z < -10


@pytest.mark.parametrize("seed", SEEDS)
def test_the_heart_is_of_human_size(seed):
    patient = draw_patient(seed)
    heart = build_heart(patient)
    size_mm = (heart.upper_mm_xyz - heart.lower_mm_xyz) / patient.heart_scale
    assert np.all(size_mm > 85)
    assert np.all(size_mm < 165)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_left_ostium_lies_left_of_the_right_one_and_both_above_the_annulus(seed):
    heart = build_heart(draw_patient(seed))
    assert heart.left_ostium_mm[0] > heart.right_ostium_mm[0] + 5
    for ostium in (heart.left_ostium_mm, heart.right_ostium_mm):
        assert (ostium - heart.aortic_annulus_mm) @ heart.aortic_axis > 3


def test_blood_in_aorta_and_left_ventricle_has_their_contrast():
    canvas, heart, patient = painted(3)
    above_the_valve = heart.aortic_annulus_mm + 22 * heart.aortic_axis
    mid_ventricle = 0.6 * heart.mitral_annulus_mm.mean(axis=0) + 0.4 * heart.apex_mm
    assert hu_at(canvas, above_the_valve) == pytest.approx(patient.attenuation.aorta, rel=0.1)
    assert hu_at(canvas, mid_ventricle) == pytest.approx(patient.attenuation.left_ventricle, rel=0.1)


def test_muscle_surrounds_the_left_ventricle_and_fat_the_heart():
    canvas, heart, patient = painted(3)
    # Just inside the apex is muscle; the fat's own attenuation occurs inside the pericardium.
    inside_apex = heart.apex_mm + 2.5 * (heart.mitral_annulus_mm.mean(axis=0) - heart.apex_mm) / 90
    assert hu_at(canvas, inside_apex) == pytest.approx(patient.attenuation.myocardium, abs=60)
    box = canvas.box(heart.lower_mm_xyz, heart.upper_mm_xyz)
    within = heart.pericardium_distance(box) < -3
    fat = np.abs(canvas.hu[box.slices] - patient.attenuation.fat) < 25
    assert 0.1 < fat[within].mean() < 0.6


def test_nothing_of_the_lung_is_left_inside_the_pericardium():
    canvas, heart, _ = painted(0)
    box = canvas.box(heart.lower_mm_xyz, heart.upper_mm_xyz)
    within = heart.pericardium_distance(box) < -2
    assert canvas.hu[box.slices][within].min() > -250


def test_pericardium_distance_has_the_shape_of_its_box_and_grows_outwards():
    heart = build_heart(draw_patient(0))
    canvas = Canvas.filled([-100, -100, -80], [100, 100, 80], 5.0, 0.0)
    box = canvas.box([-100, -20, -20], [100, 20, 20])
    distance = heart.pericardium_distance(box)
    assert distance.shape == canvas.hu[box.slices].shape
    assert distance[4, 4, 20] < 0 < distance[4, 4, 0]


def test_the_same_patient_has_the_same_heart():
    first, second = painted(4, 4.0)[0], painted(4, 4.0)[0]
    np.testing.assert_array_equal(first.hu, second.hu)


def test_without_contrast_every_blood_pool_is_that_of_blood():
    patient = draw_patient(3, contrast=False)
    heart = build_heart(patient)
    canvas = Canvas.filled(heart.lower_mm_xyz, heart.upper_mm_xyz, 4.0, -100.0)
    calcium_free = draw_patient(3, contrast=False)
    paint_heart(canvas, heart, calcium_free)
    bright = (canvas.hu > 120) & (canvas.layers["distractor"] == 0)
    assert bright.mean() < 0.001


def test_extracoronary_calcium_is_marked_as_what_it_is():
    codes = {Distractor.AORTIC, Distractor.VALVE, Distractor.ANNULUS, Distractor.PAPILLARY}
    found = set()
    for seed in range(40):
        patient = draw_patient(seed)
        heart = build_heart(patient)
        deposits = draw_deposits(heart.template, patient, patient.rng("heart calcium"))
        found |= {deposit.code for deposit in deposits}
        assert all(deposit.hu > 300 for deposit in deposits)
    assert found == codes
