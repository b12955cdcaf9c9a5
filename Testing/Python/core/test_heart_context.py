"""The heart in coarse voxels, and what is believed of CAC-Net's arteries."""

import numpy as np
import pytest
from cacnet.heart_context import (
    BLOOD_HU,
    NOTHING,
    HeartContext,
    blood_of,
    channels_of,
    coarse_grid,
    coarse_heart,
    disowned,
    in_blocks,
    is_believable,
    not_believed,
    taken_for_other_calcium,
    unlikely_plaque,
    within_arteries,
)
from cacnet.heart_region import HeartRegion
from cacnet.prepare import Prepared
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry

FINE = Geometry((2, 2, 4), (0.5, 0.5, 0.5), (10.0, 20.0, 30.0))


def test_eight_voxels_become_one() -> None:
    values = np.arange(16, dtype=np.int16).reshape(2, 2, 4)
    assert in_blocks(values, np.maximum).tolist() == [[[13, 15]]]
    assert in_blocks(values, np.add, np.float32).tolist() == [[[52.0, 68.0]]]  # 0+1+4+5+8+9+12+13; 16 more


def test_the_last_voxels_of_an_odd_side_count_twice() -> None:
    values = np.array([[[1, 2, 3]]])
    assert in_blocks(values, np.add).tolist() == [[[4 * (1 + 2), 4 * (3 + 3)]]]


def test_a_coarse_voxel_lies_in_the_middle_of_its_eight() -> None:
    coarse = coarse_grid(FINE)
    assert (coarse.shape_zyx, coarse.spacing_mm_zyx) == ((1, 1, 2), (1.0, 1.0, 1.0))
    assert coarse.origin_mm_lps == (10.25, 20.25, 30.25)
    assert coarse_grid(Geometry((3, 1, 5), (0.5, 0.5, 0.5))).shape_zyx == (2, 1, 3)


def test_a_prepared_ct_and_both_answers_are_made_coarse() -> None:
    hu = np.arange(16, dtype=np.int16).reshape(2, 2, 4)
    region = HeartRegion((9.75, 19.75, 29.75), (11.75, 20.75, 30.75), found=True)
    answer = np.linspace(0, 0.75, 16, dtype=np.float32).reshape(2, 2, 4)
    heart = coarse_heart(Prepared(hu, FINE, region), answer, 1 - answer)
    assert heart.mean_hu.tolist() == [[[6.5, 8.5]]]
    assert heart.highest_hu.tolist() == [[[13, 15]]]
    np.testing.assert_allclose(heart.coronary_probability, [[[0.65, 0.75]]])
    np.testing.assert_allclose(heart.calcium_probability, [[[1.0, 0.9]]])
    assert heart.grid == coarse_grid(FINE)


def test_blood_is_measured_where_the_network_is_sure_of_an_artery() -> None:
    hu = np.r_[np.full(60, 380), np.full(200, 40)]
    assert blood_of(hu, np.r_[np.full(60, 0.9), np.full(200, 0.7)]) == 380
    assert blood_of(hu, np.r_[np.full(10, 0.9), np.full(250, 0.7)]) == BLOOD_HU


def test_the_network_is_shown_the_ct_relative_to_the_blood_and_both_answers() -> None:
    hu, highest, coronary, calcium = (np.array([[values]]) for values in ([200, -1024], [800, 9000], [1, 0], [0.5, 0]))
    shown = channels_of(hu, highest, coronary, calcium, 400.0)
    assert shown.dtype == np.float32
    assert shown[:, 0, 0, 0].tolist() == [0.0, 1.0, 1.0, 0.0]
    assert shown[:, 0, 0, 1].tolist() == [-2.0, 4.0, -1.0, -1.0]
    air = np.full((1, 1, 1), -1024)
    assert tuple(channels_of(air, air, air * 0, air * 0, 400.0).ravel().tolist()) == NOTHING


@pytest.fixture
def context() -> HeartContext:
    """An artery on the left and a vein on the right, each one coarse voxel."""
    artery = np.array([[[1.0, 0.0]]], np.float32)
    return HeartContext(artery, 1 - artery, coarse_grid(FINE))


def test_answers_are_interpolated_between_coarse_voxels_and_end_as_at_the_edge(context) -> None:
    points = np.array([[10.25, 20.25, 30.25], [10.75, 20.25, 30.25], [9.0, 18.0, 35.0], [19.0, 20.0, 30.0]])
    assert context.artery_at(points).tolist() == [1.0, 0.5, 1.0, 0.0]
    assert context.plaque_at(points).tolist() == [0.0, 0.5, 0.0, 1.0]


def test_what_belongs_to_no_artery_is_taken_from_the_coronary_map(context) -> None:
    probability = SparseMap(np.array([0, 1, 2, 3, 11]), np.array([0.9, 0.8, 0.7, 0.6, 0.5]), FINE.shape_zyx)
    kept = within_arteries(probability, FINE, context)
    assert kept.index.tolist() == [0, 1]  # at 10.0 and 10.5 mm: 1 and 0.75 of an artery; the others 0.25 and 0
    assert kept.values.tolist() == [0.9, 0.8]


def test_a_lesion_stays_where_its_mean_is_plaque(context) -> None:
    """Two lesions in a row of four voxels at 10 to 11.5 mm: plaque of 0, 0.25 and, alone, 1."""
    lesions = SparseMap.mask(np.array([0, 1, 3]), FINE.shape_zyx)
    assert unlikely_plaque(lesions, FINE, context, at_least=0.13).index.tolist() == [0, 1]
    assert unlikely_plaque(lesions, FINE, context).index.tolist() == []
    assert unlikely_plaque(SparseMap.mask(np.zeros(0, int), FINE.shape_zyx), FINE, context).index.tolist() == []


@pytest.mark.parametrize(("say", "where"), [(disowned, "vein"), (taken_for_other_calcium, "aorta's wall")])
def test_calcium_that_is_left_out_is_told_with_its_place(say, where) -> None:
    one, two = (SparseMap.mask(np.array(index), FINE.shape_zyx) for index in ([0], [0, 3]))
    (told,) = say(one, FINE)
    assert told.startswith("One calcification lies ")
    assert where in told
    assert "was left out: 0.1 mm³ at R -10.0, A -20.0, S 30.0 mm" in told
    (told,) = say(two, FINE)
    assert told.startswith("2 calcifications lie ")
    assert say(SparseMap.mask(np.zeros(0, int), FINE.shape_zyx), FINE) == ()


def test_a_context_may_take_half_of_the_arteries_and_no_more() -> None:
    coronary = SparseMap.mask(np.arange(10), FINE.shape_zyx)
    half, more = (SparseMap.mask(np.arange(count), FINE.shape_zyx) for count in (5, 6))
    assert is_believable(half, coronary)
    assert not is_believable(more, coronary)
    assert "takes 60 % of what" in not_believed(more, coronary)
    nothing = SparseMap.mask(np.zeros(0, int), FINE.shape_zyx)
    assert is_believable(nothing, nothing)
