"""What painting and erasing voxels does to lesions: they keep their ids by overlap, and splits and merges follow.

The rules, which are those a reader expects of lesions as connected calcium of one artery:

- voxels painted next to a lesion of the same artery join it; painted elsewhere they are a new lesion;
- a stroke that joins two lesions makes them one, with the id of the larger, unless they touched before, for then
  somebody has kept them apart;
- a lesion that a stroke cuts in two keeps its id in the largest piece, the others are new lesions in the same state;
- a lesion painted over entirely, or painted as another artery, loses those voxels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from cacnet.anatomy import Vessel
from cacnet.edits.review import Change, EditError, Review, ReviewedLesion, flat_index, in_one, union, voxels_of
from cacnet.lesions import neighbourhoods

TOUCHING = np.ones((3, 3, 3), dtype=bool)


def repaint(review: Review, index: np.ndarray, vessel: np.ndarray) -> Change:
    """The change that gives voxels new vessel numbers.

    Args:
        index: flat indices of the voxels, in any order, each once.
        vessel: their `Vessel` numbers, 0 for none. Voxels of a rejected lesion that stay 0 stay rejected.

    Raises:
        EditError: an index outside the scan, or a number that stands for no artery.
    """
    _require(review, index, vessel)
    order = np.argsort(index)
    index, vessel = index[order].astype(np.int64), vessel[order]
    index, vessel = _really_new(review, index, vessel)
    changes = []
    for part in neighbourhoods(index, review.shape_zyx):
        painter = _Painter(review, index[part])
        painter.take(index[part])
        for number in np.unique(vessel[part][vessel[part] > 0]):
            painter.add(index[part][vessel[part] == number], Vessel(int(number)))
        changes.append(painter.change())
        review = review.changed(changes[-1])
    return in_one(changes)


def repaint_box(review: Review, start_zyx: tuple[int, int, int], labels_zyx: np.ndarray) -> Change:
    """The change that makes the vessel numbers in a box those of `labels_zyx`: a stroke, seen from the segments."""
    stop = np.array(start_zyx) + labels_zyx.shape
    if np.any(np.array(start_zyx) < 0) or np.any(stop > review.shape_zyx):
        raise EditError(
            f"a box from {start_zyx} to {tuple(int(n) for n in stop)}", f"one inside the scan of {review.shape_zyx}"
        )
    known = np.zeros(labels_zyx.shape, np.uint8)
    for lesion in _between(
        review, *(np.ravel_multi_index(tuple(at), review.shape_zyx) for at in (start_zyx, stop - 1))
    ):
        if lesion.counts:
            voxels = voxels_of(lesion.index, review.shape_zyx) - start_zyx
            voxels = voxels[((voxels >= 0) & (voxels < labels_zyx.shape)).all(axis=1)]
            known[tuple(voxels.T)] = lesion.vessel
    changed = np.argwhere(known != labels_zyx)
    index = np.ravel_multi_index(tuple((changed + start_zyx).T), review.shape_zyx).astype(np.int64)
    return repaint(review, index, labels_zyx[tuple(changed.T)])


def _require(review: Review, index: np.ndarray, vessel: np.ndarray) -> None:
    if index.shape != vessel.shape or index.ndim != 1:
        raise EditError(f"{index.shape} voxels with {vessel.shape} labels", "one label for each voxel")
    if len(index) and (index.min() < 0 or index.max() >= np.prod(review.shape_zyx)):
        raise EditError("a stroke that leaves the scan", f"voxels inside {review.shape_zyx}")
    if not np.isin(vessel, [0, *Vessel]).all():
        raise EditError(
            f"a stroke with the labels {np.unique(vessel).tolist()}", "0, or 1 LM, 2 LAD, 3 LCx, 4 RCA, 5 unassigned"
        )


def _really_new(review: Review, index: np.ndarray, vessel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Without the voxels that already are what they are painted as."""
    current = np.zeros(len(index), dtype=np.uint8)
    if len(index):
        for lesion in _between(review, index[0], index[-1]):
            if lesion.counts:
                current[np.isin(index, lesion.index, assume_unique=True)] = lesion.vessel
    return index[vessel != current], vessel[vessel != current]


