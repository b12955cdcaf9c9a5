"""Writing images so that what is on the disk is known to be whole."""

from __future__ import annotations

import errno
import gzip
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from cacnet.volume import Geometry

_CHUNK_BYTES = 1 << 20
_GZIP_WINDOW_BITS = 31
_GZIP_LEVEL = 6


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


def write_nrrd_layers(
    path: Path, planes: Iterable[np.ndarray], layers: int, geometry: Geometry, fields: Mapping[str, str]
) -> None:
    """Write several uint8 label maps on one grid as a compressed NRRD file, a plane at a time.

    An image of all of them together, and its writer's copy of it, would take more memory than the network.

    Args:
        path: of the new file.
        planes: from the lowest z, (y, x, layers) uint8 each.
        layers: how many maps there are.
        geometry: their grid.
        fields: key/value pairs of the header; values of one line.

    Raises:
        OSError: the file is not whole.

    Source: NRRD 4, http://teem.sourceforge.net/nrrd/format.html; a list axis first, as 3D Slicer writes its layers.
    """
    packer = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW_BITS)
    with path.open("wb") as file:
        file.write(_nrrd_header(layers, geometry, fields).encode("utf-8"))
        for plane in planes:
            file.write(packer.compress(np.ascontiguousarray(plane).data))
        file.write(packer.flush())


def _nrrd_header(layers: int, geometry: Geometry, fields: Mapping[str, str]) -> str:
    axes = [
        "(" + ",".join(repr(float(part)) for part in axis_mm) + ")"
        for axis_mm in geometry.affine_zyx_to_lps[:3, [2, 1, 0]].T
    ]
    lines = (
        "NRRD0004",
        "type: unsigned char",
        "dimension: 4",
        "space: left-posterior-superior",
        f"sizes: {layers} {' '.join(str(n) for n in geometry.shape_zyx[::-1])}",
        f"space directions: none {' '.join(axes)}",
        "kinds: list domain domain domain",
        "encoding: gzip",
        f"space origin: ({','.join(repr(float(part)) for part in geometry.origin_mm_lps)})",
        *(f"{key}:={value}" for key, value in fields.items()),
    )
    return "\n".join(lines) + "\n\n"


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
