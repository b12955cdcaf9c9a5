"""Both objects of a result, written together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cacnet.anatomy import NAMED_VESSELS
from cacnet.dicom.errors import NothingToStateError
from cacnet.dicom.measurements import make_report
from cacnet.dicom.segmentation import make_segmentation
from cacnet.dicom.source import find_source
from cacnet.files import staged_folder
from cacnet.progress import Progress, silent
from cacnet.report import RESEARCH_USE
from cacnet.reviewed_case import ReviewedCase

if TYPE_CHECKING:
    from pydicom import Dataset

UNICODE = "ISO_IR 192"
"""Whatever the source's character set is, its patient's name can be written in this one (PS3.3 C.12.1.1.2)."""
SEGMENTATION, REPORT = "segmentation.dcm", "scores.dcm"


@dataclass(frozen=True)
class ExportedDicom:
    """What was written."""

    segmentation: Path
    report: Path

    @property
    def sentence(self) -> str:
        """For the reader."""
        return (
            f"Wrote {self.segmentation.name} (SEG) and {self.report.name} (SR) to '{self.report.parent}'. "
            f"They carry the patient's name and identifiers, as the CT does. {RESEARCH_USE}"
        )


def export_dicom(
    output: Path, case: ReviewedCase, source: Path, series_uid: str | None = None, progress: Progress = silent
) -> ExportedDicom:
    """Write SEG and SR of a result to `output`, both or neither.

    They go into the study, and refer to the images, of the source: patient and study are carried over from it.

    Args:
        source: folder of the DICOM series that the result was made from.
        series_uid: which series of it; by default the one on whose grid the result lies.

    Raises:
        SourceImagesError: the folder holds no such series. NothingToStateError: no arteries that a score of
            0 could be stated of.
        ReadingError: the folder cannot be read. UnwritableOutputError: nothing was written.
    """
    _require_conclusive(case)
    images = find_source(source, case.volume.geometry, series_uid, progress)
    segmentation = make_segmentation(case, images)
    report = make_report(case, images, segmentation)
    with staged_folder(output) as staging:
        _save(segmentation, staging / SEGMENTATION)
        _save(report, staging / REPORT)
    return ExportedDicom(output / SEGMENTATION, output / REPORT)


def _require_conclusive(case: ReviewedCase) -> None:
    """A score of 0 is no finding where no artery was recognised and no reader has confirmed it."""
    recognised = np.isin(case.coronary, NAMED_VESSELS).any()
    if not (recognised or case.calcium.any() or case.session.locked):
        raise NothingToStateError(
            "no coronary artery was recognised, so a score of 0 would say what nobody found",
            "arteries, calcium, or a review that a reader has approved",
            "Check the contrast phase and the field of view",
        )


def _save(dataset: Dataset, path: Path) -> None:
    dataset.SpecificCharacterSet = UNICODE
    dataset.save_as(path, enforce_file_format=True)
