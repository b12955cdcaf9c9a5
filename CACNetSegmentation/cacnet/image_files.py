"""Writing images so that what is on the disk is known to be whole."""

from __future__ import annotations

import errno
import gzip
import zlib
from pathlib import Path

import SimpleITK as sitk

_CHUNK_BYTES = 1 << 20


def write_image(image: sitk.Image, path: Path) -> None:
    """Write a compressed image, and read NIfTI files back: where a disk is full, their writer says nothing.

    Raises:
        OSError: the file is not whole; whoever chose the folder knows how to name it.
    """
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        said = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise OSError(errno.EIO, said[-1] if said else "the image could not be written") from error
    if path.suffix == ".gz" and _unpacked_bytes(path) < _pixel_bytes(image):
        raise OSError(errno.ENOSPC, f"'{path.name}' could not be written whole; the disk may be full")


def _unpacked_bytes(path: Path) -> int:
    """Bytes in a gzip file whose checksum is right; 0 for one that is cut short or damaged."""
    total = 0
    try:
        with gzip.open(path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                total += len(chunk)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return 0
    return total


def _pixel_bytes(image: sitk.Image) -> int:
    return int(image.GetNumberOfPixels() * image.GetNumberOfComponentsPerPixel() * image.GetSizeOfPixelComponent())
