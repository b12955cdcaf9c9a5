"""A review in the scene as a report, as labels for training, and as DICOM; each export ends in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import slicer
from cacnet.dataset.export import ExportLayout, export_case
from cacnet.dicom.errors import SourceImagesError
from cacnet.dicom.export import export_dicom
from cacnet.findings import Finding
from cacnet.model_folders import statement_of
from cacnet.report import ModelStatement
from cacnet.reporting.case_report import CaseBackground, report_of_review
from cacnet.reporting.write import ReportFormat, write_reports
from cacnet.reviewed_case import ReviewedCase, named_arteries
from cacnet.volume import Acquisition, Volume

from CACNetSegmentationLib.scene.dicom_acquisition import INSTANCES_ATTRIBUTE
from CACNetSegmentationLib.scene.live_review import LiveReview
from CACNetSegmentationLib.scene.segmentations import labels_from_segmentation

SERIES_UID = "0020,000e"


class Database(Protocol):
    """The part of `slicer.dicomDatabase` (ctkDICOMDatabase) that is used."""

    def fileForInstance(self, instance_uid: str) -> str: ...
    def instanceValue(self, instance_uid: str, tag: str) -> str: ...


def reviewed_case(review: LiveReview, acquisition: Acquisition | None = None) -> ReviewedCase:
    """The review as it stands, painted strokes included; `acquisition` is what is known of the scan.

    Raises:
        CacnetError: as `LiveReview.absorb_strokes` and `labels_from_segmentation`.
    """
    review.absorb_strokes()
    stored = review.stored
    arteries = labels_from_segmentation(review.segmentation_node, review.volume_node)[1]
    model = ModelStatement(stored.model.id, stored.model.weights_sha256, statement_of(stored.model.id))
    return ReviewedCase(
        Volume(review.hu_zyx, stored.geometry, acquisition or Acquisition()),
        review.session,
        named_arteries(arteries > 0, stored.geometry, stored.courses),
        review.summary.resolved,
        model,
    )


def export_labels(
    review: LiveReview,
    dataset: Path,
    layout: ExportLayout = ExportLayout.OURS,
    any_state: bool = False,
    acquisition: Acquisition | None = None,
) -> str:
    """Add the review to a data set for training; raises as `cacnet.dataset.export.export_case`."""
    return export_case(dataset, reviewed_case(review, acquisition), layout, any_state).sentence


def export_objects(review: LiveReview, output: Path, source: DicomSource) -> str:
    """Write DICOM SEG and SR for the study of the CT; raises as `cacnet.dicom.export.export_dicom`.

    Args:
        source: the DICOM images of the CT (see `dicom_source`).
    """
    return export_dicom(output, reviewed_case(review), source.folder, source.series_uid).sentence


@dataclass(frozen=True)
class DicomSource:
    """Where the images of a CT are.

    Attributes:
        series_uid: of them, because a folder may hold several series, even patients, on the same grid; None where the
            database does not say.
    """

    folder: Path
    series_uid: str | None


def dicom_source(volume_node: slicer.vtkMRMLScalarVolumeNode, database: Database | None) -> DicomSource:
    """The DICOM files that a volume was loaded from.

    Raises:
        SourceImagesError: it was not loaded from DICOM, or the files are no longer there.
    """
    uids = (volume_node.GetAttribute(INSTANCES_ATTRIBUTE) or "").split()
    path = database.fileForInstance(uids[0]) if uids and database is not None else ""
    if not path or not Path(path).is_file():
        raise SourceImagesError(
            "the CT was not loaded from DICOM files that are still there",
            "a CT loaded with the DICOM module",
            "Import its DICOM files with the DICOM module, load the CT from there and run again",
        )
    series_uid = (database.instanceValue(uids[0], SERIES_UID) or "").strip()
    return DicomSource(Path(path).parent, series_uid or None)


def export_report(
    review: LiveReview, folder: Path, acquisition: Acquisition | None = None, findings: Iterable[Finding] = ()
) -> str:
    """Write the report of the review in every format, into a folder of its own; returns a sentence on it.

    Args:
        folder: the report's folder is made in it, and named after the scan's pseudonym, so that no case overwrites
            another's.
        acquisition: what is known of the scan; findings: what was noticed on it.

    Raises:
        UnwritableOutputError, MissingLibraryError, and the errors of `reviewed_case`.
    """
    case = reviewed_case(review, acquisition)
    stored, rules = review.stored, review.stored.rules
    background = CaseBackground(
        volume=case.volume,
        coronary=case.coronary,
        model=case.model,
        findings=(*stored.findings, *findings),
        dominance=stored.dominance,
        age_years=rules.age_years,
        sex=rules.sex,
        courses=stored.courses,
    )
    report = report_of_review(review.session, review.summary, background)
    written = write_reports(folder / f"cacnet-{case.pseudonym()}", report, list(ReportFormat))
    return f"Wrote {', '.join(path.name for path in written)} into {written[0].parent}."
