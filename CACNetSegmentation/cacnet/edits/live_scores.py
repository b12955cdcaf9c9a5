"""Scores that follow every change of a review, at the cost of what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.edits.review import Review, ReviewedLesion, ReviewState, voxels_of
from cacnet.lesions import Lesion, crop_around, describe_lesion
from cacnet.scoring import (
    ResolvedProtocol,
    Totals,
    VesselTotals,
    isotropic_volume_mm3,
    per_vessel,
    score_touching,
    total,
)
from cacnet.scoring.agatston import LesionScore, margin_voxels
from cacnet.vessels.places import Courses
from cacnet.volume import Geometry, GeometryMismatchError

NEIGHBOURS = tuple(step for step in product((-1, 0, 1), repeat=3) if step != (0, 0, 0))


@dataclass(frozen=True)
class ScoredReview:
    """The scores of a review.

    Attributes:
        lesions: every lesion by id, also those that do not count, with the score that they would have.
        totals, vessels: sums over those that count.
    """

    lesions: Mapping[int, Lesion]
    totals: Totals
    vessels: Mapping[Vessel, VesselTotals]


@dataclass(frozen=True, eq=False)
class KnownConfidence:
    """The network's confidence in the lesions that it found, for a scan whose probabilities are no longer at hand.

    Attributes:
        found: the network's own lesions.
        by_id: mean calcium probability of each; a lesion that is not named has none.
    """

    found: Review
    by_id: Mapping[int, float]

    def of(self, lesion: ReviewedLesion) -> float | None:
        """The confidence in a lesion that still has the voxels it was found with; a redrawn one has none."""
        found = self.found.lesions.get(lesion.id)
        if found is None or not (found.index is lesion.index or np.array_equal(found.index, lesion.index)):
            return None
        return self.by_id.get(lesion.id)


class LiveScores:
    """Keeps the scores of one scan's lesions; only lesions that changed, or touch one that did, are scored anew.

    Args:
        hu_zyx: HU; geometry: their grid.
        resolved: protocol and threshold.
        probability_zyx: calcium probability on the same grid, or None.
        courses: centre lines that tell where along its artery a lesion lies, or None.
        confidence: what is known of the network's lesions where there is no `probability_zyx`.

    Raises:
        GeometryMismatchError: arrays that do not have the grid's shape.
    """

    def __init__(
        self,
        hu_zyx: np.ndarray,
        geometry: Geometry,
        resolved: ResolvedProtocol,
        probability_zyx: np.ndarray | None = None,
        courses: Courses | None = None,
        confidence: KnownConfidence | None = None,
    ) -> None:
        for name, array in (("CT", hu_zyx), ("calcium probability", probability_zyx)):
            if array is not None and array.shape != geometry.shape_zyx:
                raise GeometryMismatchError(
                    f"the {name} has the shape {array.shape}", f"the grid's shape, {geometry.shape_zyx}"
                )
        self._hu, self._geometry, self._resolved = hu_zyx, geometry, resolved
        self._probability, self._courses, self._confidence = probability_zyx, courses, confidence
        self._known: dict[int, ReviewedLesion] = {}
        self._boxes: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._touching: dict[int, frozenset[int]] = {}
        self._scored: dict[int, Lesion] = {}

    def of(self, review: Review) -> ScoredReview:
        """The scores of a review; quick where it differs little from the one asked for before."""
        changed = {i for i, lesion in review.lesions.items() if self._differs(lesion)}
        gone = self._known.keys() - review.lesions.keys()
        stale = changed.union(*(self._touching.get(i, frozenset()) for i in (*changed, *gone))) - gone
        for lesion_id in gone:
            for table in (self._known, self._boxes, self._touching, self._scored):
                del table[lesion_id]
        for lesion_id in changed:
            lesion = review.lesions[lesion_id]
            self._known[lesion_id] = lesion
            voxels = voxels_of(lesion.index, review.shape_zyx)
            self._boxes[lesion_id] = (voxels.min(axis=0), voxels.max(axis=0) + 1)
        for lesion_id in stale:
            self._touching[lesion_id] = self._neighbours_of(review.lesions[lesion_id])
        for lesion_id in stale:  # a lesion that did not change may have a new neighbour
            for other in self._touching[lesion_id] - stale:
                self._touching[other] |= {lesion_id}
        done: set[int] = set()
        for lesion_id in sorted(stale.union(*(self._touching[i] for i in stale))):
            if lesion_id not in done:
                done |= self._score_group(lesion_id)
        lesions = {i: self._scored[i] for i in review.lesions}
        counted = [lesions[i] for i, lesion in review.lesions.items() if lesion.counts]
        states = {lesion.state for lesion in review.lesions.values()}
        judged = bool(states) and states <= {ReviewState.ACCEPTED, ReviewState.REJECTED}
        totals = total(counted, self._resolved.protocol.equivalent, reviewed=judged)
        return ScoredReview(lesions, totals, per_vessel(counted))

    def _differs(self, lesion: ReviewedLesion) -> bool:
        known = self._known.get(lesion.id)
        return known is None or not (
            known.index is lesion.index and known.vessel == lesion.vessel and known.counts == lesion.counts
        )

    def _neighbours_of(self, lesion: ReviewedLesion) -> frozenset[int]:
        """Other lesions of its artery that count and touch it."""
        if not lesion.counts:
            return frozenset()
        low, high = self._boxes[lesion.id]
        near = [
            other
            for other in self._known.values()
            if other.id != lesion.id
            and other.counts
            and other.vessel == lesion.vessel
            and np.all(self._boxes[other.id][0] <= high)
            and np.all(low <= self._boxes[other.id][1])
        ]
        if not near:
            return frozenset()
        shape = self._geometry.shape_zyx
        around = voxels_of(lesion.index, shape)[:, None, :] + np.array(NEIGHBOURS)
        around = around.reshape(-1, 3)
        around = around[((around >= 0) & (around < shape)).all(axis=1)]
        flat = np.unique(np.ravel_multi_index(tuple(around.T), shape))
        return frozenset(other.id for other in near if np.isin(flat, other.index, assume_unique=True).any())

    def _score_group(self, lesion_id: int) -> set[int]:
        """Score a lesion together with all that it touches, directly or through others."""
        group, open_ids = {lesion_id}, [lesion_id]
        while open_ids:
            for other in self._touching[open_ids.pop()] - group:
                group.add(other)
                open_ids.append(other)
        scores = self._scores(sorted(group))
        for member, score in scores.items():
            self._scored[member] = self._describe(self._known[member], score)
        return group

    def _scores(self, ids: list[int]) -> Mapping[int, LesionScore]:
        shape = self._geometry.shape_zyx
        every = voxels_of(np.concatenate([self._known[i].index for i in ids]), shape)
        box, _ = crop_around(every, shape, margin_voxels(self._geometry, self._resolved))
        low = [side.start for side in box]
        numbers = np.zeros([side.stop - side.start for side in box], np.int32)
        for number, lesion_id in enumerate(ids, start=1):
            numbers[tuple((voxels_of(self._known[lesion_id].index, shape) - low).T)] = number
        scores = score_touching(numbers, self._hu[box], self._geometry.crop(box), self._resolved)
        return {lesion_id: scores[number] for number, lesion_id in enumerate(ids, start=1)}

    def _describe(self, lesion: ReviewedLesion, score: LesionScore) -> Lesion:
        voxels = voxels_of(lesion.index, self._geometry.shape_zyx)
        at = tuple(voxels.T)
        confidence = self._confidence.of(lesion) if self._confidence else None
        if self._probability is not None:
            confidence = float(self._probability[at].mean(dtype=np.float64))
        box, mask = crop_around(voxels, self._geometry.shape_zyx)
        isotropic_mm3 = isotropic_volume_mm3(mask, self._hu[box], self._geometry, self._resolved)
        return describe_lesion(
            lesion.id,
            lesion.vessel,
            voxels,
            self._hu[at],
            self._geometry,
            score,
            isotropic_mm3,
            confidence,
            self._courses,
        )


def counted(review: Review, lesions: Iterable[Lesion]) -> list[Lesion]:
    """The lesions that are part of the score, in the order given."""
    return [lesion for lesion in lesions if review.lesion(lesion.id).counts]
