"""NRRD, NIfTI and MetaImage files."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from cacnet.errors import OutOfMemoryError
from cacnet.findings import Finding, Severity
from cacnet.progress import Progress
from cacnet.reading.errors import (
    NotCtError,
    NotFiniteError,
    TiltedSeriesError,
    UnreadableImageError,
    UnsupportedShapeError,
)
from cacnet.reading.hounsfield import padding_finding, stack_hu
from cacnet.reading.quiet import quiet
from cacnet.reading.raw_headers import require_plain_header, stored_data
from cacnet.reading.seal import Seal, seal_of
from cacnet.reading.stack import MIN_SLICES
from cacnet.volume import Acquisition, Volume, geometry_of

IMAGE_SUFFIXES = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
MAX_VOXELS = 2**31
"""Far beyond any CT (512 × 512 × 8192); a header that declares more is damaged."""

MAX_DEFLATE_RATIO = 1032
"""Deflate cannot compress further (zlib technical details), so a larger claim is a damaged or cut file."""

ORTHOGONALITY_TOLERANCE = 1e-3
GZIP_CHUNK_BYTES = 2**20
NIFTI_VOXEL_BYTES = {"2": 1, "4": 2, "8": 4, "16": 4, "64": 8, "256": 1, "512": 2, "768": 4, "1024": 8, "1280": 8}
"""By 'datatype' (nifti1.h); ITK calls whole numbers with a slope or intercept 32-bit float, which they become."""

NIFTI_FLOATS = ("16", "64")
NIFTI_HEADER_BYTES = (348, 540)
"""What a NIfTI-1 or NIfTI-2 header says first, its own length, in the byte order of the file."""


def is_image_file(path: Path) -> bool:
    """Whether the name is that of a volume file that this module reads."""
    return path.name.lower().endswith(IMAGE_SUFFIXES)


def read_image(path: Path, progress: Progress) -> Volume:
    """The volume in a NRRD, NIfTI or MetaImage file; NIfTI positions are turned from RAS to LPS by ITK.

    Raises:
        ReadingError: one of the errors of `cacnet.reading.errors`.
        OutOfMemoryError: the volume does not fit into memory.
    """
    progress("read", 0.0)
    reader = _open(path)
    _require_ct(path, reader)
    _require_scalar_volume(path, reader)
    image = _whole_image(path, reader)
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    _require_perpendicular_axes(path, image)
    values = sitk.GetArrayViewFromImage(image)
    hu, padding_voxels = stack_hu(((z, values[z], None) for z in range(values.shape[0])), values.shape)
    progress("read", 1.0)
    findings = (*padding_finding(padding_voxels, hu.size), *_orientation_finding(reader))
    return Volume(hu, geometry_of(image), Acquisition(modality=_modality(reader)), path.name, findings)


def require_whole(path: Path) -> None:
    """Refuse a file whose header is forged, or that holds less than its header declares, before its voxels are read.

    Raises:
        UnreadableImageError: see above, or it is no such file.
    """
    if not is_image_file(path):
        raise UnreadableImageError(f"'{path.name}' is no volume by its name", ", ".join(IMAGE_SUFFIXES))
    _require_complete(path, _open(path))


def _whole_image(path: Path, reader: sitk.ImageFileReader) -> sitk.Image:
    """The image, none of whose voxels the library made up."""
    seal = _seal(path, reader)
    if seal is None:
        _require_complete(path, reader)
        _require_finite_nifti(path, reader)
        return _execute(path, reader)
    image = _execute(path, reader)
    if not seal.fits(sitk.GetArrayViewFromImage(image)):
        _require_complete(path, reader)
        _require_finite_nifti(path, reader)
    return image


def _seal(path: Path, reader: sitk.ImageFileReader) -> Seal | None:
    """By which the voxels can be checked after they are read; None where the file must be unpacked for that."""
    data_path, encoding, offset = stored_data(path)
    if data_path is None or encoding not in ("gzip", "gz") or not data_path.is_file():
        return None
    voxel_bytes = math.prod(reader.GetSize()) * _bytes_per_voxel(reader)
    if voxel_bytes > data_path.stat().st_size * MAX_DEFLATE_RATIO:
        return None
    return seal_of(data_path, offset, int(_nifti_header_bytes(reader)), voxel_bytes)


def _open(path: Path) -> sitk.ImageFileReader:
    require_plain_header(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with quiet():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise _unreadable(path, error) from error
    return reader


def _execute(path: Path, reader: sitk.ImageFileReader) -> sitk.Image:
    try:
        with quiet():
            return reader.Execute()
    except MemoryError as error:
        raise OutOfMemoryError(f"'{path.name}' does not fit into memory", action="Crop it to the heart") from error
    except RuntimeError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: RuntimeError) -> UnreadableImageError | TiltedSeriesError:
    if "orthonormal" in str(error):
        return _sheared(path)
    return UnreadableImageError(
        found=f"'{path.name}' cannot be read: it is damaged, cut short, or not what its name says",
        expected="a complete NRRD, NIfTI or MetaImage file",
        action="Copy or export it again",
    )


def _sheared(path: Path) -> TiltedSeriesError:
    return TiltedSeriesError(
        found=f"the axes of '{path.name}' are not perpendicular to each other (a tilted gantry or a sheared transform)",
        expected="a rectangular grid",
        action="Resample the volume onto a rectangular grid first",
    )


def _modality(reader: sitk.ImageFileReader) -> str | None:
    """What a MetaImage header says, such as 'CT'; the other formats have no such field."""
    if not reader.HasMetaDataKey("Modality"):
        return None
    modality = reader.GetMetaData("Modality").removeprefix("MET_MOD_").upper()
    return modality if modality not in ("UNKNOWN", "OTHER", "") else None


def _require_ct(path: Path, reader: sitk.ImageFileReader) -> None:
    modality = _modality(reader)
    if modality not in (None, "CT"):
        raise NotCtError(found=f"'{path.name}' is of modality {modality}", expected="CT")


def _require_scalar_volume(path: Path, reader: sitk.ImageFileReader) -> None:
    size = reader.GetSize()
    pixel = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    spatial = size[:3] if len(size) == 4 and size[3] == 1 else size
    found = None
    if len(spatial) != 3:
        found = f"'{path.name}' is {len(spatial)}-dimensional ({' × '.join(map(str, size))})"
    elif reader.GetNumberOfComponents() != 1:
        found = f"'{path.name}' has {reader.GetNumberOfComponents()} values in every voxel (colour or vectors)"
    elif "complex" in pixel:
        found = f"'{path.name}' holds complex numbers"
    elif min(spatial) < MIN_SLICES:
        found = f"'{path.name}' is only {min(spatial)} voxels deep ({' × '.join(map(str, size))})"
    if found:
        raise UnsupportedShapeError(
            found=found,
            expected="one three-dimensional volume with one CT number in every voxel",
            action="Export the CT series itself, one phase, as a volume",
        )


def _require_complete(path: Path, reader: sitk.ImageFileReader) -> None:
    """Compare the declared size with the bytes on disk before memory is taken for it."""
    voxels = float(np.prod([float(n) for n in reader.GetSize()]))
    needed_bytes = voxels * _bytes_per_voxel(reader) + _nifti_header_bytes(reader)
    data_path, encoding, offset = stored_data(path)
    if data_path is None:
        held_bytes = needed_bytes
    elif not data_path.is_file():
        raise UnreadableImageError(
            found=f"'{path.name}' refers to '{data_path.name}', which is not there",
            expected="the header and its data file side by side",
            action="Copy both files into one folder",
        )
    else:
        held_bytes = (data_path.stat().st_size - offset) * (1 if encoding == "raw" else MAX_DEFLATE_RATIO)
        if needed_bytes <= held_bytes and encoding in ("gzip", "gz"):
            held_bytes = _gzip_bytes(data_path, offset, int(needed_bytes))
    if voxels > MAX_VOXELS or needed_bytes > held_bytes:
        size = " × ".join(map(str, reader.GetSize()))
        raise UnreadableImageError(
            found=f"'{path.name}' is cut short or damaged: its header declares {size} voxels "
            f"({needed_bytes / 1e6:.1f} MB), more than the file holds",
            expected="a complete file",
            action="Copy or export it again",
        )


def _gzip_bytes(path: Path, offset: int, needed_bytes: int) -> int:
    """Bytes that gzip data after `offset` unpack to, counted to a little beyond `needed_bytes`; 0 where damaged.

    ITK fills what a cut NIfTI file lacks with zeros and says nothing; only reading to the end shows the checksum.
    """
    import gzip
    import zlib

    count = 0
    try:
        with path.open("rb") as packed, gzip.GzipFile(fileobj=packed) as file:
            packed.seek(offset)
            while chunk := file.read(GZIP_CHUNK_BYTES):
                count += len(chunk)
                if count > needed_bytes + GZIP_CHUNK_BYTES:
                    break
    except (EOFError, OSError, zlib.error):
        return 0
    return count


def _require_finite_nifti(path: Path, reader: sitk.ImageFileReader) -> None:
    """Refuse NaN and infinity in a NIfTI file, which ITK's NIfTI library replaces by 0 without a word."""
    import gzip

    size_bytes = _bytes_per_voxel(reader)
    if _nifti_type(reader) not in NIFTI_FLOATS:
        return
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rb") as file:
        order = "<" if int.from_bytes(file.read(4), "little") in NIFTI_HEADER_BYTES else ">"
        file.seek(int(_nifti_header_bytes(reader)))
        left_bytes = math.prod(reader.GetSize()) * size_bytes
        bad = 0
        while left_bytes > 0 and (chunk := file.read(min(GZIP_CHUNK_BYTES, left_bytes))):
            left_bytes -= len(chunk)
            bad += int(np.count_nonzero(~np.isfinite(np.frombuffer(chunk, f"{order}f{size_bytes}"))))
    if bad:
        raise NotFiniteError(
            found=f"{bad} values of '{path.name}' are NaN or infinite",
            expected="a number in every voxel",
            action="Export the volume again, or set those voxels to -1024 HU (air) if they lie outside the scan",
        )


