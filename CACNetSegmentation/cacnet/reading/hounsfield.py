"""From the values of slices to one array of Hounsfield units, without padding."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cacnet.findings import Finding, Severity
from cacnet.reading.errors import NotFiniteError

AIR_FLOOR_HU = -1024
"""What padding becomes: the lowest value of a 12-bit CT scale (DICOM PS3.3 C.8.2.1), which everybody reads as air."""

PADDING_AT_MOST_HU = -1500
"""Nothing in a body or in air is measured this low: -1500 (GE), -2000, -2048 (Siemens, Canon), -3024 (GE) are padding.

Values between this and -1024 stay: they are undershoot beside metal, unless the header declares them as padding.
"""

DECLARED_PADDING_BELOW_HU = -1000.0
"""A declared padding value above air is not trusted: it would turn the tissue of that value into air."""

INT16 = np.iinfo(np.int16)


def stack_hu(
    slices: Iterable[tuple[int, np.ndarray, float | None]], shape_zyx: tuple[int, int, int]
) -> tuple[np.ndarray, int]:
    """One (z, y, x) array in HU, int16 where every value is a whole number in its range, else float32.

    Args:
        slices: (z index, (y, x) values in HU, declared padding value in HU or None); slots left out stay AIR_FLOOR_HU.
        shape_zyx: shape of the result.

    Returns:
        The array, and how many of its voxels were padding.

    Raises:
        NotFiniteError: a value is NaN or infinite.
    """
    stack = np.full(shape_zyx, AIR_FLOOR_HU, dtype=np.int16)
    padding_voxels = 0
    for index, values, declared_padding_hu in slices:
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise NotFiniteError(
                found=f"{np.count_nonzero(~np.isfinite(values))} values of slice {index} are NaN or infinite",
                expected="a number in every voxel",
                action="Export the volume again, or set those voxels to -1024 HU (air) if they lie outside the scan",
            )
        if declared_padding_hu is not None or values.min() <= PADDING_AT_MOST_HU:
            padding = _is_padding(values, declared_padding_hu)
            padding_voxels += int(np.count_nonzero(padding))
            values = np.where(padding, AIR_FLOOR_HU, values)
        if stack.dtype == np.int16 and not _fits_int16(values):
            stack = stack.astype(np.float32)
        stack[index] = values
    return stack, padding_voxels


def padding_finding(padding_voxels: int, voxels: int) -> tuple[Finding, ...]:
    """A note that padding was replaced; nothing where there was none."""
    if not padding_voxels:
        return ()
    share = f"{100 * padding_voxels / voxels:.1f}% of the volume"
    message = f"{share} was padding outside the scanned field and is read as air ({AIR_FLOOR_HU} HU)."
    return (Finding("padding-replaced", Severity.NOTE, message),)


def _is_padding(values: np.ndarray, declared_hu: float | None) -> np.ndarray:
    padding = values <= PADDING_AT_MOST_HU
    if declared_hu is not None and declared_hu < DECLARED_PADDING_BELOW_HU:
        padding |= values == declared_hu
    return padding


def _fits_int16(values: np.ndarray) -> bool:
    if values.min() < INT16.min or values.max() > INT16.max:
        return False
    return np.issubdtype(values.dtype, np.integer) or bool((np.rint(values) == values).all())
