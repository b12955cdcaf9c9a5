"""Corrections: lesions keep their ids, splits and merges follow what was painted, and every change can be undone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits import operations
from cacnet.edits.growing import cut_at_waist, cut_by_plane, grow_from_seed
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import Change, EditError, RejectReason, Review, ReviewState, in_one, review_of
from cacnet.edits.session import Action, LockedError, Session
from cacnet.edits.strokes import repaint, repaint_box
from cacnet.lesions import find_lesions
from cacnet.scoring import protocol_named, resolve
from cacnet.volume import Geometry, GeometryMismatchError
from hypothesis import given, settings
from hypothesis import strategies as st

SHAPE = (6, 20, 20)
GRID = Geometry(SHAPE, (3.0, 0.5, 0.5), (0.0, 0.0, 0.0))
LITERATURE = resolve(protocol_named("literature"), kvp=120.0)


def scan(*boxes: tuple[slice, slice, slice, int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and HU: each box is calcium of a vessel with an HU, in a background of 40 HU."""
    labels, hu = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 40.0, np.float32)
    for z, y, x, vessel, value in boxes:
        labels[z, y, x], hu[z, y, x] = vessel, value
    return labels, hu


def at(z: int, y: int, x: int, size: int = 4, vessel: int = 2, hu: float = 250.0) -> tuple:
    """A square of `size` × `size` pixels in one slice."""
    return slice(z, z + 1), slice(y, y + size), slice(x, x + size), vessel, hu


def review(*boxes: tuple) -> Review:
    labels, hu = scan(*boxes)
    return review_of(find_lesions(labels, hu, GRID, LITERATURE))


def flat(*voxels: tuple[int, int, int]) -> np.ndarray:
    return np.sort(np.ravel_multi_index(np.array(voxels).T, SHAPE).astype(np.int64))


def paint(state: Review, voxels: list[tuple[int, int, int]], vessel: int) -> Review:
    index = flat(*voxels)
    return state.changed(repaint(state, index, np.full(len(index), vessel, np.uint8)))


def sizes(state: Review) -> dict[int, int]:
    return {i: len(lesion.index) for i, lesion in state.lesions.items()}


def session(*boxes: tuple) -> Session:
    labels, hu = scan(*boxes)
    live = LiveScores(hu, GRID, LITERATURE)
    return Session(
        review_of(find_lesions(labels, hu, GRID, LITERATURE)), live, clock=lambda: "2026-01-01T00:00:00+00:00"
    )


# --- strokes -------------------------------------------------------------------------------------------------------


def test_lesion_keeps_its_id_after_a_brush_stroke() -> None:
    state = paint(review(at(1, 2, 2), at(3, 10, 10)), [(3, 9, 10), (3, 9, 11)], 2)
    assert sizes(state) == {1: 16, 2: 18}


def test_lesion_keeps_its_review_state_after_a_brush_stroke() -> None:
    state = review(at(1, 2, 2))
    state = state.changed(operations.accept(state, [1]))
    assert paint(state, [(1, 6, 2)], 2).lesion(1).state is ReviewState.ACCEPTED


def test_painting_away_from_every_lesion_makes_a_new_one() -> None:
    state = paint(review(at(1, 2, 2)), [(4, 15, 15)], 4)
    assert sizes(state) == {1: 16, 2: 1}
    assert state.lesion(2).vessel is Vessel.RCA


def test_painting_beside_a_lesion_of_another_artery_makes_a_new_one() -> None:
    state = paint(review(at(1, 2, 2)), [(1, 6, 2)], 3)
    assert sizes(state) == {1: 16, 2: 1}


def test_a_bridge_makes_two_lesions_one_with_the_id_of_the_larger() -> None:
    state = review(at(1, 2, 2, size=2), at(1, 2, 6, size=4))
    state = paint(state, [(1, 2, 4), (1, 2, 5)], 2)
    assert sizes(state) == {2: 22}
    assert state.lesion(2).origin == (1,)


