"""A training case: a folder with one CT on the model's grid and its labels, as plain arrays that can be memory-mapped.

hu.npy          int16 (z, y, x), Hounsfield units as cacnet.prepare leaves them (lungs removed)
calcium.npy     uint8, 0 or the number of the vessel that the calcium lies in
coronary.npy    uint8, 0 or the number of the vessel (lumen, wall and plaque)
distractor.npy  uint8, 0 or the kind of structure that looks like calcium and is not
case.json       spacing, origin and whatever the maker wants to record; written last, so a case with it is complete

Where nobody labelled the arteries (or the calcium), case.json names it in `unknown_channels`, the array is all 0, and
the loss leaves that channel out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cacnet.errors import CacnetError
from cacnet.files import replaced_folder
from cacnet.prepare import MODEL_SPACING_MM

SCHEMA_VERSION = 1
RECORD_FILE = "case.json"
ARRAYS: Mapping[str, type[np.generic]] = {
    "hu": np.int16,
    "calcium": np.uint8,
    "coronary": np.uint8,
    "distractor": np.uint8,
}

MAY_BE_UNKNOWN = ("calcium", "coronary")
"""What the network is taught, and so what a case may lack."""


class CaseError(CacnetError):
    """A case that is incomplete, damaged, or not what training expects."""


@dataclass(frozen=True)
class Case:
    """One case, memory-mapped; arrays as in the module docstring.

    Attributes:
        name: folder name.
        record: the content of case.json.
        unknown_channels: which of 'calcium' and 'coronary' nobody labelled.
    """

    name: str
    hu: np.ndarray
    calcium: np.ndarray
    coronary: np.ndarray
    distractor: np.ndarray
    record: Mapping[str, Any]

    @property
    def unknown_channels(self) -> tuple[str, ...]:
        return tuple(self.record.get("unknown_channels", ()))


def write_case(
    folder: Path | str,
    hu: np.ndarray,
    calcium: np.ndarray | None,
    coronary: np.ndarray | None,
    distractor: np.ndarray | None = None,
    record: Mapping[str, Any] | None = None,
) -> Path:
    """Write a case to `folder`, whole or not at all; an existing case there is replaced.

    All arrays (z, y, x) of one shape on the model's grid, calcium inside coronary; None is a label that is not known.
    `record` is kept in case.json. Raises CaseError.
    """
    folder = Path(folder)
    given = {"hu": hu, "calcium": calcium, "coronary": coronary, "distractor": distractor}
    unknown = [name for name in MAY_BE_UNKNOWN if given[name] is None]
    arrays = {
        name: np.zeros(hu.shape, ARRAYS[name]) if array is None else _exactly(name, array, hu.shape)
        for name, array in given.items()
    }
    if not unknown and np.any((arrays["calcium"] > 0) & (arrays["coronary"] == 0)):
        raise CaseError(
            f"calcium outside the coronary label in '{folder.name}'", "coronary to cover lumen, wall and plaque"
        )
    text = json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "shape_zyx": list(hu.shape),
            "spacing_mm_zyx": [MODEL_SPACING_MM] * 3,
            "unknown_channels": unknown,
            **(record or {}),
        },
        indent=2,
    )
    with replaced_folder(folder) as staging:
        for name, array in arrays.items():
            np.save(staging / f"{name}.npy", array, allow_pickle=False)
        (staging / RECORD_FILE).write_text(text + "\n", "utf-8")
    return folder


def read_case(folder: Path | str) -> Case:
    """The case in `folder`, its arrays memory-mapped read-only; raises CaseError."""
    folder = Path(folder)
    record = _read_record(folder)
    try:
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error
    unknown = record.get("unknown_channels", [])
    if not isinstance(unknown, list) or not set(map(str, unknown)) <= set(MAY_BE_UNKNOWN):
        raise CaseError(f"unknown_channels of '{folder.name}' are {unknown!r}", f"some of {', '.join(MAY_BE_UNKNOWN)}")
    for name, array in arrays.items():
        if array.dtype != ARRAYS[name] or array.ndim != 3 or array.shape != arrays["hu"].shape:
            raise CaseError(
                f"{name}.npy of '{folder.name}' is {array.dtype} {array.shape}",
                f"{np.dtype(ARRAYS[name])} {arrays['hu'].shape}",
            )
    return Case(name=folder.name, record=record, **arrays)


def list_cases(folder: Path | str) -> tuple[Path, ...]:
    """The complete cases in `folder`, by name; cases still being written have names that begin with a dot."""
    folder = Path(folder)
    if not folder.is_dir():
        return ()
    return tuple(sorted(p for p in folder.iterdir() if not p.name.startswith(".") and (p / RECORD_FILE).is_file()))


def simulated_seeds(folders: Iterable[Path]) -> set[int]:
    """The seeds of those cases that the simulator made; no evaluation may use them. Raises CaseError."""
    truths = (_read_record(folder).get("truth", {}) for folder in folders)
    return {truth["patient"]["seed"] for truth in truths if "seed" in truth.get("patient", {})}


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / RECORD_FILE).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(folder, error) from error
    if not isinstance(record, dict) or record.get("schema_version") != SCHEMA_VERSION:
        raise CaseError(f"{RECORD_FILE} of '{folder.name}' has another version", f"schema_version {SCHEMA_VERSION}")
    return record


def _unreadable(folder: Path, error: Exception) -> CaseError:
    return CaseError(f"the case '{folder.name}' cannot be read ({error})", "a folder made by write_case")


def _exactly(name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`array` in the type of that file, refusing what would change its values."""
    dtype = np.dtype(ARRAYS[name])
    if array.shape != shape or array.ndim != 3:
        raise CaseError(f"'{name}' has the shape {array.shape}", f"the shape of the CT, {shape} (z, y, x)")
    converted = array.astype(dtype)
    if array.dtype != dtype and not np.array_equal(converted, array):
        raise CaseError(f"'{name}' holds values that {dtype} cannot", f"{dtype} values")
    return converted
