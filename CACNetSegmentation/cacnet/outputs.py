"""The files of a result, as the command-line contract names them; all appear together or none does, and the picture of
them after them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cacnet.edits.stored_json import write_review
from cacnet.edits.stored_review import ModelIdentity, Rules, StoredReview, store_result
from cacnet.files import staged_folder, writing_to
from cacnet.findings import RUN_FINDINGS
from cacnet.image_files import write_image
from cacnet.overview import draw_overview
from cacnet.pipeline import Result
from cacnet.progress import Progress, silent
from cacnet.report import Scores, write_lesions_csv, write_report_json
from cacnet.segments import write_seg_nrrd
from cacnet.volume import Geometry, Volume, to_sitk

SEGMENTATION = "segmentation.seg.nrrd"
CALCIUM = "calcium.nii.gz"
CORONARY = "coronary.nii.gz"
LESIONS = "lesions.csv"
REPORT = "report.json"
REVIEW = "review.json"
OVERVIEW = "overview.png"


def write_result(output: Path, result: Result, progress: Progress = silent) -> None:
    """Write segmentation, label maps, lesion table, report and what a review starts from into `output`; then overview.

    Raises:
        UnwritableOutputError: nothing was written, or everything but the overview.
    """
    geometry = result.volume.geometry
    with staged_folder(output) as staging:
        progress("write", 0.0)
        _write_review_files(staging, result)
        progress("write", 0.2)
        _write_labels(staging / CALCIUM, result.calcium, geometry)
        _write_labels(staging / CORONARY, result.coronary, geometry)
        progress("write", 0.4)
        with writing_to(output):
            (output / OVERVIEW).unlink(missing_ok=True)  # of an earlier result
    draw_overview(output / OVERVIEW, result)
    progress("write", 1.0)


def write_for_review(output: Path, result: Result, progress: Progress = silent) -> None:
    """Write only what a review in 3D Slicer begins with: segmentation, lesion table, report and review.

    Raises:
        UnwritableOutputError: nothing was written.
    """
    with staged_folder(output) as staging:
        progress("write", 0.0)
        _write_review_files(staging, result)
        progress("write", 1.0)


def _write_review_files(folder: Path, result: Result) -> None:
    algorithm = f"CACNet {result.scores.model.id}"
    write_tables(folder, result.volume, result.scores)
    write_review(folder / REVIEW, unbegun_review(result))
    write_seg_nrrd(folder / SEGMENTATION, result.calcium, result.coronary, result.volume.geometry, algorithm)


def write_tables(folder: Path, volume: Volume, scores: Scores) -> None:
    """Write the lesion table and the report."""
    write_lesions_csv(folder / LESIONS, scores.lesions.lesions)
    write_report_json(folder / REPORT, volume, scores)


def unbegun_review(result: Result) -> StoredReview:
    """What a reader's corrections of a result start from."""
    scores = result.scores
    return store_result(
        result.volume,
        scores.lesions,
        scores.resolved,
        Rules(scores.resolved.protocol.name, scores.age_years, scores.sex),
        ModelIdentity(scores.model.id, scores.model.weights_sha256),
        scores.dominance,
        result.courses,
        (finding for finding in scores.findings if finding.code in RUN_FINDINGS),
        result.left_out,
    )


def _write_labels(path: Path, labels: np.ndarray, geometry: Geometry) -> None:
    write_image(to_sitk(labels, geometry), path)
