"""The files of a result, as the command-line contract names them; all of them appear together or none does."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cacnet.edits.stored_json import write_review
from cacnet.edits.stored_review import ModelIdentity, Rules, StoredReview, store_result
from cacnet.files import staged_folder
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
    """Write segmentation, label maps, lesion table, report, what a review starts from, and overview into `output`.

    Raises:
        UnwritableOutputError: nothing was written.
    """
    geometry = result.volume.geometry
    with staged_folder(output) as staging:
        progress("write", 0.0)
        algorithm = f"CACNet {result.scores.model.id}"
        write_seg_nrrd(staging / SEGMENTATION, result.calcium, result.coronary, geometry, algorithm)
        progress("write", 0.4)
        _write_labels(staging / CALCIUM, result.calcium, geometry)
        _write_labels(staging / CORONARY, result.coronary, geometry)
        progress("write", 0.7)
        write_tables(staging, result.volume, result.scores)
        write_review(staging / REVIEW, unbegun_review(result))
        draw_overview(staging / OVERVIEW, result)
        progress("write", 1.0)


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
    )


def _write_labels(path: Path, labels: np.ndarray, geometry: Geometry) -> None:
    write_image(to_sitk(labels, geometry), path)
