"""What the headers of DICOM files say, slice by slice. Names, identifiers and dates of the patient are never parsed."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cacnet.progress import Progress
from cacnet.reading.errors import NoImageFoundError
from cacnet.reading.quiet import quiet
from cacnet.volume import Acquisition

TAGS = [
    "SOPClassUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "Modality",
    "ImageType",
    "InstanceNumber",
    "AcquisitionNumber",
    "Manufacturer",
    "ConvolutionKernel",
    "KVP",
    "SliceThickness",
    "ContrastBolusAgent",
    "PatientAge",
    "PatientSex",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "NumberOfFrames",
    "PixelSpacing",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "PixelRepresentation",
    "PixelPaddingValue",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "TriggerTime",
    "NominalPercentageOfCardiacPhase",
    "NominalCardiacTriggerDelayTime",
    "TemporalPositionIdentifier",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "TransferSyntaxUID",
    "BitsAllocated",
]

PHASE_TAGS = (
    "NominalPercentageOfCardiacPhase",
    "NominalCardiacTriggerDelayTime",
    "TriggerTime",
    "TemporalPositionIdentifier",
    "AcquisitionNumber",
    "ConvolutionKernel",
)
"""What tells several images of the same slice apart, in order of how much it says to a reader."""


LONG_READ_BYTES = 1 << 20
LONG_REPRESENTATIONS = tuple(b"OB OW OF OD OL OV SQ SV UC UN UR UT UV".split())
"""Value representations with a length of 32 bits (DICOM PS3.5, table 7.1-1)."""
META_REPRESENTATIONS = frozenset({"AE", "OB", "SH", "UI", "UL", "UR"})
"""Value representations in a file's meta information (DICOM PS3.10, table 7.1-1)."""
UNDEFINED_LENGTH = 0xFFFFFFFF
DEFLATED = b"1.2.840.10008.1.2.1.99"
MOST_DEFLATED_BYTES = 1 << 20
"""pydicom unpacks a deflated file whole, to up to a thousand times its size."""

AXES_TOLERANCE = 1e-3
"""How far ImageOrientationPatient may be from two perpendicular unit vectors: it is written with few decimals."""


@dataclass(frozen=True)
class SliceHeader:
    """One slice: a file, or one frame of a multi-frame file. Positions are LPS mm.

    Attributes:
        axes_lps: unit vectors (x, y, z) along a row (increasing column), then along a column (increasing row).
        position_mm_lps: centre of the first voxel.
        phase: values of PHASE_TAGS that are present, by tag name.
    """

    path: Path
    frame: int
    series_uid: str
    series_number: int
    instance_number: int
    modality: str
    image_type: tuple[str, ...]
    shape_yx: tuple[int, int]
    samples_per_pixel: int
    spacing_mm_yx: tuple[float, float]
    axes_lps: tuple[float, ...]
    position_mm_lps: tuple[float, float, float]
    rescale: tuple[float, float] | None
    rescale_type: str
    padding_hu: float | None
    phase: tuple[tuple[str, str], ...]
    acquisition: Acquisition
    stored_bytes: int | None
    """Bytes that the pixels need in the file; None where they are compressed."""


@dataclass(frozen=True)
class Scan:
    """All that a folder holds.

    Attributes:
        slices: one header per image, in order of path and frame.
        not_images: kinds of DICOM objects without pixels, or without a place in the patient, one entry per file.
        unreadable: names of DICOM files whose header is damaged.
    """

    slices: tuple[SliceHeader, ...]
    not_images: tuple[str, ...]
    unreadable: tuple[str, ...]


def scan_folder(folder: Path, progress: Progress) -> Scan:
    """Read the headers of every DICOM file below `folder`, whatever it is called.

    Raises:
        NoImageFoundError: there is not one DICOM file.
    """
    from pydicom.errors import InvalidDicomError

    paths = sorted(Path(root) / name for root, _, names in os.walk(folder) for name in names)
    slices: list[SliceHeader] = []
    not_images: list[str] = []
    unreadable: list[str] = []
    for number, path in enumerate(paths):
        progress("scan", number / len(paths))
        try:
            found = list(read_headers(path))
        except InvalidDicomError:
            continue
        except damaged_header_errors():
            unreadable.append(path.name)
            continue
        slices += [header for header in found if isinstance(header, SliceHeader)]
        not_images += [kind for kind in found if isinstance(kind, str)]
    progress("scan", 1.0)
    if not (slices or not_images or unreadable):
        raise _nothing_found(folder, paths)
    return Scan(tuple(slices), tuple(not_images), tuple(unreadable))