def test_a_stroke_along_two_lesions_kept_apart_does_not_merge_them() -> None:
    state = review(at(1, 2, 2))
    state = state.changed(operations.split(state, 1, cut_by_plane(state.lesion(1).index, GRID, (1.9, 0, 0), (1, 0, 0))))
    assert sizes(state) == {1: 8, 2: 8}
    state = paint(state, [(1, 6, x) for x in range(2, 6)], 2)
    assert sizes(state) == {1: 10, 2: 10}


def test_erasing_the_middle_leaves_the_id_with_the_larger_piece() -> None:
    state = review((slice(1, 2), slice(5, 6), slice(2, 10), 2, 250.0))
    state = paint(state, [(1, 5, 4)], 0)
    assert sizes(state) == {1: 5, 2: 2}
    assert state.lesion(2).origin == (1,)


def test_parts_merged_by_a_reader_stay_one_lesion_after_a_stroke_on_one_of_them() -> None:
    state = review(at(1, 2, 2), at(4, 12, 12))
    state = state.changed(operations.merge(state, [1, 2]))
    assert sizes(paint(state, [(1, 2, 2)], 0)) == {1: 31}


def test_erasing_all_of_a_lesion_removes_it_and_its_id_is_not_given_again() -> None:
    state = review(at(1, 2, 2, size=1), at(4, 9, 9))
    state = paint(state, [(1, 2, 2)], 0)
    assert sizes(state) == {2: 16}
    assert sizes(paint(state, [(0, 0, 0)], 2)) == {2: 16, 3: 1}


def test_a_lesion_painted_as_another_artery_is_still_that_lesion() -> None:
    state = review(at(1, 2, 2, size=2))
    state = paint(state, [(1, y, x) for y in (2, 3) for x in (2, 3)], 4)
    assert sizes(state) == {1: 4}
    assert state.lesion(1).vessel is Vessel.RCA


def test_painting_half_a_lesion_as_another_artery_makes_that_half_new() -> None:
    state = paint(review(at(1, 2, 2, size=2)), [(1, 2, 2), (1, 2, 3)], 4)
    assert sizes(state) == {1: 2, 2: 2}
    assert state.lesion(2).origin == (1,)


def test_rejected_calcium_stays_where_the_reader_left_it_empty() -> None:
    state = review(at(1, 2, 2))
    state = state.changed(operations.reject(state, [1], RejectReason.CLIP))
    assert repaint_box(state, (0, 0, 0), np.zeros(SHAPE, np.uint8)).touched == frozenset()


def test_painting_over_rejected_calcium_brings_it_back_as_a_new_lesion() -> None:
    state = review(at(1, 2, 2))
    state = state.changed(operations.reject(state, [1], RejectReason.CLIP))
    state = paint(state, [(1, 2, 2)], 2)
    assert sizes(state) == {1: 15, 2: 1}
    assert state.label_map().sum() == 2


def test_a_box_of_labels_is_read_as_the_difference_to_what_is_known() -> None:
    state = review(at(1, 2, 2), at(4, 12, 12))
    labels = state.label_map()
    labels[1, 6, 2:4] = 2
    change = repaint_box(state, (1, 0, 0), labels[1:2])
    assert change.touched == {1}
    assert np.array_equal(state.changed(change).label_map(), labels)


