"""The lesions under review as one immutable value, and a change from one such value to the next.

A lesion is the sorted flat (C-order) indices of its voxels, so everything here costs by the calcium, never by the scan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.errors import CacnetError
from cacnet.left_out import LeftOutLesion, RejectReason
from cacnet.lesions import LesionSet


class EditError(CacnetError):
    """A correction that cannot be made as asked."""


class ReviewState(StrEnum):
    """What a reader has said of a lesion."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LEFT_OUT = "left out"
    """Nobody has said anything of it: the program found it, does not believe it, and does not count it."""


@dataclass(frozen=True, eq=False)
class ReviewedLesion:
    """One lesion under review.

    Attributes:
        id: kept through every edit; never given to another lesion.
        reason: why it was rejected, or what the program takes it for that left it out.
        index: sorted int64 flat indices of its voxels.
        origin: ids of the lesions that it was split from or that were merged into it.
    """

    id: int
    vessel: Vessel
    index: np.ndarray
    state: ReviewState = ReviewState.UNREVIEWED
    reason: RejectReason | None = None
    origin: tuple[int, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it is part of the score: everything but rejected and left-out lesions is."""
        return self.state not in (ReviewState.REJECTED, ReviewState.LEFT_OUT)

    def same_as(self, other: ReviewedLesion) -> bool:
        """Whether nothing distinguishes the two."""
        return (
            (self.id, self.vessel, self.state, self.reason, self.origin)
            == (other.id, other.vessel, other.state, other.reason, other.origin)
            and self.index.shape == other.index.shape
            and bool(np.array_equal(self.index, other.index))
        )


@dataclass(frozen=True, eq=False)
class Change:
    """What one correction did: the lesions as they were, and as they are. Swapping the two undoes it."""

    before: tuple[ReviewedLesion, ...]
    after: tuple[ReviewedLesion, ...]

    @property
    def inverse(self) -> Change:
        """The change back."""
        return Change(self.after, self.before)

    @property
    def touched(self) -> frozenset[int]:
        """Ids that it removes, adds or alters."""
        return frozenset(lesion.id for lesion in (*self.before, *self.after))


@dataclass(frozen=True, eq=False)
class Review:
    """All lesions of one scan at one moment.

    Attributes:
        shape_zyx: shape of the scan, which the flat indices refer to.
        lesions: by id, ascending. No two lesions share a voxel.
        next_id: what the next new lesion is called.
    """

    shape_zyx: tuple[int, int, int]
    lesions: Mapping[int, ReviewedLesion] = field(default_factory=lambda: MappingProxyType({}))
    next_id: int = 1

    def lesion(self, lesion_id: int) -> ReviewedLesion:
        """The lesion of that id; raises EditError where there is none."""
        try:
            return self.lesions[lesion_id]
        except KeyError:
            raise EditError(f"there is no lesion {lesion_id}", "one of the lesions in the table") from None

    def changed(self, change: Change) -> Review:
        """The review after a change.

        Raises:
            EditError: the lesions are not as the change found them, so it belongs to another state.
        """
        lesions = dict(self.lesions)
        for lesion in change.before:
            found = lesions.pop(lesion.id, None)
            if found is None or not found.same_as(lesion):
                raise EditError(f"lesion {lesion.id} is not as this change found it", "the state that it was made on")
        for lesion in change.after:
            if lesion.id in lesions:
                raise EditError(f"there already is a lesion {lesion.id}", "a new id")
            lesions[lesion.id] = lesion
        newest = max((lesion.id for lesion in change.after), default=0)
        return replace(
            self, lesions=MappingProxyType(dict(sorted(lesions.items()))), next_id=max(self.next_id, newest + 1)
        )

    def label_map(self) -> np.ndarray:
        """uint8 (z, y, x) vessel numbers of what counts."""
        labels = np.zeros(self.shape_zyx, dtype=np.uint8)
        for lesion in self.lesions.values():
            if lesion.counts:
                labels.ravel()[lesion.index] = lesion.vessel
        return labels

    def id_at(self, index_zyx: tuple[int, int, int]) -> int | None:
        """Id of the lesion at a voxel, rejected ones included; None where there is none."""
        if any(not 0 <= i < n for i, n in zip(index_zyx, self.shape_zyx, strict=True)):
            return None
        flat = int(np.ravel_multi_index(index_zyx, self.shape_zyx))
        for lesion in self.lesions.values():
            place = int(np.searchsorted(lesion.index, flat))
            if place < len(lesion.index) and lesion.index[place] == flat:
                return lesion.id
        return None

    @property
    def unreviewed(self) -> tuple[int, ...]:
        """Ids of what counts although nobody has accepted it, in order."""
        return tuple(i for i, lesion in self.lesions.items() if lesion.state is ReviewState.UNREVIEWED)


def review_of(found: LesionSet, left_out: Sequence[LeftOutLesion] = ()) -> Review:
    """The review that begins with these: those found are unreviewed and keep their ids, those left out come after."""
    lesions = {
        lesion.id: ReviewedLesion(lesion.id, lesion.vessel, index)
        for lesion, index in zip(found.lesions, found.indices, strict=True)
    }
    for number, other in enumerate(left_out, start=max(lesions, default=0) + 1):
        lesions[number] = ReviewedLesion(number, other.vessel, other.index, ReviewState.LEFT_OUT, other.reason)
    return Review(found.shape_zyx, MappingProxyType(lesions), max(lesions, default=0) + 1)


def flat_index(voxels_zyx: np.ndarray, shape_zyx: tuple[int, int, int]) -> np.ndarray:
    """Sorted int64 flat indices of voxels (n, 3)."""
    return np.sort(np.ravel_multi_index(tuple(voxels_zyx.T), shape_zyx).astype(np.int64))


def voxels_of(index: np.ndarray, shape_zyx: tuple[int, int, int]) -> np.ndarray:
    """Voxels (n, 3) of flat indices."""
    return np.stack(np.unravel_index(index, shape_zyx), axis=-1)


def union(indices: Iterable[np.ndarray]) -> np.ndarray:
    """Sorted flat indices that any of the arrays holds."""
    every = list(indices)
    return np.unique(np.concatenate(every)) if every else np.zeros(0, np.int64)


def in_one(changes: Sequence[Change]) -> Change:
    """Changes made one after another, as a single one."""
    before: dict[int, ReviewedLesion | None] = {}
    after: dict[int, ReviewedLesion | None] = {}
    for change in changes:
        for lesion in change.before:
            before.setdefault(lesion.id, lesion)
            after[lesion.id] = None
        for lesion in change.after:
            before.setdefault(lesion.id, None)
            after[lesion.id] = lesion
    was = tuple(lesion for _, lesion in sorted(before.items()) if lesion is not None)
    now = tuple(lesion for _, lesion in sorted(after.items()) if lesion is not None)
    same = {a.id for a in was for b in now if a.id == b.id and a.same_as(b)}
    return Change(tuple(a for a in was if a.id not in same), tuple(b for b in now if b.id not in same))
