"""The outlines of a COCA patient: an Apple property list with the regions that a reader drew, slice by slice.

{'Images': [{'ImageIndex': 12, 'NumberOfROIs': 1, 'ROIs': [{'Name': 'Left Anterior Descending Artery',
'NumberOfPoints': 9, 'Point_px': ['(251.3, 198.7)', …], 'Point_mm': ['(x, y, z)', …], 'Center': '(x, y, z)'}]}]}

It is the ROI export of OsiriX and Horos. Points are text, (column, row) in pixels and LPS mm.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.dataset.errors import DatasetFileError, LabelError
from cacnet.dataset.source import require_small
from cacnet.findings import Finding, Severity

VESSEL_NAMES = {
    "left coronary artery": Vessel.LM,
    "left anterior descending artery": Vessel.LAD,
    "left circumflex artery": Vessel.LCX,
    "right coronary artery": Vessel.RCA,
}
"""What COCA calls 'left coronary artery' is the left main, before it divides."""

MIN_POINTS = 3
FURTHEST = 1e5
"""No point lies as many pixels or mm away."""
_NUMBER = r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
POINT_PX = re.compile(rf"\({_NUMBER},{_NUMBER}\)")
POINT_MM = re.compile(rf"\({_NUMBER},{_NUMBER},{_NUMBER}\)")


@dataclass(frozen=True)
class Outline:
    """One region on one slice.

    Attributes:
        vessel: from its name; UNASSIGNED where that names no artery.
        points_xy: (n, 2) float, (column, row) in pixels, 3 points or more.
        image_index: the slice as the export counts it, or None.
        centre_mm_lps: a point of the slice, or None where the export gives none.
    """

    vessel: Vessel
    points_xy: np.ndarray
    image_index: int | None
    centre_mm_lps: tuple[float, float, float] | None


def read_outlines(path: Path) -> tuple[tuple[Outline, ...], tuple[Finding, ...]]:
    """All outlines with an area, and what is to be said about the others.

    Raises:
        DatasetFileError: the file is missing, too large, declares entities, or is no such list.
        LabelError: points that are no points, or only outlines without area.
    """
    outlines: list[Outline] = []
    without_area = short = 0
    strange_names: set[str] = set()
    for index, roi in _regions(_load(path)):
        texts = _list(roi, "Point_px")
        short += isinstance(roi.get("NumberOfPoints"), int) and roi["NumberOfPoints"] > len(texts)
        if len(texts) < MIN_POINTS:
            without_area += 1
            continue
        name = str(roi.get("Name", ""))
        vessel = VESSEL_NAMES.get(name.strip().lower(), Vessel.UNASSIGNED)
        if vessel is Vessel.UNASSIGNED:
            strange_names.add(name)
        outlines.append(Outline(vessel, np.array([_pixel(text) for text in texts]), index, _centre(roi)))
    if without_area and not outlines:
        raise LabelError(
            f"none of the {without_area} outlines of '{path.name}' has an area",
            "outlines of three points or more",
            "Leave the patient out: there is calcium, but nobody knows where",
        )
    return tuple(outlines), tuple(_findings(without_area, short, strange_names))


def _load(path: Path) -> dict[str, Any]:
    """The property list; plistlib refuses entity declarations, so nothing is expanded."""
    require_small(path)
    try:
        content = plistlib.loads(path.read_bytes(), fmt=plistlib.FMT_XML)
    except (
        plistlib.InvalidFileException,
        ExpatError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
    ) as error:
        # plistlib lets all of these through where tags are misplaced or values are no numbers.
        raise DatasetFileError(
            f"'{path.name}' is damaged ({error or type(error).__name__})", "a property list"
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("Images"), list):
        raise DatasetFileError(f"'{path.name}' has no list 'Images'", "an ROI export as COCA has it")
    return content


def _regions(content: dict[str, Any]) -> Iterator[tuple[int | None, dict[str, Any]]]:
    """Every region with the index of its slice."""
    for image in content["Images"]:
        if not isinstance(image, dict):
            raise DatasetFileError("an entry of 'Images' is no table", "an ROI export as COCA has it")
        index = image.get("ImageIndex")
        for roi in _list(image, "ROIs"):
            if not isinstance(roi, dict):
                raise DatasetFileError("an entry of 'ROIs' is no table", "an ROI export as COCA has it")
            yield index if isinstance(index, int) else None, roi


def _list(table: dict[str, Any], name: str) -> list[Any]:
    value = table.get(name, [])
    if not isinstance(value, list):
        raise DatasetFileError(f"'{name}' is a {type(value).__name__}", "a list")
    return value


def _pixel(text: Any) -> tuple[float, float]:
    match = POINT_PX.fullmatch(text.strip()) if isinstance(text, str) else None
    point = None if match is None else (float(match[1]), float(match[2]))
    if point is None or max(map(abs, point)) > FURTHEST:
        raise LabelError(f"an outline has the point {text!r}", "'(column, row)'", "Correct the outline")
    return point


def _centre(roi: dict[str, Any]) -> tuple[float, float, float] | None:
    """'Center', or the first point in mm: both lie in the plane of the slice."""
    for text in (roi.get("Center"), *_list(roi, "Point_mm")[:1]):
        match = POINT_MM.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is not None and max(abs(float(number)) for number in match.groups()) <= FURTHEST:
            return float(match[1]), float(match[2]), float(match[3])
    return None


def _findings(without_area: int, short: int, strange_names: set[str]) -> Iterator[Finding]:
    if without_area:
        message = (
            f"{without_area} outlines have fewer than {MIN_POINTS} points and so no area; what they point at is not "
            "labelled, although it may be calcium. Look at the case before using it as truth."
        )
        yield Finding("outline-without-area", Severity.WARNING, message)
    if short:
        message = f"{short} outlines have fewer points than they declare; they may be cut off."
        yield Finding("outline-cut", Severity.WARNING, message)
    if strange_names:
        message = f"{len(strange_names)} names of outlines name no artery; their calcium is unassigned."
        yield Finding("outline-unnamed", Severity.WARNING, message)