def test_far_apart_changes_are_one_change() -> None:
    labels, hu = np.zeros((40, 80, 80), np.uint8), np.zeros((40, 80, 80))
    labels[2, 2, 2] = labels[38, 75, 75] = 2
    grid = Geometry(labels.shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    state = review_of(find_lesions(labels, hu, grid, LITERATURE))
    labels[2, 2, 3] = labels[38, 75, 76] = 2
    after = state.changed(repaint_box(state, (0, 0, 0), labels))
    assert sizes(after) == {1: 2, 2: 2}
    assert np.array_equal(after.label_map(), labels)


def test_voxels_that_already_are_so_change_nothing() -> None:
    state = review(at(1, 2, 2))
    assert repaint(state, state.lesion(1).index, np.full(16, 2, np.uint8)).touched == frozenset()


@pytest.mark.parametrize(
    ("index", "vessel", "message"),
    [
        (np.array([-1]), np.array([2]), "leaves the scan"),
        (np.array([2400]), np.array([2]), "leaves the scan"),
        (np.array([0]), np.array([7]), "labels"),
        (np.array([0, 1]), np.array([2]), "one label for each voxel"),
    ],
)
def test_an_impossible_stroke_is_refused(index: np.ndarray, vessel: np.ndarray, message: str) -> None:
    with pytest.raises(EditError, match=message):
        repaint(review(at(1, 2, 2)), index, vessel)


def test_a_box_beyond_the_scan_is_refused() -> None:
    with pytest.raises(EditError, match="inside the scan"):
        repaint_box(review(at(1, 2, 2)), (5, 0, 0), np.zeros((2, 1, 1), np.uint8))


strokes = st.lists(
    st.tuples(
        st.integers(0, 5), st.integers(0, 9), st.integers(0, 9), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3)
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(strokes)
def test_any_strokes_give_the_painted_labels_and_undo_to_the_first_ones(drawn: list[tuple[int, ...]]) -> None:
    first = review(at(1, 2, 2), at(3, 4, 8, vessel=3))
    state, labels, changes = first, first.label_map(), []
    for z, y, x, height, width, vessel in drawn:
        labels = labels.copy()
        labels[z, y : y + height, x : x + width] = vessel
        changes.append(repaint_box(state, (0, 0, 0), labels))
        state = state.changed(changes[-1])
        assert np.array_equal(state.label_map(), labels)
    assert np.array_equal(first.changed(in_one(changes)).label_map(), labels)
    for change in reversed(changes):
        state = state.changed(change.inverse)
    assert state.lesions.keys() == first.lesions.keys()
    assert all(state.lesion(i).same_as(first.lesion(i)) for i in first.lesions)


# --- operations ----------------------------------------------------------------------------------------------------


def test_rejected_lesions_leave_the_label_map_and_come_back_when_restored() -> None:
    state = review(at(1, 2, 2), at(3, 10, 10))
    rejected = state.changed(operations.reject(state, [1], RejectReason.VALVE))
    assert (rejected.label_map() > 0).sum() == 16
    assert rejected.lesion(1).reason is RejectReason.VALVE
    restored = rejected.changed(operations.restore(rejected, [1]))
    assert restored.lesion(1).same_as(state.lesion(1))


def test_accept_all_leaves_rejected_lesions_rejected() -> None:
    state = review(at(1, 2, 2), at(3, 10, 10))
    state = state.changed(operations.reject(state, [2], RejectReason.NOISE))
    state = state.changed(operations.accept_all(state))
    assert [lesion.state for lesion in state.lesions.values()] == [ReviewState.ACCEPTED, ReviewState.REJECTED]
    assert state.unreviewed == ()


def test_a_relabelled_lesion_stays_one_beside_its_new_neighbour() -> None:
    state = review(at(1, 2, 2), at(1, 2, 6, vessel=3))
    state = state.changed(operations.relabel(state, [2], Vessel.LAD))
    assert sizes(state) == {1: 16, 2: 16}


def test_merging_keeps_the_id_of_the_largest() -> None:
    state = review(at(1, 2, 2, size=2), at(4, 10, 10))
    merged = state.changed(operations.merge(state, [1, 2]))
    assert sizes(merged) == {2: 20}
    assert merged.lesion(2).origin == (1,)


def test_splitting_keeps_the_id_in_the_larger_part() -> None:
    state = review((slice(1, 2), slice(5, 6), slice(2, 10), 2, 250.0))
    parts = cut_by_plane(state.lesion(1).index, GRID, (2.2, 0, 0), (1, 0, 0))
    state = state.changed(operations.split(state, 1, parts))
    assert sizes(state) == {1: 5, 2: 3}


def test_adding_leaves_voxels_of_other_lesions_alone() -> None:
    state = review(at(1, 2, 2))
    state = state.changed(operations.add(state, flat((1, 5, 5), (1, 6, 6)), Vessel.RCA))
    assert sizes(state) == {1: 16, 2: 1}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda s: operations.accept(s, [9]), "no lesion 9"),
        (lambda s: operations.merge(s, [1]), "at least two"),
        (lambda s: operations.merge(s, [1, 1]), "at least two"),
        (lambda s: operations.add(s, s.lesion(1).index, Vessel.RCA), "already"),
        (lambda s: operations.split(s, 1, (s.lesion(1).index, s.lesion(1).index)), "do not make up"),
        (lambda s: operations.split(s, 1, (s.lesion(1).index, s.lesion(1).index[:0])), "do not make up"),
        (lambda s: cut_by_plane(s.lesion(1).index, GRID, (99.0, 0, 0), (1, 0, 0)), "does not cut"),
        (lambda s: cut_by_plane(s.lesion(1).index, GRID, (1.0, 0, 0), (0, 0, 0)), "without a direction"),
        (lambda s: operations.merge(s.changed(operations.reject(s, [1], RejectReason.BONE)), [1, 2]), "does not count"),
    ],
)
def test_an_impossible_operation_is_refused(edit, message: str) -> None:
    with pytest.raises(EditError, match=message):
        edit(review(at(1, 2, 2), at(4, 12, 12)))


