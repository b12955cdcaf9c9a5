"""Stents: bright all around, even, and long; a plaque is none of the three at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.judging.stents import LEAST_LENGTH_MM, Stent, calcium_in, find_stents, struts_among, taken_for_struts
from cacnet.sparse_maps import SparseMap
from cacnet.vessels import Courses
from cacnet.volume import Geometry
from scipy.spatial.transform import Rotation

SHAPE = (80, 24, 24)
SPACING_MM = 0.5
AXIS = 12
BLOOD_HU, STRUTS_HU = 400.0, 1000.0

STRAIGHT = np.eye(3)
OBLIQUE = Rotation.from_euler("xyz", [25, -10, 40], degrees=True).as_matrix()


def geometry(direction: np.ndarray = STRAIGHT) -> Geometry:
    return Geometry(SHAPE, (SPACING_MM,) * 3, (5.0, -7.0, 11.0), tuple(direction.ravel().tolist()))


def courses(grid: Geometry, vessel: Vessel = Vessel.LAD) -> Courses:
    """An artery of 3 mm along the first axis; its ostium is at the first slice."""
    index = np.stack([np.arange(SHAPE[0]), np.full(SHAPE[0], AXIS), np.full(SHAPE[0], AXIS)], axis=1)
    n = len(index)
    return Courses(
        grid.index_to_lps(index), np.full(n, int(vessel), np.uint8), SPACING_MM * np.arange(n), np.full(n, 1.5)
    )


def artery(first: int, last: int, struts_hu: np.ndarray | float = STRUTS_HU, open_side: bool = False) -> np.ndarray:
    """Blood in a vessel of 3 mm, and a bright wall from slice `first` to `last`, all around or on one side."""
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]] - AXIS
    radius_mm = SPACING_MM * np.hypot(y, x)
    hu = np.full(SHAPE, -80.0)
    hu[:, radius_mm <= 1.6] = BLOOD_HU
    wall = (radius_mm >= 0.9) & (radius_mm <= 1.9) & ((x > 0) | (not open_side))
    hu[first : last + 1, wall] = np.broadcast_to(np.reshape(struts_hu, (-1, 1)), (last - first + 1, wall.sum()))
    return hu


def found(hu: np.ndarray, blood_hu: float = BLOOD_HU, grid: Geometry | None = None) -> tuple[Stent, ...]:
    grid = grid or geometry()
    return find_stents(courses(grid), hu, grid, blood_hu)


@pytest.mark.parametrize("direction", [STRAIGHT, OBLIQUE])
def test_a_bright_ring_along_an_artery_is_a_stent(direction: np.ndarray) -> None:
    (stent,) = found(artery(20, 59), grid=geometry(direction))
    assert stent.vessel is Vessel.LAD
    assert stent.from_mm == pytest.approx(10.0, abs=0.5)
    assert stent.to_mm == pytest.approx(29.5, abs=0.5)


def test_a_plaque_on_one_side_is_no_stent_however_long() -> None:
    assert found(artery(20, 59, open_side=True)) == ()


def test_a_ring_is_a_stent_only_if_it_is_long_enough() -> None:
    slices = round(LEAST_LENGTH_MM / SPACING_MM)
    assert len(found(artery(20, 20 + slices))) == 1
    assert found(artery(20, 20 + slices - 2)) == ()


def test_a_lumpy_ring_is_no_stent() -> None:
    lumpy = np.repeat([600.0, 3000.0], 20)
    assert found(artery(20, 59, lumpy)) == ()


def test_a_ring_much_brighter_on_one_side_is_a_plaque_on_an_unlucky_wall() -> None:
    hu = artery(20, 59, 600.0)
    hu[20:60, :, AXIS + 1 :][hu[20:60, :, AXIS + 1 :] == 600.0] = 2400.0
    assert found(hu) == ()


def test_an_artery_as_bright_as_its_blood_has_no_stent() -> None:
    assert found(artery(20, 59, BLOOD_HU)) == ()


def test_two_stents_with_a_gap_are_two() -> None:
    hu = artery(5, 34)
    hu[45:75] = artery(45, 74)[45:75]
    assert [(round(stent.from_mm), round(stent.to_mm)) for stent in found(hu)] == [(2, 17), (22, 37)]


@pytest.mark.parametrize("blood_hu", [math.nan, 0.0, -20.0])
def test_without_measured_blood_no_stent_is_found(blood_hu: float) -> None:
    assert found(artery(20, 59), blood_hu) == ()


def test_without_centre_lines_no_stent_is_found() -> None:
    assert find_stents(None, artery(20, 59), geometry(), BLOOD_HU) == ()


def test_calcium_is_in_a_stent_up_to_a_millimetre_beyond_the_wall_with_rounded_ends() -> None:
    grid = geometry()
    (stent,) = found(artery(20, 59))
    # At the wall; 1.5 + 1 mm from the axis; 0.5 mm farther; 1 mm beyond the end; 2.5 mm beyond it and 1.5 mm aside.
    voxels = np.array([[40, 12, 15], [40, 12, 17], [40, 12, 18], [61, 12, 12], [64, 12, 15]])
    index = np.sort(np.ravel_multi_index(tuple(voxels.T), SHAPE))
    inside = calcium_in(stent, SparseMap.mask(index, SHAPE), grid)
    assert inside.voxels.tolist() == [[40, 12, 15], [40, 12, 17], [61, 12, 12]]


def calcium_at(*voxels: tuple[int, int, int]) -> SparseMap:
    index = np.sort([np.ravel_multi_index(voxel, SHAPE) for voxel in voxels]).astype(np.int64)
    return SparseMap.mask(index, SHAPE)


NOTHING = SparseMap.mask(np.zeros(0, np.int64), SHAPE)


def test_in_a_stent_only_calcium_that_the_first_network_is_sure_of_counts() -> None:
    sure, unsure, unseen = ((40, 12, 15), (40, 12, 16)), ((50, 12, 15), (50, 12, 16)), ((30, 12, 15),)
    both = calcium_at(*sure, *unsure)
    # The means are 0.75 and 0.65; the last lesion was found by the border network alone.
    probability = SparseMap(both.index, np.array([0.6, 0.9, 0.4, 0.9], np.float32), SHAPE)
    struts = struts_among(calcium_at(*sure, *unsure, *unseen), probability)
    assert struts.voxels.tolist() == [list(voxel) for voxel in (*unseen, *unsure)]


def test_what_is_left_out_in_a_stent_and_what_counts_is_told_with_its_place() -> None:
    (stent,) = found(artery(20, 59))
    (sentence,) = taken_for_struts(stent, calcium_at((40, 12, 15), (50, 12, 15)), calcium_at((30, 12, 15)), geometry())
    assert sentence.startswith("The LAD is bright all around from 10 to 30 mm from its ostium, as a stent is.")
    assert "2 calcifications there were left out, since struts look like calcium: 0.1 mm³ at R" in sentence
    assert "One there counts, since the first network is sure of it: 0.1 mm³ at R" in sentence


def test_a_stent_without_calcium_is_not_told() -> None:
    (stent,) = found(artery(20, 59))
    assert taken_for_struts(stent, NOTHING, NOTHING, geometry()) == ()
