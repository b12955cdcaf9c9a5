"""A review at rest goes on as it was left, and whatever was damaged or belongs to another scan is refused."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits import operations
from cacnet.edits.journal import labels_sha256
from cacnet.edits.review import RejectReason
from cacnet.edits.session import Action, Session
from cacnet.edits.stored_json import (
    MOST_COURSE_POINTS,
    as_document,
    from_document,
    from_text,
    read_review,
    to_text,
    write_review,
)
from cacnet.edits.stored_review import ModelIdentity, ReviewFileError, Rules, StoredReview, store_result
from cacnet.edits.strokes import repaint
from cacnet.files import UnwritableOutputError
from cacnet.findings import Finding, Severity
from cacnet.lesions import find_lesions
from cacnet.scoring import MissingKvpError, protocol_named, resolve
from cacnet.vessels.places import Courses, Third
from cacnet.volume import Geometry, Volume

SHAPE = (6, 20, 20)
GRID = Geometry(SHAPE, (3.0, 0.5, 0.5), (0.0, 0.0, 0.0))
COURSES = Courses(
    np.array([[0.0, 0.0, 3.0], [2.0, 2.0, 3.0], [6.0, 6.0, 9.0]]),
    np.array([2, 2, 4], np.uint8),
    np.array([0.0, 30.0, math.nan]),
    np.array([1.5, 1.5, 2.0]),
)


LEFT_OUT = Finding("calcium-left-out", Severity.WARNING, "12 mm³ far from every artery were left out.")


def scan() -> np.ndarray:
    hu = np.full(SHAPE, 200, np.int16)
    hu[1, 2:6, 2:6] = 500
    hu[3, 10:14, 10:14] = 450
    return hu


@pytest.fixture
def stored() -> StoredReview:
    """A lesion of the LAD and one of the RCA, 16 voxels of 0.25 mm² each, as the network found them."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 2:6, 2:6], labels[3, 10:14, 10:14] = Vessel.LAD, Vessel.RCA
    resolved = resolve(protocol_named("ccta-adaptive"), 200.0, 50.0, 100.0)
    probability = np.where(labels == Vessel.LAD, 0.75, 0.5)
    lesions = find_lesions(labels, scan(), GRID, resolved, probability)
    return store_result(
        Volume(scan(), GRID),
        lesions,
        resolved,
        Rules("ccta-adaptive", 61.0, "F"),
        ModelIdentity("net", "ab"),
        "right",
        COURSES,
        [LEFT_OUT],
    )


@pytest.fixture
def session(stored: StoredReview) -> Session:
    return stored.open(scan())


def test_a_result_opens_with_scores_confidence_and_places(session: Session) -> None:
    lad, rca = session.scores.lesions[1], session.scores.lesions[2]
    assert (lad.agatston, rca.agatston) == (16.0, 16.0)  # 16 × 0.25 mm² × factor 4
    assert (lad.confidence, rca.confidence) == (0.75, 0.5)
    assert lad.place.third is Third.DISTAL  # 30 of 30 mm from the ostium
    assert rca.place.from_ostium_mm is None


def test_a_redrawn_lesion_loses_the_network_s_confidence_and_regains_it_by_undo(session: Session) -> None:
    index = np.ravel_multi_index((1, 2, 6), SHAPE)
    session.apply(Action.PAINT, repaint(session.review, np.array([index]), np.array([Vessel.LAD])))
    assert session.scores.lesions[1].confidence is None
    assert session.scores.lesions[2].confidence == 0.5
    session.undo()
    assert session.scores.lesions[1].confidence == 0.75


def test_a_relabelled_lesion_keeps_its_confidence_and_a_new_one_has_none(session: Session) -> None:
    session.apply(Action.RELABEL, operations.relabel(session.review, [1], Vessel.LM))
    session.apply(Action.ADD, operations.add(session.review, np.array([0, 1]), Vessel.LCX))
    assert session.scores.lesions[1].confidence == 0.75
    assert session.scores.lesions[3].confidence is None


def test_the_file_gives_back_every_value(stored: StoredReview, tmp_path: Path) -> None:
    write_review(tmp_path / "review.json", stored)
    again = read_review(tmp_path / "review.json")
    assert as_document(again) == as_document(stored)
    assert again.geometry == stored.geometry
    assert (again.blood_median_hu, again.blood_sd_hu, again.kvp) == (200.0, 50.0, 100.0)
    assert (again.rules, again.model, again.dominance) == (stored.rules, stored.model, "right")
    assert again.findings == (LEFT_OUT,)
    assert again.courses is not None
    np.testing.assert_array_equal(again.courses.from_ostium_mm, COURSES.from_ostium_mm)
    np.testing.assert_array_equal(again.courses.points_mm_lps, COURSES.points_mm_lps)


def test_a_review_from_before_findings_were_kept_has_none(stored: StoredReview) -> None:
    content = as_document(stored)
    del content["findings"]
    assert from_document(content).findings == ()


