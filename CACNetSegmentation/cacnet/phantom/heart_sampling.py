"""Signed distances on the canvas, evaluated on a coarser grid and interpolated: shapes are smooth, the canvas fine."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cacnet.phantom.canvas import Box, Canvas
from cacnet.phantom.heart_frame import HeartFrame
from cacnet.phantom.shapes import Shape

COARSE_MM = 1.5


@dataclass(frozen=True)
class CoarseField:
    """A coarse grid over the canvas, its node every `step` voxels.

    Attributes:
        canvas: what is painted on.
        step: canvas voxels per coarse interval.
        points: (3, z, y, x) template coordinates of the nodes.
        scale: patient mm per template mm.
        known: distances already evaluated, by shape: most chambers are needed as wall, as pool and for mixing.
    """

    canvas: Canvas
    step: int
    points: np.ndarray
    scale: float
    known: dict[int, tuple[Shape, np.ndarray]] = field(default_factory=dict)

    @classmethod
    def over(cls, canvas: Canvas, frame: HeartFrame) -> CoarseField:
        """The coarse grid that covers the whole canvas."""
        step = max(1, round(COARSE_MM / canvas.spacing_mm))
        origin = np.asarray(canvas.geometry.origin_mm_lps)[::-1]
        axes = [
            (np.arange(-(-(n - 1) // step) + 1) * step * canvas.spacing_mm + o).astype(np.float32)
            for n, o in zip(canvas.geometry.shape_zyx, origin, strict=True)
        ]
        points = [axes[2][None, None, :], axes[1][None, :, None], axes[0][:, None, None]]
        return cls(canvas, step, frame.to_template(points), frame.scale)  # type: ignore[arg-type]

    def distance(self, shape: Shape) -> np.ndarray:
        """Distance in patient mm at the nodes; not to be written to."""
        if id(shape) not in self.known:
            # The shape is kept with its distance, so that no other object can take over its identity.
            self.known[id(shape)] = (shape, shape(self.points) * np.float32(self.scale))
        return self.known[id(shape)][1]

    def smooth_distance(self, shape: Shape) -> np.ndarray:
        """The same, evaluated at every second node and interpolated: for large, costly, smooth shapes."""
        even = tuple(slice(0, n + 1, 2) for n in self.points.shape[1:])
        padded = np.pad(self.points, [(0, 0)] + [(0, 1 + n % 2) for n in self.points.shape[1:]], mode="edge")
        values = shape(padded[(slice(None), *even)]) * np.float32(self.scale)
        for axis, length in enumerate(self.points.shape[1:]):
            values = _stretch(values, axis, 2, length)
        return values

    def fine(self, nodes: np.ndarray, within: np.ndarray) -> tuple[Box, np.ndarray] | None:
        """Node values interpolated to the voxels of the smallest box that holds the nodes where `within` is true."""
        if not within.any():
            return None
        low, high = [], []
        for axis in range(3):
            hit = np.flatnonzero(within.any(axis=tuple(a for a in range(3) if a != axis)))
            low.append(max(int(hit[0]) - 1, 0))
            high.append(min(int(hit[-1]) + 2, nodes.shape[axis]))
        box = self._box(low, high)
        return box, self.fine_in(nodes, box)

    def fine_in(self, nodes: np.ndarray, box: Box) -> np.ndarray:
        """Node values interpolated to the voxels of a box that starts at a node."""
        low = [s.start // self.step for s in box.slices]
        high = [-(-(s.stop - 1) // self.step) + 1 for s in box.slices]
        part = nodes[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
        for axis, s in enumerate(box.slices):
            part = _stretch(part, axis, self.step, s.stop - s.start)
        return part

    def _box(self, low: list[int], high: list[int]) -> Box:
        shape, h = self.canvas.geometry.shape_zyx, self.canvas.spacing_mm
        origin = np.asarray(self.canvas.geometry.origin_mm_lps)[::-1]
        spans = [(a * self.step, min((b - 1) * self.step + 1, n)) for a, b, n in zip(low, high, shape, strict=True)]
        axes = [(np.arange(a, b) * h + o).astype(np.float32) for (a, b), o in zip(spans, origin, strict=True)]
        slices = tuple(slice(a, b) for a, b in spans)
        return Box(slices, axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :])  # type: ignore[arg-type]


def _stretch(values: np.ndarray, axis: int, step: int, length: int) -> np.ndarray:
    if step == 1:
        return np.take(values, np.arange(length), axis=axis)
    position = np.arange(length)
    lower = np.minimum(position // step, values.shape[axis] - 2)
    shape = [1, 1, 1]
    shape[axis] = length
    part = ((position - lower * step) / step).astype(np.float32).reshape(shape)
    first = np.take(values, lower, axis=axis)
    result = np.take(values, lower + 1, axis=axis)
    result -= first
    result *= part
    result += first
    return result


def distance_on_box(shape: Shape, frame: HeartFrame, box: Box, step_mm: float = 3.0) -> np.ndarray:
    """Distance in patient mm at every voxel of a box, (nz, ny, nx) float32."""
    spacing = float(np.diff(box.z_mm.ravel()[:2])[0]) if box.z_mm.size > 1 else step_mm
    step = max(1, round(step_mm / spacing))
    axes, lengths = [], []
    for values in (box.z_mm, box.y_mm, box.x_mm):
        flat = values.ravel()
        lengths.append(flat.size)
        count = max(-(-(flat.size - 1) // step) + 1, 2)
        axes.append((flat[0] + np.arange(count) * step * spacing).astype(np.float32))
    points = [axes[2][None, None, :], axes[1][None, :, None], axes[0][:, None, None]]
    result = shape(frame.to_template(points)) * np.float32(frame.scale)  # type: ignore[arg-type]
    for axis, length in enumerate(lengths):
        result = _stretch(result, axis, step, length)
    return result
