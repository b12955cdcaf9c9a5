"""The shape of one patient's chest around the heart: midline, rib cage, diaphragm, lungs, skin.

Smooth surfaces are evaluated every few mm and interpolated, so that a canvas of any spacing sees the same chest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cacnet.phantom.canvas import Box, Canvas
from cacnet.phantom.heart import Heart
from cacnet.phantom.patient import Patient
from cacnet.phantom.separable import Axis, axes_of, linear_weights, resample
from cacnet.volume import Geometry

COARSE_MM = 3.0
LOWER_MM, UPPER_MM = np.array([-230.0, -200.0, -170.0]), np.array([180.0, 220.0, 170.0])
"""Corners (x, y, z) of the space in which random textures are defined."""


@dataclass(frozen=True)
class Chest:
    """Landmarks of the chest in patient coordinates (mm).

    Attributes:
        midline_x: of spine and sternum.
        front_y: inner face of the sternum at the heart's height; spine_y: centre of the vertebral bodies there.
        half_width: of the inner rib cage where it is widest.
        dome_z: height of the right and left dome of the diaphragm.
        muscle_mm, skin_fat_mm: thickness of the layers outside the ribs; breast_mm: extra fat in front.
        age_bone: 0 young and dense, 1 old and porous.
        tendon: the part of the diaphragm under the heart: x, y of its centre, its half width and depth, its height.
    """

    midline_x: float
    front_y: float
    spine_y: float
    half_width: float
    dome_z: tuple[float, float]
    muscle_mm: float
    skin_fat_mm: float
    breast_mm: float
    age_bone: float
    tendon: tuple[float, float, float, float, float]
    waves: tuple[tuple[float, float], ...]

    @property
    def back_y(self) -> float:
        """Inner face of the ribs beside the spine."""
        return self.spine_y + 20.0

    def narrowing(self, z: np.ndarray | float) -> np.ndarray:
        """Width of the rib cage at a height, relative to its widest."""
        above = np.clip(np.asarray(z, np.float32) + 30.0, 0.0, None)
        return 1.0 - 0.00001 * above**2

    def front_at(self, z: np.ndarray | float) -> np.ndarray:
        """y of the inner face of the sternum at a height: its top leans back towards the spine."""
        return self.front_y + 0.22 * np.clip(np.asarray(z, np.float32) - 10.0, 0.0, None)

    def spine_at(self, z: np.ndarray | float) -> np.ndarray:
        """y of the vertebral bodies' centre at a height (kyphosis)."""
        return self.spine_y - 0.0009 * (np.asarray(z, np.float32) - 25.0) ** 2 + 0.5

    def cage(self, points: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        """Signed distance to the inner face of the ribs."""
        x, y, z = points
        front, back = self.front_at(z), self.spine_at(z) + 20.0
        a = self.half_width * self.narrowing(z)
        b, centre = 0.5 * (back - front), 0.5 * (back + front)
        u, v = np.abs((x - self.midline_x) / a), np.abs((y - centre) / b)
        k = (u**2.5 + v**2.5) ** 0.4
        angle = np.arctan2(y - centre, x - self.midline_x)
        ripple = sum(w * np.sin((i + 2) * angle + phase) for i, (w, phase) in enumerate(self.waves))
        r = np.hypot(x - self.midline_x, y - centre)
        return r * (1.0 - 1.0 / np.maximum(k, 1e-3)) + ripple

    def flank_mm(self, side: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Extra muscle (mm) by distance from the midline: the broad ones of the side and, higher, the shoulder's."""
        return np.clip((side - 45.0) / 60.0, 0.0, 1.0) * (9.0 + 26.0 * np.clip((z + 15.0) / 120.0, 0.0, 1.0))

    def skin(self, points: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        """Signed distance to the skin."""
        x, y, z = points
        side = np.abs(x - self.midline_x)
        across, up = (side - 0.55 * self.half_width) / 48.0, (z + 5.0) / 55.0
        breast = np.where(y < 0, self.breast_mm * np.exp(-(across**2) - up**2), 0.0)
        spinal = np.where(y > self.spine_y, 18.0 * np.exp(-((side / 70.0) ** 2)), 0.0)
        return self.cage(points) - (10.0 + self.muscle_mm + self.skin_fat_mm + breast + spinal + self.flank_mm(side, z))

    def muscle(self, points: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        """Signed distance to the outer face of the muscles: thick beside the spine, in front and under the arms."""
        x, y, z = points
        side = np.abs(x - self.midline_x)
        spinal = 26.0 * np.exp(-(((side - 24.0) / 22.0) ** 2)) * (y > self.spine_y - 25.0)
        pectoral = 9.0 * np.exp(-(((side - 55.0) / 38.0) ** 2)) * (y < 0) * np.clip((z + 50.0) / 60.0, 0.0, 1.0)
        return self.cage(points) - (9.0 + self.muscle_mm + spinal + pectoral + self.flank_mm(side, z))

    def diaphragm(self, points: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        """Signed distance to the diaphragm, negative in the abdomen."""
        x, y, z = points
        centre_y = 0.5 * (self.front_y + self.back_y)
        domes = [self.tendon]
        height = np.full(np.broadcast_shapes(x.shape, y.shape), -400.0, np.float32)
        deep = 0.95 * (self.back_y - centre_y)
        for sign, top in zip((-1.0, 1.0), self.dome_z, strict=True):
            domes.append(
                (self.midline_x + sign * 0.52 * self.half_width, centre_y - 8.0, 0.62 * self.half_width, deep, top)
            )
        for x0, y0, wide, long, top in domes:
            u, v = (x - x0) / wide, (y - y0) / long
            dome = top + 18.0 - 18.0 * np.cosh(np.clip(1.65 * np.hypot(u, v), 0.0, 4.0))
            # A smooth maximum: the central tendon spans the domes without a notch.
            height = np.logaddexp(height / 9.0, dome / 9.0) * 9.0
        return 0.75 * (z - height)


def draw_chest(patient: Patient, heart: Heart) -> Chest:
    """The chest that fits this heart."""
    rng = patient.rng("chest")
    lower, upper = np.asarray(heart.lower_mm_xyz, float), np.asarray(heart.upper_mm_xyz, float)
    wide, deep = patient.body_scale_xy
    midline = lower[0] + rng.uniform(0.26, 0.36) * (upper[0] - lower[0])
    female = patient.sex == "F"
    half_width = max(120.0 * wide * (0.93 if female else 1.02), upper[0] - midline + 6.0)
    under_heart = float(lower[2])
    middle = 0.5 * (lower + upper)
    tendon = (middle[0] + 8.0, middle[1] - 6.0, 52.0, 50.0, under_heart + rng.uniform(10, 20))
    return Chest(
        midline_x=float(midline),
        front_y=float(lower[1] - rng.uniform(3, 14) * deep),
        spine_y=float(upper[1] + rng.uniform(16, 30) * deep + 15.0),
        half_width=float(half_width),
        dome_z=(under_heart + float(rng.uniform(22, 48)), under_heart + float(rng.uniform(12, 34))),
        muscle_mm=float(rng.uniform(4, 11) * (0.7 if female else 1.0)),
        skin_fat_mm=float(np.clip(rng.lognormal(np.log(12), 0.5) * deep**2, 3, 55)),
        breast_mm=float(rng.uniform(12, 45) if female else rng.uniform(0, 6)),
        age_bone=float(np.clip((patient.age_years - 40) / 45 + rng.normal(0, 0.15), 0, 1)),
        tendon=tuple(float(v) for v in tendon),  # type: ignore[arg-type]
        waves=tuple((float(rng.normal(0, 2.2 / (i + 1))), float(rng.uniform(0, 6.3))) for i in range(4)),
    )


def coarse_box(canvas: Canvas, step_mm: float = COARSE_MM) -> tuple[Box, tuple[Axis, Axis, Axis]]:
    """A grid of `step_mm` that covers the canvas, as a Box (its slices are meaningless) and as axes."""
    axes = []
    for axis in axes_of(canvas.geometry):
        # On a lattice shared by all canvases, so that the interpolated surfaces agree where canvases meet.
        first = np.floor(axis.start_mm / step_mm)
        last = np.ceil(axis.centres_mm[-1] / step_mm)
        axes.append(Axis(float(first * step_mm), step_mm, int(last - first) + 1))
    z, y, x = (a.centres_mm.astype(np.float32) for a in axes)
    whole = (slice(None),) * 3
    return Box(whole, z[:, None, None], y[None, :, None], x[None, None, :]), tuple(axes)  # type: ignore[return-value]


def upsample(geometry: Geometry, coarse: np.ndarray, axes: tuple[Axis, Axis, Axis]) -> np.ndarray:
    """A coarse array on the canvas's grid, by linear interpolation."""
    weights = tuple(linear_weights(a, t) for a, t in zip(axes, axes_of(geometry), strict=True))
    return resample(np.broadcast_to(coarse, tuple(a.size for a in axes)), weights)  # type: ignore[arg-type]


def evaluate(canvas: Canvas, function: Callable[[tuple], np.ndarray], step_mm: float = COARSE_MM) -> np.ndarray:
    """A smooth function of (x, y, z) on the canvas's grid."""
    box, axes = coarse_box(canvas, step_mm)
    return upsample(canvas.geometry, function((box.x_mm, box.y_mm, box.z_mm)), axes)


def texture(
    geometry: Geometry,
    rng: np.random.Generator,
    scale_mm: float,
    lower_mm_xyz: np.ndarray = LOWER_MM,
    upper_mm_xyz: np.ndarray = UPPER_MM,
) -> np.ndarray:
    """Random texture of SD about 1 with details of `scale_mm` on a grid; the same in patient space on every grid.

    It is defined between the two corners, and constant outwards from there.
    """
    ends = zip(lower_mm_xyz[::-1], upper_mm_xyz[::-1], strict=True)
    source = [Axis(low, scale_mm, int((high - low) / scale_mm) + 2) for low, high in ends]
    lattice = rng.standard_normal([a.size for a in source], dtype=np.float32)
    parts, axes = [], []
    for axis, target in zip(source, axes_of(geometry), strict=True):
        first = int(np.clip((target.start_mm - axis.start_mm) // scale_mm, 0, axis.size - 2))
        last = int(np.clip((target.centres_mm[-1] - axis.start_mm) // scale_mm + 2, first + 1, axis.size))
        parts.append(slice(first, last))
        axes.append(Axis(axis.start_mm + first * scale_mm, scale_mm, last - first))
    # Linear interpolation in three directions leaves (2/3)³ of the variance on average.
    return upsample(geometry, lattice[tuple(parts)] * np.float32(1.5**1.5), tuple(axes))  # type: ignore[arg-type]


def box_geometry(canvas: Canvas, box: Box) -> Geometry:
    """The grid of a part of a canvas."""
    origin = (float(box.x_mm.flat[0]), float(box.y_mm.flat[0]), float(box.z_mm.flat[0]))
    return Geometry((box.z_mm.size, box.y_mm.size, box.x_mm.size), (canvas.spacing_mm,) * 3, origin)
