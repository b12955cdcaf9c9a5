"""Corrections of a result, as small, replayable, invertible steps; the network's own result stays untouched.

In reading order: `review` (the lesions under review and one change of them), `strokes` (what painting does to lesions),
`operations` (everything else that a reader does to them), `growing` (by seed, and cuts), `live_scores` (scores that
follow every change), `session` (undo, redo, audit trail, lock), `journal` (all of it as JSON),
`stored_review` and `stored_json` (a review at rest, with all that it takes to go on with it).
"""

from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import Change, EditError, RejectReason, Review, ReviewedLesion, ReviewState
from cacnet.edits.session import AuditEntry, Session

__all__ = [
    "AuditEntry",
    "Change",
    "EditError",
    "LiveScores",
    "RejectReason",
    "Review",
    "ReviewState",
    "ReviewedLesion",
    "Session",
]
