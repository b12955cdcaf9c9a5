"""What this process does with memory that it no longer needs."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names of mallopt(3)'s parameters in glibc's malloc.h."""

KEPT_BLOCK_BYTES = 2**30
"""Blocks up to this size are used again; larger ones, such as whole volumes, go back at once."""

KEPT_BYTES = 2**31 - 1
"""Free memory at the end of the heap that is kept; the largest number that mallopt takes."""


def keep_freed_memory() -> bool:
    """Let the C library use freed blocks again instead of handing each back; True if it could be told.

    A network frees and asks for hundreds of large blocks for every tile. By default glibc gets each from the system
    and returns it, which then fills it with zeros page by page: a fifth of the network's time on a CPU, a sixth of a
    training step's. Other C libraries do not, so nothing is done there.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK_BYTES)) and bool(mallopt(M_TRIM_THRESHOLD, KEPT_BYTES))
