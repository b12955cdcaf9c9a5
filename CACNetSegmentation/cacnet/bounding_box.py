"""The smallest box around what is there: calcium fills a thousandth of a scan, and most work needs only its box."""

from __future__ import annotations

import numpy as np

Box = tuple[slice, slice, slice]


def box_of_nonzero(array_zyx: np.ndarray) -> Box | None:
    """Bounding box of the non-zero voxels of a 3-D array, or None if there are none."""
    spans: list[slice] = []
    for axis in range(3):
        left = array_zyx[tuple(spans)]
        hit = np.flatnonzero(left.any(axis=tuple(a for a in range(3) if a != axis)))
        if hit.size == 0:
            return None
        spans.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return spans[0], spans[1], spans[2]
