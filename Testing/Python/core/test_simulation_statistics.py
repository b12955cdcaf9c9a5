"""The measures behind the table of published and simulated statistics."""

import numpy as np
import pytest
from Benchmark.simulation_statistics import (
    calcium_without_contrast,
    curvature,
    diameter_between,
    kept,
    measure_calcium,
    pooled,
    robust_sd,
    table,
)
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronary_tree import Branch


def test_a_diameter_is_measured_between_two_lengths_beyond_the_aorta():
    z = np.arange(0, 30.1, 0.5)
    points = np.stack([0 * z, 0 * z, z], axis=1)
    in_aorta = z < 3
    # 2 mm in diameter up to 8 mm, then 4: from 5 to 10 mm beyond the aorta lie 1 sample of the one, 10 of the other.
    branch = Branch("LAD", 2, points, np.where(z < 8.4, 1.0, 2.0), -1, 0, z, in_aorta)
    assert diameter_between(branch, 5, 10) == pytest.approx((1 * 2 + 10 * 4) / 11)


def test_a_circle_has_the_curvature_of_its_radius():
    angle = np.linspace(0, np.pi, 400)
    circle = 20.0 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    assert curvature(circle)[100:300] == pytest.approx(0.05, rel=0.01)


def test_lesions_areas_heights_and_vessels_of_a_label():
    label = np.zeros((4, 6, 6), np.uint8)
    label[0, 0:2, 0:2] = 2
    label[1, 2, 2] = 2  # touches the first by a corner: one lesion, two sections
    label[3, 5, 0:3] = 4
    found = measure_calcium(label, (2.0, 0.5, 0.5))
    assert found["lesions"] == [2.0]
    assert sorted(found["area mm2"]) == [0.25, 0.75, 1.0]
    assert sorted(found["span mm"]) == [2.0, 4.0]
    assert sorted(found["volume mm3"]) == [1.5, 2.5]
    assert (found["LAD calcified"], found["RCA calcified"], found["LM calcified"]) == ([1.0], [1.0], [0.0])


def test_a_patient_without_calcium_counts_only_among_the_zeros():
    found = measure_calcium(np.zeros((2, 3, 3), np.uint8), (1.0, 1.0, 1.0))
    assert found["zero"] == [1.0]
    assert found["lesions"] == found["LAD calcified"] == found["area mm2"] == []


def test_a_score_sees_dense_calcium_only():
    canvas = Canvas.filled([0, 0, 0], [20, 20, 11.5], 0.5, 45.0)
    canvas.layers["calcium_fraction"] = np.zeros(canvas.hu.shape, np.float32)
    canvas.layers["calcium_fraction"][6:12, 10:16, 10:16] = 1.0
    canvas.hu[6:12, 10:16, 10:16] = 1045.0
    seen = calcium_without_contrast(canvas, 1.0)
    assert seen[1, 12, 12] == 1
    assert not seen[[0, 2, 3]].any()
    assert seen[1].sum() > 36  # blooms by its blur
    assert not calcium_without_contrast(canvas, 100.0).any()


def test_values_are_pooled_and_set_beside_the_published_ones():
    text = table(pooled([{"PDA length mm": [50.0]}, {"PDA length mm": [60.0]}, {"AM length mm": []}]))
    assert "| PDA length, mm | 55 | facts | 55 ± 5 | 2 | yes |" in text
    assert "acute marginal" not in text


def test_a_seed_is_measured_once(tmp_path):
    calls = []

    def measure(seed):
        calls.append(seed)
        return {"lesions": [1.0]}

    assert kept(measure, "seed", tmp_path, 7) == kept(measure, "seed", tmp_path, 7) == {"lesions": [1.0]}
    assert calls == [7]


def test_noise_is_measured_beside_what_does_not_belong_to_it():
    noise = np.random.default_rng(0).normal(400, 25, 4000)
    with_leaflets = np.concatenate([noise, np.full(300, 100.0), np.full(100, 1200.0)])
    assert robust_sd(noise) == pytest.approx(25, rel=0.05)
    assert robust_sd(with_leaflets) == pytest.approx(25, rel=0.2)
