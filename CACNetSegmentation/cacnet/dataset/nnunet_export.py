"""Corrected cases as an nnU-Net v2 raw data set, with what nnU-Net has no place for in a folder that it ignores.

<DatasetNNN_Name>/
  dataset.json                        channel 'CT'; ten regions, calcium and artery of each vessel
  imagesTr/<pseudonymous id>_0000.nii.gz
  labelsTr/<pseudonymous id>.nii.gz   artery × 6 + calcium, each 0 to 5 as in cacnet.anatomy.Vessel
  cacnet/<pseudonymous id>/           hard_negatives.nii.gz, record.json, journal.json

Calcium lies inside the arteries, so that one number stands for both, and nnU-Net trains on regions
(MIC-DKFZ/nnUNet, documentation/dataset_format.md and region_based_training.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.dataset.case_folder import RECORD_FILE, record_of, write_array
from cacnet.dataset.errors import DatasetFileError, LabelError, NotApprovedError
from cacnet.dataset.nnunet import EXTRAS, HARD_NEGATIVES_FILE, IMAGES, INDEX_FILE, LABELS
from cacnet.dataset.scan import LabelledScan, ReviewState
from cacnet.dataset.source import read_json, require_safe_id
from cacnet.dataset.update import updating
from cacnet.files import write_json

ENDING = ".nii.gz"
NUMBERS = len(Vessel) + 1
DESCRIPTION = (
    "Coronary calcium and arteries in contrast CT, a model's labels corrected by readers. For research, not for "
    "diagnosis. The folder 'cacnet' holds records and what is not calcium; nnU-Net does not need it."
)


def write_nnunet_case(
    dataset: Path,
    scan: LabelledScan,
    documents: Mapping[str, Mapping[str, Any]] | None = None,
    extra: Mapping[str, Any] | None = None,
    any_state: bool = False,
) -> Path:
    """Add a case to an nnU-Net data set, or replace it, all of its files or none; returns its label file.

    Args:
        documents: further JSON files of the case, by name.
        extra: further entries of the record.
        any_state: take a case that nobody has approved; nnU-Net takes every case for truth.

    Raises:
        NotApprovedError: the case is not approved.
        LabelError: calcium or arteries are unknown, or calcium lies outside the arteries.
        DatasetFileError: the folder holds another data set.
        UnwritableOutputError: the folder cannot be written to; the data set is as it was.
    """
    case_id = require_safe_id(scan.case_id)
    review = scan.provenance.review
    if not any_state and (review is None or review.state is not ReviewState.APPROVED):
        raise NotApprovedError(
            f"the review of '{case_id}' is {'missing' if review is None else review.state.value}",
            "an approved one: nnU-Net takes every case for truth",
            "Approve the review, or export it in CACNet's own layout, which keeps its state",
        )
    _require_own(dataset)
    values = combined(scan)
    image, labels = Path(IMAGES) / f"{case_id}_0000{ENDING}", Path(LABELS) / f"{case_id}{ENDING}"
    extras = Path(EXTRAS) / case_id
    with updating(dataset) as update:
        write_array(update.path(image), scan.volume.hu, scan.volume.geometry)
        write_array(update.path(labels), values, scan.volume.geometry)
        negatives = extras / HARD_NEGATIVES_FILE
        if scan.distractor is not None:
            write_array(update.path(negatives), scan.distractor, scan.volume.geometry)
        else:
            update.removed.append(negatives)
        write_json(update.path(extras / RECORD_FILE), {**record_of(scan), **(extra or {})})
        for name, document in (documents or {}).items():
            write_json(update.path(extras / name), dict(document))
        others = {path.name for path in (dataset / LABELS).glob(f"[!.]*{ENDING}")}
        write_json(update.path(INDEX_FILE), index_document(len(others | {labels.name})))
    return dataset / labels


def combined(scan: LabelledScan) -> np.ndarray:
    """uint8 (z, y, x): artery × 6 + calcium; raises LabelError where one of them is unknown or calcium sticks out."""
    if scan.calcium is None or scan.coronary is None:
        raise LabelError(f"{' and '.join(scan.unknown)} of '{scan.case_id}' are not labelled", "calcium and arteries")
    if np.any((scan.calcium > 0) & (scan.coronary == 0)):
        raise LabelError(f"calcium of '{scan.case_id}' lies outside the arteries", "arteries that cover their calcium")
    return scan.coronary * np.uint8(NUMBERS) + scan.calcium


def index_document(cases: int) -> dict[str, Any]:
    """dataset.json: every region with the numbers that belong to it; calcium is painted last, over its artery."""
    everything = range(NUMBERS)
    arteries = {f"coronary {v.label}": [v * NUMBERS + calcium for calcium in everything] for v in Vessel}
    calcium = {f"calcium {v.label}": [artery * NUMBERS + v for artery in everything] for v in Vessel}
    return {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **arteries, **calcium},
        "regions_class_order": [*(int(v) * NUMBERS for v in Vessel), *(int(v) for v in Vessel)],
        "numTraining": cases,
        "file_ending": ENDING,
        "description": DESCRIPTION,
    }


def _require_own(dataset: Path) -> None:
    if not (dataset / INDEX_FILE).exists():
        return
    found = read_json(dataset / INDEX_FILE)
    own = index_document(0)
    if any(found.get(name) != own[name] for name in ("labels", "channel_names", "file_ending")):
        raise DatasetFileError(
            f"'{dataset.name}' holds a data set with other labels",
            "an empty folder, or an nnU-Net data set that was exported here",
            "Choose another folder",
        )