def test_work_comes_back_bit_by_bit(stored: StoredReview, session: Session) -> None:
    session.apply(Action.REJECT, operations.reject(session.review, [2], RejectReason.STENT), {"reason": "stent"})
    session.apply(Action.RELABEL, operations.relabel(session.review, [1], Vessel.LCX))
    session.undo()
    text = to_text(stored.with_work(session, Rules("literature", None, None)))
    again = from_text(text)
    opened = again.open(scan())
    assert again.rules == Rules("literature", None, None)
    assert labels_sha256(opened.review) == labels_sha256(session.review)
    assert [entry.action for entry in opened.audit] == [Action.REJECT, Action.RELABEL, Action.UNDO]
    assert opened.can_redo


def test_another_image_type_is_the_same_ct(stored: StoredReview) -> None:
    assert stored.open(scan().astype(np.float64)).scores.totals.agatston == 32.0


def test_another_ct_is_refused(stored: StoredReview) -> None:
    other = scan()
    other[1, 2, 2] += 1
    with pytest.raises(ReviewFileError, match="other values"):
        stored.open(other)
    with pytest.raises(ReviewFileError, match="voxels"):
        stored.open(np.zeros((2, 2, 2)))


def test_other_protocols_are_resolved_with_the_scan_s_own_numbers(stored: StoredReview) -> None:
    assert stored.resolve("ccta-adaptive").threshold_hu == 300.0  # 200 + 2 × 50
    assert stored.resolve("kvp-adjusted").threshold_hu == 145.0  # the table's row of 100 kVp


def test_a_protocol_that_needs_what_is_not_known_says_so(stored: StoredReview) -> None:
    unknown = from_document({**as_document(stored), "kvp": None})
    with pytest.raises(MissingKvpError):
        unknown.resolve("kvp-adjusted")


def _broken(path: str, value: object):
    def change(content: dict) -> None:
        *folders, name = path.split("/")
        place = content
        for folder in folders:
            place = place[folder]
        place[name] = value

    return change


@pytest.mark.parametrize(
    "damage",
    [
        _broken("schema_version", 2),
        _broken("geometry/shape_zyx", [6, 20]),
        _broken("geometry/shape_zyx", [6, 20, 0]),
        _broken("geometry/spacing_mm_zyx", [3.0, 0.5, -0.5]),
        _broken("geometry/direction_lps", [1.0]),
        _broken("hu_sha256", 7),
        _broken("rules/sex", "X"),
        _broken("rules/age_years", "old"),
        _broken("rules/protocol", None),
        _broken("threshold_hu", "nan"),
        _broken("blood_sd_hu", True),
        _broken("confidence", {"1": 1.5}),
        _broken("confidence", {"one": 0.5}),
        _broken("confidence", []),
        _broken("courses/radius_mm", [1.0]),
        _broken("courses/vessel", [2, 2, 9]),
        _broken("courses/points_mm_lps", ["a"] * 9),
        _broken("findings", [{"code": "x"}]),
        _broken("findings", [{"code": "x", "severity": "dire", "message": "m"}]),
        _broken("findings", [{"code": "x", "severity": "note", "message": 7}]),
        _broken("findings", [{"code": "x", "severity": "note", "message": "m"}] * 101),
        _broken("findings", [{"code": "x", "severity": "note", "message": "m" * 5000}]),
        _broken("findings", 5),
        _broken("model", None),
        _broken("journal", []),
        _broken("journal/original", [{"id": 1}]),
    ],
)
def test_damage_is_named(stored: StoredReview, damage) -> None:
    content = copy.deepcopy(as_document(stored))
    damage(content)
    with pytest.raises(Exception, match=r"damaged|version|protocol") as caught:
        from_document(content)
    assert type(caught.value).__name__ in {"ReviewFileError", "JournalError", "UnknownProtocolError"}


def test_centre_lines_beyond_any_heart_are_refused(stored: StoredReview) -> None:
    content = as_document(stored)
    many = MOST_COURSE_POINTS + 1
    content["courses"] = {
        "points_mm_lps": [0.0] * 3 * many,
        "vessel": [2] * many,
        "from_ostium_mm": [None] * many,
        "radius_mm": [1.0] * many,
    }
    with pytest.raises(ReviewFileError, match="differ in length"):
        from_document(content)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": NaN}', "null"])
def test_what_is_no_review_is_refused(text: str) -> None:
    with pytest.raises(ReviewFileError):
        from_text(text)


def test_too_much_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cacnet.edits.stored_json.MOST_BYTES", 10)
    path = tmp_path / "review.json"
    path.write_text(json.dumps({"a": "0123456789"}), "utf-8")
    with pytest.raises(ReviewFileError, match="at most 10"):
        read_review(path)
    with pytest.raises(ReviewFileError, match="at most 10"):
        from_text(path.read_text("utf-8"))


def test_a_missing_file_or_folder_is_named(stored: StoredReview, tmp_path: Path) -> None:
    with pytest.raises(ReviewFileError, match=r"review\.json"):
        read_review(tmp_path / "review.json")
    with pytest.raises(UnwritableOutputError):
        write_review(tmp_path / "none" / "review.json", stored)