def test_a_change_of_another_state_is_refused() -> None:
    state = review(at(1, 2, 2))
    change = operations.accept(state, [1])
    with pytest.raises(EditError, match="not as this change found it"):
        state.changed(change).changed(change)
    with pytest.raises(EditError, match="already is a lesion 1"):
        state.changed(Change((), (state.lesion(1),)))


def test_the_lesion_at_a_voxel_is_found_and_nothing_is_found_elsewhere() -> None:
    state = review(at(1, 2, 2))
    assert state.id_at((1, 3, 3)) == 1
    assert state.id_at((1, 9, 9)) is None
    assert state.id_at((99, 0, 0)) is None


# --- growing and cutting -------------------------------------------------------------------------------------------

FINE = Geometry((20, 40, 40), (0.5, 0.5, 0.5), (0.0, 0.0, 0.0))


def vessel_with_plaque(lumen_hu: float = 400.0) -> np.ndarray:
    """A lumen along z, 5 voxels wide, with a plaque of 1000 HU of 3 × 2 × 2 voxels at its side, one voxel of blur."""
    hu = np.full(FINE.shape_zyx, -80.0)
    hu[:, 18:23, 18:23] = lumen_hu
    hu[8:11, 23:25, 20:22] = 1000.0
    return hu


def test_growing_from_a_click_takes_the_plaque_and_stops_at_the_lumen() -> None:
    index = grow_from_seed(vessel_with_plaque(), FINE, (9, 24, 20), threshold_hu=300.0, lumen_hu=400.0)
    assert len(index) == 3 * 2 * 2


def test_growing_finds_the_plaque_a_voxel_beside_the_click() -> None:
    index = grow_from_seed(vessel_with_plaque(), FINE, (9, 26, 20), threshold_hu=450.0, lumen_hu=400.0)
    assert len(index) == 12


def test_growing_refuses_where_there_is_no_calcium() -> None:
    with pytest.raises(EditError, match="no calcium at the click"):
        grow_from_seed(vessel_with_plaque(), FINE, (2, 20, 20), threshold_hu=450.0, lumen_hu=400.0)


def test_growing_refuses_to_run_on_like_contrast() -> None:
    hu = np.full(FINE.shape_zyx, 900.0)
    with pytest.raises(EditError, match="contrast agent or bone"):
        grow_from_seed(hu, replace(FINE, spacing_mm_zyx=(1.0, 1.0, 1.0)), (9, 20, 20), 450.0, None)


def test_growing_refuses_a_click_outside() -> None:
    with pytest.raises(EditError, match="outside the scan"):
        grow_from_seed(vessel_with_plaque(), FINE, (20, 0, 0), 450.0, 400.0)


def test_a_dumbbell_is_cut_at_its_waist() -> None:
    mask = np.zeros(FINE.shape_zyx, bool)
    mask[5:12, 10:17, 5:12] = True
    mask[5:10, 10:15, 20:25] = True
    mask[7, 12, 12:20] = True
    larger, smaller = cut_at_waist(np.flatnonzero(mask), FINE)
    assert len(larger) + len(smaller) == mask.sum()
    assert 343 <= len(larger) <= 351
    assert 125 <= len(smaller) <= 133


