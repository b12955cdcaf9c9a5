"""Which lesions are not believed for where they lie, on a straight artery along x on a grid of 1 mm voxels."""

from __future__ import annotations

import numpy as np
from cacnet.anatomy import Vessel
from cacnet.judging.doubtful import (
    beside_the_annulus,
    doubted,
    doubtful_finds,
    taken_for_annulus,
    taken_for_aorta,
    unsure_near_mouth,
)
from cacnet.sparse_maps import SparseMap
from cacnet.vessels.places import Courses
from cacnet.volume import Geometry

GEOMETRY = Geometry((3, 3, 60), (1.0, 1.0, 1.0))


def courses(vessel: Vessel = Vessel.LAD) -> Courses:
    """An artery along the middle row; its mouth is at x = 0."""
    x = np.arange(60.0)
    points = np.stack([x, np.ones_like(x), np.ones_like(x)], axis=1)
    return Courses(points, np.full(60, vessel), x.copy(), np.full(60, 1.5))


def spots(*starts: int, vessel: Vessel = Vessel.LAD) -> SparseMap:
    """Three voxels of calcium in a row from each x on."""
    found = np.zeros(GEOMETRY.shape_zyx, np.uint8)
    for start in starts:
        found[1, 1, start : start + 3] = vessel
    return SparseMap.of(found)


def doubtful(added: SparseMap, calcium: SparseMap, along: Courses | None) -> list[int]:
    mask = SparseMap.mask(added.index, added.shape)
    return doubtful_finds(mask, calcium, along, GEOMETRY).voxels[:, 2].tolist()


def test_a_find_is_doubted_up_to_two_millimetres_from_the_mouth() -> None:
    assert doubtful(spots(1), spots(1, 30), courses()) == [1, 2, 3]  # its middle lies at 2 mm
    assert doubtful(spots(2), spots(2, 30), courses()) == []


def test_only_finds_of_the_second_look_are_doubted() -> None:
    assert doubtful(spots(30), spots(0, 30), courses()) == []
    assert doubtful(spots(), spots(0), courses()) == []


def test_a_find_in_no_named_artery_is_doubted() -> None:
    nowhere = spots(30, vessel=Vessel.UNASSIGNED)
    assert doubtful(spots(30), nowhere, courses()) == [30, 31, 32]
    assert doubtful(spots(30), nowhere, None) == [30, 31, 32]


def test_a_find_in_a_piece_of_a_named_artery_without_a_path_to_its_mouth_is_believed() -> None:
    unreached = Courses(courses().points_mm_lps, courses().vessel, np.full(60, np.nan), courses().radius_mm)
    assert doubtful(spots(0), spots(0), unreached) == []


def test_what_is_doubted_is_told_with_its_place() -> None:
    (sentence,) = doubted(SparseMap.mask(spots(1).index, GEOMETRY.shape_zyx), GEOMETRY)
    assert sentence.startswith("One bright spot that looks like calcium at a second look only")
    assert "was left out: 3.0 mm³ at R -2.0, A -1.0, S 1.0 mm." in sentence
    (sentence,) = doubted(SparseMap.mask(spots(1, 20).index, GEOMETRY.shape_zyx), GEOMETRY)
    assert sentence.startswith("2 bright spots that look")
    assert doubted(SparseMap.mask(np.zeros(0, np.int64), GEOMETRY.shape_zyx), GEOMETRY) == ()


def annular(vessel: Vessel, start: int, inside: tuple[float, float, float]) -> list[int]:
    """What is doubted of one lesion of three voxels with these probabilities of an artery."""
    lesion = spots(start, vessel=vessel)
    probability = SparseMap(lesion.index, np.array(inside, np.float32), lesion.shape)
    return beside_the_annulus(lesion, probability, courses(vessel), GEOMETRY).voxels[:, 2].tolist()


def test_what_reaches_out_of_the_circumflex_in_the_groove_is_the_annuluss() -> None:
    assert annular(Vessel.LCX, 40, (1.0, 1.0, 0.84)) == [40, 41, 42]  # 0.947 on average
    assert annular(Vessel.LCX, 40, (1.0, 1.0, 0.86)) == []  # 0.953
    assert annular(Vessel.LCX, 40, (1.0, 0.0, 0.0)) == [40, 41, 42]  # 0: no artery at all


