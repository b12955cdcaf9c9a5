"""What the review's widgets ask of the scene; `scene.review.SceneReview`, or a fake in tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from cacnet.anatomy import Vessel
from cacnet.edits.review import RejectReason
from cacnet.edits.summary import ReviewSummary
from cacnet.findings import Finding

PositionRas = tuple[float, float, float]


class ReviewService(Protocol):
    """One result under review in the scene.

    Every correction updates segments, scores and the saved journal at once, and then calls the listeners. All raise
    `cacnet.errors.CacnetError` (EditError, LockedError …) where something cannot be done; the review is then unchanged.
    """

    @property
    def summary(self) -> ReviewSummary: ...
    @property
    def findings(self) -> tuple[Finding, ...]:
        """What only the run knew, such as calcium that it left out; kept with the review."""

    @property
    def volume_node(self) -> Any: ...
    @property
    def segmentation_node(self) -> Any: ...

    def on_change(self, listener: Callable[[ReviewSummary], None]) -> None:
        """Call `listener` after every change of lesions, scores, protocol or state."""

    def on_pending_strokes(self, listener: Callable[[], None]) -> None:
        """Call `listener` each time a segment was painted by somebody else; the widget coalesces and then absorbs."""

    def absorb_strokes(self) -> None:
        """Make what was painted on the segments part of the review: ids and states follow by overlap."""

    def accept(self, ids: Sequence[int]) -> None: ...
    def accept_all(self) -> None: ...
    def reject(self, ids: Sequence[int], reason: RejectReason | str) -> None: ...
    def restore(self, ids: Sequence[int]) -> None: ...
    def relabel(self, ids: Sequence[int], vessel: Vessel | str) -> None: ...
    def merge(self, ids: Sequence[int]) -> None: ...

    def split(self, lesion_id: int) -> None:
        """In two by watershed; raises EditError where it has no waist."""

    def split_by_plane(self, lesion_id: int, point_ras: PositionRas, normal_ras: PositionRas) -> None: ...

    def erase(self, ids: Sequence[int]) -> None:
        """Remove all voxels of lesions; undo brings them back."""

    def add_at(self, point_ras: PositionRas, vessel: Vessel | str) -> None:
        """Grow a lesion from a click; `Vessel.UNASSIGNED` takes the nearest artery."""

    def undo(self) -> None: ...
    def redo(self) -> None: ...
    def approve(self, initials: str) -> None: ...
    def reopen(self) -> None: ...

    def use_protocol(self, name: str) -> None:
        """Score by another protocol."""

    def set_patient(self, age_years: float | None, sex: str | None) -> None: ...

    def jump_to(self, lesion_id: int) -> None:
        """Centre all slice views and the 3-D view on a lesion and mark it."""

    def lesion_at(self, point_ras: PositionRas) -> int | None: ...

    def close(self) -> None:
        """Stop observing the scene."""
