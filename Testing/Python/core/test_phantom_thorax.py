"""The chest around the heart: every tissue where it belongs, the same on every canvas."""

import numpy as np
import pytest
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.chest import draw_chest
from cacnet.phantom.devices import Distractor
from cacnet.phantom.great_vessels import aorta_line
from cacnet.phantom.heart import build_heart
from cacnet.phantom.patient import draw_patient
from cacnet.phantom.thorax import mediastinum_distance, paint_thorax

PATIENT = draw_patient(3)
HEART = build_heart(PATIENT)
CHEST = draw_chest(PATIENT, HEART)
SPACING_MM = 2.5


def painted(lower, upper) -> Canvas:
    canvas = Canvas.filled(lower, upper, SPACING_MM, 0.0)
    paint_thorax(canvas, HEART, PATIENT)
    return canvas


@pytest.fixture(scope="module")
def chest():
    return painted((-200, -150, -120), (150, 175, 120))


def at(canvas: Canvas, x: float, y: float, z: float, layer: str = "hu") -> float:
    index = tuple(np.rint(canvas.geometry.lps_to_index(np.array([x, y, z]))).astype(int))
    return float((canvas.hu if layer == "hu" else canvas.layers[layer])[index])


def test_air_lies_outside_the_body(chest):
    assert at(chest, -198, -148, 0) == -1000


@pytest.mark.parametrize("side", [-1, 1])
def test_lung_lies_beside_the_heart(chest, side):
    x = CHEST.midline_x + side * (CHEST.half_width - 14)
    around = [at(chest, x, y, 20.0) for y in range(10, 40, 3)]
    assert -960 < np.median(around) < -700


def test_the_aorta_descends_beside_the_spine_with_contrast(chest):
    line = aorta_line(CHEST, HEART, PATIENT.rng("back vessels"))
    x, y, z = line[20:][np.argmin(np.abs(line[20:, 2]))]
    assert at(chest, x, y, z) == pytest.approx(PATIENT.attenuation.aorta, abs=5)
    assert x > CHEST.midline_x


def test_the_spine_is_bone_behind_the_heart(chest):
    column = [at(chest, CHEST.midline_x, float(CHEST.spine_at(z)), z, "distractor") for z in np.arange(-60, 60, 2.5)]
    share = np.mean(np.array(column) == Distractor.BONE)
    # The rest are discs.
    assert 0.6 < share < 0.95


def test_only_bone_and_aortic_calcium_are_distractors(chest):
    assert set(np.unique(chest.layers["distractor"])) <= {0, Distractor.BONE, Distractor.AORTIC}


def test_the_liver_lies_below_the_right_dome(chest):
    x, y = CHEST.midline_x - 0.5 * CHEST.half_width, 0.5 * (CHEST.front_y + CHEST.back_y)
    hu = [at(chest, x, y, CHEST.dome_z[0] - depth) for depth in (15.0, 25.0, 35.0)]
    assert np.median(hu) == pytest.approx(PATIENT.attenuation.liver, abs=12)


def test_lung_vessels_branch_in_the_lungs(chest):
    lung = chest.hu < -500
    z, y, x = np.nonzero(chest.hu > 0)
    points = np.stack([z, y, x])[:, ::50]
    near = points[:, [lung[max(k - 2, 0) : k + 3, j, i].mean() > 0.5 for k, j, i in points.T]]
    assert near.shape[1] > 5


def test_two_canvases_of_the_same_patient_agree_where_they_overlap(chest):
    part = painted((-70, -60, -30), (60, 60, 30))
    first = np.rint(chest.geometry.lps_to_index(np.array(part.geometry.origin_mm_lps))).astype(int)
    window = tuple(slice(a, a + n) for a, n in zip(first, part.hu.shape, strict=True))
    np.testing.assert_allclose(part.hu, chest.hu[window], atol=2.0)


def test_painting_again_gives_the_same_voxels(chest):
    again = painted((-200, -150, -120), (150, 175, 120))
    np.testing.assert_array_equal(again.hu, chest.hu)


def test_the_heart_lies_inside_the_mediastinum():
    canvas = Canvas.filled((-5, -5, -5), (5, 5, 5), 2.5, 0.0)
    assert (mediastinum_distance(canvas, CHEST, HEART) < 0).all()


def test_without_contrast_the_aorta_is_blood():
    plain = draw_patient(3, contrast=False)
    canvas = Canvas.filled((-60, 20, -10), (40, 100, 10), SPACING_MM, 0.0)
    paint_thorax(canvas, HEART, plain)
    line = aorta_line(CHEST, HEART, plain.rng("back vessels"))
    assert at(canvas, *line[20:][np.argmin(np.abs(line[20:, 2]))]) < 70


def test_contrast_in_the_gullet_may_reach_its_lower_end():
    patient = draw_patient(1679)  # one of a thousand whose meal begins so far down
    canvas = Canvas.filled((-60, -20, -150), (60, 120, -60), SPACING_MM, 0.0)
    paint_thorax(canvas, build_heart(patient), patient)
    assert (canvas.layers["distractor"] == Distractor.DENSE_CONTRAST).any()
