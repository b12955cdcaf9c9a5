"""From a DICOM folder, NRRD, NIfTI or MetaImage file to a `Volume` in HU, or to a sentence that says why not.

`dicom` chooses a series (`headers` read without pixels, `stack` checked for gaps, tilt and phases); `images` reads the
other formats; `hounsfield` replaces padding and rejects what is not finite.
"""

from __future__ import annotations

from pathlib import Path

from cacnet.progress import Progress, silent
from cacnet.reading import dicom, images
from cacnet.reading.dicom import Series
from cacnet.reading.errors import (
    InputNotFoundError,
    IrregularSlicesError,
    MultiPhaseError,
    NoImageFoundError,
    NotCtError,
    NotFiniteError,
    ReadingError,
    TiltedSeriesError,
    UnreadableImageError,
    UnsupportedShapeError,
)
from cacnet.volume import Volume

__all__ = [
    "InputNotFoundError",
    "IrregularSlicesError",
    "MultiPhaseError",
    "NoImageFoundError",
    "NotCtError",
    "NotFiniteError",
    "ReadingError",
    "Series",
    "TiltedSeriesError",
    "UnreadableImageError",
    "UnsupportedShapeError",
    "list_series",
    "read_ct",
]


def read_ct(path: Path, *, series_uid: str | None = None, progress: Progress = silent) -> Volume:
    """The CT at `path`, in HU and LPS mm; what was repaired or noticed on the way is in its `reading_findings`.

    Args:
        path: a DICOM folder (searched to any depth), one DICOM file (its series in its folder is read), or a NRRD,
            NIfTI or MetaImage file.
        series_uid: which series of a DICOM folder; by default the best one (see `dicom.series_rank`).
        progress: stages 'scan' (headers) and 'read' (pixels).

    Raises:
        InputNotFoundError: there is nothing at `path`.
        ReadingError: one of the named errors of this package.
    """
    path = Path(path).absolute()
    if path.is_dir():
        return dicom.read_dicom(path, series_uid, progress)
    _require_file(path)
    if images.is_image_file(path):
        return images.read_image(path, progress)
    return dicom.read_dicom(path.parent, series_uid or dicom.series_of_file(path), progress)


def list_series(folder: Path, progress: Progress = silent) -> tuple[Series, ...]:
    """Every DICOM series below `folder`, the one that `read_ct` would choose first.

    Raises:
        InputNotFoundError, NoImageFoundError: there is no such folder, or no DICOM file in it.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise InputNotFoundError(found=f"there is no folder '{folder}'", action="Check the path")
    return dicom.list_series(folder, progress)


def _require_file(path: Path) -> None:
    if not path.exists():
        raise InputNotFoundError(found=f"there is no file or folder '{path}'", action="Check the path")
    if not path.is_file() or path.stat().st_size == 0:
        raise UnreadableImageError(found=f"'{path.name}' is empty or no ordinary file", expected="a CT")
