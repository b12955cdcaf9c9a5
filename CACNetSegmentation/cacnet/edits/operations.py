"""What a reader does to lesions beside painting; each gives the change, none alters the review it is given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.edits.names import reason_named, vessel_named
from cacnet.edits.review import Change, EditError, RejectReason, Review, ReviewedLesion, ReviewState, union
from cacnet.edits.strokes import repaint


def accept(review: Review, ids: Iterable[int]) -> Change:
    """Lesions that a reader agrees with."""
    return _each(review, ids, lambda lesion: replace(lesion, state=ReviewState.ACCEPTED, reason=None))


def accept_all(review: Review) -> Change:
    """Every lesion that counts and is not yet reviewed, accepted."""
    return accept(review, review.unreviewed)


def reject(review: Review, ids: Iterable[int], reason: RejectReason | str) -> Change:
    """Lesions that are none; they leave the score, and can be restored. Raises UnknownNameError."""
    why = reason_named(reason)
    return _each(review, ids, lambda lesion: replace(lesion, state=ReviewState.REJECTED, reason=why))


def restore(review: Review, ids: Iterable[int]) -> Change:
    """Lesions as if they had never been accepted, rejected or left out: they count, and are to be reviewed."""
    return _each(review, ids, lambda lesion: replace(lesion, state=ReviewState.UNREVIEWED, reason=None))


def relabel(review: Review, ids: Iterable[int], vessel: Vessel | str) -> Change:
    """Lesions given another artery; they stay lesions of their own even where they now touch one of that artery.

    Raises:
        UnknownNameError.
    """
    where = vessel_named(vessel)
    return _each(review, ids, lambda lesion: replace(lesion, vessel=where))


def add(review: Review, index: np.ndarray, vessel: Vessel) -> Change:
    """Voxels as calcium of an artery: joining a lesion of it that they touch, else a new lesion.

    Voxels that belong to a lesion already stay as they are.

    Raises:
        EditError: every voxel belongs to a lesion that counts.
    """
    taken = union(lesion.index for lesion in review.lesions.values() if lesion.counts)
    new = np.setdiff1d(index, taken)
    if not len(new):
        raise EditError("all of this is marked as calcium already", "calcium that is not", "Relabel the lesion instead")
    return repaint(review, new, np.full(len(new), int(vessel), np.uint8))


def erase(review: Review, index: np.ndarray) -> Change:
    """Voxels that are no calcium; a lesion cut in two by it becomes two."""
    return repaint(review, np.unique(index), np.zeros(len(np.unique(index)), np.uint8))


def split(review: Review, lesion_id: int, parts: tuple[np.ndarray, np.ndarray]) -> Change:
    """One lesion made two, which stay two although they touch; the larger part keeps the id.

    Args:
        parts: flat indices of both parts, such as `growing.cut_by_plane` gives.

    Raises:
        EditError: parts that are not the lesion's.
    """
    lesion = review.lesion(lesion_id)
    first, second = sorted((np.sort(part) for part in parts), key=lambda part: -len(part))
    if not len(second) or not np.array_equal(np.sort(np.concatenate([first, second])), lesion.index):
        raise EditError("these parts do not make up the lesion", "two parts that share no voxel and leave none out")
    kept = replace(lesion, index=first)
    new = replace(lesion, id=review.next_id, index=second, origin=(*lesion.origin, lesion_id))
    return Change((lesion,), (kept, new))


def merge(review: Review, ids: Iterable[int]) -> Change:
    """Several lesions made one: the largest keeps id and artery; the others are named as its origin.

    Raises:
        EditError: fewer than two lesions, or one among them that does not count.
    """
    lesions = sorted((review.lesion(i) for i in dict.fromkeys(ids)), key=lambda lesion: (-len(lesion.index), lesion.id))
    if len(lesions) < 2:
        raise EditError(f"{len(lesions)} lesion selected", "at least two lesions to merge")
    if not all(lesion.counts for lesion in lesions):
        raise EditError(
            "a lesion that does not count is among those to merge", "lesions that count", "Restore it first"
        )
    largest, rest = lesions[0], lesions[1:]
    origin = tuple(sorted({*largest.origin, *(lesion.id for lesion in rest)}))
    whole = replace(largest, index=union(lesion.index for lesion in lesions), origin=origin)
    return Change(tuple(sorted(lesions, key=lambda lesion: lesion.id)), (whole,))


def _each(review: Review, ids: Iterable[int], edit) -> Change:  # type: ignore[no-untyped-def]
    before = [review.lesion(i) for i in dict.fromkeys(ids)]
    pairs: list[tuple[ReviewedLesion, ReviewedLesion]] = [(lesion, edit(lesion)) for lesion in before]
    changed = [(old, new) for old, new in pairs if not old.same_as(new)]
    return Change(tuple(old for old, _ in changed), tuple(new for _, new in changed))
