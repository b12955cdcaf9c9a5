"""Probability maps to masks, on a 1 mm grid with a straight artery."""

from dataclasses import replace

import numpy as np
import pytest
from cacnet import postprocessing
from cacnet.postprocessing import DEFAULT_SETTINGS, InvalidPostprocessingError, PostprocessingSettings
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry, GeometryMismatchError

SHAPE = (60, 20, 40)
GRID = Geometry(SHAPE, (1.0, 1.0, 1.0))


def clean(*arguments: object, **settings: object) -> tuple[np.ndarray, np.ndarray]:
    calcium, coronary = postprocessing.clean(*arguments, **settings)
    return calcium.dense(), coronary.dense()


def maps() -> tuple[np.ndarray, np.ndarray]:
    """No calcium, and an artery of 4 × 4 × 50 mm (800 mm³) at rows 8–11, columns 8–11."""
    calcium, coronary = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    coronary[2:52, 8:12, 8:12] = 0.9
    return calcium, coronary


def test_probabilities_from_one_half_on_belong_to_the_mask() -> None:
    calcium, coronary = maps()
    calcium[10, 9, 9:11] = (0.5, 0.499)
    kept, arteries = clean(calcium, coronary, GRID)
    assert kept.sum() == 1
    assert arteries.sum() == 800
    assert kept.dtype == arteries.dtype == bool


@pytest.mark.parametrize(("first_column", "kept"), [(8, 6), (10, 6), (11, 0), (13, 0)])
def test_lesion_is_kept_whole_if_half_of_it_is_near_the_artery(first_column: int, kept: int) -> None:
    """A row of six voxels; the mask ends at column 11 and, grown by 1 mm, at column 12: from 10 on, three are near."""
    calcium, coronary = maps()
    calcium[20, 9, first_column : first_column + 6] = 0.8
    assert clean(calcium, coronary, GRID)[0].sum() == kept


def test_calcium_far_from_every_artery_goes() -> None:
    calcium, coronary = maps()
    calcium[20:23, 9:12, 30:33] = 0.9
    found, arteries = clean(calcium, coronary, GRID)
    assert not found.any()
    assert arteries.sum() == 800


def test_margin_is_in_millimetres_whatever_the_spacing() -> None:
    fine = Geometry(SHAPE, (1.0, 1.0, 0.5))
    calcium, coronary = maps()
    calcium[20, 9, 12:14] = 0.9  # the two columns beyond the mask: 0.5 and 1 mm away
    assert clean(calcium, coronary, fine)[0].sum() == 2
    assert clean(calcium, coronary, fine, replace(DEFAULT_SETTINGS, coronary_margin_mm=0.4))[0].sum() == 0


def test_lesion_smaller_than_the_least_volume_is_noise() -> None:
    calcium, coronary = maps()
    calcium[20, 9, 9] = 0.9
    assert clean(calcium, coronary, GRID)[0].sum() == 1
    assert clean(calcium, coronary, GRID, replace(DEFAULT_SETTINGS, minimum_calcium_mm3=1.5))[0].sum() == 0


def test_small_coronary_piece_is_kept_near_a_trunk_and_dropped_far_from_it() -> None:
    calcium, coronary = maps()
    coronary[2:10, 9:11, 20:22] = 0.9  # 32 mm³, 9 mm beside the trunk
    coronary[2:10, 9:11, 34:36] = 0.9  # 32 mm³, 23 mm away from it
    coronary[40, 9:11, 20:22] = 0.9  # 4 mm³: noise wherever it lies
    _, arteries = clean(calcium, coronary, GRID)
    assert arteries[2:10, 9:11, 20:22].all()
    assert not arteries[2:10, 9:11, 34:36].any()
    assert arteries.sum() == 800 + 32


def test_pieces_are_kept_where_no_trunk_was_found() -> None:
    calcium, coronary = np.zeros(SHAPE), np.zeros(SHAPE)
    coronary[2:10, 9:11, 4:6] = coronary[2:10, 9:11, 34:36] = 0.9
    assert clean(calcium, coronary, GRID)[1].sum() == 64


def test_a_rib_at_the_regions_edge_is_no_artery_however_long() -> None:
    calcium, coronary = maps()
    coronary[2:52, 8:12, 30:34] = 0.9  # 800 mm³ as well, 20 mm to the side
    near_both, near_the_artery = (20.0, 10.0), (-30.0, 10.0)
    assert clean(calcium, coronary, GRID, heart_axis_mm_lps=near_both)[1].sum() == 1600
    # From x = -30 the artery's columns begin 38 mm away, the rib's 60 mm.
    settings = replace(DEFAULT_SETTINGS, gap_mm=10.0)
    assert clean(calcium, coronary, GRID, settings, near_the_artery)[1].sum() == 800
    assert clean(calcium, coronary, GRID, settings)[1].sum() == 1600


def test_where_only_ribs_were_marked_no_artery_is_found() -> None:
    calcium, coronary = maps()
    found, arteries = clean(calcium, coronary, GRID, heart_axis_mm_lps=(100.0, 100.0))
    assert not arteries.any()
    assert not found.any()


def test_nothing_in_is_nothing_out() -> None:
    found, arteries = clean(np.zeros(SHAPE), np.zeros(SHAPE), GRID)
    assert not found.any()
    assert not arteries.any()


def test_calcium_without_any_artery_goes() -> None:
    calcium = np.zeros(SHAPE)
    calcium[5:8, 5:8, 5:8] = 1.0
    assert not clean(calcium, np.zeros(SHAPE), GRID)[0].any()


def test_calcium_always_lies_in_the_coronary_mask() -> None:
    calcium, coronary = maps()
    calcium[20:24, 10:13, 10:14] = 0.9
    found, arteries = clean(calcium, coronary, GRID)
    assert found.any()
    assert not (found & ~arteries).any()


def test_inputs_are_left_as_they_were() -> None:
    calcium, coronary = maps()
    calcium[20, 9, 9] = 0.9
    before = calcium.copy(), coronary.copy()
    clean(calcium, coronary, GRID)
    np.testing.assert_array_equal(calcium, before[0])
    np.testing.assert_array_equal(coronary, before[1])


@pytest.mark.parametrize(
    "change",
    [{"threshold": 0.0}, {"threshold": 1.0}, {"fraction_in_coronary": 1.1}, {"gap_mm": -1.0}, {"trunk_mm3": -1.0}],
)
def test_impossible_setting_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(InvalidPostprocessingError):
        PostprocessingSettings(**change)


@pytest.mark.parametrize("wrong", [0, 1])
def test_map_of_another_shape_is_refused(wrong: int) -> None:
    arrays = [np.zeros(SHAPE), np.zeros(SHAPE)]
    arrays[wrong] = arrays[wrong][1:]
    with pytest.raises(GeometryMismatchError):
        clean(*arrays, GRID)


def test_sparse_probabilities_give_the_same_masks() -> None:
    calcium, coronary = maps()
    calcium[10, 9, 9:12] = (0.5, 0.499, 0.9)
    sparse = clean(SparseMap.of(calcium), SparseMap.of(coronary), GRID)
    np.testing.assert_array_equal(sparse, clean(calcium, coronary, GRID))
