"""Label maps from files: whole numbers on the grid of a CT, checked before their voxels are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from cacnet.dataset.errors import IncompleteCaseError, LabelError
from cacnet.reading import read_ct
from cacnet.reading.errors import UnreadableImageError
from cacnet.reading.quiet import quiet
from cacnet.reading.raw_headers import require_plain_header
from cacnet.volume import Geometry, GeometryMismatchError

WHOLE_NUMBER_TOLERANCE = 1e-3
"""Labels stored as float, or through a NIfTI scale, come back as 0.99999994; interpolated ones are not as near."""


def read_label_map(path: Path, geometry: Geometry, name: str) -> np.ndarray:
    """The labels in a NRRD, NIfTI or MetaImage file as (z, y, x) int16 on the grid `geometry`; `name` is for messages.

    Raises:
        IncompleteCaseError: there is no such file.
        GeometryMismatchError: it lies on another grid; seen from its header, before its voxels are read.
        LabelError: values that are no whole numbers from 0 to 32767.
        ReadingError: it is damaged, cut short, or holds less than it declares.
    """
    if not path.is_file():
        raise IncompleteCaseError(
            f"there is no file '{path.name}' with the {name}",
            "a label file for every CT",
            "Add the file, or take the CT out: without labels it is not known whether there is calcium",
        )
    _require_shape(path, geometry, name)
    volume = read_ct(path)
    geometry.require_same_grid(volume.geometry, name)
    values = volume.hu
    whole = np.rint(values)
    if (
        np.abs(values - whole).max() > WHOLE_NUMBER_TOLERANCE
        or values.min() < 0
        or values.max() > np.iinfo(np.int16).max
    ):
        raise LabelError(
            f"the {name} hold values from {values.min():g} to {values.max():g}, not all whole numbers from 0 on",
            "one whole number for each structure",
            "Export the labels without interpolation",
        )
    return whole.astype(np.int16)


def _require_shape(path: Path, geometry: Geometry, name: str) -> None:
    require_plain_header(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with quiet():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise UnreadableImageError(f"'{path.name}' cannot be read", "a NRRD, NIfTI or MetaImage file") from error
    size = tuple(int(n) for n in reader.GetSize())
    declared = size[:3] if size[3:] in ((), (1,)) else size
    if declared != geometry.shape_zyx[::-1]:
        raise GeometryMismatchError(
            f"the {name} have {' × '.join(map(str, declared))} voxels",
            f"those of the CT, {' × '.join(map(str, geometry.shape_zyx[::-1]))}",
            "Use the labels that were drawn on this CT",
        )


def values_present(labels: np.ndarray) -> np.ndarray:
    """The numbers that occur in a (z, y, x) map of numbers from 0 on, rising."""
    present = np.zeros(int(labels.max(initial=0)) + 1, bool)
    for plane in labels:  # np.unique would sort the whole volume.
        present[plane] = True
    return np.flatnonzero(present)
