"""The per-slice scores of all lesions of a scan, grouped for scoring as the lesions' own scores were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cacnet.anatomy import Vessel
from cacnet.edits.review import Review, voxels_of
from cacnet.lesions import LesionSet, crop_around
from cacnet.scoring import ResolvedProtocol, SliceScore, slice_scores
from cacnet.scoring.agatston import margin_voxels
from cacnet.volume import Geometry


@dataclass(frozen=True)
class LesionSlice:
    """One lesion's score in one slice, and its artery."""

    vessel: Vessel
    score: SliceScore


def slices_of_set(
    found: LesionSet, hu_zyx: np.ndarray, geometry: Geometry, resolved: ResolvedProtocol
) -> tuple[LesionSlice, ...]:
    """Of lesions as found, each of which was scored by itself."""
    rows = []
    for lesion, index in zip(found.lesions, found.indices, strict=True):
        scores = _score({lesion.id: index}, hu_zyx, geometry, resolved)
        rows += [LesionSlice(lesion.vessel, score) for score in scores]
    return _ordered(rows)


def slices_of_review(
    review: Review, hu_zyx: np.ndarray, geometry: Geometry, resolved: ResolvedProtocol
) -> tuple[LesionSlice, ...]:
    """Of lesions under review, rejected ones left out; those of an artery that touch were scored together."""
    rows = []
    for vessel in Vessel:
        own = {i: lesion.index for i, lesion in review.lesions.items() if lesion.vessel is vessel and lesion.counts}
        for group in _touching(own, geometry.shape_zyx):
            scores = _score({i: own[i] for i in group}, hu_zyx, geometry, resolved)
            rows += [LesionSlice(vessel, score) for score in scores]
    return _ordered(rows)


def _ordered(rows: Sequence[LesionSlice]) -> tuple[LesionSlice, ...]:
    return tuple(sorted(rows, key=lambda row: (row.score.position_mm, row.score.lesion)))


def _score(
    indices: Mapping[int, np.ndarray], hu_zyx: np.ndarray, geometry: Geometry, resolved: ResolvedProtocol
) -> tuple[SliceScore, ...]:
    box, lesions = _numbered(indices, geometry.shape_zyx, margin_voxels(geometry, resolved))
    return slice_scores(lesions, hu_zyx[box], geometry.crop(box), resolved)


def _numbered(
    indices: Mapping[int, np.ndarray], shape_zyx: tuple[int, int, int], margin_zyx: tuple[int, int, int]
) -> tuple[tuple[slice, slice, slice], np.ndarray]:
    """The box around lesions, and their numbers in it."""
    every = voxels_of(np.concatenate(list(indices.values())), shape_zyx)
    box, mask = crop_around(every, shape_zyx, margin_zyx)
    low = [side.start for side in box]
    lesions = np.zeros(mask.shape, np.int32)
    for number, index in indices.items():
        lesions[tuple((voxels_of(index, shape_zyx) - low).T)] = number
    return box, lesions


def _touching(indices: Mapping[int, np.ndarray], shape_zyx: tuple[int, int, int]) -> list[tuple[int, ...]]:
    """Groups of lesions that touch by a face, an edge or a corner, directly or through others."""
    if not indices:
        return []
    _, lesions = _numbered(indices, shape_zyx, (1, 1, 1))
    pieces = ndimage.label(lesions > 0, np.ones((3, 3, 3)))[0]
    groups = {number: {number} for number in indices}
    for piece in range(1, int(pieces.max()) + 1):
        members = {int(number) for number in np.unique(lesions[pieces == piece])}
        joined = set().union(*(groups[number] for number in members))
        groups |= dict.fromkeys(joined, joined)
    return sorted({tuple(sorted(group)) for group in groups.values()})
