"""What the end of a gzip file says of everything in it: its length and its checksum.

Unpacking a file only to see that it is whole takes longer than reading it. A reader that unpacks it anyway can compare
what it got with the seal instead.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TRAILER_BYTES = 8
MOST_BYTES = 2**32
"""The trailer knows the length modulo this (RFC 1952, 2.3.1); a larger file has no seal here."""

MOST_HEADER_BYTES = 65536


@dataclass(frozen=True)
class Seal:
    """A gzip file's own word on what it holds.

    Attributes:
        header: what precedes the voxels in the unpacked file.
        crc32: of the header and the voxels.
    """

    header: bytes
    crc32: int

    def fits(self, voxels: np.ndarray) -> bool:
        """Whether these (C-contiguous) voxels are those of the file, to the last bit.

        Where they are not, the file may still be whole: a reader turns bytes, scales values and drops what follows.
        """
        return zlib.crc32(voxels.data, zlib.crc32(self.header)) == self.crc32


def seal_of(path: Path, offset: int, header_bytes: int, voxel_bytes: int) -> Seal | None:
    """The seal of the gzip data after `offset`, or None where it does not hold just a header and the voxels."""
    if header_bytes > MOST_HEADER_BYTES or header_bytes + voxel_bytes >= MOST_BYTES:
        return None
    try:
        with path.open("rb") as packed:
            packed.seek(-TRAILER_BYTES, 2)
            trailer = packed.read(TRAILER_BYTES)
            if int.from_bytes(trailer[4:], "little") != header_bytes + voxel_bytes:
                return None
            packed.seek(offset)
            with gzip.GzipFile(fileobj=packed) as file:
                header = file.read(header_bytes)
    except (EOFError, OSError, zlib.error):
        return None  # damaged: whoever unpacks it all says how
    return Seal(header, int.from_bytes(trailer[:4], "little")) if len(header) == header_bytes else None
