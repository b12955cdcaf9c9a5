"""The folder of `cacnet segment` and its CT, opened again with a reader's corrections."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from cacnet.dataset.label_maps import read_label_map
from cacnet.edits import journal
from cacnet.edits.journal import JournalError
from cacnet.edits.stored_json import from_document, read_review
from cacnet.edits.stored_review import StoredReview
from cacnet.errors import CacnetError
from cacnet.outputs import CORONARY, REPORT, REVIEW
from cacnet.plain_json import parse_json
from cacnet.progress import Progress, silent
from cacnet.reading import read_ct
from cacnet.report import ModelStatement
from cacnet.reviewed_case import ReviewedCase
from cacnet.segments import check_labels


class ResultFolderError(CacnetError):
    """A folder that is no complete result of `cacnet segment`."""


def open_result(
    folder: Path,
    ct: Path,
    corrections: Path | None = None,
    series_uid: str | None = None,
    progress: Progress = silent,
) -> ReviewedCase:
    """A result with its CT and the corrections made of it.

    Args:
        folder: written by `cacnet segment`.
        ct: the scan that was segmented, in any form.
        corrections: a journal (see `cacnet.edits.journal`) or a stored review; by default what review.json has.
        series_uid: which series of a DICOM folder.

    Raises:
        ResultFolderError: a file of the result is missing.
        GeometryMismatchError, ReviewFileError: the CT is another one. JournalError: the corrections are damaged or of
            another result. ReadingError: the CT cannot be read.
    """
    for name in (REVIEW, CORONARY):
        if not (folder / name).is_file():
            raise ResultFolderError(
                f"there is no '{name}' in '{folder.name}'",
                "a folder that 'cacnet segment' has written",
                "Segment the CT again",
            )
    stored = read_review(folder / REVIEW)
    if corrections is not None:
        stored = _corrected(stored, corrections)
    volume = read_ct(ct, series_uid=series_uid, progress=progress)
    stored.geometry.require_same_grid(volume.geometry, "CT")
    session = stored.open(volume.hu)
    coronary = read_label_map(folder / CORONARY, volume.geometry, "arteries")
    check_labels(coronary, volume.geometry, "coronary")
    resolved = stored.resolve(stored.rules.protocol)
    model = ModelStatement(stored.model.id, stored.model.weights_sha256, _statement(folder / REPORT))
    return ReviewedCase(volume, session, coronary.astype(np.uint8), resolved, model)


def _corrected(stored: StoredReview, path: Path) -> StoredReview:
    content = journal.read_document(path)
    if "journal" in content:
        again = from_document(content)
        found, result = again.journal, replace(stored, rules=again.rules, journal=again.journal)
    else:
        found, result = content, replace(stored, journal=content)
    theirs, ours = journal.read_original(found, stored.geometry.shape_zyx), stored.original()
    if journal.labels_sha256(theirs) != journal.labels_sha256(ours):
        raise JournalError(
            f"the corrections in '{path.name}' are of another result",
            "corrections of this one",
            "Choose the folder that they were made on",
        )
    return result


def _statement(report: Path) -> str | None:
    """What the model's maker says of it; None where the report is missing, which the labels do not need."""
    try:
        statement = parse_json(report.read_text("utf-8"))["model"]["statement"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return statement if isinstance(statement, str) else None
