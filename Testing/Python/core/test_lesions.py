"""Lesions of small hand-made label maps, with hand-computed sizes, places and scores."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.lesions import LesionSet, UnknownVesselLabelError, find_lesions
from cacnet.scoring import PROTOCOLS, resolve, total
from cacnet.vessels.places import Courses, Place, Third
from cacnet.volume import Geometry, GeometryMismatchError

LITERATURE = resolve(PROTOCOLS["literature"])
ORCASCORE = resolve(PROTOCOLS["orcascore"])
SHAPE = (8, 20, 24)
GRID = Geometry(SHAPE, (3.0, 0.5, 0.5), (10.0, 20.0, -30.0))


def empty() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(SHAPE, dtype=np.uint8), np.full(SHAPE, 300, dtype=np.int16)


def put(calcium: np.ndarray, hu: np.ndarray, vessel: int, box: tuple[slice, slice, slice], value: float) -> None:
    calcium[box] = vessel
    hu[box] = value


def found(calcium: np.ndarray, hu: np.ndarray) -> LesionSet:
    return find_lesions(calcium, hu, GRID, LITERATURE)


def test_one_lesion_with_its_size_place_and_scores() -> None:
    calcium, hu = empty()
    put(calcium, hu, Vessel.LAD, np.s_[2:4, 4:8, 10:14], 500)
    hu[2, 4, 10] = 900
    (lesion,) = found(calcium, hu).lesions
    assert (lesion.id, lesion.vessel, lesion.voxels, lesion.slices) == (1, Vessel.LAD, 32, 2)
    assert lesion.mask_volume_mm3 == lesion.volume_mm3 == pytest.approx(32 * 0.75)
    assert lesion.agatston == pytest.approx(2 * 4.0 * 4)
    assert (lesion.max_hu, lesion.mean_hu) == (900.0, pytest.approx((31 * 500 + 900) / 32))
    assert lesion.mass_mg == pytest.approx(0.00075 * lesion.mean_hu * 24.0)
    assert (lesion.start_zyx, lesion.stop_zyx) == ((2, 4, 10), (4, 8, 14))
    assert lesion.centroid_mm_lps == pytest.approx((10 + 11.5 * 0.5, 20 + 5.5 * 0.5, -30 + 2.5 * 3))
    assert lesion.centroid_mm_ras == pytest.approx((-15.75, -22.75, -22.5))
    assert lesion.confidence is None


def test_lesions_are_numbered_by_their_first_voxel_whatever_their_artery() -> None:
    calcium, hu = empty()
    put(calcium, hu, Vessel.RCA, np.s_[1:2, 10:14, 2:6], 400)
    put(calcium, hu, Vessel.LM, np.s_[1:2, 10:14, 12:16], 400)
    put(calcium, hu, Vessel.LAD, np.s_[5:6, 0:4, 0:4], 400)
    put(calcium, hu, Vessel.LCX, np.s_[1:2, 2:6, 12:16], 400)
    lesions = found(calcium, hu)
    assert [(x.id, x.vessel) for x in lesions.lesions] == [
        (1, Vessel.LCX),
        (2, Vessel.RCA),
        (3, Vessel.LM),
        (4, Vessel.LAD),
    ]
    for lesion in lesions.lesions:
        assert set(np.unique(lesions.labels[lesion.box])) == {lesion.id}
        assert (lesions.labels == lesion.id).sum() == lesion.voxels


def test_touching_calcium_of_two_arteries_is_two_lesions() -> None:
    calcium, hu = empty()
    put(calcium, hu, Vessel.LM, np.s_[3:4, 4:8, 4:8], 400)
    put(calcium, hu, Vessel.LAD, np.s_[3:4, 4:8, 8:12], 400)
    assert [x.vessel for x in found(calcium, hu).lesions] == [Vessel.LM, Vessel.LAD]


def test_corners_join_a_lesion_unless_the_protocol_wants_faces() -> None:
    calcium, hu = empty()
    put(calcium, hu, Vessel.LAD, np.s_[2:3, 4:6, 4:6], 400)
    put(calcium, hu, Vessel.LAD, np.s_[3:4, 6:8, 6:8], 400)
    assert len(found(calcium, hu).lesions) == 1
    assert len(find_lesions(calcium, hu, GRID, ORCASCORE).lesions) == 2


def test_lesion_below_the_rule_is_listed_but_does_not_count() -> None:
    calcium, hu = empty()
    put(calcium, hu, Vessel.LAD, np.s_[2:3, 4:5, 4:7], 400)
    put(calcium, hu, Vessel.RCA, np.s_[4:5, 4:8, 4:8], 90)
    lesions = found(calcium, hu).lesions
    assert [(x.counts, x.agatston, x.volume_mm3, x.mass_mg) for x in lesions] == [(False, 0.0, 0.0, 0.0)] * 2
    assert [x.max_hu for x in lesions] == [400.0, 90.0]
    totals = total(lesions)
    assert (totals.lesions, totals.lesions_below_rule, totals.cac_drs) == (0, 2, "A0/N0")


def test_confidence_is_the_mean_probability_of_the_lesion() -> None:
    calcium, hu = empty()
    put(calcium, hu, Vessel.LAD, np.s_[2:3, 4:6, 4:6], 400)
    probability = np.full(SHAPE, 0.1, dtype=np.float16)
    probability[2, 4:6, 4:6] = [[0.5, 0.75], [0.75, 1.0]]
    (lesion,) = find_lesions(calcium, hu, GRID, LITERATURE, probability).lesions
    assert lesion.confidence == pytest.approx(0.75)


def test_scores_of_lesions_are_the_same_in_an_array_stored_the_other_way() -> None:
    """Axes reversed: the array's last axis is now the patient's long axis, and runs downwards."""
    calcium, hu = empty()
    put(calcium, hu, Vessel.LAD, np.s_[2:4, 4:8, 10:14], 500)
    turned = Geometry(SHAPE[::-1], (0.5, 0.5, 3.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0))
    (lesion,) = find_lesions(calcium.T[:, :, ::-1], hu.T[:, :, ::-1], turned, LITERATURE).lesions
    assert (lesion.agatston, lesion.slices) == (pytest.approx(32.0), 2)


def test_no_calcium_is_no_lesion() -> None:
    lesions = found(*empty())
    assert lesions.lesions == ()
    assert lesions.labels.shape == SHAPE
    assert not lesions.labels.any()
    assert lesions.id_at((0, 0, 0)) == 0


def test_id_at_a_voxel_inside_outside_and_beyond_the_volume() -> None:
    calcium, hu = empty()
    put(calcium, hu, Vessel.LAD, np.s_[2:4, 4:8, 10:14], 500)
    lesions = found(calcium, hu)
    assert [lesions.id_at(i) for i in ((2, 4, 10), (3, 7, 13), (3, 8, 13), (0, 0, 0), (-1, 5, 11), (99, 5, 11))] == [
        1,
        1,
        0,
        0,
        0,
        0,
    ]


def test_label_map_keeps_memory_to_the_box_around_calcium() -> None:
    calcium, hu = empty()
    put(calcium, hu, Vessel.LAD, np.s_[2:4, 4:8, 10:14], 500)
    lesions = found(calcium, hu)
    assert [len(index) for index in lesions.indices] == [lesion.voxels for lesion in lesions.lesions]
    assert lesions.labels.dtype == np.int32


def test_unknown_vessel_number_is_refused() -> None:
    calcium, hu = empty()
    calcium[0, 0, 0] = 7
    with pytest.raises(UnknownVesselLabelError, match=r"holds 7.*1 LM, 2 LAD, 3 LCx, 4 RCA, 5 Unassigned"):
        found(calcium, hu)


@pytest.mark.parametrize("wrong", ["calcium label map", "CT", "calcium probability"])
def test_array_of_another_shape_is_refused_by_name(wrong: str) -> None:
    calcium, hu = empty()
    arrays = {"calcium label map": calcium, "CT": hu, "calcium probability": np.zeros(SHAPE)}
    arrays[wrong] = arrays[wrong][1:]
    with pytest.raises(GeometryMismatchError, match=wrong):
        find_lesions(arrays["calcium label map"], arrays["CT"], GRID, LITERATURE, arrays["calcium probability"])


def test_a_lesion_is_placed_along_its_artery() -> None:
    calcium, hu = empty()
    put(calcium, hu, Vessel.LAD, np.s_[2:3, 4:8, 10:14], 500)
    line = np.linspace((15.75, 22.75, -24.0), (115.75, 22.75, -24.0), 101)
    courses = Courses(line, np.full(101, 2, np.uint8), np.arange(101.0), np.full(101, 2.0))
    (lesion,) = find_lesions(calcium, hu, GRID, LITERATURE, courses=courses).lesions
    assert lesion.place == Place(Third.PROXIMAL, 0.0, pytest.approx(2.0))
