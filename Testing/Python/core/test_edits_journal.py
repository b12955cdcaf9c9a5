"""A reader's work comes back from its journal bit by bit, and a damaged journal is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits import operations
from cacnet.edits.journal import JournalError, document, labels_sha256, load, replay, save
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import RejectReason, review_of
from cacnet.edits.session import Action, Session
from cacnet.edits.strokes import repaint
from cacnet.lesions import find_lesions
from cacnet.scoring import protocol_named, resolve
from cacnet.volume import Geometry

SHAPE = (6, 20, 20)
GRID = Geometry(SHAPE, (3.0, 0.5, 0.5), (0.0, 0.0, 0.0))
LITERATURE = resolve(protocol_named("literature"), kvp=120.0)


@pytest.fixture
def live() -> LiveScores:
    hu = np.full(SHAPE, 250.0)
    return LiveScores(hu, GRID, LITERATURE)


@pytest.fixture
def work(live: LiveScores) -> Session:
    """Two lesions: one accepted, relabelled and painted, one rejected; the rejection undone, redone and approved."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 2:6, 2:6] = 2
    labels[3, 10:14, 10:14] = 4
    times = iter(f"2026-01-01T00:00:{second:02}+00:00" for second in range(60))
    session = Session(
        review_of(find_lesions(labels, np.full(SHAPE, 250.0), GRID, LITERATURE)), live, lambda: next(times)
    )
    session.apply(Action.RELABEL, operations.relabel(session.review, [1], Vessel.LCX), {"vessel": "LCx"})
    session.apply(Action.PAINT, repaint(session.review, np.array([0, 450]), np.array([1, 3])))
    session.apply(Action.REJECT, operations.reject(session.review, [2], RejectReason.STENT), {"reason": "stent"})
    session.undo()
    session.redo()
    session.apply(Action.ACCEPT_ALL, operations.accept_all(session.review))
    session.approve("AB")
    return session


def test_replaying_gives_the_same_labels_the_same_trail_and_the_same_undo(
    work: Session, live: LiveScores, tmp_path: Path
) -> None:
    save(work, tmp_path / "edits.json")
    again = load(tmp_path / "edits.json", live, SHAPE)
    assert np.array_equal(again.review.label_map(), work.review.label_map())
    assert labels_sha256(again.review) == labels_sha256(work.review)
    assert np.array_equal(again.original.label_map(), work.original.label_map())
    assert document(again) == document(work)
    assert again.approved_by == "AB"
    for session in (again, work):
        session.reopen()
        while session.can_undo:
            session.undo()
    assert labels_sha256(again.review) == labels_sha256(work.review) == labels_sha256(work.original)


def test_the_file_says_what_was_done_in_words(work: Session, tmp_path: Path) -> None:
    save(work, tmp_path / "edits.json")
    content = json.loads((tmp_path / "edits.json").read_text("utf-8"))
    assert [entry["action"] for entry in content["entries"]] == [
        "relabel",
        "paint",
        "reject",
        "undo",
        "redo",
        "accept all",
        "approve",
    ]
    rejection = content["entries"][2]
    assert rejection["details"] == {"reason": "stent"}
    assert rejection["lesions"] == [2]
    assert rejection["agatston_before"] > rejection["agatston_after"]


def test_voxels_are_stored_as_runs(work: Session) -> None:
    # Rows of four at (1, 2..5, 2..5) in slices of 20 × 20: the first begins at 400 + 42, the next 16 after its end.
    assert document(work)["original"][0]["runs"] == [442, 4, 16, 4, 16, 4, 16, 4]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: c.update(schema_version=99), "version 99"),
        (lambda c: c.update(shape_zyx=[6, 20, 21]), "scan of"),
        (lambda c: c.pop("original"), "damaged"),
        (lambda c: c["original"][0].update(vessel="aorta"), "damaged"),
        (lambda c: c["original"][0].update(runs=[2390, 99]), "damaged"),
        (lambda c: c["original"][0].update(runs=[5, 0]), "damaged"),
        (lambda c: c["original"][0].update(runs=[]), "damaged"),
        (lambda c: c["entries"][0].update(action="invent"), "damaged"),
        (lambda c: c["entries"][0]["change"].update(removed=[7]), "damaged"),
        (lambda c: c["entries"].pop(1), "damaged|other labels"),
        (lambda c: c.update(labels_sha256="0" * 64), "other labels"),
    ],
)
def test_a_damaged_journal_is_refused(work: Session, live: LiveScores, damage, message: str) -> None:
    content = json.loads(json.dumps(document(work)))
    damage(content)
    with pytest.raises(JournalError, match=message):
        replay(content, live, SHAPE)


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", '"text"'])
def test_a_file_that_is_no_journal_is_refused(text: str, live: LiveScores, tmp_path: Path) -> None:
    (tmp_path / "edits.json").write_text(text, "utf-8")
    with pytest.raises(JournalError):
        load(tmp_path / "edits.json", live, SHAPE)


def test_a_missing_file_is_named(live: LiveScores, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"edits\.json"):
        load(tmp_path / "edits.json", live, SHAPE)
