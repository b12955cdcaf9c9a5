"""The truth of a case: label maps beside its CT, as `cacnet phantom` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from cacnet.dataset.case_folder import unknown_labels
from cacnet.errors import CacnetError
from cacnet.masks import UnreadableMaskError, read_labels
from cacnet.phantom.devices import Distractor
from cacnet.plain_json import parse_json
from cacnet.reading.errors import UnreadableImageError
from cacnet.reading.images import require_whole
from cacnet.reading.quiet import quiet
from cacnet.volume import Geometry, geometry_of

TRUTH_FILE = "truth.json"


class UnreadableTruthError(CacnetError):
    """A truth.json that is damaged."""


class NoTruthError(CacnetError):
    """A case of which neither the calcium nor the arteries are labelled."""


@dataclass(frozen=True)
class Origin:
    """What truth.json tells of a case.

    Attributes:
        simulated: whether it says so.
        seed: of the simulator, or None.
        agatston_without_contrast: the patient's score on an ideal scan without contrast, or None where not known.
        motion_mm: the longest way that a coronary artery went during the scan, 0 where none moved, or None where not
            known.
    """

    simulated: bool = False
    seed: int | None = None
    agatston_without_contrast: float | None = None
    motion_mm: float | None = None


@dataclass(frozen=True, eq=False)
class TrueLabels:
    """What is known of a case; arrays (z, y, x) on the CT's grid.

    Attributes:
        calcium, coronary: uint8 by vessel; 5 everywhere where the truth names no arteries. None is unknown, which is
            not empty: nobody labelled it.
        distractors: uint8 kinds of dense structures that are no coronary calcium, or None where not known.
        names_vessels: whether the truth tells the arteries apart.
        origin: see Origin.
    """

    calcium: np.ndarray | None
    coronary: np.ndarray | None
    distractors: np.ndarray | None
    names_vessels: bool
    origin: Origin = field(default_factory=Origin)

    def distractor_name(self, kind: int) -> str:
        """Name of a kind; a number of another maker's is stated as it is."""
        known = self.origin.simulated and kind in set(Distractor)
        return Distractor(kind).name.lower().replace("_", " ") if known else f"structure {kind}"


def read_truth(folder: Path, geometry: Geometry) -> TrueLabels:
    """The labels in `folder`, on the grid of its CT.

    A map that is missing, or that the case's record.json calls unknown, stays unknown. A calcium map of only 0 and 1
    takes its arteries from the coronary map; if that has only 0 and 1 as well, or the record calls the arteries' names
    unknown, the truth names no arteries.

    Raises:
        NoTruthError: neither map is known.
        UnreadableMaskError, GeometryMismatchError: a map that cannot be used.
        UnreadableTruthError: a damaged truth.json; a missing one is fine.
        DatasetFileError: a damaged record.json.
    """
    unknown = unknown_labels(folder)
    calcium = None if "calcium" in unknown else _labels(folder / "calcium.nii.gz", geometry, "true calcium")
    coronary = (
        None if "coronary" in unknown else _labels(folder / "coronary.nii.gz", geometry, "true coronary arteries")
    )
    known = [labels for labels in (calcium, coronary) if labels is not None]
    if not known:
        raise NoTruthError(
            f"'{folder.name}' labels neither calcium nor coronary arteries",
            "calcium.nii.gz, coronary.nii.gz or both",
            "Label one of them, or leave the case out",
        )
    distractors = None if "distractor" in unknown else _distractors(folder, geometry)
    names_vessels = "vessels" not in unknown and max(int(labels.max(initial=0)) for labels in known) > 1
    if not names_vessels:
        calcium, coronary = _without_names(calcium), _without_names(coronary)
    elif calcium is not None and coronary is not None and calcium.max(initial=0) == 1:
        inside = (calcium > 0) & (coronary > 0)
        calcium = np.where(inside, coronary, np.where(calcium > 0, 5, 0)).astype(np.uint8)
    return TrueLabels(calcium, coronary, distractors, names_vessels, read_origin(folder))


def _labels(path: Path, geometry: Geometry, name: str) -> np.ndarray | None:
    return read_labels(path, geometry, name) if path.is_file() else None


def _without_names(labels: np.ndarray | None) -> np.ndarray | None:
    return None if labels is None else np.where(labels > 0, 5, 0).astype(np.uint8)


def read_origin(folder: Path) -> Origin:
    """What the case's truth.json tells; nothing where there is none.

    Raises:
        UnreadableTruthError: it is damaged.
    """
    path = folder / TRUTH_FILE
    if not path.is_file():
        return Origin()
    try:
        record = parse_json(path.read_text("utf-8"))
        if record.get("simulated") is not True:
            return Origin()
        score = record.get("agatston_without_contrast", {}).get("total")
        return Origin(True, int(record["patient"]["seed"]), None if score is None else float(score), _motion_mm(record))
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        expected = f"a {TRUTH_FILE} as 'cacnet phantom' writes it, or none"
        raise UnreadableTruthError(f"'{path}' cannot be read", expected) from error


def _motion_mm(record: Mapping[str, Any]) -> float | None:
    """The longest way of an artery: its own, and that of the whole heart (vessel 0) with it."""
    moves = record.get("scan", {}).get("motion")
    if moves is None:
        return None
    way_mm_xyz = {int(move["vessel"]): np.array(move["displacement_mm_xyz"], float) for move in moves}
    heart_mm_xyz = way_mm_xyz.pop(0, np.zeros(3))
    return max(float(np.linalg.norm(heart_mm_xyz + own)) for own in (np.zeros(3), *way_mm_xyz.values()))


def _distractors(folder: Path, geometry: Geometry) -> np.ndarray | None:
    path = folder / "distractors.nii.gz"
    if not path.is_file():
        return None
    try:
        require_whole(path)
        with quiet():
            image = sitk.ReadImage(str(path))
    except (RuntimeError, UnreadableImageError) as error:
        raise UnreadableMaskError(f"the distractors '{path}' cannot be read", "a label map, or no such file") from error
    geometry.require_same_grid(geometry_of(image), "distractors")
    return sitk.GetArrayFromImage(image).astype(np.uint8)