def _nothing_found(folder: Path, paths: list[Path]) -> NoImageFoundError:
    from cacnet.reading.images import is_image_file

    volumes = [path.name for path in paths if is_image_file(path)]
    hint = f"Give the file itself, such as '{volumes[0]}'" if volumes else "Choose the folder of the CT series"
    count = f"{len(paths)} files, none of them DICOM" if paths else "no files"
    return NoImageFoundError(found=f"'{folder.name}' holds {count}", expected="a DICOM CT series", action=hint)


def damaged_header_errors() -> tuple[type[Exception], ...]:
    """What pydicom raises, depending on where a file is cut off or overwritten."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    plain = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError)
    return (
        *plain,
        NotImplementedError,
        OverflowError,
        RecursionError,
        struct.error,
        BytesLengthException,
        InvalidDicomError,
    )


class BoundedFile(io.BufferedReader):
    """A DICOM file to read, which takes no memory for bytes that it declares and does not have.

    Raises:
        ValueError: it is deflated and large. OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._bytes = os.fstat(self.fileno()).st_size
        if self._bytes > MOST_DEFLATED_BYTES and DEFLATED in self.peek(1024)[:1024]:
            self.close()
            raise ValueError("a deflated file that could unpack to more than memory holds")

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes; a forged length asks for no more than the file has."""
        return super().read(min(size, self._bytes) if size is not None and size > LONG_READ_BYTES else size)


def read_headers(path: Path) -> Iterator[SliceHeader | str]:
    """The slices of one DICOM file; the name of its kind where it holds no image, or one without a position.

    Raises:
        pydicom.errors.InvalidDicomError: it is not DICOM. ValueError and others: its header is damaged.
    """
    import pydicom

    with quiet(), BoundedFile(path) as file:
        dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=TAGS)
        _require_known_meta_information(dataset)
        _require_fitting_tail(file, dataset)
        if "Rows" not in dataset or "Columns" not in dataset:
            yield _kind(dataset)
            return
        frames = dataset.get("PerFrameFunctionalGroupsSequence")
        if frames is None:
            yield _slice(path, 0, dataset, (dataset,))
            return
        shared = dataset.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()]
        for number, frame in enumerate(frames):
            yield _slice(path, number, dataset, (*_groups(frame), *_groups(shared[0]), dataset))


def _require_known_meta_information(dataset: Any) -> None:
    """Raise ValueError where an unknown representation stands in the meta information: GDCM takes what follows for a
    length of 32 bits, and as much memory."""
    for element in getattr(dataset, "file_meta", {}).values():
        if element.VR not in META_REPRESENTATIONS:
            raise ValueError(f"the representation {element.VR!r} in the meta information")


def _require_fitting_tail(file: BoundedFile, dataset: Any) -> None:
    """Raise ValueError where an element behind the pixels declares more bytes than follow: GDCM would take memory."""
    implicit, little = dataset.original_encoding
    syntax = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID")
    if syntax == DEFLATED.decode() or implicit is None:
        return
    size_bytes, position = os.fstat(file.fileno()).st_size, file.tell()
    pixels = True
    while position + 8 <= size_bytes:
        file.seek(position)
        head = file.read(12)
        at, width = (4, 4) if implicit else (8, 4) if head[4:6] in LONG_REPRESENTATIONS else (6, 2)
        length = int.from_bytes(head[at : at + width], "little" if little else "big")
        position += at + width + length
        if length == UNDEFINED_LENGTH or (pixels and position > size_bytes):  # compressed, or cut: said when it is read
            return
        pixels = False
    if position > size_bytes:
        raise ValueError("an element behind the pixels is longer than the file")


def _groups(functional_groups: Any) -> Iterator[Any]:
    """The item of every functional group macro of a frame (DICOM PS3.3 C.7.6.16)."""
    for element in functional_groups:
        if element.VR == "SQ" and element.value:
            yield element.value[0]


def _kind(dataset: Any) -> str:
    uid = dataset.get("SOPClassUID") or getattr(dataset, "file_meta", {}).get("MediaStorageSOPClassUID")
    name = getattr(uid, "name", None) or "DICOM object"
    return str(name).removesuffix(" Storage").removesuffix(" - For Presentation")


def _slice(path: Path, frame: int, dataset: Any, places: tuple[Any, ...]) -> SliceHeader | str:
    def value(tag: str) -> Any:
        return next((place.get(tag) for place in places if place.get(tag) not in (None, "")), None)

    spacing, axes = _floats(value("PixelSpacing"), 2), _floats(value("ImageOrientationPatient"), 6)
    position = _floats(value("ImagePositionPatient"), 3)
    if spacing is None or axes is None or position is None:
        return f"{value('Modality') or 'unknown'} image without a position in the patient"
    _require_valid_plane(spacing, axes, position)
    intercept = value("RescaleIntercept")
    rescale = None if intercept is None else (float(value("RescaleSlope") or 1), float(intercept))
    frame_type = value("ImageType") or ()
    shape_yx = (int(dataset.Rows), int(dataset.Columns))
    return SliceHeader(
        path=path,
        frame=frame,
        series_uid=str(value("SeriesInstanceUID") or ""),
        series_number=int(value("SeriesNumber") or 0),
        instance_number=int(value("InstanceNumber") or 0),
        modality=str(value("Modality") or "unknown"),
        image_type=(frame_type,) if isinstance(frame_type, str) else tuple(str(part) for part in frame_type),
        shape_yx=shape_yx,
        samples_per_pixel=int(value("SamplesPerPixel") or 1),
        spacing_mm_yx=spacing,
        axes_lps=axes,
        position_mm_lps=position,
        rescale=rescale,
        rescale_type=str(value("RescaleType") or ""),
        padding_hu=_padding_hu(dataset, rescale),
        phase=tuple((tag, str(value(tag))) for tag in PHASE_TAGS if value(tag) is not None),
        acquisition=_acquisition(value),
        stored_bytes=_stored_bytes(dataset, shape_yx),
    )


def _require_valid_plane(spacing: tuple[float, ...], axes: tuple[float, ...], position: tuple[float, ...]) -> None:
    row, column = np.reshape(axes, (2, 3))
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    perpendicular = abs(row @ column) < AXES_TOLERANCE and np.allclose(lengths, 1, atol=AXES_TOLERANCE)
    if not (np.isfinite(position).all() and min(spacing) > 0 and perpendicular):
        raise ValueError("the header's plane is impossible")


def _stored_bytes(dataset: Any, shape_yx: tuple[int, int]) -> int | None:
    syntax = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID")
    if syntax is None or syntax.is_compressed:  # Deflated data sets count as compressed, too.
        return None
    frames = int(dataset.get("NumberOfFrames") or 1)
    samples = int(dataset.get("SamplesPerPixel") or 1)
    return shape_yx[0] * shape_yx[1] * frames * samples * int(dataset.get("BitsAllocated") or 16) // 8


def _floats(values: Any, count: int) -> Any:
    if values is None or isinstance(values, str) or len(values) != count:
        return None
    return tuple(float(value) for value in values)


def _padding_hu(dataset: Any, rescale: tuple[float, float] | None) -> float | None:
    stored = dataset.get("PixelPaddingValue")
    if not isinstance(stored, int):
        return None
    if dataset.get("PixelRepresentation") == 1 and stored > 32767:
        stored -= 65536  # Some scanners write a negative value with an unsigned value representation.
    slope, intercept = rescale or (1.0, 0.0)
    return stored * slope + intercept


def _acquisition(value: Any) -> Acquisition:
    kernel = value("ConvolutionKernel")
    sex = str(value("PatientSex") or "").upper()
    return Acquisition(
        modality=value("Modality"),
        kvp=_positive(value("KVP")),
        slice_thickness_mm=_positive(value("SliceThickness")),
        kernel=kernel if kernel is None or isinstance(kernel, str) else " ".join(str(part) for part in kernel),
        manufacturer=value("Manufacturer"),
        contrast_agent=value("ContrastBolusAgent"),
        series_description=value("SeriesDescription"),
        patient_age_years=age_years(str(value("PatientAge") or "")),
        patient_sex=sex if sex in ("M", "F") else None,
    )


def _positive(number: Any) -> float | None:
    return float(number) if number is not None and float(number) > 0 else None


def age_years(age: str) -> float | None:
    """Years of a DICOM age string such as '063Y', '018M', '006W' or '010D' (PS3.5 6.2, VR AS), else None."""
    days_per_unit = {"Y": 365.25, "M": 365.25 / 12, "W": 7.0, "D": 1.0}
    number, unit = age[:-1], age[-1:].upper()
    if unit not in days_per_unit or not number.isdigit():
        return None
    return int(number) * days_per_unit[unit] / 365.25
