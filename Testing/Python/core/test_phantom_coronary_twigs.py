"""Fine branches lie on the heart, clear of other arteries, and only the wider ones are labelled."""

import numpy as np
import pytest
from cacnet.phantom.coronaries import build_coronaries
from cacnet.phantom.heart import build_heart
from cacnet.phantom.patient import draw_patient
from scipy.spatial import cKDTree


@pytest.fixture(scope="module")
def grown():
    patient = draw_patient(12)
    heart = build_heart(patient)
    return heart, build_coronaries(patient, heart)


def twigs(tree):
    return [b for b in tree.arteries if b.name[0] == "T"]


def test_a_tree_has_many_fine_branches_of_about_a_millimetre(grown):
    fine = twigs(grown[1])
    assert len(fine) > 10
    diameters = [2 * b.radius_mm[0] for b in fine]
    assert 0.7 < np.median(diameters) < 1.3
    assert max(diameters) < 1.75


def test_only_branches_of_a_millimetre_or_more_are_labelled(grown):
    for branch in twigs(grown[1]):
        if branch.labelled:
            assert 2 * branch.radius_mm[:3].mean() > 0.85
        else:
            assert 2 * branch.radius_mm[:3].mean() < 1.15


def test_fine_branches_stay_on_the_hearts_surface(grown):
    heart, tree = grown
    for branch in twigs(tree):
        off_mm = heart.template.epicardium(heart.frame.to_template(branch.points_mm.T))
        assert off_mm[10:].min() > -1.5
        assert np.median(off_mm) < 6.0


def test_fine_branches_keep_clear_of_arteries_of_other_vessels(grown):
    tree = grown[1]
    for branch in twigs(tree):
        others = np.concatenate([b.points_mm for b in tree.arteries if b.vessel != branch.vessel])
        far = branch.points_mm[20:]
        if len(far):
            assert cKDTree(others).query(far)[0].min() > 1.0
