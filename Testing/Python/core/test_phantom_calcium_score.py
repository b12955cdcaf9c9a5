"""The true Agatston score of a simulated patient, against blocks whose score can be counted on paper."""

import numpy as np
import pytest
from cacnet.phantom.calcium_score import agatston_without_contrast, ideal_agatston
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronaries import build_coronaries
from cacnet.phantom.heart import build_heart
from cacnet.phantom.patient import draw_patient

BACKGROUND_HU = -90.0


def canvas_of_fat() -> Canvas:
    # Voxels of 0.5 mm whose faces lie on whole millimetres.
    canvas = Canvas.filled((-14.75, -14.75, -14.75), (14.75, 14.75, 14.75), 0.5, BACKGROUND_HU)
    canvas.layers["calcium"] = np.zeros(canvas.hu.shape, np.uint8)
    canvas.layers["calcium_fraction"] = np.zeros(canvas.hu.shape, np.float32)
    return canvas


def put(canvas: Canvas, lower_mm_xyz, upper_mm_xyz, hu: float, vessel: int) -> None:
    first, last = ((np.asarray(c)[::-1] + 15) / 0.5 for c in (lower_mm_xyz, upper_mm_xyz))
    block = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    canvas.hu[block] = hu
    canvas.layers["calcium"][block] = vessel
    canvas.layers["calcium_fraction"][block] = 1.0


def test_a_block_scores_its_area_times_its_factor_in_each_slice():
    canvas = canvas_of_fat()
    # 6 × 6 × 6 mm fill two slices; half way between 350 and -90 HU lie the 130 HU of the threshold, so the blurred
    # edge is counted where the sharp one was, except for the rounded corners.
    put(canvas, (-6, -6, -6), (0, 0, 0), 350.0, 2)
    score = ideal_agatston(canvas)
    assert score["LAD"] == pytest.approx(2 * 36 * 3, rel=0.04)
    assert score["total"] == score["LAD"]
    assert score["LM"] == score["LCx"] == score["RCA"] == 0.0


def test_a_slice_that_is_half_full_counts_by_its_mean():
    canvas = canvas_of_fat()
    # 1.5 of 3 mm: mean of 690 and -90 HU is 300 HU, factor 3.
    put(canvas, (-6, -6, -3), (0, 0, -1.5), 690.0, 4)
    inner = ideal_agatston(canvas)["RCA"]
    assert 3 * 25 < inner <= 3 * 36


def test_vessels_are_scored_apart_and_summed():
    canvas = canvas_of_fat()
    put(canvas, (-9, -9, -6), (-3, -3, -3), 350.0, 1)
    put(canvas, (3, 3, 3), (9, 9, 9), 350.0, 3)
    score = ideal_agatston(canvas)
    assert score["LCx"] == pytest.approx(2 * score["LM"])
    assert score["total"] == pytest.approx(score["LM"] + score["LCx"])


def test_what_is_below_the_threshold_and_no_calcium_at_all_score_nothing():
    canvas = canvas_of_fat()
    assert set(ideal_agatston(canvas).values()) == {0.0}
    put(canvas, (-6, -6, -6), (0, 0, 0), 125.0, 2)
    assert ideal_agatston(canvas)["total"] == 0.0


def test_bright_tissue_that_is_not_calcium_is_not_counted():
    canvas = canvas_of_fat()
    put(canvas, (-6, -6, -6), (0, 0, 0), 350.0, 2)
    alone = ideal_agatston(canvas)["total"]
    canvas.hu[50:56, 50:56, 50:56] = 900.0
    assert ideal_agatston(canvas)["total"] == alone


def test_the_score_is_the_same_with_and_without_contrast():
    pair = [draw_patient(3, contrast) for contrast in (True, False)]
    heart = build_heart(pair[0])
    tree = build_coronaries(pair[0], heart)
    with_contrast, without = (agatston_without_contrast(tree, patient, 1.0) for patient in pair)
    assert with_contrast == without
    assert with_contrast["total"] > 0
