"""The chest's shape fits its heart; textures are fixed in the patient."""

import numpy as np
import pytest
from cacnet.phantom.chest import draw_chest, texture
from cacnet.phantom.heart import build_heart
from cacnet.phantom.patient import draw_patient
from cacnet.volume import Geometry


@pytest.mark.parametrize("seed", [0, 5, 9])
def test_the_heart_fits_between_sternum_spine_and_ribs(seed):
    patient = draw_patient(seed)
    heart = build_heart(patient)
    chest = draw_chest(patient, heart)
    assert chest.front_y < heart.lower_mm_xyz[1]
    assert chest.spine_y - 15 > heart.upper_mm_xyz[1]
    assert chest.midline_x - chest.half_width < heart.lower_mm_xyz[0]
    assert chest.midline_x + chest.half_width > heart.upper_mm_xyz[0]


def test_skin_muscle_and_ribs_lie_within_each_other():
    patient = draw_patient(5)
    chest = draw_chest(patient, build_heart(patient))
    rng = np.random.default_rng(0)
    x, y, z = rng.uniform(-150, 120, 500), rng.uniform(-90, 140, 500), rng.uniform(-80, 80, 500)
    cage, muscle, skin = (f((x, y, z)) for f in (chest.cage, chest.muscle, chest.skin))
    assert (muscle < cage).all()
    assert (skin < cage).all()


def test_texture_is_the_same_in_patient_space_on_every_grid():
    whole = Geometry((20, 20, 20), (2.0, 2.0, 2.0), (-20.0, -20.0, -20.0))
    part = Geometry((5, 5, 5), (2.0, 2.0, 2.0), (-10.0, -8.0, -6.0))
    all_of_it = texture(whole, np.random.default_rng(4), 7.0)
    np.testing.assert_allclose(texture(part, np.random.default_rng(4), 7.0), all_of_it[7:12, 6:11, 5:10], atol=1e-5)


def test_texture_has_a_standard_deviation_of_about_one():
    grid = Geometry((60, 60, 60), (1.5, 1.5, 1.5), (-40.0, -40.0, -40.0))
    assert texture(grid, np.random.default_rng(0), 2.9).std() == pytest.approx(1.0, rel=0.15)