def test_before_the_groove_and_in_other_arteries_nothing_is_taken_for_the_annuluss() -> None:
    assert annular(Vessel.LCX, 34, (0.5, 0.5, 0.5)) == [34, 35, 36]  # its middle lies at 35 mm
    assert annular(Vessel.LCX, 33, (0.5, 0.5, 0.5)) == []
    assert annular(Vessel.LAD, 40, (0.5, 0.5, 0.5)) == []


def test_every_lesion_of_the_circumflex_is_judged_by_itself_and_without_a_course_none() -> None:
    both = spots(40, 50, vessel=Vessel.LCX)
    probability = SparseMap(both.index, np.array([1, 1, 1, 0.5, 0.5, 0.5], np.float32), both.shape)
    judged = beside_the_annulus(both, probability, courses(Vessel.LCX), GEOMETRY)
    assert judged.voxels[:, 2].tolist() == [50, 51, 52]
    assert len(beside_the_annulus(both, probability, None, GEOMETRY).index) == 0
    assert len(beside_the_annulus(spots(), probability, courses(Vessel.LCX), GEOMETRY).index) == 0


def test_what_is_taken_for_the_annuluss_is_told_with_its_place() -> None:
    (sentence,) = taken_for_annulus(SparseMap.mask(spots(40).index, GEOMETRY.shape_zyx), GEOMETRY)
    assert sentence.startswith("One calcification beside the circumflex")
    assert "was left out as the annulus's: 3.0 mm³ at R -41.0, A -1.0, S 1.0 mm." in sentence
    (sentence,) = taken_for_annulus(SparseMap.mask(spots(1, 20).index, GEOMETRY.shape_zyx), GEOMETRY)
    assert sentence.startswith("2 calcifications beside")
    assert taken_for_annulus(SparseMap.mask(np.zeros(0, np.int64), GEOMETRY.shape_zyx), GEOMETRY) == ()


def near_mouth(vessel: Vessel, start: int, sure: tuple[float, float, float]) -> list[int]:
    """What is doubted near the mouth, of one lesion of three voxels with these probabilities of calcium."""
    lesion = spots(start, vessel=vessel)
    probability = SparseMap(lesion.index, np.array(sure, np.float32), lesion.shape)
    return unsure_near_mouth(lesion, probability, courses(vessel), GEOMETRY).voxels[:, 2].tolist()


def test_near_an_arterys_mouth_calcium_counts_where_a_network_is_sure_of_it() -> None:
    assert near_mouth(Vessel.LAD, 5, (0.9, 0.8, 0.74)) == [5, 6, 7]  # 0.813 on average, its middle at 6 mm
    assert near_mouth(Vessel.LAD, 5, (0.9, 0.8, 0.78)) == []  # 0.827
    assert near_mouth(Vessel.LAD, 6, (0.5, 0.5, 0.5)) == []  # its middle lies at 7 mm


def test_where_no_mouth_is_known_nothing_is_near_it() -> None:
    lesion = spots(5, vessel=Vessel.LAD)
    probability = SparseMap(lesion.index, np.full(3, 0.5, np.float32), lesion.shape)
    assert len(unsure_near_mouth(lesion, probability, None, GEOMETRY).index) == 0
    nothing = spots()
    assert len(unsure_near_mouth(nothing, nothing, courses(Vessel.LAD), GEOMETRY).index) == 0


def test_what_is_left_out_near_a_mouth_is_told_with_its_place() -> None:
    (sentence,) = taken_for_aorta(SparseMap.mask(spots(5, 20).index, GEOMETRY.shape_zyx), GEOMETRY)
    assert sentence.startswith("2 calcifications within 6 mm of an artery's mouth, of which neither network nor")
    assert taken_for_aorta(SparseMap.mask(np.zeros(0, np.int64), GEOMETRY.shape_zyx), GEOMETRY) == ()