def test_a_ball_has_no_waist() -> None:
    z, y, x = np.ogrid[:20, :40, :40]
    ball = (z - 10) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 <= 25
    with pytest.raises(EditError, match="no waist"):
        cut_at_waist(np.flatnonzero(ball), FINE)


# --- scores that follow --------------------------------------------------------------------------------------------


def test_scores_follow_every_edit() -> None:
    # 16 pixels of 0.25 mm² at 250 HU: 4 mm² × factor 2 = 8, vector A of the scoring rules; the other at 450 HU: 16.
    work = session(at(1, 2, 2), at(3, 10, 10, vessel=4, hu=450.0))
    assert work.scores.totals.agatston == pytest.approx(24.0)
    work.apply(Action.REJECT, operations.reject(work.review, [2], RejectReason.STENT), {"reason": "stent"})
    assert work.scores.totals.agatston == pytest.approx(8.0)
    assert work.scores.lesions[2].agatston == pytest.approx(16.0)
    work.apply(Action.RELABEL, operations.relabel(work.review, [1], Vessel.LCX))
    assert work.scores.vessels[Vessel.LCX].agatston == pytest.approx(8.0)
    assert work.original_scores.totals.agatston == pytest.approx(24.0)
    assert [(e.agatston_before, e.agatston_after) for e in work.audit] == [(24.0, 8.0), (8.0, 8.0)]


def test_splitting_a_lesion_changes_no_sum() -> None:
    # Halves of 0.75 mm² each would fall below the minimum area of 1 mm² if they were scored alone.
    work = session((slice(1, 2), slice(5, 6), slice(2, 8), 2, 350.0))
    before = work.scores.totals
    parts = cut_by_plane(work.review.lesion(1).index, GRID, (2.2, 0, 0), (1, 0, 0))
    after = work.apply(Action.SPLIT, operations.split(work.review, 1, parts))
    assert after.totals.agatston == pytest.approx(before.agatston) == pytest.approx(4.5)
    assert [after.lesions[i].agatston for i in (1, 2)] == pytest.approx([2.25, 2.25])
    work.apply(Action.REJECT, operations.reject(work.review, [2], RejectReason.NOISE))
    assert work.scores.lesions[1].agatston == 0.0


def test_scores_after_edits_equal_scores_from_scratch() -> None:
    labels, hu = scan(at(1, 2, 2), at(1, 2, 8, vessel=2, hu=450.0), at(3, 10, 10, vessel=4, hu=150.0))
    work = Session(review_of(find_lesions(labels, hu, GRID, LITERATURE)), LiveScores(hu, GRID, LITERATURE))
    hu[1, 6:8, 2:12] = 320.0
    labels = work.review.label_map()
    labels[1, 6, 2:12] = 2
    labels[3, 10, 10:14] = 0
    work.apply(Action.PAINT, repaint_box(work.review, (0, 0, 0), labels))
    again = find_lesions(labels, hu, GRID, LITERATURE)
    assert sorted(lesion.agatston for lesion in work.scores.lesions.values()) == sorted(
        lesion.agatston for lesion in again.lesions
    )
    assert {lesion.centroid_mm_lps for lesion in work.scores.lesions.values()} == {
        lesion.centroid_mm_lps for lesion in again.lesions
    }


def test_only_what_changed_is_scored_again() -> None:
    labels, hu = scan(*(at(1, 1 + 6 * i, 1 + 6 * j) for i in range(3) for j in range(3)))
    live = LiveScores(hu, GRID, LITERATURE)
    state = review_of(find_lesions(labels, hu, GRID, LITERATURE))
    before = live.of(state)
    after = live.of(paint(state, [(1, 5, 1)], 2))
    assert [i for i in after.lesions if after.lesions[i] is not before.lesions[i]] == [1]


def test_arrays_of_another_grid_are_refused() -> None:
    with pytest.raises(GeometryMismatchError, match="CT"):
        LiveScores(np.zeros((1, 2, 3)), GRID, LITERATURE)


