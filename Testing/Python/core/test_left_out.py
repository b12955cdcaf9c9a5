"""Lesions that the program found and does not believe: listed, not counted, and taken in with one step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.dataset.export import HARD_NEGATIVES, hard_negatives
from cacnet.edits import operations
from cacnet.edits.journal import document, replay
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import EditError, ReviewState, review_of
from cacnet.edits.session import Action, Session
from cacnet.edits.stored_review import ModelIdentity, Rules, store_result
from cacnet.edits.summary import summarize
from cacnet.findings import Finding, Severity
from cacnet.inference import Probabilities, choose_device
from cacnet.labelling import label
from cacnet.left_out import LeftOutLesion, RejectReason, each_left_out
from cacnet.lesions import find_lesions
from cacnet.outputs import unbegun_review
from cacnet.pipeline import left_out_agatston
from cacnet.reporting.case_report import report_of_result, report_of_review
from cacnet.reporting.page import page_of
from cacnet.scoring import protocol_named, resolve
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry, Volume
from report_cases import background, result
from schematic import prepared, schematic_ccta

SHAPE = (6, 20, 20)
GRID = Geometry(SHAPE, (3.0, 0.5, 0.5), (0.0, 0.0, 0.0))
LITERATURE = resolve(protocol_named("literature"), kvp=120.0)


def square(z: int, at: int, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Flat indices of 4 × 4 pixels."""
    mask = np.zeros(shape, bool)
    mask[z, at : at + 4, at : at + 4] = True
    return np.flatnonzero(mask)


VALVE = LeftOutLesion(Vessel.LCX, square(3, 10), RejectReason.VALVE, 0.62)
"""4 × 4 voxels at 250 HU: 8 Agatston, if it counted."""


def ct() -> np.ndarray:
    hu = np.full(SHAPE, 40.0)
    hu[1, 2:6, 2:6] = hu[3, 10:14, 10:14] = 250.0
    return hu


