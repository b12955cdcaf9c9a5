"""Grids and acquisitions as JSON keeps them, checked in every value when they come back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from cacnet.volume import Acquisition, Geometry

MOST_VOXELS = 2**31
AXES_TOLERANCE = 0.01
"""How far axes may be from perpendicular unit vectors; files round them."""


def geometry_from(raw: Any) -> Geometry:
    """The grid in plain values, as `dataclasses.asdict` gives them.

    Raises:
        KeyError, TypeError, ValueError: a value is missing, of another kind, or of no grid that can be.
    """
    shape, spacing, origin, direction = (
        _numbers(raw[name], count)
        for name, count in (("shape_zyx", 3), ("spacing_mm_zyx", 3), ("origin_mm_lps", 3), ("direction_lps", 9))
    )
    z, y, x = (int(n) for n in shape)
    if (z, y, x) != shape or min(z, y, x) < 1 or z * y * x > MOST_VOXELS or min(spacing) <= 0:
        raise ValueError(f"a grid of {shape} voxels of {spacing} mm")
    axes = np.reshape(direction, (3, 3))
    if np.abs(axes.T @ axes - np.eye(3)).max() > AXES_TOLERANCE:
        raise ValueError("axes that are not perpendicular")
    return Geometry((z, y, x), (spacing[0], spacing[1], spacing[2]), (origin[0], origin[1], origin[2]), direction)


def acquisition_from(raw: Mapping[str, Any]) -> Acquisition:
    """An acquisition from its fields by name: only ones that exist, each a text or a number.

    Raises:
        TypeError, ValueError: another field, or a value of another kind.
    """
    known = {entry.name: str(entry.type) for entry in fields(Acquisition)}
    unknown = sorted(raw.keys() - known.keys())
    if unknown:
        raise ValueError(f"the acquisition has the unknown field '{unknown[0]}'")
    for name, value in raw.items():
        expected = (int, float) if "float" in known[name] else (str,)
        if value is not None and type(value) not in expected:
            raise TypeError(f"'{name}' of the acquisition is {value!r}")
    return Acquisition(**raw)


def _numbers(raw: Any, count: int) -> tuple[float, ...]:
    values = tuple(raw)
    if len(values) != count or not all(type(v) in (int, float) and math.isfinite(v) for v in values):
        raise ValueError(f"{raw!r} where {count} numbers belong")
    return values
