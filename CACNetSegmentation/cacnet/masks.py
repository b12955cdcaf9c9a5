"""Scoring of calcium that somebody else segmented: masks from files, brought to lesions and scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from cacnet import vessels
from cacnet.anatomy import Vessel
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity
from cacnet.lesions import find_lesions
from cacnet.pipeline import heart_blood_hu, require_usable, resolve_for
from cacnet.reading import read_ct
from cacnet.reading.errors import InputNotFoundError, UnreadableImageError
from cacnet.reading.images import require_whole
from cacnet.reading.quiet import quiet
from cacnet.report import Scores
from cacnet.threshold_mask import threshold_mask
from cacnet.validation import check
from cacnet.volume import Geometry, Volume, geometry_of


class UnreadableMaskError(CacnetError):
    """A mask file is missing, damaged, or no label map."""


def score_masks(
    ct: Path,
    calcium: Path | float,
    vessel_map: Path | None = None,
    protocol: str | None = None,
    age_years: float | None = None,
    sex: str | None = None,
    series_uid: str | None = None,
) -> tuple[Volume, Scores]:
    """Lesions and scores of the calcium in a mask on a CT's grid.

    A mask with 2, 3, 4 or 5 in it is read as labels by vessel. A mask of only 0 and 1 says nothing of vessels: its
    lesions take them from `vessel_map`, or are unassigned. Instead of a mask, `calcium` may be a threshold in HU, which
    is refused on contrast CT.

    Raises:
        UnreadableMaskError, GeometryMismatchError: a mask that cannot be used.
        PlainThresholdOnContrastError: a threshold on contrast CT; further CacnetErrors of the steps.
    """
    volume = read_ct(ct, series_uid=series_uid)
    findings = require_usable(check(volume))
    if isinstance(calcium, float):
        by_threshold, warning = threshold_mask(volume, calcium, heart_blood_hu(volume))
        mask, findings = by_threshold.astype(np.uint8), (*findings, warning)
    else:
        mask = read_labels(calcium, volume.geometry, "calcium mask")
    labels, note = _vessels_of(mask, vessel_map, volume.geometry)
    resolved = resolve_for(volume, protocol)
    scores = Scores(
        lesions=find_lesions(labels, volume.hu, volume.geometry, resolved),
        resolved=resolved,
        findings=(*findings, note),
        age_years=age_years if age_years is not None else volume.acquisition.patient_age_years,
        sex=sex or volume.acquisition.patient_sex,
    )
    return volume, scores


def read_labels(path: Path, geometry: Geometry, name: str) -> np.ndarray:
    """A label map of 0 to 5 on the grid of `geometry` as (z, y, x) uint8; `name` stands for it in messages."""
    if not path.is_file():
        raise InputNotFoundError(found=f"there is no file '{path}' for the {name}", action="Check the path")
    try:
        require_whole(path)
        with quiet():
            image = sitk.ReadImage(str(path))
    except (RuntimeError, UnreadableImageError) as error:
        raise UnreadableMaskError(f"the {name} '{path.name}' cannot be read", "NRRD, NIfTI or MetaImage") from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        shape = f"{image.GetDimension()} dimensions and {image.GetNumberOfComponentsPerPixel()} values per voxel"
        raise UnreadableMaskError(f"the {name} '{path.name}' has {shape}", "a 3-D label map with one value per voxel")
    geometry.require_same_grid(geometry_of(image), name)
    values = sitk.GetArrayFromImage(image)
    if not np.isin(np.unique(values), np.arange(6)).all():
        raise UnreadableMaskError(
            f"the {name} '{path.name}' has values from {values.min():g} to {values.max():g}",
            "0, and 1 for calcium or 1 LM, 2 LAD, 3 LCx, 4 RCA, 5 unassigned",
        )
    return values.astype(np.uint8)


def _vessels_of(mask: np.ndarray, vessel_map: Path | None, geometry: Geometry) -> tuple[np.ndarray, Finding]:
    if vessel_map is not None:
        arteries = read_labels(vessel_map, geometry, "vessel mask")
        labels = vessels.assign_calcium(mask > 0, arteries, geometry).dense()
        return labels, Finding(
            "vessels-from-map", Severity.NOTE, "Each lesion has the nearest artery of the vessel mask."
        )
    if mask.max(initial=0) > 1:
        return mask, Finding("vessels-from-mask", Severity.NOTE, "The vessels are those of the calcium mask's labels.")
    labels = np.where(mask > 0, np.uint8(Vessel.UNASSIGNED), np.uint8(0))
    message = "The calcium mask names no vessels, so every lesion is unassigned; give --vessels to assign them."
    return labels, Finding("vessels-unknown", Severity.NOTE, message)
