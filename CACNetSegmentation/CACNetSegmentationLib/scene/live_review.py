"""Keeps a review, the segments that show it and the text that it is stored in, in step with one another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import slicer
from cacnet.anatomy import NAMED_VESSELS
from cacnet.edits import strokes
from cacnet.edits.autosave import Autosave, ReviewText
from cacnet.edits.review import Change, EditError, Review
from cacnet.edits.session import Action, LockedError, Session
from cacnet.edits.stored_review import Rules, StoredReview
from cacnet.edits.summary import ReviewSummary, summarize
from cacnet.files import UnwritableOutputError
from cacnet.findings import Finding
from cacnet.remarks import remarks_on_result
from cacnet.report import INCONCLUSIVE
from slicer.util import arrayFromVolume

from CACNetSegmentationLib.scene import review_store, review_views
from CACNetSegmentationLib.scene.review_observing import ReviewObserver
from CACNetSegmentationLib.scene.review_segments import REJECTED_NUMBER, ReviewSegments, differing
from CACNetSegmentationLib.scene.review_surfaces import LesionSurfaces
from CACNetSegmentationLib.scene.volumes import geometry_of_node


class ClosedReviewError(EditError):
    """The review was closed, as when its CT or segmentation is removed."""


class LiveReview:
    """A session whose lesions are segments of a scene.

    Args:
        scene: that holds both nodes.
        volume_node, segmentation_node: the CT and its result.
        stored: the review as it was left.
        autosave_folder: where steps are saved as they are made; None saves in the scene only.

    Raises:
        ReviewFileError, JournalError: it is damaged or of another CT; the errors of `volumes.geometry_of_node`.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        volume_node: slicer.vtkMRMLScalarVolumeNode,
        segmentation_node: slicer.vtkMRMLSegmentationNode,
        stored: StoredReview,
        autosave_folder: Path | None = None,
    ) -> None:
        stored.geometry.require_same_grid(geometry_of_node(volume_node), "CT in the scene")
        self._scene, self._volume_node, self._segmentation_node = scene, volume_node, segmentation_node
        self._stored, self._rules, self._geometry = stored, stored.rules, stored.geometry
        self._hu = arrayFromVolume(volume_node)
        self._session = stored.open(self._hu)
        self._resolved = stored.resolve(stored.rules.protocol)
        self._text = ReviewText(stored)
        self._segments = ReviewSegments(segmentation_node, stored.geometry, f"CACNet {stored.model.id}")
        self._surfaces = LesionSurfaces(stored.geometry)
        self._surfaces_shown = False
        self._mark = review_views.LesionMark(scene)
        self._marked: int | None = None
        self._summary: ReviewSummary | None = None
        self._listeners: list[Callable[[ReviewSummary], None]] = []
        self._stroke_listeners: list[Callable[[], None]] = []
        self._close_listeners: list[Callable[[], None]] = []
        self._pending = self._closed = False
        self._autosave_folder = autosave_folder
        self._autosave: Autosave | None = None
        self._autosave_problem = ""
        self._observer = ReviewObserver(scene, (volume_node, segmentation_node), self._on_painted, self.close)
        self._join_segments()

    @property
    def summary(self) -> ReviewSummary:
        """Everything on screen."""
        if self._summary is None:
            summary = summarize(self._session, self._resolved, self._rules.age_years, self._rules.sex)
            self._summary = replace(summary, inconclusive=self._why_inconclusive())
        return self._summary

    def _why_inconclusive(self) -> str:
        review, scores, courses = self._session.review, self._session.scores, self._stored.courses
        counting = [scores.lesions[i] for i, lesion in review.lesions.items() if lesion.counts]
        any_artery = courses is not None and bool(np.isin(courses.vessel, NAMED_VESSELS).any())
        said = remarks_on_result(counting, courses, any_artery, self._session.locked)
        return " ".join(finding.message for finding in said if finding.code in INCONCLUSIVE)

    @property
    def session(self) -> Session:
        """The work itself, for exports; not to be altered."""
        return self._session

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What only the run knew, such as calcium that it left out."""
        return self._stored.findings

    @property
    def stored(self) -> StoredReview:
        """The review as it stands, ready to be written or exported."""
        return self._stored.with_work(self._session, self._rules)

    @property
    def rules(self) -> Rules:
        """Protocol, age and sex, as last chosen."""
        return self._rules

    @property
    def hu_zyx(self) -> np.ndarray:
        """The CT's values, a view of the node's own."""
        return self._hu

    @property
    def volume_node(self) -> slicer.vtkMRMLScalarVolumeNode:
        """The CT."""
        return self._volume_node

    @property
    def segmentation_node(self) -> slicer.vtkMRMLSegmentationNode:
        """The lesions, as segments."""
        return self._segmentation_node

    @property
    def closed(self) -> bool:
        """Whether the review no longer follows the scene."""
        return self._closed

    @property
    def autosave_problem(self) -> str:
        """Why steps are no longer saved on disk, in a sentence; '' while they are, or are not asked to be."""
        return self._autosave_problem

    def on_change(self, listener: Callable[[ReviewSummary], None]) -> None:
        """Call `listener` after every change of lesions, scores, protocol or state."""
        self._listeners.append(listener)

    def on_pending_strokes(self, listener: Callable[[], None]) -> None:
        """Call `listener` each time a segment was painted, deleted or added by somebody else."""
        self._stroke_listeners.append(listener)

    def on_close(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the review ends, also by removal of a node or closing of the scene."""
        self._close_listeners.append(listener)

    def absorb_strokes(self) -> None:
        """Make what was painted part of the review.

        Raises:
            LockedError: the review is approved; the segments are then again as it has them.
        """
        self._require_following()
        self._pending = False
        before = self._session.review
        with self._observer.muted():
            drawn = self._segments.strokes(before)
        if not drawn and self._segments.complete:
            return
        locked = self._session.locked and len(drawn.index) > 0
        if len(drawn.index) and not locked:
            self._session.apply(Action.PAINT, strokes.repaint(before, drawn.index, drawn.vessel))
        index = np.concatenate([drawn.index, drawn.reverted, differing(before, self._session.review)])
        # What was painted has Slicer's surface by now, or none.
        self._write(index, new_surfaces=drawn.arteries | {REJECTED_NUMBER})
        if locked:
            raise LockedError(
                "the review is approved and locked, so what was painted has been taken back",
                "an open one",
                "Reopen it to make changes",
            )
        if self._session.review is not before:
            with self._observer.muted():
                self._segments.mark_edited(drawn.arteries)
            self._changed()

    def close(self) -> None:
        """Stop following the scene. The review stays in it, and can be resumed."""
        if self._closed:
            return
        self._closed = True
        self._observer.remove()
        self._mark.remove()
        if self._autosave is not None:
            self._autosave.discard()
        listeners, self._close_listeners = self._close_listeners, []
        self._listeners, self._stroke_listeners = [], []
        for listener in listeners:
            listener()

    def _apply(
        self, action: Action, change: Callable[[Review], Change], details: Mapping[str, str] | None = None
    ) -> None:
        with self._step() as before:
            self._session.apply(action, change(before), details)

    @contextmanager
    def _step(self) -> Iterator[Review]:
        """A correction: what was painted before comes first; segments, text and listeners follow."""
        self._require_following()
        if self._pending:
            self.absorb_strokes()
        before, steps = self._session.review, len(self._session.audit)
        yield before
        if len(self._session.audit) == steps:
            return
        self._write(differing(before, self._session.review))
        self._changed()

    def _join_segments(self) -> None:
        """Bring both together: what was painted while nobody followed is taken in, or back where it is approved."""
        with self._observer.muted():
            self._segments.tidy()
        with suppress(LockedError):
            self.absorb_strokes()

    def _write(self, index: np.ndarray, new_surfaces: Collection[int] = ()) -> None:
        with self._observer.muted():
            changed = self._segments.write(self._session.review, index).union(new_surfaces)
            if self._surfaces_shown:
                self._surfaces.show(self._segmentation_node.GetSegmentation(), self._session.review, changed)

    def _changed(self) -> None:
        """Keep the step, and tell everybody."""
        self._summary = None
        entries = self._text.update(self._session)
        review_store.keep_text(self._segmentation_node, self._text.text(self._session, self._rules))
        self._save(entries)
        self._follow_mark()
        for listener in tuple(self._listeners):
            listener(self.summary)

    def _save(self, entries: list[str]) -> None:
        if self._autosave_folder is None:
            return
        try:
            if self._autosave is None:
                self._autosave = Autosave(self._autosave_folder, self.stored)
            else:
                self._autosave.append(entries, self._session, self._rules)
        except UnwritableOutputError as error:
            # The correction is made and in the scene; only its second copy is missing.
            self._autosave_folder, self._autosave_problem = None, str(error)

    def _follow_mark(self) -> None:
        lesion = self._session.review.lesions.get(self._marked) if self._marked is not None else None
        if lesion is None:
            self._marked = None
            self._mark.remove()
        else:
            self._mark.show(self._surfaces.of(lesion), f"{lesion.id} · {lesion.vessel.label}")

    def _use_rules(self, rules: Rules) -> None:
        self._rules = rules
        self._changed()

    def _on_painted(self) -> None:
        self._pending = True
        for listener in tuple(self._stroke_listeners):
            listener()

    def _require_following(self) -> None:
        if self._closed:
            raise ClosedReviewError("this review is closed", "an open one", "Open it again from its segmentation")
