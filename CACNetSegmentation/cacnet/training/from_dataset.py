"""Training cases from labelled scans of patients: brought to the model's grid exactly as a scan to be segmented is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from cacnet.dataset.case_folder import record_of
from cacnet.dataset.scan import LabelledScan
from cacnet.files import UnwritableOutputError
from cacnet.prepare import MODEL_SPACING_MM, crop_covering, prepare
from cacnet.training.cases import RECORD_FILE, SCHEMA_VERSION, write_case
from cacnet.volume import Geometry, to_sitk


class TrainingCases:
    """The form of cases that `cacnet train` reads (see cacnet.dataset.run.CaseForm)."""

    record_file = RECORD_FILE

    def write(self, folder: Path, scan: LabelledScan, extra: Mapping[str, Any]) -> None:
        """As `write_training_case`."""
        write_training_case(folder, scan, extra)


def write_training_case(folder: Path, scan: LabelledScan, extra: Mapping[str, Any] | None = None) -> Path:
    """Write a scan and its labels as a training case, whole or not at all.

    The record keeps where the labels come from, and the calcium's volume before and after, so that what the grid or
    the heart's region leaves out shows. What nobody labelled is left out of the loss (see cacnet.training.cases);
    unknown distractors are no false truth, because they only say where patches are centred.

    Raises:
        UnwritableOutputError: the folder cannot be written to.
    """
    prepared = prepare(scan.volume)
    source = scan.volume.geometry
    calcium, coronary, distractor = (
        None if labels is None else labels_on(prepared.grid, labels, source)
        for labels in (scan.calcium, scan.coronary, scan.distractor)
    )
    record = {**record_of(scan), "origin_mm_lps": list(prepared.grid.origin_mm_lps)}
    if calcium is not None and scan.calcium is not None:
        record["calcium_mm3"] = {
            "labelled": float(np.count_nonzero(scan.calcium) * source.voxel_volume_mm3),
            "on_grid": float(np.count_nonzero(calcium) * MODEL_SPACING_MM**3),
        }
        if coronary is not None:
            coronary = np.where(coronary > 0, coronary, calcium)
        if distractor is not None:
            distractor[calcium > 0] = 0
    record |= {"schema_version": SCHEMA_VERSION, **(extra or {})}
    try:
        return write_case(folder, prepared.hu, calcium, coronary, distractor, record)
    except OSError as error:
        raise UnwritableOutputError(
            f"the folder '{folder.parent}' cannot be written to ({error.strerror or error})",
            "a folder with room that you may write to",
            "Choose another output folder",
        ) from error


def labels_on(grid: Geometry, labels_zyx: np.ndarray, source: Geometry) -> np.ndarray:
    """A label map on another grid: each voxel takes the label at its centre; 0 outside the scan.

    Nearest neighbour keeps the volume of small calcium on average. Interpolating and taking what fills half a voxel,
    as suits the simulator's much finer labels, shrank the calcium of a simulated scan of 0.4 mm by 13 %.

    Args:
        labels_zyx: uint8 (z, y, x) on `source`.
    """
    crop = crop_covering(grid, source)
    if crop is None:
        return np.zeros(grid.shape_zyx, np.uint8)
    resampled = sitk.Resample(
        to_sitk(labels_zyx[crop.slices], crop.geometry),
        grid.shape_zyx[::-1],
        sitk.Transform(),
        sitk.sitkNearestNeighbor,
        grid.origin_mm_lps,
        grid.spacing_mm_zyx[::-1],
        grid.direction_lps,
        0.0,
    )
    return sitk.GetArrayFromImage(resampled)
