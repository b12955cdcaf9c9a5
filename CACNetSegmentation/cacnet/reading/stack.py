"""Where the slices of one series lie: sorted along their normal, checked, and put on one regular grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cacnet.findings import Finding, Severity
from cacnet.reading.errors import IrregularSlicesError, MultiPhaseError, TiltedSeriesError
from cacnet.reading.headers import PHASE_TAGS, SliceHeader
from cacnet.volume import Geometry

MIN_SLICES = 3
"""Fewer slices are a scout or a single picture, not a volume."""

SAME_POSITION_MM = 0.02
"""Slices nearer than this are the same slice: headers round to 0.01 mm; increments are never below 0.1 mm."""

POSITION_TOLERANCE = 0.1
"""A slice may lie this fraction of the increment off the regular grid: rounding, or the wobble of a table."""

SHIFT_TOLERANCE_PIXELS = 0.5
"""Slices shifted further sideways than this, over the whole stack, are no rectangular grid."""

MISSING_SHARE_LIMIT = 0.05
MISSING_RUN_LIMIT = 2
"""Interpolation over more slices in a row, or over a larger share, would invent anatomy: an error, not a warning."""

MISSING_SHARE_REFUSED = 0.5
"""With more slices missing than present, the increment itself is a guess."""


@dataclass(frozen=True)
class Stack:
    """Slices on a regular grid.

    Attributes:
        slots: the slice at every z index, None where it is missing.
        geometry: the grid; its z axis is the normal of the slices, so that it is right-handed.
        findings: gaps, duplicates and mixed thicknesses.
    """

    slots: tuple[SliceHeader | None, ...]
    geometry: Geometry
    findings: tuple[Finding, ...]


def build_stack(slices: Sequence[SliceHeader]) -> Stack:
    """Sort slices of one orientation and size, at MIN_SLICES positions or more, and lay them on a regular grid.

    Positions come from ImagePositionPatient on the slices' normal (DICOM PS3.3 C.7.6.2.1.1). SliceThickness is never
    used as an increment.

    Raises:
        MultiPhaseError, TiltedSeriesError, IrregularSlicesError: see their docstrings.
    """
    ordered = sorted(slices, key=lambda s: (_depth_mm(s), s.instance_number))
    unique, findings = _without_duplicates(ordered)
    _require_not_sheared(unique)
    indices, increment_mm = _grid_indices(unique)
    slots: list[SliceHeader | None] = [None] * (indices[-1] + 1)
    for index, header in zip(indices, unique, strict=True):
        slots[index] = header
    findings += (*_missing_finding(slots), *_thickness_finding(unique))
    return Stack(tuple(slots), _geometry(unique, len(slots), increment_mm), findings)


def slice_normal(header: SliceHeader) -> np.ndarray:
    """Unit vector (LPS) across the slice, in the direction of increasing z index."""
    axes = np.reshape(header.axes_lps, (2, 3))
    normal = np.cross(axes[0], axes[1])
    return normal / np.linalg.norm(normal)


def count_positions(slices: Sequence[SliceHeader]) -> int:
    """At how many different positions along their normal the slices lie."""
    depth_mm = np.sort([_depth_mm(header) for header in slices])
    return 1 + int(np.count_nonzero(np.diff(depth_mm) >= SAME_POSITION_MM))


def _depth_mm(header: SliceHeader) -> float:
    return float(np.dot(header.position_mm_lps, slice_normal(header)))


def _without_duplicates(ordered: Sequence[SliceHeader]) -> tuple[list[SliceHeader], tuple[Finding, ...]]:
    groups: list[list[SliceHeader]] = []
    for header in ordered:
        if groups and _depth_mm(header) - _depth_mm(groups[-1][0]) < SAME_POSITION_MM:
            groups[-1].append(header)
        else:
            groups.append([header])
    _require_one_phase(groups)
    dropped = len(ordered) - len(groups)
    if not dropped:
        return [group[0] for group in groups], ()
    message = (
        f"{dropped} of {len(ordered)} slices lie where another slice already lies; the first of each was kept. "
        "Check that the series was not exported twice or mixed with another one."
    )
    return [group[0] for group in groups], (Finding("duplicate-slices", Severity.WARNING, message),)


def _require_one_phase(groups: list[list[SliceHeader]]) -> None:
    """Refuse a series in which every slice is there several times and a header field says that they differ."""
    count = len(groups[0])
    if count == 1 or any(len(group) != count for group in groups):
        return
    for tag in PHASE_TAGS:
        per_group = [sorted({dict(header.phase).get(tag, "") for header in group}) for group in groups]
        if all(len(values) == count for values in per_group):
            shown = ", ".join(per_group[0][:4]) + (", …" if count > 4 else "")
            raise MultiPhaseError(
                found=f"the series holds {count} images at each of its {len(groups)} positions ({tag} {shown})",
                expected="one image at each position: a single phase and reconstruction",
                action="Export the best phase (often 70–80% of the R–R interval) as a series of its own",
            )


def _require_not_sheared(slices: Sequence[SliceHeader]) -> None:
    offsets = np.array([header.position_mm_lps for header in slices]) - slices[0].position_mm_lps
    normal = slice_normal(slices[0])
    depth_mm = offsets @ normal
    sideways = offsets - np.outer(depth_mm, normal)
    limit_mm = SHIFT_TOLERANCE_PIXELS * min(slices[0].spacing_mm_yx)
    if np.linalg.norm(sideways, axis=1).max() <= limit_mm:
        return
    per_mm = depth_mm @ sideways / (depth_mm @ depth_mm)
    residual_mm = np.linalg.norm(sideways - np.outer(depth_mm, per_mm), axis=1).max()
    if residual_mm > limit_mm:
        raise IrregularSlicesError(
            found=f"slices are shifted sideways against each other by up to {residual_mm:.1f} mm",
            expected="slices exactly above each other",
            action="Export the series again with one field of view for all slices",
        )
    angle = np.degrees(np.arctan(np.linalg.norm(per_mm)))
    thicknesses = _thicknesses_mm(slices)
    raise TiltedSeriesError(
        found=f"the slices are tilted by {angle:.1f}° against the direction they are stacked in (gantry tilt)"
        + (f"; the series also mixes slice thicknesses of {_listed(thicknesses)} mm" if len(thicknesses) > 1 else ""),
        expected="slices stacked at a right angle",
        action="Export a tilt-corrected (axial, multi-planar) reconstruction of one slice thickness",
    )


def _grid_indices(slices: Sequence[SliceHeader]) -> tuple[list[int], float]:
    """The z index of every slice and the increment in mm; indices skip missing slices."""
    depth_mm = np.array([_depth_mm(header) for header in slices])
    depth_mm -= depth_mm[0]
    steps_mm = np.diff(depth_mm)
    typical_mm = float(np.median(steps_mm))
    indices = np.concatenate([[0], np.cumsum(np.rint(steps_mm / typical_mm).astype(int))])
    increment_mm = float(depth_mm[-1] / indices[-1]) if indices[-1] else typical_mm
    off_grid_mm = np.abs(depth_mm - indices * increment_mm).max()
    collide = (np.diff(indices) == 0).any()
    if collide or off_grid_mm > POSITION_TOLERANCE * increment_mm or len(slices) < MISSING_SHARE_REFUSED * indices[-1]:
        raise IrregularSlicesError(
            found=f"the distance between slices varies: {_step_summary(steps_mm)}; "
            f"slice thickness {_listed(_thicknesses_mm(slices)) or 'unknown'} mm",
            expected="one distance throughout the series",
            action="Export a reconstruction with one slice increment, or the part of the series that has one",
        )
    return indices.tolist(), increment_mm


def _step_summary(steps_mm: np.ndarray) -> str:
    values, counts = np.unique(np.round(steps_mm, 2), return_counts=True)
    commonest = np.argsort(-counts, kind="stable")[:4]
    text = ", ".join(f"{values[i]:g} mm ({counts[i]}×)" for i in sorted(commonest))
    return text + (", …" if len(values) > 4 else "")


def _missing_finding(slots: Sequence[SliceHeader | None]) -> tuple[Finding, ...]:
    missing = [index for index, header in enumerate(slots) if header is None]
    if not missing:
        return ()
    runs: list[list[int]] = []
    for index in missing:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    severe = len(missing) > MISSING_SHARE_LIMIT * len(slots) or max(map(len, runs)) > MISSING_RUN_LIMIT
    where = ", ".join(f"{len(run)} after slice {run[0]}" for run in runs[:4]) + (", …" if len(runs) > 4 else "")
    message = (
        f"{len(missing)} of {len(slots)} slices are missing ({where}, counted from the lowest); they were interpolated "
        "from their neighbours. "
        + ("That is too much to score" if severe else "Calcium there may be missed or invented")
        + ": export the complete series."
    )
    return (Finding("slices-missing", Severity.ERROR if severe else Severity.WARNING, message),)


def _thickness_finding(slices: Sequence[SliceHeader]) -> tuple[Finding, ...]:
    thicknesses = _thicknesses_mm(slices)
    if len(thicknesses) < 2:
        return ()
    message = (
        f"The series mixes slice thicknesses of {_listed(thicknesses)} mm; noise and the brightness of small calcium "
        "differ between its parts. Prefer a reconstruction of one thickness."
    )
    return (Finding("mixed-thickness", Severity.WARNING, message),)


def _thicknesses_mm(slices: Sequence[SliceHeader]) -> list[float]:
    return sorted({s.acquisition.slice_thickness_mm for s in slices if s.acquisition.slice_thickness_mm is not None})


def _listed(numbers: Sequence[float]) -> str:
    *first, last = [f"{number:g}" for number in numbers] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _geometry(slices: Sequence[SliceHeader], depth: int, increment_mm: float) -> Geometry:
    first = slices[0]
    row_axis, _ = np.reshape(first.axes_lps, (2, 3))
    row_axis = row_axis / np.linalg.norm(row_axis)
    normal = slice_normal(first)
    direction = np.stack([row_axis, np.cross(normal, row_axis), normal], axis=1)
    spacing_y, spacing_x = first.spacing_mm_yx
    x, y, z = first.position_mm_lps
    return Geometry(
        shape_zyx=(depth, *first.shape_yx),
        spacing_mm_zyx=(increment_mm, spacing_y, spacing_x),
        origin_mm_lps=(x, y, z),
        direction_lps=tuple(float(value) for value in direction.ravel()),
    )


def neighbours(slots: Sequence[SliceHeader | None]) -> list[tuple[int, int, int]]:
    """(missing index, the present index below, the present index above) for every missing slot."""
    present = [index for index, header in enumerate(slots) if header is not None]
    return [(gap, low, high) for low, high in pairwise(present) for gap in range(low + 1, high)]
