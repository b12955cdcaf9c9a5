"""The DICOM images that a result was made from, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cacnet.dicom.errors import SourceImagesError
from cacnet.dicom.placing import placed_on
from cacnet.progress import Progress, silent
from cacnet.reading import list_series
from cacnet.reading.errors import ReadingError
from cacnet.reading.headers import SliceHeader
from cacnet.reading.stack import build_stack
from cacnet.volume import Geometry

if TYPE_CHECKING:
    from pydicom import Dataset

MAY_BE_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""Type 2 attributes of patient and study (DICOM PS3.3 C.7.1.1, C.7.2.1): carried over, or empty."""
REQUIRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")


@dataclass(frozen=True, eq=False)
class SourceImages:
    """The series of a result.

    Attributes:
        geometry: its grid.
        slots: the dataset, without pixels, of every z index, and its frame's number from 1 (None for an image of one
            frame); None where a slice was missing and had been interpolated.
    """

    geometry: Geometry
    slots: tuple[tuple[Dataset, int | None] | None, ...]

    @cached_property
    def datasets(self) -> list[Dataset]:
        """Every image once, from the first slice to the last."""
        return list({id(slot[0]): slot[0] for slot in self.slots if slot is not None}.values())

    @property
    def multi_frame(self) -> bool:
        """Whether all slices are frames of one image, as in an enhanced CT."""
        return any(slot is not None and slot[1] is not None for slot in self.slots)

    def place(self, labels_zyx: np.ndarray, geometry: Geometry) -> np.ndarray:
        """Labels on the series' grid; raises SourceImagesError where they are not of this series."""
        placed = placed_on(self.geometry, labels_zyx, geometry)
        if placed is None:
            raise _other_scan(geometry)
        return placed


def find_source(
    folder: Path, geometry: Geometry, series_uid: str | None = None, progress: Progress = silent
) -> SourceImages:
    """The series below `folder` on whose grid `geometry` lies, the best first.

    Raises:
        InputNotFoundError, NoImageFoundError: there is no such folder, or no DICOM image in it.
        SourceImagesError: no series has that grid, or it lacks what every DICOM object needs.
    """
    probe = np.zeros(geometry.shape_zyx, bool)
    for series in list_series(folder, progress):
        if series.usable is not None or series_uid not in (None, series.uid):
            continue
        try:
            stack = build_stack(series.slices)
        except ReadingError:
            continue
        if placed_on(stack.geometry, probe, geometry) is not None:
            return SourceImages(stack.geometry, _slots(stack.slots))
    raise _other_scan(geometry)


def _slots(headers: tuple[SliceHeader | None, ...]) -> tuple[tuple[Dataset, int | None] | None, ...]:
    datasets = {path: _read(path) for path in dict.fromkeys(h.path for h in headers if h is not None)}
    return tuple(
        None if h is None else (datasets[h.path], h.frame + 1 if "NumberOfFrames" in datasets[h.path] else None)
        for h in headers
    )


def _read(path: Path) -> Dataset:
    """An image without its pixels, its patient and study complete."""
    import pydicom

    from cacnet.reading.headers import BoundedFile
    from cacnet.reading.quiet import quiet

    with quiet(), BoundedFile(path) as file:
        dataset = pydicom.dcmread(file, stop_before_pixels=True)
    missing = [name for name in REQUIRED if not dataset.get(name)]
    if missing:
        raise SourceImagesError(
            f"the images of the CT have no {', '.join(missing)}",
            "complete DICOM images of a study",
            "Export the series from the archive again",
        )
    for name in MAY_BE_EMPTY:
        if name not in dataset:
            setattr(dataset, name, None)
    return dataset


def _other_scan(geometry: Geometry) -> SourceImagesError:
    return SourceImagesError(
        f"no CT series of the folder lies on the grid of the result, {geometry.describe()}",
        "the DICOM series that the result was made from",
        "Choose the folder of that series",
    )
