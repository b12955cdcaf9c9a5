"""What the headers of NRRD, MetaImage and NIfTI say, read here before a C++ library reads them.

MetaIO and NrrdIO keep what they read in arrays of fixed size; a forged header writes beyond them and ends the process.
ITK's singular value decomposition of a forged matrix never ends.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from cacnet.reading.errors import UnreadableImageError

TEXT_HEADER_BYTES = 65536
MOST_AXES = 4
MOST_WORDS = 64
MOST_CHARACTERS = 2048
"""Of a field that is read into numbers; a grid of four axes needs some hundred characters."""

LARGEST_NUMBER = 1e6
"""Of a position, spacing or matrix; metres beyond any scanner."""

SIZE_TOLERANCE = 0.01
"""Of a voxel's size that a NIfTI header gives twice."""

NRRD_SUFFIXES = (".nrrd", ".nhdr")
META_SUFFIXES = (".mha", ".mhd")
_GRID = re.compile(
    rb"(?i)\s*(TransformMatrix|Rotation|Orientation|Offset|Position|Origin|ElementSpacing|ElementSize"
    rb"|space directions|space origin|spacings|measurement frame)\s*[=:]"
)
_SPACING = re.compile(rb"(?im)^\s*(ElementSpacing|ElementSize|space directions|spacings)\s*[=:].*\d")
_NUMBER = re.compile(rb"(?i)[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|nan|inf)")
_COUNT = {
    NRRD_SUFFIXES: re.compile(rb"(?i)\s*(space )?dimension\s*:\s*(.*)"),
    META_SUFFIXES: re.compile(rb"(?i)\s*(NDims)\s*[=:]\s*(.*)"),
}


def require_plain_header(path: Path) -> None:
    """Refuse a header with more axes, numbers or letters in a field, or larger numbers, than a volume has.

    A voxel size that is missing is refused as well: ITK would take 1 mm for it, and every score would be made up.

    Raises:
        UnreadableImageError: see above.
    """
    name = path.name.lower()
    kind = next((suffixes for suffixes in _COUNT if name.endswith(suffixes)), None)
    if kind is None:
        _require_plain_nifti(path)
        return
    header = _header(path, kind)
    for line in re.split(rb"[\r\n]+", header):
        axes = _COUNT[kind].match(line)
        if axes is not None and not (axes[2].strip().isdigit() and 1 <= int(axes[2].strip()[:9]) <= MOST_AXES):
            raise _forged(path, f"declares {axes[2][:20].decode('latin-1')!r} axes")
        free_text = kind is NRRD_SUFFIXES and (b":=" in line or line.startswith(b"#"))
        if not free_text and (len(line) > MOST_CHARACTERS or len(line.split()) > MOST_WORDS or line.count(b"(") > 8):
            raise _forged(path, f"has a field of {len(line)} characters")
        if _GRID.match(line) and any(not _plain(number) for number in _NUMBER.findall(line.split(b":")[-1])):
            raise _forged(path, "has a grid of no possible size")
    if not _SPACING.search(header):
        raise _forged(path, "does not say how large the voxels are")


def _require_plain_nifti(path: Path) -> None:
    """Of NIfTI-1: voxel sizes, and the quaternion, offsets and matrix that its codes declare as used."""
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
        try:
            head = file.read(348)
        except (OSError, EOFError, zlib.error):
            return  # the reader says what is wrong with it
    if len(head) < 348:
        return
    order = "<" if head[:4] == struct.pack("<i", 348) else ">"
    by_quaternion, by_matrix = struct.unpack_from(f"{order}2h", head, 252)
    numbers = [*struct.unpack_from(f"{order}3f", head, 80)]
    numbers += struct.unpack_from(f"{order}6f", head, 256) if by_quaternion > 0 else ()
    numbers += struct.unpack_from(f"{order}12f", head, 280) if by_matrix > 0 else ()
    if struct.unpack_from(f"{order}i", head)[0] != 348:
        return
    if not all(abs(n) <= LARGEST_NUMBER for n in numbers):
        raise _forged(path, "has a grid of no possible size")
    sizes = numbers[: min(3, struct.unpack_from(f"{order}h", head, 40)[0])]
    if not all(size > 0 for size in sizes):  # ITK takes 1 mm for 0, and mirrors the patient for less
        raise _forged(path, f"has voxels of {' × '.join(f'{size:g}' for size in sizes)} mm")
    columns = np.linalg.norm(np.reshape(numbers[-12:], (3, 4))[:, : len(sizes)], axis=0) if by_matrix > 0 else sizes
    if by_quaternion <= 0 and not np.allclose(columns, sizes, rtol=SIZE_TOLERANCE, atol=0):
        raise _forged(path, "gives two sizes of its voxels")  # pixdim and sform; ITK takes the first, others the second


def _plain(number: bytes) -> bool:
    return abs(float(number)) <= LARGEST_NUMBER


def _header(path: Path, kind: tuple[str, ...]) -> bytes:
    with path.open("rb") as file:
        head = file.read(TEXT_HEADER_BYTES)
    end = rb"\r?\n\r?\n" if kind is NRRD_SUFFIXES else rb"(?m)^\s*ElementDataFile\s*[=:]"
    return re.split(end, head, maxsplit=1)[0]


def _forged(path: Path, what: str) -> UnreadableImageError:
    return UnreadableImageError(
        found=f"'{path.name}' cannot be read: its header {what}",
        expected="the header of one volume",
        action="Copy or export it again",
    )


def _beside(path: Path, target: str) -> Path:
    """The file that a header names, which must lie in the header's folder or below."""
    for kind in (PurePosixPath(target), PureWindowsPath(target)):
        if kind.is_absolute() or kind.anchor or ".." in kind.parts or len(target) > 255 or "\0" in target:
            raise _forged(path, f"refers to voxels elsewhere ({target[:80]!r})")
    return path.parent / target


def stored_data(path: Path) -> tuple[Path | None, str, int]:
    """Where the voxels lie, their encoding ('raw', 'gzip' or another), and after how many bytes of text header.

    The path is None where they are spread over several files.
    """
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return path, "gzip" if name.endswith(".gz") else "raw", 0
    with path.open("rb") as file:
        head = file.read(TEXT_HEADER_BYTES)
    if name.endswith((".nrrd", ".nhdr")):
        blank_line = re.search(rb"\r?\n\r?\n", head)
        offset = blank_line.end() if blank_line else len(head)
        text = head[:offset]
        target, local = _field(text, rb"data ?file:"), ""
        encoding = _field(text, rb"encoding:").lower()
    else:
        text = re.split(rb"(?m)^ElementDataFile *=.*$", head)[0]
        offset = len(text)
        target, local = _field(head, rb"ElementDataFile *="), "LOCAL"
        encoding = "zlib" if _field(text, rb"CompressedData *=").lower() == "true" else "raw"
    if target == local:
        return path, encoding, offset
    if target.split(" ")[0] == "LIST" or "%" in target:
        return None, encoding, 0
    return _beside(path, target), encoding, 0


def _field(header: bytes, name: bytes) -> str:
    match = re.search(rb"(?mi)^" + name + rb"[ \t]*(.*?)[ \t\r]*$", header)
    return match.group(1).decode("utf-8", "replace") if match else ""
