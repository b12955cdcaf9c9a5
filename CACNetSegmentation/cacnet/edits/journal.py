"""A reader's work as JSON: what the network found and everything done since, from which the same labels come back."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import Change, EditError, RejectReason, Review, ReviewedLesion, ReviewState
from cacnet.edits.session import Action, AuditEntry, Session, now_utc
from cacnet.errors import CacnetError
from cacnet.files import write_json
from cacnet.plain_json import parse_json

SCHEMA_VERSION = 2
"""Since 2, a lesion may be left out."""
READABLE = (1, 2)
MOST_BYTES = 200_000_000
"""A journal of a thousand edits has about one megabyte."""

MOST_LESION_VOXELS = 2**24
"""Half a litre of calcium; a few forged digits must not ask for more memory."""

WAY_OUT = "Take a copy from before the damage, or review the result anew"
UPDATE = "Open it with the version of CACNet that wrote it, or a newer one"


class JournalError(CacnetError):
    """A journal that is damaged, of another version, or of another scan."""

    def __init__(self, found: str, expected: str = "", action: str = WAY_OUT) -> None:
        super().__init__(found, expected, action)


def save(session: Session, path: Path) -> None:
    """Write the session as JSON, whole or not at all."""
    write_json(path, document(session))


def document(session: Session) -> dict[str, Any]:
    """The session as plain values."""
    return _document(session.original, session.audit, session.review)


def untouched_document(found: Review) -> dict[str, Any]:
    """A session that nobody has begun, as plain values."""
    return _document(found, (), found)


def _document(original: Review, audit: Sequence[AuditEntry], review: Review) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "shape_zyx": list(original.shape_zyx),
        "original": [_lesion(lesion) for lesion in original.lesions.values()],
        "entries": [entry_document(entry) for entry in audit],
        "labels_sha256": labels_sha256(review),
    }


def labels_sha256(review: Review) -> str:
    """A fingerprint of which voxel belongs to which lesion, and of what has been said of each."""
    digest = hashlib.sha256(repr(review.shape_zyx).encode())
    for lesion in review.lesions.values():
        digest.update(
            repr((lesion.id, int(lesion.vessel), lesion.state.value, lesion.reason and lesion.reason.value)).encode()
        )
        digest.update(lesion.index.astype("<i8").tobytes())
    return digest.hexdigest()


def load(path: Path, live: LiveScores, shape_zyx: tuple[int, int, int]) -> Session:
    """The session that was saved, undo and redo included; times are those of the first time.

    Raises:
        JournalError: see the class.
    """
    return replay(read_document(path), live, shape_zyx)


def read_document(path: Path) -> dict[str, Any]:
    """What is in a file of corrections, of which nothing is checked yet; raises JournalError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise JournalError(f"'{path.name}' has {path.stat().st_size} bytes", f"at most {MOST_BYTES}")
        content = parse_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise JournalError(f"'{path.name}' cannot be read ({error})", "a journal of corrections") from error
    if not isinstance(content, dict):
        raise JournalError(f"'{path.name}' holds a {type(content).__name__}", "a journal of corrections")
    return content


def replay(content: Any, live: LiveScores, shape_zyx: tuple[int, int, int]) -> Session:
    """The session that `document` describes, made by doing everything again.

    Raises:
        JournalError: see the class.
    """
    try:
        if content["schema_version"] not in READABLE:
            raise JournalError(
                f"journal version {content['schema_version']!r}", f"version 1 to {SCHEMA_VERSION}", UPDATE
            )
        if tuple(content["shape_zyx"]) != tuple(shape_zyx):
            raise JournalError(
                f"corrections of a scan of {content['shape_zyx']} voxels",
                f"one of {list(shape_zyx)}",
                "Choose the CT that they were made on",
            )
        original = _original(content, shape_zyx)
        times = iter([str(entry["when_utc"]) for entry in content["entries"]])
        session = Session(original, live, clock=lambda: next(times))
        for entry in content["entries"]:
            _redo(session, entry, shape_zyx)
        expected = content["labels_sha256"]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, EditError) as error:
        raise JournalError(
            f"the journal is damaged ({type(error).__name__}: {error})", "an unchanged journal"
        ) from error
    if labels_sha256(session.review) != expected:
        raise JournalError("doing the corrections again gives other labels", "those that were saved")
    session.clock = now_utc
    return session


