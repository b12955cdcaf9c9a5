"""Plaque lies in the wall of its artery, in published numbers."""

from dataclasses import replace

import numpy as np
import pytest
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronaries import build_coronaries, paint_coronaries
from cacnet.phantom.coronary_tree import Branch, CoronaryTree
from cacnet.phantom.heart import build_heart
from cacnet.phantom.patient import draw_patient
from cacnet.phantom.plaque import paint_plaque, plaque_distance
from cacnet.phantom.plaque_draw import Plaque, draw_plaques


@pytest.fixture(scope="module")
def tree():
    patient = draw_patient(1)
    return build_coronaries(patient, build_heart(patient))


def straight_branch(radius_mm=2.0, length_mm=30.0):
    z = np.arange(0, length_mm, 0.3)
    points = np.stack([np.zeros_like(z), np.zeros_like(z), z], axis=1)
    return Branch("LAD", 2, points, np.full(len(z), radius_mm), -1, 0, z, np.zeros(len(z), bool))


def ring_plaque(**changes):
    base = Plaque(
        branch=0,
        sample=50,
        kind="sheet",
        calcified=True,
        length_mm=10.0,
        thickness_mm=1.0,
        arc_deg=90.0,
        angle=0.0,
        twist=0.0,
        encroachment=0.5,
        roughness=0.0,
        hu=1000.0,
        noise_seed=1,
    )
    return replace(base, **changes)


def painted(tree, patient, spacing_mm=0.6):
    points = np.concatenate([b.points_mm for b in tree.arteries])
    canvas = Canvas.filled(points.min(axis=0) - 5, points.max(axis=0) + 5, spacing_mm, -90.0)
    paint_coronaries(canvas, tree, patient)
    return canvas, paint_plaque(canvas, tree, patient)


def test_a_plaque_is_as_thick_as_it_says_and_centred_on_the_wall():
    branch = straight_branch()
    wall = np.full(len(branch.points_mm), 0.6)
    first = np.array([[r, 0.0, 15.0] for r in (1.7, 1.9, 2.3, 2.7, 2.9)])
    candidates = [ring_plaque(angle=a) for a in np.linspace(-np.pi, np.pi, 33)]
    # The wall's middle is at 2.3 mm; a plaque 1 mm thick reaches from 1.8 to 2.8 mm there.
    signed = min((plaque_distance(branch, wall, p, first)[0] for p in candidates), key=lambda d: d[2])
    np.testing.assert_allclose(signed, [0.1, -0.1, -0.5, -0.1, 0.1], atol=0.03)


def test_a_plaque_ends_where_its_length_and_arc_end():
    branch = straight_branch()
    wall = np.full(len(branch.points_mm), 0.6)
    angles = np.radians(np.arange(0, 360, 5.0))
    around = np.stack([2.3 * np.cos(angles), 2.3 * np.sin(angles), np.full_like(angles, 15.0)], axis=1)
    inside = plaque_distance(branch, wall, ring_plaque(), around)[0] < 0
    assert inside.sum() * 5.0 == pytest.approx(90.0, abs=10.0)
    at = around[np.argmin(plaque_distance(branch, wall, ring_plaque(), around)[0])]
    z = np.arange(5.0, 25.0, 0.25)
    along = np.stack([np.full_like(z, at[0]), np.full_like(z, at[1]), z], axis=1)
    assert (plaque_distance(branch, wall, ring_plaque(), along)[0] < 0).sum() * 0.25 == pytest.approx(10.0, abs=0.8)


def test_painted_volume_is_that_of_the_shape():
    branch = straight_branch()
    fine = CoronaryTree((branch,), ())
    wall = fine.wall_mm(branch)
    grid = np.stack(np.meshgrid(*(np.arange(a, b, 0.1) for a, b in ((-4, 4), (-4, 4), (8, 22))), indexing="ij"), -1)
    exact = float((plaque_distance(branch, wall, ring_plaque(), grid.reshape(-1, 3))[0] < 0).sum()) * 1e-3
    from cacnet.phantom.plaque import _paint_one

    canvas = Canvas.filled([-6, -6, 0], [6, 6, 30], 0.5, -90.0)
    for name, kind in (("calcium_fraction", np.float32), ("calcium", np.uint8), ("coronary", np.uint8)):
        canvas.layers[name] = np.zeros(canvas.hu.shape, kind)
    record = _paint_one(canvas, fine, ring_plaque())
    assert record.volume_mm3 == pytest.approx(exact, rel=0.08)
    assert canvas.layers["calcium_fraction"].sum() * 0.125 == pytest.approx(exact, rel=0.08)


def test_calcium_that_fills_half_a_voxel_is_the_arterys_of_the_same_vessel(tree):
    patient = replace(draw_patient(1), calcium_burden=3.0)
    canvas, records = painted(tree, patient)
    calcium, coronary = canvas.layers["calcium"], canvas.layers["coronary"]
    assert any(record.calcified for record in records)
    filled = canvas.layers["calcium_fraction"] >= 0.5
    assert filled.any()
    np.testing.assert_array_equal(coronary[filled], calcium[filled])
    # Beside it, a voxel of an artery has that artery's number.
    beside = (calcium > 0) & (coronary > 0)
    np.testing.assert_array_equal(coronary[beside], calcium[beside])


