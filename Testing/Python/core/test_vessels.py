"""Naming the arteries of a schematic heart, whole, turned, broken and merged; and of masks that are no heart."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import schematic_coronaries as heart
from cacnet import vessels
from cacnet.anatomy import NAMED_VESSELS, Vessel
from cacnet.vessels import Dominance, TerritoryMap, label_territories
from cacnet.volume import Geometry, GeometryMismatchError
from scipy import ndimage
from scipy.spatial.transform import Rotation

GRID = heart.heart_grid()

SAME = 0.85
"""Least Dice of a named vessel: the left main is 10 mm long, and where it ends is uncertain by a millimetre."""


@dataclass(frozen=True)
class Named:
    """A map of territories with its labels as an array."""

    labels: np.ndarray
    map: TerritoryMap

    def __getattr__(self, name: str) -> object:
        return getattr(self.map, name)


def named(mask: np.ndarray, hu: np.ndarray, geometry: Geometry = GRID) -> Named:
    found = label_territories(mask, hu, geometry)
    return Named(found.labels.dense(), found)


def assign_calcium(*arguments: object) -> np.ndarray:
    return vessels.assign_calcium(*arguments).dense()


def agreement(truth: np.ndarray, found: np.ndarray, vessel: Vessel) -> float:
    """Dice of one vessel over the voxels of the mask given."""
    within = found > 0
    a, b = (truth == vessel) & within, found == vessel
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.mark.parametrize(
    ("tubes", "dominance"), [(heart.RIGHT_DOMINANT, Dominance.RIGHT), (heart.LEFT_DOMINANT, Dominance.LEFT)]
)
def test_every_artery_of_a_whole_tree_is_named(tubes: tuple[heart.Tube, ...], dominance: Dominance) -> None:
    truth, hu = heart.draw(tubes, GRID)
    found = named(truth > 0, hu)
    assert found.dominance is dominance
    assert found.notes == ()
    for vessel in NAMED_VESSELS:
        assert agreement(truth, found.labels, vessel) > SAME
    np.testing.assert_array_equal(found.labels > 0, truth > 0)


def test_side_branches_take_their_parents_name() -> None:
    truth, hu = heart.draw(heart.RIGHT_DOMINANT, GRID)
    labels = named(truth > 0, hu).labels
    for branch in (heart.DIAGONAL, heart.MARGINAL, heart.DESCENDING, heart.POSTEROLATERAL, heart.ACUTE_MARGINAL):
        z, y, x = np.rint(GRID.lps_to_index(np.array(branch.points[-1]))).astype(int)
        assert labels[z, y, x] == branch.vessel


def test_descending_branch_of_a_left_dominant_heart_belongs_to_the_circumflex() -> None:
    truth, hu = heart.draw(heart.LEFT_DOMINANT, GRID)
    z, y, x = np.rint(GRID.lps_to_index(np.array(heart.LONG_LCX.points[-1]))).astype(int)
    assert named(truth > 0, hu).labels[z, y, x] == Vessel.LCX


def test_aortic_root_is_found_between_the_ostia() -> None:
    truth, hu = heart.draw(heart.RIGHT_DOMINANT, GRID)
    root = named(truth > 0, hu).aortic_root_mm_lps
    assert root is not None
    assert np.linalg.norm(np.array(root) - heart.AORTIC_ROOT) < 5.0


@pytest.mark.parametrize("angles_deg", [(15, 0, 0), (-15, 0, 0), (0, 15, 0), (0, -15, 0), (0, 0, 15), (0, 0, -15)])
def test_heart_may_lie_differently_in_the_chest(angles_deg: tuple[int, int, int]) -> None:
    turn = Rotation.from_euler("xyz", angles_deg, degrees=True)
    tubes = tuple(
        replace(t, points=tuple(tuple(p) for p in turn.apply(np.array(t.points)))) for t in heart.RIGHT_DOMINANT
    )
    geometry = Geometry((150, 150, 160), (1.0, 1.0, 1.0), (-80.0, -75.0, -80.0))
    truth, hu = heart.draw(tubes, geometry)
    found = named(truth > 0, hu, geometry)
    for vessel in NAMED_VESSELS:
        assert agreement(truth, found.labels, vessel) > SAME


def test_names_do_not_depend_on_how_the_array_is_stored() -> None:
    truth, hu = heart.draw(heart.RIGHT_DOMINANT, GRID)
    flipped = Geometry(
        GRID.shape_zyx,
        GRID.spacing_mm_zyx,
        tuple(GRID.index_to_lps(np.array(GRID.shape_zyx) - 1)),
        (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0),
    )
    found = named(truth[::-1, ::-1, ::-1] > 0, hu[::-1, ::-1, ::-1], flipped).labels[::-1, ::-1, ::-1]
    for vessel in NAMED_VESSELS:
        assert agreement(truth, found, vessel) > SAME


def test_names_need_no_help_from_the_hu() -> None:
    truth, _ = heart.draw(heart.RIGHT_DOMINANT, GRID)
    found = named(truth > 0, np.zeros(truth.shape, np.int16))
    for vessel in NAMED_VESSELS:
        assert agreement(truth, found.labels, vessel) > SAME


def hole(mask: np.ndarray, at_mm_lps: heart.Point, radius_mm: float) -> np.ndarray:
    """The mask without a cube of 2 · radius + 1 mm."""
    low = np.rint(GRID.lps_to_index(np.array(at_mm_lps)) - radius_mm).astype(int)
    box = tuple(slice(a, a + int(2 * radius_mm) + 1) for a in low)
    cut = mask.copy()
    cut[box] = False
    return cut


@pytest.mark.parametrize("at_mm_lps", [heart.LAD.points[2], heart.LCX.points[2], heart.RCA.points[2]])
def test_gap_of_five_millimetres_is_bridged(at_mm_lps: heart.Point) -> None:
    truth, hu = heart.draw(heart.RIGHT_DOMINANT, GRID)
    mask = hole(truth > 0, at_mm_lps, 2)
    assert ndimage.label(mask, np.ones((3, 3, 3)))[1] > ndimage.label(truth > 0, np.ones((3, 3, 3)))[1]
    found = named(mask, hu)
    for vessel in NAMED_VESSELS:
        assert agreement(truth, found.labels, vessel) > SAME


def test_piece_far_from_every_artery_is_unassigned() -> None:
    stray = heart.Tube(Vessel.UNASSIGNED, ((-50, 45, 30), (-50, 45, 10)), (1.5, 1.5))
    truth, hu = heart.draw((*heart.RIGHT_DOMINANT, stray), GRID)
    labels = named(truth > 0, hu).labels
    assert (labels[truth == Vessel.UNASSIGNED] == Vessel.UNASSIGNED).all()
    assert agreement(truth, labels, Vessel.RCA) > SAME


def test_trees_that_touch_at_their_ends_are_parted() -> None:
    """A posterolateral branch that runs into the circumflex."""
    joint = heart.Tube(Vessel.RCA, ((-3, 32, -32), (10, 40, -30), (26, 44, -21)), (1.0, 0.7))
    truth, hu = heart.draw((*heart.RIGHT_DOMINANT, joint), GRID)
    assert ndimage.label(truth > 0, np.ones((3, 3, 3)))[1] == 1
    found = named(truth > 0, hu)
    for vessel in NAMED_VESSELS:
        assert agreement(truth, found.labels, vessel) > SAME


def test_right_coronary_artery_alone() -> None:
    truth, hu = heart.draw((heart.RCA, heart.DESCENDING), GRID)
    found = named(truth > 0, hu)
    assert set(np.unique(found.labels)) == {0, Vessel.RCA}
    assert "left" in " ".join(found.notes)
    assert (found.dominance, found.aortic_root_mm_lps) == (None, None)


def test_left_tree_alone() -> None:
    truth, hu = heart.draw((heart.LEFT_MAIN, heart.LAD, heart.LCX, heart.MARGINAL), GRID)
    found = named(truth > 0, hu)
    for vessel in (Vessel.LM, Vessel.LAD, Vessel.LCX):
        assert agreement(truth, found.labels, vessel) > SAME
    assert "right coronary artery was not found" in " ".join(found.notes)


def test_left_tree_without_a_fork_is_named_by_its_course_and_said_to_be() -> None:
    truth, hu = heart.draw((heart.LEFT_MAIN, heart.LAD, heart.RCA), GRID)
    found = named(truth > 0, hu)
    assert agreement(truth, found.labels, Vessel.LAD) > SAME
    assert not (found.labels == Vessel.LCX).any()
    assert "named LAD from its course" in " ".join(found.notes)


RAMUS = heart.Tube(Vessel.LAD, ((14, -8, 22), (28, -14, 16), (48, -16, 0), (60, -14, -16)), (1.4, 0.8))


def test_ramus_from_the_end_of_the_left_main_has_one_name_and_moves_no_other() -> None:
    truth, hu = heart.draw((*heart.RIGHT_DOMINANT, RAMUS), GRID)
    found = named(truth > 0, hu)
    for vessel in (Vessel.LM, Vessel.LCX, Vessel.RCA):
        assert agreement(truth, found.labels, vessel) > SAME
    away = truth * (np.indices(GRID.shape_zyx)[2] > 88)  # x > 28, where the ramus has left the others
    ramus, _ = heart.draw((RAMUS,), GRID)
    assert (found.labels[(ramus > 0) & (away > 0)] == Vessel.LAD).mean() > 0.98


def test_arteries_that_leave_the_aorta_side_by_side_have_no_left_main() -> None:
    lad = replace(heart.LAD, points=((5, -6, 23), (12, -14, 22), *heart.LAD.points[1:]))
    lcx = replace(heart.LCX, points=((5, -3, 23), (16, -3, 20), *heart.LCX.points[1:]))
    truth, hu = heart.draw((lad, heart.DIAGONAL, lcx, heart.MARGINAL, heart.RCA, heart.DESCENDING), GRID)
    labels = named(truth > 0, hu).labels
    for vessel in (Vessel.LAD, Vessel.LCX, Vessel.RCA):
        assert agreement(truth, labels, vessel) > SAME
    assert (labels == Vessel.LM).sum() < 60


def test_left_tree_broken_at_its_fork_keeps_its_names() -> None:
    truth, hu = heart.draw(heart.RIGHT_DOMINANT, GRID)
    labels = named(hole(truth > 0, (14, -8, 22), 7), hu).labels
    for vessel in (Vessel.LAD, Vessel.LCX, Vessel.RCA):
        assert agreement(truth, labels, vessel) > SAME


@pytest.mark.parametrize(("at", "radius"), [((18, -4, 19.5), 3), ((16, -14, 21), 4)])
def test_left_main_is_found_where_the_start_of_one_of_its_branches_is_lost(at: heart.Point, radius: int) -> None:
    truth, hu = heart.draw(heart.RIGHT_DOMINANT, GRID)
    found = named(hole(truth > 0, at, radius), hu)
    assert found.notes == ()
    for vessel in (Vessel.LAD, Vessel.LCX, Vessel.RCA):
        assert agreement(truth, found.labels, vessel) > SAME
    assert agreement(truth, found.labels, Vessel.LM) > 0.7  # its end is where the gap begins


def twigs(trunk: heart.Tube, every_mm: float, to: heart.Point) -> list[heart.Tube]:
    """Branches of 12 mm and 1 mm calibre along a trunk."""
    corners = np.array(trunk.points, dtype=float)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    starts = [
        np.array([np.interp(s, along, corners[:, i]) for i in range(3)]) for s in np.arange(6, along[-1], every_mm)
    ]
    return [heart.Tube(trunk.vessel, (tuple(s), tuple(s + 12 * np.array(to))), (0.7, 0.6)) for s in starts]


def test_many_fine_twigs_take_their_trunks_name() -> None:
    fine = [
        *twigs(heart.LAD, 9.0, (-0.6, 0.0, -0.8)),
        *twigs(heart.LCX, 9.0, (0.0, 0.8, 0.6)),
        *twigs(heart.RCA, 9.0, (-0.7, 0.0, 0.7)),
    ]
    truth, hu = heart.draw((*heart.RIGHT_DOMINANT, *fine), GRID)
    found = named(truth > 0, hu)
    for vessel in NAMED_VESSELS:
        assert agreement(truth, found.labels, vessel) > SAME


@pytest.mark.parametrize("tube", [heart.RCA, heart.LAD, heart.LCX])
def test_middle_of_one_artery_alone_gets_no_wrong_name(tube: heart.Tube) -> None:
    """Nothing of it shows which heart it belongs to but its place beside the aortic root in the CT."""
    _, hu = heart.draw(heart.RIGHT_DOMINANT, GRID)
    truth, _ = heart.draw((replace(tube, points=tube.points[1:4]),), GRID)
    names = named(truth > 0, hu).labels[truth > 0]
    assert np.isin(names, (tube.vessel, Vessel.UNASSIGNED)).mean() > 0.9


@pytest.mark.parametrize("lost", [Vessel.LM, Vessel.RCA])
def test_what_is_lost_takes_no_other_arterys_name_with_it(lost: Vessel) -> None:
    truth, hu = heart.draw(heart.RIGHT_DOMINANT, GRID)
    labels = named((truth > 0) & (truth != lost), hu).labels
    for vessel in set(NAMED_VESSELS) - {lost, Vessel.LM}:
        assert agreement(truth, labels, vessel) > SAME


def test_without_their_ostia_arteries_have_names_but_no_distance_from_them() -> None:
    truth, hu = heart.draw(heart.RIGHT_DOMINANT, GRID)
    root = GRID.lps_to_index(np.array(heart.AORTIC_ROOT))
    away = np.linalg.norm(np.indices(GRID.shape_zyx).transpose(1, 2, 3, 0) - root, axis=-1) > 45
    found = named((truth > 0) & away, hu)
    assert found.dominance is None
    assert found.courses is not None
    assert np.isnan(found.courses.from_ostium_mm).all()
    wrong = (found.labels > 0) & (found.labels != truth) & (found.labels != Vessel.UNASSIGNED)
    assert wrong.sum() < 0.1 * (found.labels > 0).sum()


def blank() -> np.ndarray:
    return np.zeros(GRID.shape_zyx, dtype=bool)


def test_empty_mask_has_no_territory() -> None:
    found = named(blank(), np.zeros(GRID.shape_zyx, np.int16))
    assert not found.labels.any()
    assert "empty" in found.notes[0]


@pytest.mark.parametrize(
    "box",
    [
        pytest.param(np.s_[50:51, 50:51, 50:51], id="one voxel"),
        pytest.param(np.s_[0:1, 0:1, 0:1], id="one voxel in the corner"),
        pytest.param(np.s_[40:70, 40:70, 40:70], id="one large block"),
        pytest.param(np.s_[50:52, 30:60, 30:60], id="a sheet"),
        pytest.param(np.s_[:, :, :], id="everything"),
        pytest.param(np.s_[40:60, 50:52, 50:52], id="a short tube"),
    ],
)
def test_mask_that_is_no_tree_is_unassigned(box: tuple[slice, slice, slice]) -> None:
    mask = blank()
    mask[box] = True
    found = named(mask, np.full(GRID.shape_zyx, 300, np.int16))
    assert (found.labels[mask] == Vessel.UNASSIGNED).all()
    assert not found.labels[~mask].any()
    assert found.notes


def test_scattered_noise_raises_nothing_and_covers_the_mask() -> None:
    mask = np.random.default_rng(0).random(GRID.shape_zyx) < 0.02
    found = named(mask, np.zeros(GRID.shape_zyx, np.int16))
    np.testing.assert_array_equal(found.labels > 0, mask)


def test_aorta_in_the_mask_is_not_an_artery() -> None:
    truth, hu = heart.draw(heart.RIGHT_DOMINANT, GRID)
    centre = GRID.lps_to_index(np.array(heart.AORTIC_ROOT))
    index = np.indices(GRID.shape_zyx).transpose(1, 2, 3, 0)
    aorta = (np.linalg.norm(index - centre, axis=-1) < heart.ROOT_RADIUS_MM) & (truth == 0)
    labels = named((truth > 0) | aorta, hu).labels
    deep = ndimage.binary_erosion(aorta, iterations=5)
    assert (labels[deep] == Vessel.UNASSIGNED).all()
    for vessel in (Vessel.LAD, Vessel.LCX, Vessel.RCA):
        assert (labels[truth == vessel] == vessel).mean() > 0.85


@pytest.mark.parametrize("wrong", [0, 1])
def test_array_of_another_shape_is_refused(wrong: int) -> None:
    arrays = [blank(), np.zeros(GRID.shape_zyx, np.int16)]
    arrays[wrong] = arrays[wrong][1:]
    with pytest.raises(GeometryMismatchError):
        label_territories(arrays[0], arrays[1], GRID)


SMALL = Geometry((6, 10, 30), (1.0, 1.0, 0.5))


def territories() -> np.ndarray:
    """LAD in columns 0–9 and RCA in columns 20–29 of one row."""
    labels = np.zeros(SMALL.shape_zyx, np.uint8)
    labels[3, 5, :10] = Vessel.LAD
    labels[3, 5, 20:] = Vessel.RCA
    return labels


def test_lesion_takes_the_artery_that_it_lies_in() -> None:
    calcium = np.zeros(SMALL.shape_zyx, bool)
    calcium[3, 5, 2:4] = calcium[3, 5, 25:27] = True
    assigned = assign_calcium(calcium, territories(), SMALL)
    assert assigned.dtype == np.uint8
    assert assigned[3, 5, [2, 3, 25, 26]].tolist() == [2, 2, 4, 4]
    assert (assigned > 0).sum() == 4


def test_lesion_across_two_arteries_goes_whole_to_the_majority() -> None:
    labels = territories()
    labels[3, 5, 10:20] = Vessel.RCA
    calcium = np.zeros(SMALL.shape_zyx, bool)
    calcium[3, 5, 8:13] = True  # two voxels in the LAD, three in the RCA
    assert set(assign_calcium(calcium, labels, SMALL)[calcium].tolist()) == {Vessel.RCA}


@pytest.mark.parametrize(("row", "vessel"), [(7, Vessel.LAD), (8, Vessel.UNASSIGNED)])
def test_lesion_beyond_the_distance_is_unassigned(row: int, vessel: Vessel) -> None:
    calcium = np.zeros(SMALL.shape_zyx, bool)
    calcium[3, row, 2:4] = True
    assert set(assign_calcium(calcium, territories(), SMALL, 2.0)[calcium].tolist()) == {vessel}


def test_lesion_without_any_artery_is_unassigned() -> None:
    calcium = np.zeros(SMALL.shape_zyx, bool)
    calcium[3, 5, 2:4] = True
    assert set(assign_calcium(calcium, np.zeros_like(territories()), SMALL)[calcium].tolist()) == {Vessel.UNASSIGNED}


def test_no_calcium_is_no_assignment() -> None:
    assert not assign_calcium(np.zeros(SMALL.shape_zyx, bool), territories(), SMALL).any()


@pytest.mark.parametrize("wrong", [0, 1])
def test_assignment_of_another_shape_is_refused(wrong: int) -> None:
    arrays = [np.zeros(SMALL.shape_zyx, bool), territories()]
    arrays[wrong] = arrays[wrong][1:]
    with pytest.raises(GeometryMismatchError):
        assign_calcium(arrays[0], arrays[1], SMALL)


def test_vessels_are_named_as_tables_show_them() -> None:
    assert [v.label for v in Vessel] == ["LM", "LAD", "LCx", "RCA", "Unassigned"]
    assert [int(v) for v in Vessel] == [1, 2, 3, 4, 5]
