"""Painting thin things: tubes and bars along a line, each short span in its own small box."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cacnet.phantom.canvas import Box, Canvas
from cacnet.volume import Geometry


def spans(canvas: Canvas, points_mm: np.ndarray, radii_mm: np.ndarray) -> Iterator[tuple[Box, np.ndarray]]:
    """For each span between two points: the box around it and the signed distance to a cone with round ends."""
    ends = zip(points_mm[:-1], points_mm[1:], radii_mm[:-1], radii_mm[1:], strict=True)
    for start, end, radius, end_radius in ends:
        reach = max(radius, end_radius) + canvas.spacing_mm
        box = canvas.box(np.minimum(start, end) - reach, np.maximum(start, end) + reach)
        if box is None:
            continue
        yield box, cone_distance(box, start, end, radius, end_radius)


def cone_distance(box: Box, start: np.ndarray, end: np.ndarray, radius: float, end_radius: float) -> np.ndarray:
    """Signed distance of a box's voxels to a cone with round ends."""
    along = (end - start).astype(np.float32)
    x, y, z = box.x_mm - np.float32(start[0]), box.y_mm - np.float32(start[1]), box.z_mm - np.float32(start[2])
    part = np.clip((x * along[0] + y * along[1] + z * along[2]) / np.float32(max(along @ along, 1e-6)), 0, 1)
    squared = (x - part * along[0]) ** 2 + (y - part * along[1]) ** 2 + (z - part * along[2]) ** 2
    return np.sqrt(squared) - np.float32(radius) - part * np.float32(end_radius - radius)


def paint_line(
    canvas: Canvas, points_mm: np.ndarray, radii_mm: np.ndarray, hu: float, distractor: int | None = None
) -> None:
    """Paint a round tube along points (n, 3) with radii (n,)."""
    for box, distance in spans(canvas, np.asarray(points_mm, float), np.asarray(radii_mm, float)):
        coverage = canvas.coverage(distance)
        canvas.paint(box, coverage, hu)
        if distractor is not None:
            mark(canvas, box, coverage >= 0.5, distractor)


def mark(canvas: Canvas, box: Box, where: np.ndarray, distractor: int) -> None:
    """Enter a distractor's number in the canvas layer of that name; 0 erases."""
    layer = canvas.layers.setdefault("distractor", np.zeros(canvas.hu.shape, np.uint8))
    layer[box.slices][where] = distractor


def part_of(canvas: Canvas, lower_mm_xyz: np.ndarray, upper_mm_xyz: np.ndarray) -> Canvas | None:
    """A canvas over a part of another, sharing its memory; None where the corners lie off it."""
    box = canvas.box(lower_mm_xyz, upper_mm_xyz)
    if box is None:
        return None
    origin = (float(box.x_mm.flat[0]), float(box.y_mm.flat[0]), float(box.z_mm.flat[0]))
    hu = canvas.hu[box.slices]
    geometry = Geometry(hu.shape, (canvas.spacing_mm,) * 3, origin)
    return Canvas(geometry, hu, {name: layer[box.slices] for name, layer in canvas.layers.items()})


def whole(canvas: Canvas) -> Box:
    """The box of the whole canvas."""
    origin = np.asarray(canvas.geometry.origin_mm_lps)
    extent = np.asarray(canvas.geometry.shape_zyx)[::-1] * canvas.spacing_mm
    box = canvas.box(origin, origin + extent)
    if box is None:
        message = "a canvas always meets its own extent"
        raise RuntimeError(message)
    return box