def _pixel_type(reader: sitk.ImageFileReader) -> str:
    return str(sitk.GetPixelIDValueAsString(reader.GetPixelID()))


def _nifti_type(reader: sitk.ImageFileReader) -> str | None:
    """The type of the stored values; None for other formats."""
    return reader.GetMetaData("datatype") if reader.HasMetaDataKey("datatype") else None


def _bytes_per_voxel(reader: sitk.ImageFileReader) -> int:
    """Of the stored values."""
    nifti = NIFTI_VOXEL_BYTES.get(_nifti_type(reader) or "")
    if nifti is not None:
        return nifti
    bits = re.search(r"(\d+)-bit", _pixel_type(reader))
    return int(bits.group(1)) // 8 if bits else 1


def _nifti_header_bytes(reader: sitk.ImageFileReader) -> float:
    return float(reader.GetMetaData("vox_offset")) if reader.HasMetaDataKey("vox_offset") else 0.0


def _require_perpendicular_axes(path: Path, image: sitk.Image) -> None:
    direction = np.asarray(image.GetDirection()).reshape(3, 3)
    if not np.abs(direction.T @ direction - np.eye(3)).max() <= ORTHOGONALITY_TOLERANCE:  # so that NaN is refused
        raise _sheared(path)
    if not np.isfinite([*image.GetOrigin(), *image.GetSpacing()]).all():
        raise _unreadable(path, RuntimeError("a position that is no number"))


def _orientation_finding(reader: sitk.ImageFileReader) -> tuple[Finding, ...]:
    """A warning where a NIfTI file does not say how it lies in the patient (both codes 0, NIfTI-1 'METHOD 1')."""
    codes = [reader.GetMetaData(key) for key in ("qform_code", "sform_code") if reader.HasMetaDataKey(key)]
    if not codes or any(re.search(r"[1-9]|NIFTI_XFORM_(?!UNKNOWN)", code) for code in codes):
        return ()
    message = (
        "The NIfTI file does not say how it lies in the patient (qform and sform codes are 0): left and right may be "
        "swapped. Check the orientation before relying on the vessel names."
    )
    return (Finding("orientation-unknown", Severity.WARNING, message),)