def session() -> Session:
    """Lesion 1 of the LAD counts (8 Agatston); lesion 2 is left out."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 2:6, 2:6] = Vessel.LAD
    found = find_lesions(labels, ct(), GRID, LITERATURE)
    return Session(review_of(found, [VALVE]), LiveScores(ct(), GRID, LITERATURE))


# --- what is left out becomes lesions ------------------------------------------------------------------------------


def parts(*numbers: int) -> list[LeftOutLesion]:
    """Of two rows of three voxels, some planes apart, that would have these vessel numbers."""
    index = np.concatenate([np.arange(100, 103), np.arange(1320, 1323)])
    mask = SparseMap.mask(index, SHAPE)
    vessel = SparseMap(index, np.repeat(np.array(numbers, np.uint8), 3), SHAPE)
    probability = SparseMap(index, np.array([0.5, 0.6, 0.7, 0.1, 0.2, 0.3], np.float32), SHAPE)
    return list(each_left_out(mask, vessel, probability, RejectReason.VALVE))


def test_each_part_is_a_lesion_of_its_artery_with_its_mean_probability() -> None:
    first, second = parts(Vessel.LCX, Vessel.RCA)
    assert (first.vessel, second.vessel) == (Vessel.LCX, Vessel.RCA)
    assert first.index.tolist() == [100, 101, 102]
    assert (first.confidence, second.confidence) == (pytest.approx(0.6), pytest.approx(0.2))
    assert first.reason is second.reason is RejectReason.VALVE


def test_what_no_artery_could_be_named_for_is_just_something_else() -> None:
    unassigned, unknown = parts(Vessel.UNASSIGNED, 0)
    assert unassigned.vessel is unknown.vessel is Vessel.UNASSIGNED
    assert unassigned.reason is unknown.reason is RejectReason.OTHER


# --- in a review ---------------------------------------------------------------------------------------------------


def test_a_left_out_lesion_comes_after_those_found_and_does_not_count() -> None:
    review = session()
    lesion = review.review.lesion(2)
    assert (lesion.state, lesion.reason, lesion.vessel) == (ReviewState.LEFT_OUT, RejectReason.VALVE, Vessel.LCX)
    assert review.scores.totals.agatston == 8.0
    assert set(np.unique(review.review.label_map())) == {0, Vessel.LAD}


def test_accepting_it_makes_it_count_and_undo_takes_it_out_again() -> None:
    review = session()
    review.apply(Action.ACCEPT, operations.accept(review.review, [2]))
    assert review.scores.totals.agatston == 16.0
    assert review.review.lesion(2).reason is None
    review.undo()
    assert review.scores.totals.agatston == 8.0
    assert review.review.lesion(2).reason is RejectReason.VALVE


def test_restoring_it_makes_it_count_and_asks_for_a_review() -> None:
    review = session()
    review.apply(Action.RESTORE, operations.restore(review.review, [2]))
    assert review.scores.totals.agatston == 16.0
    assert review.review.unreviewed == (1, 2)


def test_accepting_all_accepts_what_counts_only() -> None:
    review = session()
    review.apply(Action.ACCEPT_ALL, operations.accept_all(review.review))
    assert review.review.lesion(1).state is ReviewState.ACCEPTED
    assert review.review.lesion(2).state is ReviewState.LEFT_OUT


def test_it_stands_in_no_one_s_way_of_approving() -> None:
    review = session()
    assert review.review.unreviewed == (1,)
    review.apply(Action.ACCEPT, operations.accept(review.review, [1]))
    review.approve("AB")
    assert review.locked


def test_it_cannot_be_merged_before_it_counts() -> None:
    with pytest.raises(EditError, match="does not count"):
        operations.merge(session().review, [1, 2])


def test_the_summary_lists_it_with_the_score_that_it_would_have() -> None:
    summary = summarize(session(), LITERATURE)
    row = summary.lesions[1]
    assert (row.state, row.reason, row.agatston, row.counts) == (ReviewState.LEFT_OUT, RejectReason.VALVE, 8.0, False)
    assert (summary.left_out, summary.unreviewed) == ((2,), (1,))
    assert summary.network_totals.agatston == 8.0


def test_it_comes_back_from_the_journal() -> None:
    review = session()
    review.apply(Action.ACCEPT, operations.accept(review.review, [1]))
    again = replay(document(review), LiveScores(ct(), GRID, LITERATURE), SHAPE)
    assert again.review.lesion(2).same_as(review.review.lesion(2))
    assert again.original.lesion(2).state is ReviewState.LEFT_OUT


def test_journals_from_before_there_were_any_are_still_read() -> None:
    old = {**document(session()), "schema_version": 1}
    assert replay(old, LiveScores(ct(), GRID, LITERATURE), SHAPE).review.lesions.keys() == {1, 2}


def test_not_all_is_judged_while_one_is_left() -> None:
    """All judged, the interval of an estimate is that of right masks."""
    calibrated = resolve(protocol_named("ccta-calibrated"), 40.0, 20.0, 120.0)
    review = session()
    review.use(LiveScores(ct(), GRID, calibrated))
    review.apply(Action.ACCEPT, operations.accept(review.review, [1]))
    undecided = review.scores.totals.equivalent
    review.apply(Action.REJECT, operations.reject(review.review, [2], RejectReason.VALVE))
    decided = review.scores.totals.equivalent
    assert undecided is not None
    assert decided is not None
    assert decided.estimate == undecided.estimate
    assert decided != undecided


def test_nothing_is_learned_from_it_before_somebody_has_rejected_it() -> None:
    review = session()
    assert not hard_negatives(review).any()
    review.apply(Action.REJECT, operations.reject(review.review, [2], RejectReason.VALVE))
    negatives = hard_negatives(review)
    assert set(np.unique(negatives)) == {0, HARD_NEGATIVES[RejectReason.VALVE]}
    assert np.flatnonzero(negatives).tolist() == VALVE.index.tolist()


# --- kept with a result, and reported ------------------------------------------------------------------------------


def test_a_stored_review_keeps_it_with_its_confidence() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 2:6, 2:6] = Vessel.LAD
    found = find_lesions(labels, ct(), GRID, LITERATURE, np.full(SHAPE, 0.9))
    stored = store_result(Volume(ct(), GRID), found, LITERATURE, Rules("literature"), ModelIdentity(), left_out=[VALVE])
    opened = stored.open(ct())
    assert opened.review.lesion(2).state is ReviewState.LEFT_OUT
    assert [row.confidence for row in summarize(opened, LITERATURE).lesions] == [0.9, 0.62]


def result_with_one():
    found = result()
    return replace(found, left_out=(replace(VALVE, index=square(6, 20, found.volume.geometry.shape_zyx)),))


def test_the_review_of_a_result_begins_with_it() -> None:
    stored = unbegun_review(result_with_one())
    assert [lesion.state for lesion in stored.original().lesions.values()] == [
        *[ReviewState.UNREVIEWED] * 3,
        "left out",
    ]


def test_a_report_says_that_something_was_left_out_until_a_reader_has_judged_it() -> None:
    found = result_with_one()
    opened = unbegun_review(found).open(found.volume.hu)
    said = (
        Finding("calcium-left-out", Severity.WARNING, "One calcification was left out."),
        Finding("lesions-not-confirmed", Severity.NOTE, "One lesion was not confirmed."),
        Finding("vessels", Severity.NOTE, "The left coronary tree was not found."),
    )

    def codes() -> list[str]:
        report = report_of_review(opened, summarize(opened, LITERATURE), replace(background(found), findings=said))
        return [finding.code for finding in report.findings if finding.code in {f.code for f in said}]

    assert codes() == [f.code for f in said]
    opened.apply(Action.REJECT, operations.reject(opened.review, [4], RejectReason.VALVE))
    assert codes() == ["vessels"]


def test_a_report_doubts_a_zero_until_a_reader_has_judged_what_was_left_out() -> None:
    found = result_with_one()
    found.volume.hu.flat[found.left_out[0].index] = 250
    opened = unbegun_review(found).open(found.volume.hu)

    def doubts() -> list[str]:
        report = report_of_review(opened, summarize(opened, LITERATURE), background(found))
        return [finding.message for finding in report.findings if finding.code == "zero-with-calcium-left-out"]

    assert doubts() == []
    opened.apply(Action.REJECT, operations.reject(opened.review, [1, 2, 3], RejectReason.NOISE))
    (said,) = doubts()
    would_add = summarize(opened, LITERATURE).left_out_agatston[0]
    assert would_add > 0
    assert f"would make it {would_add:.1f}" in said
    opened.apply(Action.REJECT, operations.reject(opened.review, [4], RejectReason.VALVE))
    assert doubts() == []


def test_a_run_knows_what_the_left_out_lesions_would_add_to_a_zero() -> None:
    scan = schematic_ccta()
    on_grid = prepared(scan)
    nothing = np.zeros(on_grid.grid.shape_zyx, np.float32)
    labels = label(scan.volume, on_grid, Probabilities(nothing, nothing, choose_device("cpu"), 96))
    labels = replace(labels, left_out_lesions=(VALVE,))
    volume, none = Volume(ct(), GRID), find_lesions(np.zeros(SHAPE, np.uint8), ct(), GRID, LITERATURE)
    assert left_out_agatston(none, labels, volume, LITERATURE) == (8.0,)
    one = np.zeros(SHAPE, np.uint8)
    one[1, 2:6, 2:6] = Vessel.LAD
    assert left_out_agatston(find_lesions(one, ct(), GRID, LITERATURE), labels, volume, LITERATURE) == ()


def test_reports_of_a_result_and_of_its_review_list_it_alike() -> None:
    found = result_with_one()
    opened = unbegun_review(found).open(found.volume.hu)
    of_review = report_of_review(opened, summarize(opened, LITERATURE, 62.0, "M"), background(found))
    of_result = report_of_result(found)
    assert of_review.summary.lesions == of_result.summary.lesions
    assert of_review.summary.totals.agatston == of_result.summary.totals.agatston == 28.0
    lesions = page_of(of_result).lesions
    assert lesions.rows[3][-1] == "left out: valve?"
    assert page_of(of_result).badge.text == page_of(of_review).badge.text == "Not reviewed"
    assert 3 in lesions.muted
