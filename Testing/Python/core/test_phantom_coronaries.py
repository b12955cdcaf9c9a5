"""Coronary arteries run from the aorta in the fat on the heart, with published calibres."""

from dataclasses import replace

import numpy as np
import pytest
from cacnet.phantom import coronaries
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronaries import build_coronaries, lumen_hu, paint_coronaries
from cacnet.phantom.devices import Distractor
from cacnet.phantom.heart import build_heart
from cacnet.phantom.patient import draw_patient
from scipy import ndimage
from scipy.spatial import cKDTree


@pytest.fixture(scope="module")
def trees():
    result = {}
    for seed in range(8):
        patient = draw_patient(seed)
        heart = build_heart(patient)
        result[seed] = (patient, heart, build_coronaries(patient, heart))
    return result


def proximal_diameter_mm(branch):
    start = int(np.argmin(branch.in_aorta))
    return float(2 * branch.radius_mm[start : start + 30].mean())


def test_every_patient_has_the_four_trunks_and_a_posterior_descending_artery(trees):
    for _, _, tree in trees.values():
        assert {"LM", "LAD", "LCx", "RCA", "PDA"} <= {branch.name for branch in tree.arteries}


def test_the_posterior_descending_artery_belongs_to_the_dominant_side(trees):
    for patient, _, tree in trees.values():
        assert tree.branch("PDA").vessel == (3 if patient.dominance == "left" else 4)


def test_trunks_start_in_the_aortic_lumen_at_their_ostium(trees):
    for _, heart, tree in trees.values():
        for name, ostium in (("LM", heart.left_ostium_mm), ("RCA", heart.right_ostium_mm)):
            branch = tree.branch(name)
            assert branch.in_aorta[0]
            assert not branch.in_aorta[-1]
            assert cKDTree(branch.points_mm).query(ostium)[0] < 1.5


def test_each_branch_starts_on_its_parent(trees):
    for _, _, tree in trees.values():
        for index, branch in enumerate(tree.arteries):
            if branch.parent < 0:
                continue
            assert branch.parent < index
            np.testing.assert_allclose(branch.points_mm[0], tree.arteries[branch.parent].points_mm[branch.parent_index])


def test_proximal_diameters_lie_in_the_published_range(trees):
    for name, low, high in (("LM", 3.2, 6.8), ("LAD", 2.5, 5.2), ("LCx", 2.2, 5.5), ("RCA", 1.9, 5.4)):
        diameters = [proximal_diameter_mm(tree.branch(name)) for _, _, tree in trees.values()]
        assert min(diameters) > low
        assert max(diameters) < high


def test_trunks_have_anatomical_lengths(trees):
    for name, low, high in (("LM", 5, 25), ("LAD", 65, 165), ("LCx", 40, 135), ("RCA", 45, 165)):
        lengths = [tree.branch(name).length_mm for _, _, tree in trees.values()]
        assert min(lengths) > low
        assert max(lengths) < high


def test_arteries_narrow_towards_their_ends(trees):
    for _, _, tree in trees.values():
        for name in ("LAD", "LCx", "RCA"):
            branch = tree.branch(name)
            assert branch.radius_mm[-20:].mean() < branch.radius_mm[:40].mean()


def test_arteries_never_enter_a_chamber(trees):
    for _, heart, tree in trees.values():
        chambers = (heart.template.left_ventricle, heart.template.left_atrium, heart.template.right_atrium)
        for branch in tree.arteries:
            points = heart.frame.to_template(branch.points_mm.T)
            for chamber in chambers:
                assert (chamber.blood(points) > 0).mean() > 0.97


