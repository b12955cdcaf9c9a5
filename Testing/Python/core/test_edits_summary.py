"""What a reader sees of a review: every number computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits import operations
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import RejectReason, ReviewState, review_of
from cacnet.edits.session import Action, Session
from cacnet.edits.strokes import repaint
from cacnet.edits.summary import Difference, ReviewSummary, summarize
from cacnet.lesions import find_lesions
from cacnet.scoring import InvalidPatientError, RiskCategory, protocol_named, resolve
from cacnet.volume import Geometry

SHAPE = (6, 20, 20)
GRID = Geometry(SHAPE, (3.0, 0.5, 0.5), (0.0, 0.0, 0.0))
LITERATURE = resolve(protocol_named("literature"), kvp=120.0)


@pytest.fixture
def session() -> Session:
    """4 × 4 voxels of 0.25 mm²: LAD at 250 HU (factor 2: 8), RCA at 450 HU (factor 4: 16); an LCx voxel under 1 mm²."""
    labels, hu = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE)
    labels[1, 2:6, 2:6], hu[1, 2:6, 2:6] = Vessel.LAD, 250
    labels[3, 10:14, 10:14], hu[3, 10:14, 10:14] = Vessel.RCA, 450
    labels[5, 18, 18], hu[5, 18, 18] = Vessel.LCX, 300
    found = find_lesions(labels, hu, GRID, LITERATURE)
    return Session(review_of(found), LiveScores(hu, GRID, LITERATURE))


def seen(session: Session) -> ReviewSummary:
    return summarize(session, LITERATURE)


def test_an_untouched_review_shows_the_network_s_own_sums(session: Session) -> None:
    summary = seen(session)
    assert summary.totals.agatston == summary.network_totals.agatston == 24.0
    assert summary.totals.volume_mm3 == 24.0  # 32 voxels of 0.75 mm³
    assert summary.category is RiskCategory.MILD
    assert summary.unreviewed == (1, 2, 3)
    assert {row.difference for row in summary.lesions} == {Difference.NONE}
    assert (summary.can_undo, summary.can_redo, summary.locked) == (False, False, False)


def test_a_row_says_what_the_lesion_is(session: Session) -> None:
    row = seen(session).lesions[0]
    assert (row.id, row.vessel, row.agatston, row.volume_mm3, row.slices) == (1, Vessel.LAD, 8.0, 12.0, 1)
    assert (row.max_hu, row.mean_hu, row.mass_mg) == (250.0, 250.0, pytest.approx(12.0 * 250 * 0.00075))
    assert row.centroid_mm_ras == pytest.approx((-3.5 * 0.5, -3.5 * 0.5, 3.0))
    assert (row.third, row.from_ostium_mm, row.confidence) == (None, None, None)
    assert row.counts


def test_a_lesion_below_the_minimum_area_is_listed_but_does_not_count(session: Session) -> None:
    row = seen(session).lesions[2]
    assert (row.vessel, row.agatston, row.counts) == (Vessel.LCX, 0.0, False)


def test_a_rejected_lesion_leaves_its_artery_but_not_the_table(session: Session) -> None:
    session.apply(Action.REJECT, operations.reject(session.review, [2], RejectReason.STENT))
    summary = seen(session)
    row = summary.lesions[1]
    assert (row.state, row.reason, row.counts, row.agatston) == (
        ReviewState.REJECTED,
        RejectReason.STENT,
        False,
        16.0,
    )
    arteries = {vessel.vessel: vessel for vessel in summary.vessels}
    assert list(arteries) == list(Vessel)
    assert (arteries[Vessel.RCA].now.agatston, arteries[Vessel.RCA].network.agatston) == (0.0, 16.0)
    assert (summary.totals.agatston, summary.network_totals.agatston) == (8.0, 24.0)
    assert summary.can_undo


def test_differences_from_the_network_are_told(session: Session) -> None:
    session.apply(Action.RELABEL, operations.relabel(session.review, [1], Vessel.LM))
    beside = np.ravel_multi_index((3, 10, 14), SHAPE)
    session.apply(Action.PAINT, repaint(session.review, np.array([0, beside]), np.array([Vessel.LAD, Vessel.RCA])))
    rows = {row.id: row.difference for row in seen(session).lesions}
    assert rows == {1: Difference.RELABELLED, 2: Difference.REDRAWN, 3: Difference.NONE, 4: Difference.NEW}


def test_lesions_that_are_gone_are_named_and_merged_ones_are_origins(session: Session) -> None:
    session.apply(Action.MERGE, operations.merge(session.review, [1, 3]))
    summary = seen(session)
    assert summary.network_lesions_removed == (3,)
    assert summary.lesions[0].origin == (3,)


def test_the_percentile_needs_age_and_sex(session: Session) -> None:
    assert summarize(session, LITERATURE, 62.0).percentile is None
    assert summarize(session, LITERATURE, None, "M").percentile is None
    percentile = summarize(session, LITERATURE, 62.0, "M").percentile
    assert percentile is not None
    assert percentile.bracket == "25th–50th"  # men of 60 to 64: 25th at 13, 50th at 113


def test_an_impossible_patient_is_refused(session: Session) -> None:
    with pytest.raises(InvalidPatientError):
        summarize(session, LITERATURE, 7.0, "M")


def test_an_approved_review_names_who_approved_it(session: Session) -> None:
    session.apply(Action.ACCEPT_ALL, operations.accept_all(session.review))
    session.approve()
    summary = seen(session)
    assert (summary.approved_by, summary.locked, summary.unreviewed) == ("", True, ())
    assert not summary.can_undo
