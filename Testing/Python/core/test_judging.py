"""The rules one after the other: what one leaves out is not judged again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.heart_context import HeartContext
from cacnet.judging import Found, doubts_about, stents
from cacnet.judging.stents import Stent
from cacnet.left_out import RejectReason
from cacnet.sparse_maps import SparseMap
from cacnet.vessels import Courses
from cacnet.volume import Geometry

SHAPE = (20, 20, 20)
GRID = Geometry(SHAPE, (1.0, 1.0, 1.0))
PLAQUE, IN_STENT, IN_STENT_AND_METAL, CLIP = ((z, 10, 10) for z in (2, 8, 10, 16))


def found() -> Found:
    """Four lesions of one voxel along an artery, of which the third and the last reach the end of the CT's range."""
    hu = np.full(SHAPE, 300.0)
    for at in (IN_STENT_AND_METAL, CLIP):
        hu[at] = 3071.0
    index = np.sort([np.ravel_multi_index(at, SHAPE) for at in (PLAQUE, IN_STENT, IN_STENT_AND_METAL, CLIP)])
    vessel = SparseMap(index.astype(np.int64), np.full(4, np.uint8(Vessel.RCA)), SHAPE)
    points = GRID.index_to_lps(np.array([[z, 10, 10] for z in range(20)]))
    courses = Courses(points, np.full(20, int(Vessel.RCA)), np.arange(20.0) + 10, np.full(20, 1.0))
    unsure = SparseMap(index.astype(np.int64), np.full(4, 0.6, np.float32), SHAPE)
    return Found(vessel, None, unsure, vessel, unsure, hu, GRID, 300.0, courses, None)


@pytest.fixture
def _stented(monkeypatch: pytest.MonkeyPatch) -> None:
    points = GRID.index_to_lps(np.array([[z, 10, 10] for z in range(7, 12)]))
    stent = Stent(Vessel.RCA, 17.0, 21.0, points, np.full(5, 1.0))
    monkeypatch.setattr(stents, "find_stents", lambda *_: (stent, stent))


@pytest.mark.usefixtures("_stented")
def test_each_lesion_is_left_out_by_the_first_rule_that_doubts_it() -> None:
    doubts = [doubt for doubt in doubts_about(found()) if len(doubt.calcium.index)]
    assert [(doubt.reason, doubt.calcium.voxels.tolist()) for doubt in doubts] == [
        (RejectReason.CLIP, [list(IN_STENT_AND_METAL), list(CLIP)]),
        (RejectReason.STENT, [list(IN_STENT)]),
    ]
    assert [len(doubt.told) for doubt in doubts] == [1, 1]


def test_without_a_stent_a_lesion_counts_unless_another_rule_doubts_it() -> None:
    (doubt,) = (doubt for doubt in doubts_about(found()) if len(doubt.calcium.index))
    assert doubt.reason is RejectReason.CLIP
    assert doubt.calcium.voxels.tolist() == [list(IN_STENT_AND_METAL), list(CLIP)]


@pytest.mark.usefixtures("_stented")
def test_what_is_doubted_for_nothing_has_no_sentence() -> None:
    assert all(doubt.told == () for doubt in doubts_about(found()) if not len(doubt.calcium.index))


def of_one_voxel(vessel: Vessel, from_mouth_mm: float, plaque: float | None) -> Found:
    """A lesion of one voxel: probability of both networks 0.8, of CAC-Net 0.9, and of an artery there 0.6."""
    index = np.array([np.ravel_multi_index((10, 10, 10), SHAPE)])
    points = GRID.index_to_lps(np.array([[z, 10, 10] for z in range(20)]))
    along_mm = np.arange(20.0) - 10 + from_mouth_mm
    return replace(
        found(),
        vessel=SparseMap(index, np.array([vessel], np.uint8), SHAPE),
        added=SparseMap.mask(np.zeros(0, np.int64), SHAPE),
        calcium_probability=SparseMap(index, np.array([0.9], np.float32), SHAPE),
        coronary_probability=SparseMap(index, np.array([0.6], np.float32), SHAPE),
        probability=SparseMap(index, np.array([0.8], np.float32), SHAPE),
        hu_zyx=np.full(SHAPE, 700.0),
        courses=Courses(points, np.full(20, int(vessel)), along_mm, np.full(20, 1.0)),
        context=None if plaque is None else HeartContext(np.ones(SHAPE), np.full(SHAPE, plaque), GRID),
    )


def reasons(found: Found) -> list[RejectReason]:
    return [doubt.reason for doubt in doubts_about(found) if len(doubt.calcium.index)]


@pytest.mark.parametrize(("plaque", "counts"), [(0.51, True), (0.49, False), (None, False)])
def test_what_the_whole_heart_takes_for_plaque_is_not_the_annuluss_for_its_place_alone(
    plaque: float | None, counts: bool
) -> None:
    assert reasons(of_one_voxel(Vessel.LCX, 40.0, plaque)) == ([] if counts else [RejectReason.VALVE])


@pytest.mark.parametrize(("plaque", "counts"), [(0.87, True), (0.85, False), (None, True)])
def test_near_a_mouth_calcium_counts_that_the_whole_heart_is_sure_of_or_has_not_looked_at(
    plaque: float | None, counts: bool
) -> None:
    assert reasons(of_one_voxel(Vessel.RCA, 5.0, plaque)) == ([] if counts else [RejectReason.AORTIC_WALL])
    assert reasons(of_one_voxel(Vessel.RCA, 7.0, plaque)) == []


@pytest.mark.parametrize("from_mouth_mm", [24.0, 26.0])
def test_down_the_front_of_the_heart_no_calcium_is_a_valves_or_the_aortas(from_mouth_mm: float) -> None:
    far = from_mouth_mm >= 25
    assert reasons(of_one_voxel(Vessel.LAD, from_mouth_mm, 0.05)) == ([] if far else [RejectReason.AORTIC_WALL])
    # Beside the other arteries lie the rings of the valves.
    assert reasons(of_one_voxel(Vessel.RCA, from_mouth_mm, 0.05)) == [RejectReason.AORTIC_WALL]
    assert reasons(of_one_voxel(Vessel.LCX, from_mouth_mm, 0.05)) == [RejectReason.VALVE]


def test_where_the_lads_course_is_not_known_the_look_at_the_whole_heart_decides() -> None:
    assert reasons(replace(of_one_voxel(Vessel.LAD, 26.0, 0.05), courses=None)) == [RejectReason.AORTIC_WALL]