def test_circumflex_and_right_coronary_follow_the_groove_between_atrium_and_ventricle(trees):
    for _, heart, tree in trees.values():
        template = heart.template
        for name, parts in (
            ("LCx", (template.left_atrium, template.left_ventricle)),
            ("RCA", (template.right_atrium, template.right_ventricle)),
        ):
            points = heart.frame.to_template(tree.branch(name).points_mm.T)
            middle = points[:, points.shape[1] // 3 : 4 * points.shape[1] // 5]
            for part in parts:
                assert np.median(part.outer(middle)) < 7.0


def test_veins_keep_clear_of_the_arteries(trees):
    for _, _, tree in trees.values():
        centres = np.concatenate([b.points_mm for b in tree.arteries])
        radii = np.concatenate([b.radius_mm for b in tree.arteries])
        for vein in tree.veins:
            distance, nearest = cKDTree(centres).query(vein.points_mm)
            assert (distance > 0.6 * (radii[nearest] + vein.radius_mm)).mean() > 0.9


def test_the_same_patient_has_the_same_tree(trees):
    patient, heart, tree = trees[1]
    again = build_coronaries(patient, heart)
    for first, second in zip(tree.arteries + tree.veins, again.arteries + again.veins, strict=True):
        np.testing.assert_array_equal(first.points_mm, second.points_mm)
        np.testing.assert_array_equal(first.radius_mm, second.radius_mm)


def test_calibres_and_lengths_are_near_their_published_means(trees):
    for name, low, high in (("RCA", 112, 145), ("LAD", 85, 130), ("LCx", 65, 110), ("PDA", 40, 68)):
        assert low < np.mean([tree.branch(name).length_mm for _, _, tree in trees.values()]) < high
    distal = [
        2 * b.radius_mm[int(0.83 * len(b.radius_mm))] for b in (tree.branch("LAD") for _, _, tree in trees.values())
    ]
    assert np.mean(distal) == pytest.approx(1.9, abs=0.25)


def test_without_a_left_main_both_arteries_leave_the_aorta_side_by_side(trees, monkeypatch):
    patient, heart, _ = trees[1]
    usual = coronaries.draw_variant
    monkeypatch.setattr(coronaries, "draw_variant", lambda rng: replace(usual(rng), left_main=False))
    tree = build_coronaries(patient, heart)
    assert tree.branch("LM") is None
    for name in ("LAD", "LCx"):
        branch = tree.branch(name)
        assert branch.parent == -1
        assert branch.in_aorta[0]
        assert np.linalg.norm(branch.points_mm - heart.left_ostium_mm, axis=1).min() < 4.5


def test_two_descending_arteries_belong_to_the_same_vessel(trees, monkeypatch):
    patient, heart, _ = trees[2]
    usual = coronaries.draw_variant
    monkeypatch.setattr(coronaries, "draw_variant", lambda rng: replace(usual(rng), dual_descending=True))
    tree = build_coronaries(patient, heart)
    short = tree.branch("LADshort")
    assert short.vessel == 2
    assert short.length_mm < tree.branch("LAD").length_mm


def test_an_occluded_lumen_has_no_contrast(trees):
    patient, _, tree = trees[1]
    branch = tree.branch("RCA")
    filling = np.ones(len(branch.points_mm))
    filling[100:] = 0.0
    hu = lumen_hu(replace(branch, filling=filling), patient)
    assert hu[:100].min() > 150
    np.testing.assert_allclose(hu[100:], 45.0)


@pytest.mark.parametrize("seed", [1, 5])
def test_each_vessel_label_is_one_connected_tree_that_reaches_its_ostium(trees, seed):
    patient, heart, tree = trees[seed]
    points = np.concatenate([b.points_mm for b in tree.arteries])
    canvas = Canvas.filled(points.min(axis=0) - 5, points.max(axis=0) + 5, 0.8, -90.0)
    paint_coronaries(canvas, tree, patient)
    label = canvas.layers["coronary"]
    for vessel in (1, 2, 3, 4):
        assert ndimage.label(label == vessel, np.ones((3, 3, 3)))[1] == 1
    for vessels, ostium in (((1, 2, 3), heart.left_ostium_mm), ((4,), heart.right_ostium_mm)):
        mask = np.isin(label, vessels)
        assert ndimage.label(mask, np.ones((3, 3, 3)))[1] == 1
        positions = np.argwhere(mask)[:, ::-1] * 0.8 + canvas.geometry.origin_mm_lps
        assert cKDTree(positions).query(ostium)[0] < 2.0
    assert set(np.unique(label)) == {0, 1, 2, 3, 4}


def test_painted_lumen_has_the_patients_contrast_and_veins_are_marked(trees):
    patient, _, tree = trees[1]
    branch = tree.branch("RCA")
    at = branch.points_mm[60]
    canvas = Canvas.filled(at - 20, at + 20, 0.5, -90.0)
    paint_coronaries(canvas, tree, patient)
    x, y, z = np.rint((at - canvas.geometry.origin_mm_lps) / 0.5).astype(int)
    assert canvas.hu[z, y, x] == pytest.approx(patient.attenuation.coronary_artery, rel=0.12)
    vein = tree.veins[0].points_mm[40]
    canvas = Canvas.filled(vein - 8, vein + 8, 1.0, -90.0)
    paint_coronaries(canvas, tree, patient)
    assert (canvas.layers["distractor"] == Distractor.VEIN).any()


def test_a_tree_outside_the_canvas_paints_nothing(trees):
    patient, _, tree = trees[1]
    canvas = Canvas.filled([300, 300, 300], [310, 310, 310], 1.0, -90.0)
    paint_coronaries(canvas, tree, patient)
    assert (canvas.hu == -90.0).all()
    assert not canvas.layers["coronary"].any()
