"""One reader's work on one result: apply, undo, redo, approve, and an account of all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

from cacnet.edits.live_scores import LiveScores, ScoredReview
from cacnet.edits.review import Change, EditError, Review


class Action(StrEnum):
    """What a reader did, as the audit trail names it."""

    ACCEPT = "accept"
    REJECT = "reject"
    RESTORE = "restore"
    RELABEL = "relabel"
    PAINT = "paint"
    ADD = "add"
    ERASE = "erase"
    SPLIT = "split"
    MERGE = "merge"
    ACCEPT_ALL = "accept all"
    UNDO = "undo"
    REDO = "redo"
    APPROVE = "approve"
    REOPEN = "reopen"


class LockedError(EditError):
    """The review has been approved, so nothing may change."""


@dataclass(frozen=True, eq=False)
class AuditEntry:
    """One line of the audit trail.

    Attributes:
        change: what it did to the lesions; None for undo, redo, approve and reopen.
        details: what else was chosen, such as the reason of a rejection.
        when_utc: ISO 8601, to the second.
        agatston_before, agatston_after: total of what counts.
    """

    action: Action
    change: Change | None
    details: Mapping[str, str]
    when_utc: str
    agatston_before: float
    agatston_after: float

    @property
    def lesions(self) -> tuple[int, ...]:
        """Ids that it touched, ascending."""
        return tuple(sorted(self.change.touched)) if self.change else ()


def now_utc() -> str:
    """The time, as the audit trail writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class Session:
    """A review in progress.

    Attributes:
        original: the network's own result, which nothing alters.
        live: scores of this scan.
        clock: tells the time; tests give their own.
    """

    original: Review
    live: LiveScores
    clock: Callable[[], str] = now_utc
    review: Review = field(init=False)
    scores: ScoredReview = field(init=False)
    approved_by: str | None = field(init=False, default=None)
    _audit: list[AuditEntry] = field(init=False, default_factory=list)
    _done: list[Change] = field(init=False, default_factory=list)
    _undone: list[Change] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.review = self.original
        self.scores = self.live.of(self.original)
        self.original_scores = self.scores

    @property
    def audit(self) -> tuple[AuditEntry, ...]:
        """Everything that was done, undone things included, in order."""
        return tuple(self._audit)

    @property
    def locked(self) -> bool:
        """Whether the review has been approved."""
        return self.approved_by is not None

    @property
    def can_undo(self) -> bool:
        return bool(self._done) and not self.locked

    @property
    def can_redo(self) -> bool:
        return bool(self._undone) and not self.locked

    def apply(self, action: Action, change: Change, details: Mapping[str, str] | None = None) -> ScoredReview:
        """Make a change; one that changes nothing is not recorded.

        Raises:
            LockedError: the review is approved; EditError: the change belongs to another state.
        """
        self._require_open()
        if not change.before and not change.after:
            return self.scores
        self._become(self.review.changed(change), action, change, details)
        self._done.append(change)
        self._undone.clear()
        return self.scores

    def undo(self) -> ScoredReview:
        """Take the last change back; raises EditError where there is none."""
        self._require_open()
        if not self._done:
            raise EditError("there is nothing to undo")
        self._become(self.review.changed(self._done[-1].inverse), Action.UNDO)
        self._undone.append(self._done.pop())
        return self.scores

    def redo(self) -> ScoredReview:
        """Make the change last undone again; raises EditError where there is none."""
        self._require_open()
        if not self._undone:
            raise EditError("there is nothing to redo")
        self._become(self.review.changed(self._undone[-1]), Action.REDO)
        self._done.append(self._undone.pop())
        return self.scores

    def approve(self, reviewer: str = "") -> None:
        """Close the review; raises EditError while a lesion has been neither accepted nor rejected."""
        self._require_open()
        if left := self.review.unreviewed:
            raise EditError(
                f"{len(left)} of {len(self.review.lesions)} lesions have not been reviewed",
                "every lesion accepted or rejected",
                "Review the rest, or accept all",
            )
        self.approved_by = reviewer
        self._become(self.review, Action.APPROVE, details={"reviewer": reviewer} if reviewer else None)

    def reopen(self) -> None:
        """Allow changes again; the trail keeps that it was approved. Raises EditError where it is open."""
        if not self.locked:
            raise EditError("the review is not approved", "an approved one")
        self.approved_by = None
        self._become(self.review, Action.REOPEN)

    def use(self, live: LiveScores) -> ScoredReview:
        """Go on under other scoring rules."""
        self.live = live
        self.original_scores = live.of(self.original)
        self.scores = live.of(self.review)
        return self.scores

    def _require_open(self) -> None:
        if self.locked:
            raise LockedError("the review is approved and locked", "an open one", "Reopen it to make changes")

    def _become(
        self, review: Review, action: Action, change: Change | None = None, details: Mapping[str, str] | None = None
    ) -> None:
        before = self.scores.totals.agatston
        self.review, self.scores = review, self.live.of(review)
        self._audit.append(
            AuditEntry(
                action,
                change,
                MappingProxyType(dict(details or {})),
                self.clock(),
                before,
                self.scores.totals.agatston,
            )
        )
