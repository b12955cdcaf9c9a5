"""The CT of a node as an uncompressed NRRD file for the worker, written from Slicer's own memory without a copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from cacnet.errors import CacnetError
from cacnet.volume import Geometry
from slicer.util import arrayFromVolume

from CACNetSegmentationLib.scene.volumes import geometry_of_node

NRRD_TYPES = {"i1": "int8", "u1": "uint8", "i2": "int16", "u2": "uint16", "i4": "int32", "u4": "uint32"}
NRRD_TYPES |= {"f4": "float", "f8": "double"}


class InputWriteError(CacnetError):
    """The CT could not be written for the worker."""


def write_ct(volume_node: slicer.vtkMRMLScalarVolumeNode, path: Path) -> None:
    """Write the CT of a node in world coordinates.

    The window waits for this, so the 200 MB of a CCTA go from VTK's memory to the disk in one step.

    Raises:
        InputWriteError: no room, or values of a type that NRRD does not know; the errors of `geometry_of_node`.
    """
    geometry = geometry_of_node(volume_node)
    array = np.ascontiguousarray(arrayFromVolume(volume_node))
    kind = NRRD_TYPES.get(array.dtype.str[1:])
    if kind is None:
        raise InputWriteError(
            f"the CT's values are of type {array.dtype}",
            "whole or floating-point numbers",
            "Change the type with Cast Scalar Volume, to Short, and choose the result",
        )
    endian = "little" if array.dtype.newbyteorder("<") == array.dtype else "big"
    try:
        with path.open("wb") as file:
            file.write(_header(geometry, kind, endian).encode("ascii"))
            array.tofile(file)
    except OSError as error:
        raise InputWriteError(
            found=f"the CT could not be written to '{path.parent}' ({error.strerror or error})",
            expected=f"about {array.nbytes / 1e6:.0f} MB of room on that disk",
            action="Make room there, or choose another temporary folder in the application settings",
        ) from error


def _header(geometry: Geometry, kind: str, endian: str) -> str:
    """NRRD 4 (teem.sourceforge.net/nrrd/format.html); full precision, so that the grid comes back as it was."""
    columns = geometry.affine_zyx_to_lps[:3, [2, 1, 0]].T
    directions = " ".join("(" + ",".join(repr(float(value)) for value in column) + ")" for column in columns)
    origin = ",".join(repr(value) for value in geometry.origin_mm_lps)
    sizes = " ".join(str(size) for size in geometry.shape_zyx[::-1])
    return (
        f"NRRD0004\ntype: {kind}\ndimension: 3\nspace: left-posterior-superior\nsizes: {sizes}\n"
        f"space directions: {directions}\nkinds: domain domain domain\nendian: {endian}\nencoding: raw\n"
        f"space origin: ({origin})\n\n"
    )
