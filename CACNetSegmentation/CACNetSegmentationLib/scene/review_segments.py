"""A review's lesions as segments: what was painted on them, and how they follow every correction.

The calcium segments show what counts. Rejected lesions are shown faintly in one more segment, "Rejected", which is no
result and not for painting: painting an artery over it takes those voxels into that artery, painting it over calcium
erases the calcium, and whatever else is done to it is undone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from cacnet import segments
from cacnet.anatomy import Vessel
from cacnet.edits.review import Review, ReviewedLesion
from cacnet.segments import SegmentDefinition
from cacnet.volume import Geometry

from CACNetSegmentationLib.scene import review_layers
from CACNetSegmentationLib.scene.segmentations import binary_labelmap, new_segment, tag_algorithm

REJECTED_NUMBER = len(Vessel) + 1
"""What stands for rejected calcium beside the numbers of `Vessel`."""
REJECTED_SEGMENT = SegmentDefinition(
    "Rejected",
    "Rejected",
    7,
    (0.6, 0.6, 0.6),
    segments.ALTERED_STRUCTURE,
    segments.CALCIFICATION,
    segments.CORONARY_ARTERY,
)
REJECTED_OPACITY_2D = 0.25
REJECTED_OPACITY_3D = 0.15

DEFINITIONS = {**{s.label_value: s for s in segments.CALCIUM_SEGMENTS}, REJECTED_NUMBER: REJECTED_SEGMENT}
NUMBERS = {definition.segment_id: number for number, definition in DEFINITIONS.items()}


@dataclass(frozen=True)
class Strokes:
    """How the segments differ from a review.

    Attributes:
        index, vessel: flat indices of voxels and the artery's number, 0 for none, that a reader gave them.
        reverted: flat indices of voxels that must look again as the review has them.
        arteries: numbers of the calcium segments that were drawn on.
    """

    index: np.ndarray
    vessel: np.ndarray
    reverted: np.ndarray
    arteries: frozenset[int]

    def __bool__(self) -> bool:
        return bool(len(self.index) or len(self.reverted))


class ReviewSegments:
    """The segments of one review.

    Args:
        node: the segmentation; geometry: the CT's grid.
        algorithm_name: for segments that have to be made again.
    """

    def __init__(self, node: slicer.vtkMRMLSegmentationNode, geometry: Geometry, algorithm_name: str) -> None:
        self._node, self._geometry, self._algorithm_name = node, geometry, algorithm_name

    @property
    def _segmentation(self) -> slicer.vtkSegmentation:
        return self._node.GetSegmentation()

    @property
    def complete(self) -> bool:
        """Whether every artery has its segment."""
        return all(self._has(DEFINITIONS[vessel]) for vessel in Vessel)

    def tidy(self) -> None:
        """Make our layers as small as what is in them."""
        numbers = {**NUMBERS, segments.CORONARY_SEGMENT.segment_id: segments.CORONARY_SEGMENT.label_value}
        for layer in review_layers.layers_of(self._segmentation, numbers):
            review_layers.shrink(layer.image, self._geometry)

    def strokes(self, review: Review) -> Strokes:
        """What somebody else has done to the segments. Where segments overlap, that which is new was meant."""
        index, number = self._painted()
        known_index, known_number = _known(review)
        missing = _look_up(np.sort(index), np.ones(len(index), np.uint8), known_index) == 0
        gone, gone_number = known_index[missing], known_number[missing]
        new = number != _look_up(known_index, known_number, index)
        index, number = index[new], number[new]
        index, first = np.unique(index, return_index=True)
        number = number[first]
        before = _look_up(known_index, known_number, index)
        nothing_new = (number == REJECTED_NUMBER) & (before == 0)
        vessel = np.where(number == REJECTED_NUMBER, 0, number)
        erased = gone_number != REJECTED_NUMBER
        drawn_on = {*vessel[~nothing_new].tolist(), *before[~nothing_new].tolist(), *gone_number[erased].tolist()}
        return Strokes(
            index=np.concatenate([index[~nothing_new], gone[erased]]),
            vessel=np.concatenate([vessel[~nothing_new], np.zeros(int(erased.sum()), np.uint8)]).astype(np.uint8),
            reverted=np.concatenate([index[nothing_new], gone[~erased]]),
            arteries=frozenset(drawn_on - {0, REJECTED_NUMBER}),
        )

    def write(self, review: Review, index: np.ndarray) -> set[int]:
        """Make voxels (flat indices) look as the review has them; returns the numbers of the segments that changed."""
        index = np.unique(index)
        number = _look_up(*_known(review), index)
        self._require_segments({*(int(v) for v in Vessel), *np.unique(number).tolist()} - {0})
        changed: set[int] = set()
        for layer in review_layers.layers_of(self._segmentation, NUMBERS):
            changed |= self._write_layer(layer, index, number)
        self.mark_edited(changed)
        for one in sorted(changed):
            self._segmentation.InvokeEvent(
                slicer.vtkSegmentation.SourceRepresentationModified, DEFINITIONS[one].segment_id
            )
        return changed

    def _write_layer(self, layer: review_layers.Layer, index: np.ndarray, number: np.ndarray) -> set[int]:
        label_of = np.zeros(REJECTED_NUMBER + 1, np.int64)
        for one, label in layer.label_of.items():
            label_of[one] = label
        label = label_of[number]
        voxels = np.stack(np.unravel_index(index, self._geometry.shape_zyx), axis=-1)
        if label.any():
            ours = voxels[label > 0]
            review_layers.make_room(layer.image, self._geometry, ours.min(axis=0), ours.max(axis=0) + 1)
        array, start = review_layers.view(layer.image, self._geometry)
        inside = ((voxels >= start) & (voxels < start + array.shape)).all(axis=1)
        at = tuple((voxels[inside] - start).T)
        before, label = array[at], label[inside]
        was = layer.number_of[before]
        # A segment of the reader's own, on the same layer, stays where the review has nothing to show.
        write = (before != label) & ((was > 0) | (label > 0))
        if not write.any():
            return set()
        array[tuple(axis[write] for axis in at)] = label[write]
        # Not image.Modified(): that would discard the surfaces of every segment on the layer.
        layer.image.GetPointData().GetScalars().Modified()
        return {*was[write].tolist(), *layer.number_of[label[write]].tolist()} - {0}

    def _painted(self) -> tuple[np.ndarray, np.ndarray]:
        """Flat indices and numbers of all voxels in our segments; a voxel in two segments comes twice."""
        found_index, found_number = [np.zeros(0, np.int64)], [np.zeros(0, np.uint8)]
        for layer in review_layers.layers_of(self._segmentation, NUMBERS):
            array, start = review_layers.view(layer.image, self._geometry)
            at = np.unravel_index(review_layers.occupied(array), array.shape)
            number = layer.number_of[array[at]]
            voxels = tuple((axis[number > 0] + first) for axis, first in zip(at, start, strict=True))
            found_index.append(np.ravel_multi_index(voxels, self._geometry.shape_zyx).astype(np.int64))
            found_number.append(number[number > 0])
        return np.concatenate(found_index), np.concatenate(found_number)

    def _require_segments(self, numbers: set[int]) -> None:
        """Make those that somebody has deleted, in their usual order, empty, on the layer of the others."""
        for number in sorted(numbers):
            definition = DEFINITIONS[number]
            segment = self._segmentation.GetSegment(definition.segment_id)
            if segment is not None and segment.GetRepresentation(binary_labelmap()) is not None:
                continue
            if segment is not None:
                self._segmentation.RemoveSegment(definition.segment_id)
            made = new_segment(definition, self._common_layer(), self._algorithm_name)
            made.SetLabelValue(
                review_layers.free_label(
                    self._segmentation, made.GetRepresentation(binary_labelmap()), definition.label_value
                )
            )
            following = next((d.segment_id for n, d in DEFINITIONS.items() if n > number and self._has(d)), "")
            self._segmentation.AddSegment(made, definition.segment_id, following)
            if number == REJECTED_NUMBER:
                self._show_faintly()

    def _has(self, definition: SegmentDefinition) -> bool:
        return self._segmentation.GetSegment(definition.segment_id) is not None

    def _common_layer(self) -> slicer.vtkOrientedImageData:
        layers = review_layers.layers_of(self._segmentation, NUMBERS)
        if not layers:
            return slicer.vtkOrientedImageData()
        return max(layers, key=lambda layer: len(layer.label_of)).image

    def _show_faintly(self) -> None:
        display = self._node.GetDisplayNode()
        if display is not None:
            display.SetSegmentOpacity2DFill(REJECTED_SEGMENT.segment_id, REJECTED_OPACITY_2D)
            display.SetSegmentOpacity2DOutline(REJECTED_SEGMENT.segment_id, 2 * REJECTED_OPACITY_2D)
            display.SetSegmentOpacity3D(REJECTED_SEGMENT.segment_id, REJECTED_OPACITY_3D)

    def mark_edited(self, numbers: Iterable[int]) -> None:
        """Say of segments, for DICOM, that a person has edited them."""
        for number in numbers:
            segment = self._segmentation.GetSegment(DEFINITIONS[number].segment_id)
            name, kind = vtk.reference(""), vtk.reference("")
            segment.GetTag(segments.ALGORITHM_TYPE_TAG, kind)
            if str(kind) == segments.AUTOMATIC:
                segment.GetTag(segments.ALGORITHM_NAME_TAG, name)
                tag_algorithm(segment, str(name), segments.SEMIAUTOMATIC)


def differing(before: Review, after: Review) -> np.ndarray:
    """Flat indices of the voxels of every lesion that looks other in one review than in the other."""
    changed = [np.zeros(0, np.int64)]
    for lesion_id in before.lesions.keys() | after.lesions.keys():
        old, new = before.lesions.get(lesion_id), after.lesions.get(lesion_id)
        if old is None or new is None or not _look_alike(old, new):
            changed += [lesion.index for lesion in (old, new) if lesion is not None]
    return np.unique(np.concatenate(changed))


def _look_alike(one: ReviewedLesion, other: ReviewedLesion) -> bool:
    return one.index is other.index and (one.vessel, one.counts) == (other.vessel, other.counts)


def _known(review: Review) -> tuple[np.ndarray, np.ndarray]:
    """Sorted flat indices of all calcium of a review, and its numbers."""
    lesions = review.lesions.values()
    index = np.concatenate([np.zeros(0, np.int64), *(lesion.index for lesion in lesions)])
    number = np.concatenate(
        [
            np.zeros(0, np.uint8),
            *(np.full(len(x.index), x.vessel if x.counts else REJECTED_NUMBER, np.uint8) for x in lesions),
        ]
    )
    order = np.argsort(index, kind="stable")
    return index[order], number[order]


def _look_up(known_index: np.ndarray, known_number: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The number at each flat index, 0 where there is none."""
    if not len(known_index):
        return np.zeros(len(index), np.uint8)
    place = np.minimum(np.searchsorted(known_index, index), len(known_index) - 1)
    return np.where(known_index[place] == index, known_number[place], 0).astype(np.uint8)
