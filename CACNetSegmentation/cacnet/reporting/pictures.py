"""The pictures of a report as PNG: projections of the arteries, and a slice through the largest lesions of each."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.lesions import Lesion
from cacnet.overview import BACKGROUND, COLORS, FOREGROUND, WINDOW_HU, Projection, draw_projection, projections
from cacnet.prepare import labels_on, to_model_grid
from cacnet.volume import Geometry, Volume

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LESIONS_SHOWN = 12
"""Two rows of six; every artery's largest come first."""
CROP_MM = 36.0
CROP_SPACING_MM = 0.2
SCALE_BAR_MM = 10.0
PIXELS_PER_INCH = 100
PROJECTION_PIXELS = 560
CROP_PIXELS = 330


@dataclass(frozen=True)
class LesionPicture:
    """An axial slice through one lesion."""

    lesion: int
    vessel: Vessel
    png: bytes


@dataclass(frozen=True)
class View:
    """A projection of all arteries.

    Attributes:
        aspect: width ÷ height.
    """

    title: str
    png: bytes
    aspect: float


@dataclass(frozen=True)
class Pictures:
    """The views have the same scale and different sizes; slices are ordered by artery, then by lesion."""

    views: tuple[View, ...] = ()
    slices: tuple[LesionPicture, ...] = ()


def draw_pictures(
    volume: Volume, calcium: np.ndarray, coronary: np.ndarray, lesions: Sequence[Lesion], most: int = LESIONS_SHOWN
) -> Pictures:
    """The pictures of a result; label maps are uint8 on the volume's grid, `lesions` those that a reader left in."""
    counting = [lesion for lesion in lesions if lesion.counts]
    # Projections show the neighbourhood of arteries; without any they would be black.
    seen = projections(volume, calcium, coronary) if coronary.any() else {}
    views = tuple(
        View(title, _view_png(view, counting), view.hu.shape[1] / view.hu.shape[0]) for title, view in seen.items()
    )
    chosen = sorted(largest_of_each_vessel(counting, most), key=lambda lesion: (lesion.vessel, lesion.id))
    slices = tuple(
        LesionPicture(lesion.id, lesion.vessel, _slice_png(lesion, volume, calcium, coronary)) for lesion in chosen
    )
    return Pictures(views, slices)


def largest_of_each_vessel(lesions: Iterable[Lesion], most: int) -> tuple[Lesion, ...]:
    """Every artery's largest lesion, then every artery's second largest, until there are `most`."""
    by_vessel: dict[Vessel, list[Lesion]] = {}
    for lesion in sorted(lesions, key=lambda lesion: (-lesion.volume_mm3, lesion.id)):
        by_vessel.setdefault(lesion.vessel, []).append(lesion)
    ranked = [(rank, lesion.vessel, lesion) for own in by_vessel.values() for rank, lesion in enumerate(own)]
    return tuple(lesion for _, _, lesion in sorted(ranked, key=lambda entry: entry[:2])[:most])


def _view_png(view: Projection, lesions: Sequence[Lesion]) -> bytes:
    rows, columns = view.hu.shape
    figure = _figure(PROJECTION_PIXELS * columns / rows, PROJECTION_PIXELS)
    axes = figure.add_axes((0, 0, 1, 1))
    draw_projection(axes, view, lesions, number_size=18)
    axes.set_axis_off()
    return _png(figure)


def _slice_png(lesion: Lesion, volume: Volume, calcium: np.ndarray, coronary: np.ndarray) -> bytes:
    """The slice with most of the lesion, outlines of calcium in its artery's colour and of the artery in white."""
    grid = _slice_grid(lesion, calcium, volume.geometry)
    figure = _figure(CROP_PIXELS, CROP_PIXELS)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(to_model_grid(volume, grid)[0], cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1])
    artery = labels_on(grid, coronary, volume.geometry)[0] > 0
    if artery.any():
        axes.contour(artery, [0.5], colors=[FOREGROUND], linewidths=0.7, alpha=0.7)
    deposits = labels_on(grid, calcium, volume.geometry)[0]
    for vessel, color in COLORS.items():
        if (deposits == vessel).any():
            axes.contour(deposits == vessel, [0.5], colors=[color], linewidths=1.5)
    length = SCALE_BAR_MM / CROP_SPACING_MM
    bottom = grid.shape_zyx[1] - 8
    axes.plot([8, 8 + length], [bottom, bottom], color=FOREGROUND, linewidth=2.5, solid_capstyle="butt")
    axes.set_axis_off()
    return _png(figure)


def _slice_grid(lesion: Lesion, calcium: np.ndarray, geometry: Geometry) -> Geometry:
    """One axial slice, CROP_MM wide, at the height where the lesion is largest."""
    inside = np.argwhere(calcium[lesion.box] == lesion.vessel) + lesion.start_zyx
    x, y, z = lesion.centroid_mm_lps
    if len(inside):
        points = geometry.index_to_lps(inside)
        heights, of = np.unique(np.round(points[:, 2], 1), return_inverse=True)
        level = int(np.argmax(np.bincount(of)))
        x, y = points[of == level, :2].mean(axis=0)
        z = heights[level]
    count = round(CROP_MM / CROP_SPACING_MM)
    half = (count - 1) * CROP_SPACING_MM / 2
    return Geometry((1, count, count), (CROP_SPACING_MM,) * 3, (x - half, y - half, z))


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / PIXELS_PER_INCH, height / PIXELS_PER_INCH), facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure) -> bytes:
    # Compressed by an adaptive palette: photographs of noise would be four times as large.
    from PIL import Image

    buffer, small = io.BytesIO(), io.BytesIO()
    figure.savefig(buffer, dpi=PIXELS_PER_INCH, facecolor=BACKGROUND, format="png")
    buffer.seek(0)
    Image.open(buffer).convert("RGB").quantize(192, dither=Image.Dither.NONE).save(small, "PNG")
    return small.getvalue()