def test_calcium_has_a_number_however_little_of_a_voxel_it_fills(tree):
    canvas, _ = painted(tree, replace(draw_patient(1), calcium_burden=2.0))
    fraction = canvas.layers["calcium_fraction"]
    assert ((fraction > 0) & (fraction < 0.1)).any()
    np.testing.assert_array_equal(canvas.layers["calcium"] > 0, fraction > 0)


def test_calcium_is_bright(tree):
    canvas, _ = painted(tree, replace(draw_patient(1), calcium_burden=2.0), 0.5)
    full = canvas.layers["calcium_fraction"] > 0.95
    assert np.median(canvas.hu[full]) > 500


def test_a_patient_without_burden_has_no_calcium(tree):
    patient = replace(draw_patient(1), calcium_burden=0.0)
    canvas, records = painted(tree, patient, 1.0)
    assert not canvas.layers["calcium"].any()
    assert not canvas.layers["calcium_fraction"].any()
    assert not any(record.calcified for record in records)


def test_the_same_patient_has_the_same_plaque(tree):
    patient = replace(draw_patient(1), calcium_burden=1.0)
    first, second = painted(tree, patient, 1.0), painted(tree, patient, 1.0)
    assert first[1] == second[1]
    np.testing.assert_array_equal(first[0].hu, second[0].hu)


def test_lesions_per_calcified_patient_and_vessels_follow_the_published_numbers(tree):
    counts, vessels = [], {1: 0, 2: 0, 3: 0, 4: 0}
    for seed in range(400):
        patient = draw_patient(seed)
        # Smaller specks do not fill half a voxel.
        plaques = [p for p in draw_plaques(tree, patient) if p.calcified and p.length_mm * p.thickness_mm > 1.2]
        if not plaques:
            continue
        counts.append(len(plaques))
        for vessel in {tree.arteries[p.branch].vessel for p in plaques}:
            vessels[vessel] += 1
    assert 4.5 < np.mean(counts) < 8.0
    assert 3.0 < np.std(counts) < 7.5
    assert max(counts) <= 40
    share = {vessel: count / len(counts) for vessel, count in vessels.items()}
    assert share[2] == pytest.approx(0.89, abs=0.1)
    assert share[4] == pytest.approx(0.59, abs=0.12)
    assert share[3] == pytest.approx(0.56, abs=0.12)
    # More are drawn in the left main than show in the label: those in the aorta's wall are clipped, many are small.
    assert 0.30 < share[1] < 0.55


def test_a_soft_plaques_core_is_less_dense_than_its_rim():
    branch = straight_branch()
    wall = np.full(len(branch.points_mm), 0.6)
    middle = np.array([[2.3 * np.cos(a), 2.3 * np.sin(a), 15.0] for a in np.linspace(-np.pi, np.pi, 90)])
    soft = ring_plaque(kind="soft", calcified=False, hu=100.0, core_hu=20.0)
    signed, density = plaque_distance(branch, wall, soft, middle)
    assert density[np.argmin(signed)] == pytest.approx(0.2)
    assert density[signed > 0.25].max() == 1.0


def test_spots_of_calcium_lie_within_soft_plaque(tree):
    mixed = 0
    for seed in range(60):
        plaques = draw_plaques(tree, replace(draw_patient(seed), calcium_burden=0.5, age_years=80))
        soft = [p for p in plaques if p.kind == "soft"]
        for spot in (p for p in plaques if p.kind == "spot"):
            near = [s for s in soft if s.branch == spot.branch and s.encroachment == spot.encroachment]
            mixed += bool(near)
            for plaque in near:
                assert abs(spot.sample - plaque.sample) * 0.3 <= 0.36 * plaque.length_mm + 0.6
    assert mixed > 10


def test_both_sides_of_a_tram_track_lie_on_the_same_branch(tree):
    tracks = []
    for seed in range(150):
        tracks += [p for p in draw_plaques(tree, replace(draw_patient(seed), calcium_burden=4.0)) if p.kind == "tram"]
    assert tracks
    for one, other in zip(tracks[::2], tracks[1::2], strict=True):
        assert one.branch == other.branch
        assert np.cos(one.angle - other.angle) < 0
        assert min(one.length_mm, other.length_mm) >= 14


def test_a_patient_without_a_left_main_can_have_plaque(tree):
    lad = tree.branch("LAD")
    alone = CoronaryTree((replace(lad, parent=-1),), ())
    plaques = draw_plaques(alone, replace(draw_patient(1), calcium_burden=2.0))
    assert {p.branch for p in plaques} == {0}


def test_more_burden_means_more_lesions(tree):
    def mean_lesions(burden):
        patients = (replace(draw_patient(seed), calcium_burden=burden) for seed in range(40))
        return np.mean([sum(p.calcified for p in draw_plaques(tree, patient)) for patient in patients])

    assert mean_lesions(3.0) > 2 * mean_lesions(0.5)


def test_plaque_outside_the_canvas_is_left_out(tree):
    canvas = Canvas.filled([300, 300, 300], [310, 310, 310], 1.0, -90.0)
    assert paint_plaque(canvas, tree, replace(draw_patient(1), calcium_burden=2.0)) == ()
