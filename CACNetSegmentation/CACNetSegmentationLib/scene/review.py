"""One result under review in a scene, and what a reader can do with it.

This is the `ReviewService` that the review's widgets talk to. Lesions, scores, segments and the kept journal change
together. What somebody paints with the Segment Editor is first only noticed; `absorb_strokes` makes it part of the
review, and every other correction does so before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import slicer
from cacnet.anatomy import Vessel
from cacnet.edits import growing, operations
from cacnet.edits.autosave import recovered
from cacnet.edits.names import reason_named, vessel_named
from cacnet.edits.review import Change, RejectReason, Review
from cacnet.edits.session import Action, LockedError
from cacnet.scoring import hoff_percentile
from cacnet.vessels.places import REACH_MM
from slicer.util import arrayFromVolume

from CACNetSegmentationLib.scene import review_store, review_views, segmentations
from CACNetSegmentationLib.scene.live_review import LiveReview
from CACNetSegmentationLib.scene.review_segments import DEFINITIONS
from CACNetSegmentationLib.scene.volumes import geometry_of_node

PositionRas = tuple[float, float, float]
ANY_AGE_YEARS, ANY_SEX = 50.0, "M"
"""Stand in for what is not known while the other is checked."""


class SceneReview(LiveReview):
    """See `widgets.review.service.ReviewService` for the contract; made by `start`, `resume` or `recover`."""

    @classmethod
    def start(
        cls,
        scene: slicer.vtkMRMLScene,
        volume_node: slicer.vtkMRMLScalarVolumeNode,
        segmentation_node: slicer.vtkMRMLSegmentationNode,
        results_folder: Path,
        autosave_folder: Path | None = None,
    ) -> SceneReview:
        """Begin the review of a result just loaded, from the review.json in its folder. Raises as `LiveReview`."""
        stored = review_store.attach_result(volume_node, segmentation_node, results_folder)
        return cls(scene, volume_node, segmentation_node, stored, autosave_folder)

    @classmethod
    def resume(
        cls,
        scene: slicer.vtkMRMLScene,
        segmentation_node: slicer.vtkMRMLSegmentationNode,
        autosave_folder: Path | None = None,
    ) -> SceneReview:
        """Go on with the review kept in the scene, also after save and load; raises NoReviewError without one."""
        stored, volume_node = review_store.kept_review(segmentation_node)
        return cls(scene, volume_node, segmentation_node, stored, autosave_folder)

    @classmethod
    def recover(
        cls, scene: slicer.vtkMRMLScene, volume_node: slicer.vtkMRMLScalarVolumeNode, path: Path
    ) -> SceneReview:
        """Go on, in a new segmentation, with a review that a crash has left: see `cacnet.edits.autosave.recoverable`.

        Its arteries are lost, because steps save the lesions only. The file goes on with the first new step.
        """
        stored = recovered(path)
        stored.geometry.require_same_grid(geometry_of_node(volume_node), "CT in the scene")
        labels = stored.open(arrayFromVolume(volume_node)).review.label_map()
        algorithm, name = f"CACNet {stored.model.id}", f"{volume_node.GetName()} calcium"
        node = segmentations.create_segmentation(scene, labels, np.zeros_like(labels), volume_node, algorithm, name)
        review_store.attach(volume_node, node, stored)
        review = cls(scene, volume_node, node, stored, path.parent)
        review._save([])
        if not review.autosave_problem:
            path.unlink(missing_ok=True)
        return review

    def accept(self, ids: Sequence[int]) -> None:
        """Agree with lesions."""
        self._apply(Action.ACCEPT, lambda review: operations.accept(review, ids))

    def accept_all(self) -> None:
        """Agree with every lesion that nobody has looked at."""
        self._apply(Action.ACCEPT_ALL, operations.accept_all)

    def reject(self, ids: Sequence[int], reason: RejectReason | str) -> None:
        """Take lesions out of the score; raises UnknownNameError for a reason that there is not."""
        why = reason_named(reason)
        self._apply(Action.REJECT, lambda review: operations.reject(review, ids, why), {"reason": why.value})

    def restore(self, ids: Sequence[int]) -> None:
        """Make lesions unreviewed again."""
        self._apply(Action.RESTORE, lambda review: operations.restore(review, ids))

    def relabel(self, ids: Sequence[int], vessel: Vessel | str) -> None:
        """Give lesions another artery, also by its label, such as 'LCx'; raises UnknownNameError."""
        where = vessel_named(vessel)
        self._apply(Action.RELABEL, lambda review: operations.relabel(review, ids, where), {"vessel": where.label})

    def merge(self, ids: Sequence[int]) -> None:
        """Make several lesions one."""
        self._apply(Action.MERGE, lambda review: operations.merge(review, ids))

    def split(self, lesion_id: int) -> None:
        """In two by watershed; raises EditError where it has no waist."""

        def change(review: Review) -> Change:
            return operations.split(
                review, lesion_id, growing.cut_at_waist(review.lesion(lesion_id).index, self._geometry)
            )

        self._apply(Action.SPLIT, change)

    def split_by_plane(self, lesion_id: int, point_ras: PositionRas, normal_ras: PositionRas) -> None:
        """In two by a plane; raises EditError where it does not cut the lesion."""

        def change(review: Review) -> Change:
            index = review.lesion(lesion_id).index
            parts = growing.cut_by_plane(index, self._geometry, _lps(point_ras), _lps(normal_ras))
            return operations.split(review, lesion_id, parts)

        self._apply(Action.SPLIT, change)

    def erase(self, ids: Sequence[int]) -> None:
        """Remove lesions, rejected ones too; undo brings them back."""
        self._apply(Action.ERASE, lambda review: Change(tuple(review.lesion(i) for i in dict.fromkeys(ids)), ()))

    def add_at(self, point_ras: PositionRas, vessel: Vessel | str) -> None:
        """Grow a lesion from a click; `Vessel.UNASSIGNED` takes the artery whose centre line is nearest.

        Raises:
            EditError: outside the scan, or no calcium there that is not marked already; UnknownNameError.
        """
        where = vessel_named(vessel)
        if where is Vessel.UNASSIGNED:
            where = self._nearest_artery(point_ras)

        def change(review: Review) -> Change:
            threshold_hu, lumen_hu = self._resolved.threshold_hu, self._stored.blood_median_hu
            seed = self._voxel(point_ras)
            index = growing.grow_from_seed(self._hu, self._geometry, seed, threshold_hu, lumen_hu)
            return operations.add(review, index, where)

        self._apply(Action.ADD, change, {"vessel": where.label})

    def undo(self) -> None:
        """Take the last correction back."""
        with self._step():
            self._session.undo()

    def redo(self) -> None:
        """Make the correction last undone again."""
        with self._step():
            self._session.redo()

    def approve(self, initials: str) -> None:
        """Close the review for changes; raises EditError while a lesion has not been reviewed."""
        with self._step():
            self._session.approve(initials)

    def reopen(self) -> None:
        """Allow changes again."""
        with self._step():
            self._session.reopen()

    def use_protocol(self, name: str) -> None:
        """Score by another protocol, with this scan's blood and tube voltage.

        Raises:
            LockedError: the review is approved; UnknownProtocolError; the errors of `cacnet.scoring.resolve`.
        """
        self._require_changeable()
        resolved = self._stored.resolve(name)
        self._session.use(self._stored.live_scores(self._hu, resolved))
        self._resolved = resolved
        self._use_rules(replace(self._rules, protocol=resolved.protocol.name))

    def set_patient(self, age_years: float | None, sex: str | None) -> None:
        """State age and sex, for the percentile; raises LockedError, InvalidPatientError."""
        self._require_changeable()
        hoff_percentile(0.0, ANY_AGE_YEARS if age_years is None else age_years, ANY_SEX if sex is None else sex)
        self._use_rules(replace(self._rules, age_years=age_years, sex=sex))

    def show(self, application_logic: slicer.vtkMRMLApplicationLogic | None = None) -> None:
        """Set the views up for a review: CT, window, arteries translucent, lesions solid in slices and in 3-D.

        Args:
            application_logic: `slicer.app.applicationLogic()`, which fits the slices to the CT. The layout is the
                caller's to choose: `review_views.LAYOUT`.
        """
        self._require_following()
        self._surfaces_shown = True
        with self._observer.muted():
            # Ours first: Slicer then makes only the surfaces that are missing, those of the arteries.
            self._surfaces.show(self._segmentation_node.GetSegmentation(), self._session.review, DEFINITIONS)
            self._segmentation_node.CreateClosedSurfaceRepresentation()
        review_views.show(self._scene, self._volume_node, self._segmentation_node, application_logic)

    def jump_to(self, lesion_id: int) -> None:
        """Centre all slice views and the 3-D views on a lesion and mark it."""
        self._require_following()
        lesion = self._session.review.lesion(lesion_id)
        review_views.jump(self._scene, self._session.scores.lesions[lesion.id].centroid_mm_ras)
        self._marked = lesion.id
        self._follow_mark()

    def lesion_at(self, point_ras: PositionRas) -> int | None:
        """Id of the lesion at a position, rejected ones included."""
        return self._session.review.id_at(self._voxel(point_ras))

    def _require_changeable(self) -> None:
        self._require_following()
        if self._pending:
            self.absorb_strokes()
        if self._session.locked:
            raise LockedError("the review is approved and locked", "an open one", "Reopen it to make changes")

    def _voxel(self, point_ras: PositionRas) -> tuple[int, int, int]:
        z, y, x = np.round(self._geometry.lps_to_index(np.array(_lps(point_ras)))).astype(int)
        return int(z), int(y), int(x)

    def _nearest_artery(self, point_ras: PositionRas) -> Vessel:
        courses = self._stored.courses
        if courses is None or not len(courses.points_mm_lps):
            return Vessel.UNASSIGNED
        away_mm = np.linalg.norm(courses.points_mm_lps - np.array(_lps(point_ras)), axis=1)
        nearest = int(np.argmin(away_mm))
        number = int(courses.vessel[nearest])
        return Vessel(number) if number and away_mm[nearest] <= REACH_MM else Vessel.UNASSIGNED


def _lps(ras: PositionRas) -> PositionRas:
    return -ras[0], -ras[1], ras[2]
