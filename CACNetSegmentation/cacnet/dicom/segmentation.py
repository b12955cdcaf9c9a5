"""Calcium by artery, and the arteries, as a DICOM Segmentation (PS3.3 A.51)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

import cacnet
from cacnet.anatomy import Vessel
from cacnet.dicom.codes import (
    MANUFACTURER,
    MODEL_NAME,
    SEG_SERIES_NUMBER,
    algorithm_of_segments,
    concept,
    person_name,
)
from cacnet.dicom.errors import NothingToStateError
from cacnet.dicom.source import SourceImages
from cacnet.reviewed_case import ReviewedCase
from cacnet.segments import (
    AUTOMATIC,
    CALCIUM_SEGMENTS,
    CORONARY_SEGMENT,
    SEMIAUTOMATIC,
    SegmentDefinition,
)

if TYPE_CHECKING:
    from highdicom.color import CIELabColor
    from highdicom.seg import Segmentation, SegmentDescription

SERIES_DESCRIPTION = "CACNet calcium and arteries, research only"


def make_segmentation(case: ReviewedCase, source: SourceImages) -> Segmentation:
    """Segments that have voxels, in the order LM, LAD, LCx, RCA, unassigned calcium, coronary arteries.

    Calcium lies inside the arteries, so segments overlap. A segment that a reader changed is SEMIAUTOMATIC.

    Raises:
        NothingToStateError: there is neither calcium nor an artery.
        SourceImagesError: the labels are not of these images.
    """
    import highdicom as hd

    masks = dict(_masks(case, source))
    if not masks:
        raise NothingToStateError(
            "the result holds neither coronary arteries nor calcium",
            "at least one of them",
            "Check the contrast phase and the field of view",
        )
    first, last = _extent(list(masks.values()))
    stack = np.stack([mask[first:last] for mask in masks.values()], axis=-1).astype(np.uint8)
    affine = source.geometry.affine_zyx_to_lps.copy()
    affine[:3, 3] = source.geometry.index_to_lps(np.array([first, 0, 0]))
    volume = hd.Volume(
        stack,
        affine,
        coordinate_system="PATIENT",
        frame_of_reference_uid=source.datasets[0].FrameOfReferenceUID,
        channels={"SegmentNumber": list(range(1, len(masks) + 1))},
    )
    descriptions = [_description(case, number, segment) for number, segment in enumerate(masks, start=1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a source's own names and values, which are carried over
        return hd.seg.Segmentation(
            source_images=source.datasets,
            pixel_array=volume,
            segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=descriptions,
            series_instance_uid=hd.UID(),
            series_number=SEG_SERIES_NUMBER,
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MODEL_NAME,
            software_versions=cacnet.__version__,
            device_serial_number=(case.model.weights_sha256 or "unknown")[:16],
            series_description=SERIES_DESCRIPTION,
            content_label="CACNET",
            content_description="Research use only, not for diagnosis",
            content_creator_name=person_name(case),
        )


def segment_numbers(segmentation: Segmentation) -> dict[Vessel, int]:
    """The number of each artery's calcium segment."""
    labels = {_label(CALCIUM_SEGMENTS[vessel - 1]): vessel for vessel in Vessel}
    items = ((labels.get(item.SegmentLabel), int(item.SegmentNumber)) for item in segmentation.SegmentSequence)
    return {vessel: number for vessel, number in items if vessel is not None}


def _masks(case: ReviewedCase, source: SourceImages) -> Iterator[tuple[SegmentDefinition, np.ndarray]]:
    geometry = case.volume.geometry
    calcium = source.place(case.calcium, geometry)
    for segment in CALCIUM_SEGMENTS:
        mask = calcium == segment.label_value
        if mask.any():
            yield segment, mask
    arteries = source.place(case.coronary_covering_calcium, geometry) > 0
    if arteries.any():
        yield CORONARY_SEGMENT, arteries


def _extent(masks: list[np.ndarray]) -> tuple[int, int]:
    """First and last slice, exclusive, that any of them reaches: a stack of all slices may need a gigabyte."""
    reached = np.flatnonzero(np.any([mask.any(axis=(1, 2)) for mask in masks], axis=0))
    return int(reached[0]), int(reached[-1]) + 1


def _description(case: ReviewedCase, number: int, segment: SegmentDefinition) -> SegmentDescription:
    import highdicom as hd

    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=_label(segment),
        segmented_property_category=concept(segment.category),
        segmented_property_type=concept(segment.type),
        algorithm_type=SEMIAUTOMATIC if _changed(case, segment) else AUTOMATIC,
        algorithm_identification=algorithm_of_segments(case),
        tracking_uid=hd.UID(),
        tracking_id=_label(segment),
        anatomic_regions=[concept(segment.region)],
        display_color=_color(segment.color_rgb),
    )


def _label(segment: SegmentDefinition) -> str:
    return segment.name if segment is CORONARY_SEGMENT else f"{segment.name} calcium"


def _changed(case: ReviewedCase, segment: SegmentDefinition) -> bool:
    """Whether the segment differs from the network's own; the arteries do where calcium was added outside them."""
    network = case.session.original.label_map()
    if segment is CORONARY_SEGMENT:
        return bool(np.any((case.calcium > 0) & (case.coronary == 0) & (network == 0)))
    return not np.array_equal(case.calcium == segment.label_value, network == segment.label_value)


def _color(color_rgb: tuple[float, float, float]) -> CIELabColor:
    """Recommended Display CIELab Value (PS3.3 C.10.7.1.1)."""
    from highdicom.color import CIELabColor
    from skimage.color import rgb2lab

    lightness, a, b = rgb2lab(np.array(color_rgb)[None, None])[0, 0]
    return CIELabColor(float(lightness), float(a), float(b))
