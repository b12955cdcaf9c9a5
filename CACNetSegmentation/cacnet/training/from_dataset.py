"""Training cases from labelled scans of patients: brought to the model's grid exactly as a scan to be segmented is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cacnet.dataset.case_folder import record_of
from cacnet.dataset.scan import LabelledScan
from cacnet.errors import CacnetError
from cacnet.files import UnwritableOutputError
from cacnet.prepare import MODEL_SPACING_MM, crop_covering, prepare, probability_on
from cacnet.training.cases import RECORD_FILE, write_case
from cacnet.volume import Geometry

FILLED = 0.5
"""A voxel is labelled where at least this much of it is, as in the simulated cases."""

INTERPOLATION_ROUNDING = 1e-5


class UnknownArteriesError(CacnetError):
    """A scan whose arteries nobody labelled, which the loss cannot leave out yet."""


class TrainingCases:
    """The form of cases that `cacnet train` reads (see cacnet.dataset.run.CaseForm)."""

    record_file = RECORD_FILE

    def write(self, folder: Path, scan: LabelledScan, extra: Mapping[str, Any]) -> None:
        """As `write_training_case`."""
        write_training_case(folder, scan, extra)


def write_training_case(folder: Path, scan: LabelledScan, extra: Mapping[str, Any] | None = None) -> Path:
    """Write a scan and its labels as a training case, whole or not at all.

    The record keeps where the labels come from, what is 'unknown', and the calcium's volume before and after, so that
    what the grid or the heart's region leaves out shows. Unknown distractors are no false truth: they only say where
    patches are centred.

    Raises:
        UnknownArteriesError: nobody labelled the arteries; zeros would teach that there are none.
        UnwritableOutputError: the folder cannot be written to.
    """
    if scan.coronary is None:
        raise UnknownArteriesError(
            "the data set does not label the coronary arteries",
            "arteries and calcium: training has no way yet to leave out an unknown channel",
            "Import with '--as cases' to evaluate on it, or label the arteries",
        )
    prepared = prepare(scan.volume)
    source = scan.volume.geometry
    calcium = labels_on(prepared.grid, scan.calcium, source)
    coronary = labels_on(prepared.grid, scan.coronary, source)
    coronary = np.where(coronary > 0, coronary, calcium)
    distractor = None if scan.distractor is None else labels_on(prepared.grid, scan.distractor, source)
    if distractor is not None:
        distractor[calcium > 0] = 0
    record = {
        **record_of(scan),
        "schema_version": 1,
        "origin_mm_lps": list(prepared.grid.origin_mm_lps),
        "calcium_mm3": {
            "labelled": float(np.count_nonzero(scan.calcium) * source.voxel_volume_mm3),
            "on_grid": float(np.count_nonzero(calcium) * MODEL_SPACING_MM**3),
        },
        **(extra or {}),
    }
    try:
        return write_case(folder, prepared.hu, calcium, coronary, distractor, record)
    except OSError as error:
        raise UnwritableOutputError(
            f"the folder '{folder.parent}' cannot be written to ({error.strerror or error})",
            "a folder with room that you may write to",
            "Choose another output folder",
        ) from error


def labels_on(grid: Geometry, labels_zyx: np.ndarray, source: Geometry) -> np.ndarray:
    """A label map on another grid: each voxel takes the label that fills most of it, where all fill half of it.

    Args:
        labels_zyx: uint8 (z, y, x) on `source`.
    """
    winner = np.zeros(grid.shape_zyx, np.uint8)
    crop = crop_covering(grid, source)
    if crop is None:
        return winner
    labels = labels_zyx[crop.slices]
    total, most = np.zeros(grid.shape_zyx, np.float32), np.zeros(grid.shape_zyx, np.float32)
    for number in np.flatnonzero(np.bincount(labels.ravel(), minlength=1)):
        if number == 0:
            continue
        share = probability_on(grid, labels == number, crop.geometry)
        total += share
        ahead = share > most
        winner[ahead] = number
        most[ahead] = share[ahead]
    winner[total < FILLED - INTERPOLATION_ROUNDING] = 0
    return winner
