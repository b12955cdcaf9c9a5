"""A crash loses no step of a review, and a damaged save loses only what was damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits import operations
from cacnet.edits.autosave import Autosave, ReviewText, recoverable, recovered
from cacnet.edits.journal import labels_sha256
from cacnet.edits.review import RejectReason
from cacnet.edits.session import Action, Session
from cacnet.edits.stored_json import as_document, from_text
from cacnet.edits.stored_review import ReviewFileError, Rules, StoredReview
from cacnet.files import UnwritableOutputError
from review_case import SHAPE, ct, stored_review

LATER = Rules("literature", 70.0, "M")


@pytest.fixture
def stored() -> StoredReview:
    return stored_review()


@pytest.fixture
def session(stored: StoredReview) -> Session:
    return stored.open(ct())


def work(session: Session):
    """Three steps, one after another."""
    yield session.apply(Action.REJECT, operations.reject(session.review, [2], RejectReason.STENT), {"reason": "stent"})
    yield session.apply(Action.RELABEL, operations.relabel(session.review, [1], Vessel.LCX))
    yield session.undo()


def saved(folder: Path, stored: StoredReview, session: Session) -> Autosave:
    text, autosave = ReviewText(stored), Autosave(folder, stored)
    for _ in work(session):
        autosave.append(text.update(session), session, LATER)
    return autosave


def test_the_text_of_a_review_in_progress_is_that_of_the_whole(stored: StoredReview, session: Session) -> None:
    text = ReviewText(stored)
    for _ in work(session):
        assert json.loads(text.text(session, LATER)) == json.loads(
            json.dumps(as_document(stored.with_work(session, LATER)))
        )


def test_the_text_goes_on_from_a_review_with_steps(stored: StoredReview, session: Session) -> None:
    list(work(session))
    half = stored.with_work(session, LATER)
    again = half.open(ct())
    text = ReviewText(half)
    assert text.update(again) == []
    again.redo()
    assert len(from_text(text.text(again, LATER)).journal["entries"]) == 4


def test_every_step_is_recovered(tmp_path: Path, stored: StoredReview, session: Session) -> None:
    autosave = saved(tmp_path / "new folder", stored, session)
    again = recovered(autosave.path)
    assert again.rules == LATER
    opened = again.open(ct())
    assert labels_sha256(opened.review) == labels_sha256(session.review)
    assert [entry.action for entry in opened.audit] == [Action.REJECT, Action.RELABEL, Action.UNDO]
    assert opened.can_redo


@pytest.mark.parametrize("torn", ["", '{"entries":[', '{"entries":[]}\n', "\ufffd\n", '{"entries":7,"rules":1}\n'])
def test_a_step_cut_short_is_left_out(tmp_path: Path, stored: StoredReview, session: Session, torn: str) -> None:
    autosave = saved(tmp_path, stored, session)
    with autosave.path.open("a", encoding="utf-8") as file:
        file.write(torn)
    assert labels_sha256(recovered(autosave.path).open(ct()).review) == labels_sha256(session.review)


def test_only_reviews_with_steps_are_offered_the_latest_first(tmp_path: Path, session: Session) -> None:
    import os

    Autosave(tmp_path, stored_review())
    old, new = (saved(tmp_path, stored_review(), stored_review().open(ct())) for _ in range(2))
    os.utime(old.path, (1_000_000_000, 1_000_000_000))
    os.utime(new.path, (1_100_000_000, 1_100_000_000))
    (tmp_path / "x.cacnet-review").write_text("damaged", "utf-8")
    offered = recoverable(tmp_path)
    assert [one.path for one in offered] == [new.path, old.path]
    assert (offered[1].saved_utc, offered[1].steps, offered[1].shape_zyx) == ("2001-09-09T01:46:40+00:00", 3, SHAPE)


def test_a_folder_that_does_not_exist_offers_nothing(tmp_path: Path) -> None:
    assert recoverable(tmp_path / "none") == ()


def test_a_closed_review_leaves_nothing_to_recover(tmp_path: Path, stored: StoredReview, session: Session) -> None:
    autosave = saved(tmp_path, stored, session)
    autosave.discard()
    autosave.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_gone_or_too_large_is_named(
    tmp_path: Path, stored: StoredReview, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    autosave = saved(tmp_path, stored, session)
    monkeypatch.setattr("cacnet.edits.autosave.MOST_BYTES", 10)
    with pytest.raises(ReviewFileError, match="at most 10"):
        recovered(autosave.path)
    autosave.discard()
    with pytest.raises(ReviewFileError, match="cannot be read"):
        recovered(autosave.path)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, stored: StoredReview, session: Session) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UnwritableOutputError):
        Autosave(tmp_path / "file" / "folder", stored)
    autosave = Autosave(tmp_path / "folder", stored)
    autosave.discard()
    (tmp_path / "folder").rmdir()
    with pytest.raises(UnwritableOutputError, match="last step"):
        autosave.append([], session, LATER)


def test_another_ct_cannot_take_a_recovered_review(tmp_path: Path, stored: StoredReview, session: Session) -> None:
    autosave = saved(tmp_path, stored, session)
    other = np.full(SHAPE, 300, np.int16)
    with pytest.raises(ReviewFileError, match="other values"):
        recovered(autosave.path).open(other)
