"""The scores as a DICOM Structured Report: TID 1500, Measurement Report (PS3.16), as Comprehensive 3D SR."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

import cacnet
from cacnet.anatomy import NAMED_VESSELS, Vessel
from cacnet.dicom.codes import (
    AGATSTON,
    CALCIUM_SCORE,
    CT,
    CUBIC_MILLIMETRES,
    MANUFACTURER,
    MASS,
    MILLIGRAMS,
    MODEL_NAME,
    NO_UNITS,
    REPORT_TITLE,
    SR_SERIES_NUMBER,
    VOLUME,
    algorithm_of_scores,
    concept,
    person_name,
)
from cacnet.dicom.segmentation import segment_numbers
from cacnet.dicom.source import SourceImages
from cacnet.edits.review import ReviewedLesion
from cacnet.reviewed_case import ReviewedCase
from cacnet.scoring import Totals, VesselTotals
from cacnet.segments import CALCIFICATION, CALCIUM_SEGMENTS, CORONARY_ARTERY, Code

if TYPE_CHECKING:
    from highdicom.seg import Segmentation
    from highdicom.sr import (
        Comprehensive3DSR,
        Measurement,
        MeasurementReport,
        MeasurementsAndQualitativeEvaluations,
        ObservationContext,
        SourceImageForMeasurementGroup,
        TrackingIdentifier,
        VolumetricROIMeasurementsAndQualitativeEvaluations,
    )

    from cacnet.lesions import Lesion

    Group = MeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations

SERIES_DESCRIPTION = "CACNet calcium scores, research only"
DECIMALS = 3


def make_report(case: ReviewedCase, source: SourceImages, segmentation: Segmentation) -> Comprehensive3DSR:
    """Agatston, volume and mass of the patient, of each artery and of each lesion that counts.

    Groups of arteries refer to the segments of `segmentation` and share their tracking identifiers; groups of lesions
    refer to the images that they lie in. COMPLETE once the review is approved, never VERIFIED.
    """
    import highdicom as hd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a source's own names and values, which are carried over
        return hd.sr.Comprehensive3DSR(
            evidence=[*source.datasets, segmentation],
            content=_content(case, source, segmentation),
            series_instance_uid=hd.UID(),
            series_number=SR_SERIES_NUMBER,
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MODEL_NAME,
            software_versions=cacnet.__version__,
            series_description=SERIES_DESCRIPTION,
            is_complete=case.session.locked,
            is_verified=False,
        )


def _content(case: ReviewedCase, source: SourceImages, segmentation: Segmentation) -> MeasurementReport:
    import highdicom as hd

    groups = [
        _total(case),
        *(_vessel(case, vessel, segmentation) for vessel in _vessels(case)),
        *(_lesion(case, source, lesion) for lesion in case.session.review.lesions.values() if lesion.counts),
    ]
    return hd.sr.MeasurementReport(
        observation_context=_observers(case),
        procedure_reported=concept(CT),
        imaging_measurements=groups,
        title=concept(REPORT_TITLE),
        # The image library describes single-frame images; an enhanced CT is in the evidence all the same.
        referenced_images=None if source.multi_frame else source.datasets,
    )


def _observers(case: ReviewedCase) -> ObservationContext:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=hd.UID(), name=MODEL_NAME, manufacturer_name=MANUFACTURER, model_name=MODEL_NAME
    )
    name, person = person_name(case), None
    if name is not None:
        person = hd.sr.ObserverContext(codes.DCM.Person, hd.sr.PersonObserverIdentifyingAttributes(name))
    return hd.sr.ObservationContext(
        observer_person_context=person, observer_device_context=hd.sr.ObserverContext(codes.DCM.Device, device)
    )


def _vessels(case: ReviewedCase) -> Iterator[Vessel]:
    """The four arteries, and what could not be given one where there is any."""
    yield from NAMED_VESSELS
    if case.session.scores.vessels[Vessel.UNASSIGNED].lesions:
        yield Vessel.UNASSIGNED


def _total(case: ReviewedCase) -> Group:
    return _without_region(case, _tracking("Total"), CORONARY_ARTERY, _scores(case.session.scores.totals))


def _vessel(case: ReviewedCase, vessel: Vessel, segmentation: Segmentation) -> Group:
    import highdicom as hd

    region = CALCIUM_SEGMENTS[vessel - 1].region
    scores = _scores(case.session.scores.vessels[vessel])
    number = segment_numbers(segmentation).get(vessel)
    if number is None:
        return _without_region(case, _tracking(f"{vessel.label} calcium"), region, scores)
    segment = segmentation.get_segment_description(number)
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(segment.TrackingUID, segment.TrackingID),
        referenced_segment=hd.sr.ReferencedSegment.from_segmentation(segmentation, number),
        finding_type=concept(CALCIFICATION),
        algorithm_id=algorithm_of_scores(case),
        finding_sites=[hd.sr.FindingSite(concept(region))],
        measurements=scores,
    )


def _lesion(case: ReviewedCase, source: SourceImages, reviewed: ReviewedLesion) -> Group:
    lesion = case.session.scores.lesions[reviewed.id]
    region = CALCIUM_SEGMENTS[reviewed.vessel - 1].region
    tracking = _tracking(f"Lesion {reviewed.id} {reviewed.vessel.label}")
    return _without_region(case, tracking, region, _scores(lesion), _images(case, source, lesion))


def _without_region(
    case: ReviewedCase,
    tracking: TrackingIdentifier,
    site: Code,
    scores: list[Measurement],
    images: list[SourceImageForMeasurementGroup] | None = None,
) -> Group:
    import highdicom as hd

    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking,
        finding_type=concept(CALCIFICATION),
        algorithm_id=algorithm_of_scores(case),
        finding_sites=[hd.sr.FindingSite(concept(site))],
        measurements=scores,
        source_images=images,
    )


def _tracking(identifier: str) -> TrackingIdentifier:
    import highdicom as hd

    return hd.sr.TrackingIdentifier(hd.UID(), identifier)


def _scores(sums: Totals | VesselTotals | Lesion) -> list[Measurement]:
    """One calcium score by each method, with its unit."""
    import highdicom as hd

    rows = (
        (AGATSTON, sums.agatston, NO_UNITS),
        (VOLUME, sums.volume_mm3, CUBIC_MILLIMETRES),
        (MASS, sums.mass_mg, MILLIGRAMS),
    )
    return [
        hd.sr.Measurement(concept(CALCIUM_SCORE), round(float(value), DECIMALS), concept(unit), method=concept(method))
        for method, value, unit in rows
    ]


def _images(case: ReviewedCase, source: SourceImages, lesion: Lesion) -> list[SourceImageForMeasurementGroup]:
    """The images of the slices that a lesion's box meets; a slice that was interpolated has none."""
    import highdicom as hd

    corners = np.array(np.meshgrid(*zip(lesion.start_zyx, np.array(lesion.stop_zyx) - 1, strict=True))).reshape(3, -1)
    depth = np.rint(source.geometry.lps_to_index(case.volume.geometry.index_to_lps(corners.T))[:, 0]).astype(int)
    slots = [slot for slot in source.slots[depth.min() : depth.max() + 1] if slot is not None]
    return [
        hd.sr.SourceImageForMeasurementGroup(
            dataset.SOPClassUID, dataset.SOPInstanceUID, None if frame is None else [frame]
        )
        for dataset, frame in slots
    ]
