"""Which scans a folder holds: image files, and DICOM studies in whatever folders they lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cacnet.errors import CacnetError
from cacnet.outputs import CALCIUM, CORONARY
from cacnet.reading.images import is_image_file

LABEL_MAPS = (CALCIUM, CORONARY, "distractors.nii.gz")
"""Files that this program writes beside a CT; they are no scans."""
LABEL_MAP_SUFFIX = ".seg.nrrd"
DICOM_MARK_AT = 128
DICOM_MARK = b"DICM"


class NoScansError(CacnetError):
    """A folder that is missing or holds no scan."""


@dataclass(frozen=True)
class Scan:
    """One scan.

    Attributes:
        path: as `cacnet.reading.read_ct` takes it.
        problem: why it cannot be taken as one case; None where it can.
    """

    path: Path
    problem: str | None = None


def find_scans(folder: Path, leave_out: Path | None = None) -> tuple[Scan, ...]:
    """Every scan below a folder, in the order of their paths.

    An image file is a scan; a DICOM study is one, in one folder or in several (`read_ct` then takes its best series).
    Hidden folders and files, our own label maps, and the folder `leave_out` are passed over.

    Raises:
        NoScansError: there is no such folder, or nothing in it.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise NoScansError(f"there is no folder '{folder}'", "a folder with scans", "Check the path")
    scans: list[Scan] = []
    studies: dict[str, list[Path]] = {}
    for place, files in _folders(folder, leave_out.absolute() if leave_out else None):
        scans += [Scan(file) for file in files if _is_scan_file(file)]
        uids = _study_uids([file for file in files if not is_image_file(file)])
        if len(uids) > 1:
            scans.append(Scan(place, "the folder holds several DICOM studies; give each a folder of its own"))
        elif uids:
            studies.setdefault(uids[0], []).append(place)
    scans += _study_scans(studies)
    if not scans:
        raise NoScansError(
            f"'{folder.name}' holds no scan", "DICOM folders, .nrrd, .nii(.gz), .mha or .mhd", "Choose another folder"
        )
    return tuple(sorted(scans, key=lambda scan: scan.path.as_posix()))


def _folders(folder: Path, leave_out: Path | None) -> Iterator[tuple[Path, list[Path]]]:
    """Every folder with its files, sorted."""
    for root, folders, names in os.walk(folder):
        place = Path(root)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and place / name != leave_out)
        yield place, [place / name for name in sorted(names) if not name.startswith(".")]


def _is_scan_file(file: Path) -> bool:
    return is_image_file(file) and file.name not in LABEL_MAPS and not file.name.endswith(LABEL_MAP_SUFFIX)


def _study_uids(files: list[Path]) -> list[str]:
    """The studies of a folder's first and last DICOM file: a folder of several is seen without reading all of it.

    A folder whose DICOM files are all damaged is a study of its own, so that its case fails and is not passed over.
    """
    first = next((uid for file in files if (uid := _study_uid(file))), None)
    if first is None:
        return [f"unknown in {file.parent}" for file in files[:1] if any(map(_is_dicom, files))]
    last = next((uid for file in reversed(files) if (uid := _study_uid(file))), first)
    return list(dict.fromkeys((first, last)))


def _study_uid(file: Path) -> str | None:
    """The study of a DICOM file; None where it is none or does not say."""
    from pydicom import dcmread

    from cacnet.reading.headers import BoundedFile, damaged_header_errors

    if not _is_dicom(file):
        return None
    try:
        with BoundedFile(file) as stream:
            header = dcmread(stream, stop_before_pixels=True, specific_tags=["StudyInstanceUID"])
        return str(header.get("StudyInstanceUID", "")) or None
    except damaged_header_errors():
        return None  # the reader complains about the file


def _is_dicom(file: Path) -> bool:
    if file.name.upper() == "DICOMDIR":
        return False
    try:
        with file.open("rb") as stream:
            return stream.read(DICOM_MARK_AT + len(DICOM_MARK))[DICOM_MARK_AT:] == DICOM_MARK
    except OSError:
        return False


def _study_scans(studies: dict[str, list[Path]]) -> Iterator[Scan]:
    """A study's folders as one scan where no other study lies among them, otherwise one by one."""
    for uid, places in studies.items():
        common = Path(os.path.commonpath(places))
        others = [place for other, elsewhere in studies.items() if other != uid for place in elsewhere]
        if any(place.is_relative_to(common) for place in others):
            yield from (Scan(place) for place in places)
        else:
            yield Scan(common)
