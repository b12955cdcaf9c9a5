"""The truth of a case: label maps beside its CT, as `cacnet phantom` writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from cacnet.errors import CacnetError
from cacnet.masks import UnreadableMaskError, read_labels
from cacnet.phantom.devices import Distractor
from cacnet.reading.quiet import quiet
from cacnet.volume import Geometry, geometry_of

TRUTH_FILE = "truth.json"


class UnreadableTruthError(CacnetError):
    """A truth.json that is damaged."""


@dataclass(frozen=True, eq=False)
class TrueLabels:
    """What is known of a case; arrays (z, y, x) on the CT's grid.

    Attributes:
        calcium, coronary: uint8 by vessel; 5 everywhere where the truth names no arteries.
        distractors: uint8 kinds of dense structures that are no coronary calcium, or None where not known.
        names_vessels: whether the truth tells the arteries apart.
        simulated: whether truth.json says so.
        seed: of the simulator, or None.
    """

    calcium: np.ndarray
    coronary: np.ndarray
    distractors: np.ndarray | None
    names_vessels: bool
    simulated: bool
    seed: int | None

    def distractor_name(self, kind: int) -> str:
        """Name of a kind; a number of another maker's is stated as it is."""
        known = self.simulated and kind in set(Distractor)
        return Distractor(kind).name.lower().replace("_", " ") if known else f"structure {kind}"


def read_truth(folder: Path, geometry: Geometry) -> TrueLabels:
    """The labels in `folder`, on the grid of its CT.

    A calcium map of only 0 and 1 takes its arteries from the coronary map; if that has only 0 and 1 as well, the truth
    names no arteries.

    Raises:
        InputNotFoundError, UnreadableMaskError, GeometryMismatchError: a map that cannot be used.
        UnreadableTruthError: a damaged truth.json; a missing one is fine.
    """
    calcium = read_labels(folder / "calcium.nii.gz", geometry, "true calcium")
    coronary = read_labels(folder / "coronary.nii.gz", geometry, "true coronary arteries")
    names_vessels = max(calcium.max(initial=0), coronary.max(initial=0)) > 1
    if not names_vessels:
        calcium, coronary = (np.where(labels > 0, 5, 0).astype(np.uint8) for labels in (calcium, coronary))
    elif calcium.max(initial=0) == 1:
        known = (calcium > 0) & (coronary > 0)
        calcium = np.where(known, coronary, np.where(calcium > 0, 5, 0)).astype(np.uint8)
    simulated, seed = read_origin(folder)
    return TrueLabels(calcium, coronary, _distractors(folder, geometry), names_vessels, simulated, seed)


def read_origin(folder: Path) -> tuple[bool, int | None]:
    """Whether the case is simulated, and from which seed, as its truth.json says; (False, None) without one."""
    path = folder / TRUTH_FILE
    if not path.is_file():
        return False, None
    try:
        record = json.loads(path.read_text("utf-8"))
        simulated = record.get("simulated") is True
        seed = record["patient"]["seed"] if simulated else None
        return simulated, None if seed is None else int(seed)
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise UnreadableTruthError(
            f"'{path}' cannot be read", f"a {TRUTH_FILE} of 'cacnet phantom', or none"
        ) from error


def _distractors(folder: Path, geometry: Geometry) -> np.ndarray | None:
    path = folder / "distractors.nii.gz"
    if not path.is_file():
        return None
    try:
        with quiet():
            image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise UnreadableMaskError(f"the distractors '{path}' cannot be read", "a label map, or no such file") from error
    geometry.require_same_grid(geometry_of(image), "distractors")
    return sitk.GetArrayFromImage(image).astype(np.uint8)
