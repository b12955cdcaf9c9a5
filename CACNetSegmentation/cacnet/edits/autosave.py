"""A review in progress on disk, one line per step, so that a crash loses nothing.

The first line is the stored review as it was opened; every further line holds the steps since, in a few hundred bytes.
A last line that a crash cut short is left out.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cacnet.edits.journal import MOST_BYTES, entry_document, labels_sha256
from cacnet.edits.session import Session
from cacnet.edits.stored_json import (
    from_text,
    head_document,
    read_rules,
    rules_document,
    to_text,
)
from cacnet.edits.stored_review import ReviewFileError, Rules, StoredReview
from cacnet.files import UnwritableOutputError, replacing
from cacnet.plain_json import parse_json

SUFFIX = ".cacnet-review"


class ReviewText:
    """The JSON of a review in progress, made anew after each step at the cost of that step."""

    def __init__(self, stored: StoredReview) -> None:
        journal = dict(stored.journal)
        self._entries = [_compact(entry) for entry in journal.pop("entries")]
        journal.pop("labels_sha256")
        self._head = _compact(head_document(stored))[:-1]
        self._journal = _compact(journal)[:-1]

    def update(self, session: Session) -> list[str]:
        """Take in what the session has done since; returns the new steps, each as JSON."""
        new = [_compact(entry_document(entry)) for entry in session.audit[len(self._entries) :]]
        self._entries += new
        return new

    def text(self, session: Session, rules: Rules) -> str:
        """The whole, as `stored_json.from_text` reads it."""
        self.update(session)
        return (
            f'{self._head},"rules":{_compact(rules_document(rules))},"journal":{self._journal},'
            f'"entries":[{",".join(self._entries)}],"labels_sha256":"{labels_sha256(session.review)}"}}}}'
        )


@dataclass(frozen=True)
class Recoverable:
    """A review that was not closed.

    Attributes:
        saved_utc: time of its last step, ISO 8601.
        steps: how many there were.
        shape_zyx: size of its CT.
    """

    path: Path
    saved_utc: str
    steps: int
    shape_zyx: tuple[int, int, int]


class Autosave:
    """The file of one review in progress, new in `folder`; raises UnwritableOutputError."""

    def __init__(self, folder: Path, stored: StoredReview) -> None:
        self.path = folder / f"{uuid.uuid4().hex}{SUFFIX}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnwritableOutputError(f"the folder '{folder}' cannot be made ({error})", "one to save in") from error
        with replacing(self.path) as temporary:
            temporary.write_text(to_text(stored) + "\n", "utf-8")

    def append(self, entries: Iterable[str], session: Session, rules: Rules) -> None:
        """Add steps (as `ReviewText.update` gives them); raises UnwritableOutputError where the disk is full."""
        line = (
            f'{{"entries":[{",".join(entries)}],"rules":{_compact(rules_document(rules))},'
            f'"labels_sha256":"{labels_sha256(session.review)}"}}\n'
        )
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise UnwritableOutputError(
                f"the last step could not be saved in '{self.path.parent}' ({error.strerror})",
                "room on that disk",
                "Save the scene",
            ) from error

    def discard(self) -> None:
        """Remove the file: the review was closed, its work is in the scene."""
        with suppress(OSError):
            self.path.unlink()


def recoverable(folder: Path) -> tuple[Recoverable, ...]:
    """Reviews that a crash has left in a folder and that have steps to recover, the latest first."""
    found = []
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            stored = recovered(path)
            when = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
        except (ReviewFileError, OSError):
            continue
        if steps := len(stored.journal["entries"]):
            found.append(Recoverable(path, when, steps, stored.geometry.shape_zyx))
    return tuple(sorted(found, key=lambda one: (one.saved_utc, one.path.name), reverse=True))


def recovered(path: Path) -> StoredReview:
    """The review as it was at the last whole line of its file; raises ReviewFileError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ReviewFileError(f"'{path.name}' has {path.stat().st_size} bytes", f"at most {MOST_BYTES}")
        first, *lines = path.read_text("utf-8", errors="replace").split("\n")
    except OSError as error:
        raise ReviewFileError(f"'{path.name}' cannot be read ({error})", "a review that was saved") from error
    stored = from_text(first)
    journal, rules = dict(stored.journal), stored.rules
    journal["entries"] = list(journal["entries"])
    for line in lines[:-1]:
        try:
            step: dict[str, Any] = parse_json(line)
            entries, rules, sha256 = step["entries"], read_rules(step["rules"]), str(step["labels_sha256"])
        except (ValueError, KeyError, TypeError):
            break
        journal["entries"] += entries
        journal["labels_sha256"] = sha256
    return replace(stored, journal=journal, rules=rules)


def _compact(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
