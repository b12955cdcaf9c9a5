"""Slices of a whole case add up to what the lesions score."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import Change, Review, ReviewedLesion, flat_index
from cacnet.reporting.slices import slices_of_review, slices_of_set
from cacnet.scoring import protocol_named, resolve
from report_cases import GRID, LITERATURE, SHAPE, result, reviewed_session


def test_slices_of_a_result_add_up_to_its_total() -> None:
    found = result()
    rows = slices_of_set(found.scores.lesions, found.volume.hu, GRID, LITERATURE)
    assert [(row.score.position_mm, row.score.lesion, row.vessel, row.score.agatston) for row in rows] == [
        (53.0, 1, Vessel.LAD, 8.0),
        (62.0, 2, Vessel.LAD, 16.0),
        (62.0, 3, Vessel.RCA, 4.0),
    ]
    assert sum(row.score.volume_mm3 for row in rows) == found.scores.totals.volume_mm3


def test_a_rejected_lesion_has_no_slices() -> None:
    found = result()
    session = reviewed_session(found)
    rows = slices_of_review(session.review, found.volume.hu, GRID, LITERATURE)
    assert {row.score.lesion for row in rows} == {1, 3}
    assert sum(row.score.agatston for row in rows) == session.scores.totals.agatston == 12.0


@pytest.mark.parametrize("protocol", ["literature", "ccta-adaptive-3mm"])
def test_lesions_that_touch_share_their_islands_as_in_the_live_scores(protocol: str) -> None:
    hu = np.full(SHAPE, 40.0)
    hu[2:4, 10:14, 10:16] = 350.0
    hu[3, 10, 15] = 500.0
    left = np.argwhere(hu[..., :13] > 300)
    right = np.argwhere(hu[..., 13:] > 300) + np.array([0, 0, 13])
    far = np.argwhere(np.ones((1, 2, 2))) + np.array([6, 30, 30])
    hu[6, 30:32, 30:32] = 300.0
    lesions = tuple(
        ReviewedLesion(number, Vessel.LAD, flat_index(voxels, SHAPE))
        for number, voxels in enumerate((left, right, far), start=1)
    )
    review = Review(SHAPE).changed(Change((), lesions))
    resolved = resolve(protocol_named(protocol), 150.0, 20.0, 120.0)
    scored = LiveScores(hu, GRID, resolved).of(review)
    rows = slices_of_review(review, hu, GRID, resolved)
    for number, lesion in scored.lesions.items():
        own = sum(row.score.agatston for row in rows if row.score.lesion == number)
        assert own == pytest.approx(lesion.agatston, rel=1e-12)