def _between(review: Review, first: int, last: int) -> list[ReviewedLesion]:
    """The lesions that may have a voxel between two flat indices, so in the planes between them."""
    return [x for x in review.lesions.values() if x.index[0] <= last and x.index[-1] >= first]


class _Painter:
    """One stroke at work: the lesions that it may touch, on the box around them."""

    def __init__(self, review: Review, index: np.ndarray) -> None:
        self.review = review
        self.next_id = review.next_id
        voxels = voxels_of(index, review.shape_zyx)
        low, high = voxels.min(axis=0) - 1, voxels.max(axis=0) + 2
        plane = review.shape_zyx[1] * review.shape_zyx[2]
        near = _between(review, int(low[0]) * plane, int(high[0]) * plane)
        self.before = {lesion.id: lesion for lesion in near if self._reaches(lesion, low, high)}
        self.now = {i: lesion.index for i, lesion in self.before.items()}
        self.lesions = dict(self.before)
        every = voxels_of(union([index, *self.now.values()]), review.shape_zyx)
        self.start = np.maximum(every.min(axis=0) - 1, 0)
        self.shape = tuple(int(n) for n in np.minimum(every.max(axis=0) + 2, review.shape_zyx) - self.start)

    def _reaches(self, lesion: ReviewedLesion, low: np.ndarray, high: np.ndarray) -> bool:
        voxels = voxels_of(lesion.index, self.review.shape_zyx)
        return bool(((voxels >= low) & (voxels < high)).all(axis=1).any())

    def take(self, index: np.ndarray) -> None:
        """Remove voxels from whatever lesion has them; a lesion cut in two becomes two."""
        for lesion_id in list(self.now):
            left = np.setdiff1d(self.now[lesion_id], index, assume_unique=True)
            if len(left) == len(self.now[lesion_id]):
                continue
            was, self.now[lesion_id] = self.now[lesion_id], left
            if len(left) == 0:
                del self.now[lesion_id]
                continue
            for piece in self._pieces(lesion_id, was, left):
                lesion = self.lesions[lesion_id]
                self.lesions[self.next_id] = replace(lesion, id=self.next_id, origin=(*lesion.origin, lesion_id))
                self.now[self.next_id] = piece
                self.now[lesion_id] = np.setdiff1d(self.now[lesion_id], piece, assume_unique=True)
                self.next_id += 1

    def _pieces(self, lesion_id: int, was: np.ndarray, left: np.ndarray) -> list[np.ndarray]:
        """What breaks off: of every connected part that the lesion had, all pieces but the largest."""
        before, _ = ndimage.label(self._mask(was), TOUCHING)
        after, count = ndimage.label(self._mask(left), TOUCHING)
        sizes = np.bincount(after.ravel(), minlength=count + 1)
        part_of = ndimage.maximum(before, after, np.arange(1, count + 1)).astype(int)
        broken = []
        for part in np.unique(part_of):
            numbers = np.flatnonzero(part_of == part) + 1
            by_size = sorted(numbers.tolist(), key=lambda n: (-sizes[n], n))
            broken += [self._index(after == number) for number in by_size[1:]]
        return broken

    def add(self, index: np.ndarray, vessel: Vessel) -> None:
        """Give voxels to the lesions of that artery which they touch; where there is none, to a new one."""
        labels, count = ndimage.label(self._mask(index), TOUCHING)
        for number in range(1, count + 1):
            stroke = labels == number
            grown = ndimage.binary_dilation(stroke, TOUCHING)
            touching = [
                i
                for i, voxels in sorted(self.now.items())
                if self.lesions[i].vessel == vessel and self.lesions[i].counts and (grown & self._mask(voxels)).any()
            ]
            self._join(self._index(stroke), vessel, touching)

    def _join(self, stroke: np.ndarray, vessel: Vessel, touching: list[int]) -> None:
        if not touching:
            self._found(stroke, vessel)
            return
        shares = self._share(stroke, touching)
        for lesion_id, share in zip(touching, shares, strict=True):
            self.now[lesion_id] = union([self.now[lesion_id], share])
        while (pair := self._newly_joined(touching)) is not None:
            kept, gone = pair
            self.now[kept] = union([self.now[kept], self.now.pop(gone)])
            lesion = self.lesions[kept]
            self.lesions[kept] = replace(lesion, origin=tuple(sorted({*lesion.origin, gone})))
            touching.remove(gone)

    def _found(self, stroke: np.ndarray, vessel: Vessel) -> None:
        """A lesion of its own: one painted as another artery as a whole goes on as itself, anything else is new."""
        covered = {i: len(np.intersect1d(stroke, lesion.index, True)) for i, lesion in self.before.items()}
        whole = [i for i, voxels in covered.items() if voxels and i not in self.now and self.before[i].counts]
        if whole:
            same = max(whole, key=lambda i: (covered[i], -i))
            self.lesions[same] = replace(self.before[same], vessel=vessel)
            self.now[same] = stroke
            return
        parents = tuple(i for i, voxels in covered.items() if voxels)
        self.lesions[self.next_id] = ReviewedLesion(self.next_id, vessel, stroke, origin=parents)
        self.now[self.next_id] = stroke
        self.next_id += 1

    def _share(self, stroke: np.ndarray, touching: list[int]) -> list[np.ndarray]:
        """Each stroke voxel to the nearest of the lesions."""
        if len(touching) == 1:
            return [stroke]
        shape = self.review.shape_zyx
        voxels = voxels_of(stroke, shape)
        distances = [cKDTree(voxels_of(self.now[i], shape)).query(voxels)[0] for i in touching]
        nearest = np.argmin(distances, axis=0)
        return [stroke[nearest == k] for k in range(len(touching))]

    def _newly_joined(self, touching: list[int]) -> tuple[int, int] | None:
        """Two of the lesions that the stroke has connected: the larger before it, then the smaller."""
        for place, first in enumerate(touching):
            for second in touching[place + 1 :]:
                if self._touch(self.now[first], self.now[second]) and not self._touched_before(first, second):
                    size = {i: len(self.before[i].index) if i in self.before else 0 for i in (first, second)}
                    return (second, first) if size[second] > size[first] else (first, second)
        return None

    def _touched_before(self, first: int, second: int) -> bool:
        known = first in self.before and second in self.before
        return known and self._touch(self.before[first].index, self.before[second].index)

    def _touch(self, first: np.ndarray, second: np.ndarray) -> bool:
        return bool((ndimage.binary_dilation(self._mask(first), TOUCHING) & self._mask(second)).any())

    def change(self) -> Change:
        """Everything that became different."""
        after = {i: replace(self.lesions[i], index=voxels) for i, voxels in self.now.items()}
        gone = [lesion for i, lesion in self.before.items() if i not in after or not lesion.same_as(after[i])]
        new = [lesion for i, lesion in after.items() if i not in self.before or not lesion.same_as(self.before[i])]
        return Change(tuple(gone), tuple(sorted(new, key=lambda lesion: lesion.id)))

    def _mask(self, index: np.ndarray) -> np.ndarray:
        mask = np.zeros(self.shape, dtype=bool)
        mask[tuple((voxels_of(index, self.review.shape_zyx) - self.start).T)] = True
        return mask

    def _index(self, mask: np.ndarray) -> np.ndarray:
        return flat_index(np.argwhere(mask) + self.start, self.review.shape_zyx)
