"""The label maps behind segments, as arrays on the CT's grid that are read and written in place.

Several segments can share one label map (a layer), each with a label value of its own. Slicer shrinks, grows and
replaces layers as it likes while somebody paints, so each is looked up anew every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from cacnet.bounding_box import box_of_nonzero
from cacnet.volume import GRID_TOLERANCE_VOXELS, Geometry
from vtk.util.numpy_support import get_vtk_array_type, vtk_to_numpy

from CACNetSegmentationLib.scene.segmentations import binary_labelmap
from CACNetSegmentationLib.scene.volumes import ijk_to_ras_matrix

ROOM_VOXELS = 8
"""A layer that must grow grows by this much more, so that the next stroke finds room."""


@dataclass(frozen=True)
class Layer:
    """One label map of a segmentation.

    Attributes:
        image: the label map; segments that share it hold the same object.
        number_of: for each label value (array index), which of the numbers asked for it stands for, 0 for others.
        label_of: the reverse.
    """

    image: slicer.vtkOrientedImageData
    number_of: np.ndarray
    label_of: Mapping[int, int]


def layers_of(segmentation: slicer.vtkSegmentation, numbers: Mapping[str, int]) -> list[Layer]:
    """The label maps of segments; `numbers` gives by segment id what its voxels mean. Missing ones do not matter."""
    found: list[tuple[slicer.vtkOrientedImageData, dict[int, int]]] = []
    for segment_id, number in numbers.items():
        segment = segmentation.GetSegment(segment_id)
        image = segment.GetRepresentation(binary_labelmap()) if segment else None
        if image is None:
            continue
        labels = next((labels for known, labels in found if known is image), None)
        if labels is None:
            labels = {}
            found.append((image, labels))
        labels[segment.GetLabelValue()] = number
    return [_layer(image, labels) for image, labels in found]


def _layer(image: slicer.vtkOrientedImageData, labels: Mapping[int, int]) -> Layer:
    number_of = np.zeros(max(256, max(labels) + 1), np.uint8)
    for label, number in labels.items():
        number_of[label] = number
    return Layer(image, number_of, {number: label for label, number in labels.items()})


def free_label(segmentation: slicer.vtkSegmentation, image: slicer.vtkOrientedImageData, wanted: int) -> int:
    """`wanted`, or else the next label value that no segment on the layer has."""
    taken = set()
    for segment_id in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segment_id)
        if segment.GetRepresentation(binary_labelmap()) is image:
            taken.add(segment.GetLabelValue())
    return wanted if wanted not in taken else max(taken) + 1


def view(image: slicer.vtkOrientedImageData, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """The voxels of a layer that lie in the CT, (z, y, x), and the CT's index of the first; writing alters the layer.

    A layer on another grid is resampled to the CT's first.
    """
    shift = _whole_voxel_shift(image, geometry)
    if shift is None:
        _resample(image, geometry)
        shift = np.zeros(3, int)
    array = _array(image)
    x0, _, y0, _, z0, _ = image.GetExtent()
    start = np.array([z0, y0, x0]) + shift
    low = np.clip(-start, 0, array.shape)
    high = np.maximum(np.clip(np.array(geometry.shape_zyx) - start, 0, array.shape), low)
    return array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], start + low


def occupied(array_zyx: np.ndarray) -> np.ndarray:
    """Sorted flat indices of the voxels that are not 0: eight bytes at a time, because nearly all of them are."""
    flat = np.ascontiguousarray(array_zyx).reshape(-1)
    each = 8 // flat.itemsize
    words = flat[: len(flat) // each * each].view(np.uint64)
    hits = np.flatnonzero(words != 0)
    candidates = (hits[:, None] * each + np.arange(each)).ravel()
    candidates = np.concatenate([candidates, np.arange(len(words) * each, len(flat))])
    return candidates[flat[candidates] != 0]


def make_room(
    image: slicer.vtkOrientedImageData, geometry: Geometry, low_zyx: np.ndarray, high_zyx: np.ndarray
) -> None:
    """Let a layer reach over a box of the CT, `high_zyx` exclusive; it grows where it must."""
    part, start = view(image, geometry)
    stop = start + part.shape
    if part.size and (low_zyx >= start).all() and (high_zyx <= stop).all():
        return
    if part.size:
        low_zyx, high_zyx = np.minimum(low_zyx, start), np.maximum(high_zyx, stop)
    low = np.maximum(low_zyx - ROOM_VOXELS, 0)
    high = np.minimum(high_zyx + ROOM_VOXELS, geometry.shape_zyx)
    grown = np.zeros(high - low, _array(image).dtype if part.size else np.uint8)
    grown[tuple(slice(a, a + n) for a, n in zip(start - low, part.shape, strict=True))] = part
    _replace(image, geometry, grown, low)


def shrink(image: slicer.vtkOrientedImageData, geometry: Geometry) -> None:
    """Reduce a layer to the box of what is in it: Slicer's strokes and surfaces cost by a layer's size."""
    part, start = view(image, geometry)
    box = box_of_nonzero(part) if part.size else None
    if box is None:
        _replace(image, geometry, np.zeros((0, 0, 0), np.uint8), np.zeros(3, int))
        return
    low = np.maximum([side.start - ROOM_VOXELS for side in box], 0)
    high = np.minimum([side.stop + ROOM_VOXELS for side in box], part.shape)
    smaller = part[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].copy()
    _replace(image, geometry, smaller, start + low)


def _replace(image: slicer.vtkOrientedImageData, geometry: Geometry, array: np.ndarray, start_zyx: np.ndarray) -> None:
    """Give a layer other voxels, in the same object, because other segments may share it."""
    z, y, x = (int(n) for n in start_zyx)
    depth, height, width = array.shape
    image.SetImageToWorldMatrix(ijk_to_ras_matrix(geometry))
    image.SetExtent(x, x + width - 1, y, y + height - 1, z, z + depth - 1)
    image.AllocateScalars(get_vtk_array_type(array.dtype), 1)
    if array.size:
        _array(image)[...] = array
    image.Modified()


def _resample(image: slicer.vtkOrientedImageData, geometry: Geometry) -> None:
    reference, resampled = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData()
    z, y, x = geometry.shape_zyx
    reference.SetExtent(0, x - 1, 0, y - 1, 0, z - 1)
    reference.SetImageToWorldMatrix(ijk_to_ras_matrix(geometry))
    reference.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(image, reference, resampled)
    image.DeepCopy(resampled)


def _whole_voxel_shift(image: slicer.vtkOrientedImageData, geometry: Geometry) -> np.ndarray | None:
    """By how many voxels (z, y, x) the layer's indices differ from the CT's; None where it has another grid."""
    own = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(own)
    to_ct = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(ijk_to_ras_matrix(geometry), to_ct)
    vtk.vtkMatrix4x4.Multiply4x4(to_ct, own, own)
    matrix = np.array([[own.GetElement(row, column) for column in range(4)] for row in range(4)])
    shift_xyz = np.round(matrix[:3, 3])
    # A difference of axes adds up over the grid, so it is weighed by the grid's length.
    askew = np.abs(matrix[:3, :3] - np.eye(3)) @ np.array(geometry.shape_zyx[::-1])
    if (askew + np.abs(matrix[:3, 3] - shift_xyz) > GRID_TOLERANCE_VOXELS).any():
        return None
    return shift_xyz[::-1].astype(int)


def _array(image: slicer.vtkOrientedImageData) -> np.ndarray:
    shape = image.GetDimensions()[::-1]
    scalars = image.GetPointData().GetScalars()
    if scalars is None or 0 in shape or scalars.GetNumberOfTuples() == 0:
        return np.zeros((0, 0, 0), np.uint8)
    return vtk_to_numpy(scalars).reshape(shape)