# --- session -------------------------------------------------------------------------------------------------------


def test_undo_back_to_the_start_gives_the_network_s_labels_and_redo_gives_the_work_back() -> None:
    work = session(at(1, 2, 2), at(3, 10, 10))
    start = work.review.label_map()
    work.apply(Action.PAINT, repaint(work.review, flat((1, 6, 2)), np.array([2])))
    work.apply(Action.REJECT, operations.reject(work.review, [2], RejectReason.OTHER))
    end = work.review.label_map()
    while work.can_undo:
        work.undo()
    assert np.array_equal(work.review.label_map(), start)
    while work.can_redo:
        work.redo()
    assert np.array_equal(work.review.label_map(), end)
    assert [entry.action for entry in work.audit] == ["paint", "reject", "undo", "undo", "redo", "redo"]


def test_a_new_edit_after_an_undo_forgets_what_was_undone() -> None:
    work = session(at(1, 2, 2))
    work.apply(Action.ACCEPT, operations.accept(work.review, [1]))
    work.undo()
    work.apply(Action.REJECT, operations.reject(work.review, [1], RejectReason.BONE))
    assert not work.can_redo
    with pytest.raises(EditError, match="nothing to redo"):
        work.redo()


def test_a_change_of_nothing_leaves_no_trace() -> None:
    work = session(at(1, 2, 2))
    work.apply(Action.RESTORE, operations.restore(work.review, [1]))
    assert work.audit == ()
    with pytest.raises(EditError, match="nothing to undo"):
        work.undo()


def test_approval_needs_every_lesion_reviewed_and_locks() -> None:
    work = session(at(1, 2, 2), at(3, 10, 10))
    work.apply(Action.ACCEPT, operations.accept(work.review, [1]))
    with pytest.raises(EditError, match="1 of 2 lesions"):
        work.approve("AB")
    work.apply(Action.ACCEPT_ALL, operations.accept_all(work.review))
    work.approve("AB")
    assert work.locked
    assert not work.can_undo
    with pytest.raises(LockedError):
        work.undo()
    with pytest.raises(LockedError):
        work.apply(Action.RESTORE, operations.restore(work.review, [1]))
    work.reopen()
    work.undo()
    with pytest.raises(EditError, match="not approved"):
        work.reopen()


def test_other_scoring_rules_rescore_the_work_and_the_original() -> None:
    work = session(at(1, 2, 2, hu=190.0))
    kvp_80 = resolve(protocol_named("kvp-adjusted"), kvp=80.0)
    hu = np.full(SHAPE, 40.0)
    hu[1, 2:6, 2:6] = 190.0
    work.use(LiveScores(hu, GRID, kvp_80))
    # 190 HU reach the 177 HU of 80 kVp with factor 1: 4 mm².
    assert work.scores.totals.agatston == work.original_scores.totals.agatston == pytest.approx(4.0)


def test_a_lesion_that_grows_beside_another_and_loses_it_again_is_scored_as_if_nothing_had_been() -> None:
    """Lesion 1 does not change when lesion 2 comes to touch it, and must be forgotten by it when it goes."""
    work = session(at(1, 2, 2), at(1, 2, 9))
    beside = flat(*[(1, y, x) for y in range(2, 6) for x in (6, 7, 8)])
    work.apply(Action.RELABEL, operations.relabel(work.review, [1], Vessel.LCX))
    work.apply(Action.PAINT, repaint(work.review, beside, np.full(len(beside), 2, np.uint8)))
    work.apply(Action.RELABEL, operations.relabel(work.review, [2], Vessel.LCX))
    work.apply(Action.ERASE, operations.erase(work.review, work.review.lesion(1).index))
    work.apply(Action.ACCEPT_ALL, operations.accept_all(work.review))
    work.apply(Action.RELABEL, operations.relabel(work.review, [2], Vessel.RCA))
    _, hu = scan(at(1, 2, 2), at(1, 2, 9))
    afresh = LiveScores(hu, GRID, LITERATURE).of(work.review)
    assert work.scores.lesions == afresh.lesions
    assert work.scores.totals == afresh.totals