def read_original(content: Any, shape_zyx: tuple[int, int, int]) -> Review:
    """The network's own result in what `document` gives; raises JournalError."""
    try:
        return _original(content, shape_zyx)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, EditError) as error:
        raise JournalError(
            f"the journal is damaged ({type(error).__name__}: {error})", "an unchanged journal"
        ) from error


def _original(content: Any, shape_zyx: tuple[int, int, int]) -> Review:
    return Review(shape_zyx).changed(Change((), tuple(_read_lesion(raw, shape_zyx) for raw in content["original"])))


def _redo(session: Session, entry: dict[str, Any], shape_zyx: tuple[int, int, int]) -> None:
    action, details = Action(entry["action"]), {str(k): str(v) for k, v in entry["details"].items()}
    match action:
        case Action.UNDO:
            session.undo()
        case Action.REDO:
            session.redo()
        case Action.APPROVE:
            session.approve(details.get("reviewer", ""))
        case Action.REOPEN:
            session.reopen()
        case _:
            before = tuple(session.review.lesion(int(i)) for i in entry["change"]["removed"])
            after = tuple(_read_lesion(raw, shape_zyx) for raw in entry["change"]["added"])
            session.apply(action, Change(before, after), details)


def entry_document(entry: AuditEntry) -> dict[str, Any]:
    """One line of the audit trail as plain values."""
    change = None
    if entry.change is not None:
        change = {
            "removed": [lesion.id for lesion in entry.change.before],
            "added": [_lesion(lesion) for lesion in entry.change.after],
        }
    return {
        "action": entry.action.value,
        "when_utc": entry.when_utc,
        "lesions": list(entry.lesions),
        "details": dict(entry.details),
        "agatston_before": round(entry.agatston_before, 3),
        "agatston_after": round(entry.agatston_after, 3),
        "change": change,
    }


def _lesion(lesion: ReviewedLesion) -> dict[str, Any]:
    return {
        "id": lesion.id,
        "vessel": lesion.vessel.label,
        "state": lesion.state.value,
        "reason": lesion.reason.value if lesion.reason else None,
        "origin": list(lesion.origin),
        "runs": _runs(lesion.index),
    }


def _runs(index: np.ndarray) -> list[int]:
    """Sorted indices as gap, length, gap, length …; a gap is counted from the end of the run before."""
    breaks = np.flatnonzero(np.diff(index) != 1) + 1
    starts = np.concatenate([index[:1], index[breaks]])
    lengths = np.diff(np.concatenate([[0], breaks, [len(index)]]))
    gaps = np.diff(np.concatenate([[0], starts + lengths])) - lengths
    return [int(n) for n in np.stack([gaps, lengths], axis=1).ravel()]


def _indices(runs: list[int], shape_zyx: tuple[int, int, int]) -> np.ndarray:
    numbers = np.array(runs, dtype=np.int64).reshape(-1, 2)
    if not len(numbers) or (numbers[:, 1] <= 0).any() or (numbers[:, 0] < 0).any():
        raise ValueError("runs of no length")
    if numbers.sum(dtype=float) > math.prod(shape_zyx):
        raise ValueError("runs that leave the scan")
    if numbers[:, 1].sum() > MOST_LESION_VOXELS:
        raise ValueError(f"a lesion of {numbers[:, 1].sum()} voxels")
    ends = numbers.sum(axis=1).cumsum()
    return np.concatenate([np.arange(end - n, end) for end, n in zip(ends, numbers[:, 1], strict=True)])


def _read_lesion(raw: dict[str, Any], shape_zyx: tuple[int, int, int]) -> ReviewedLesion:
    return ReviewedLesion(
        id=int(raw["id"]),
        vessel={vessel.label: vessel for vessel in Vessel}[raw["vessel"]],
        index=_indices(raw["runs"], shape_zyx),
        state=ReviewState(raw["state"]),
        reason=RejectReason(raw["reason"]) if raw["reason"] else None,
        origin=tuple(int(i) for i in raw["origin"]),
    )
