"""One picture of a result: projections of the arteries with numbered lesions, and a slice through each lesion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from cacnet.anatomy import Vessel
from cacnet.files import replacing
from cacnet.findings import Severity
from cacnet.heart_region import HeartRegion
from cacnet.lesions import Lesion
from cacnet.prepare import labels_on, to_model_grid
from cacnet.report import RESEARCH_USE, SIMULATION, Scores, below_the_rule, counted
from cacnet.reporting import figures
from cacnet.resampling import nearest_sparse
from cacnet.segments import CALCIUM_SEGMENTS
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry, Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cacnet.pipeline import Result

WINDOW_HU = (-150.0, 950.0)
"""Wide enough that calcium stands out from contrast-filled lumen."""
PROJECTION_SPACING_MM = 0.7
PROJECTION_MARGIN_MM = 12.0
PROJECTION_LEAST_MM = 110.0
"""About a heart: a few small pieces are shown in their surroundings, at a size that can be compared."""
SHELL_MM = 3.0
"""Projections show what lies this near to an artery; without it the ventricles would hide everything."""
SLICE_WIDTH_MM = 44.0
SLICE_SPACING_MM = 0.25
SLICES_SHOWN = 12
COLUMNS = 6
SLICE_TITLE_POINTS = 8.5
"""So small that the widest title ends before the next one begins."""
BACKGROUND, FOREGROUND, MUTED = "#111417", "#f2f2f2", "#9aa4ad"
COLORS = {Vessel(segment.label_value): segment.color_rgb for segment in CALCIUM_SEGMENTS}


def draw_overview(path: Path, result: Result) -> None:
    """Write the picture as PNG; the lesions carry the numbers of the lesion table."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lesions = sorted(result.scores.lesions.lesions, key=lambda lesion: -lesion.agatston)[:SLICES_SHOWN]
    lesions.sort(key=lambda lesion: lesion.id)
    rows = -(-len(lesions) // COLUMNS)
    height = 7.6 + 2.75 * rows
    figure = Figure(figsize=(15, height), facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    layout = figure.add_gridspec(
        1 + rows,
        COLUMNS,
        height_ratios=[2.1] + [1.0] * rows,
        left=0.02,
        right=0.98,
        bottom=0.7 / height,
        top=1 - 1.25 / height,
        hspace=0.16,
        wspace=0.06,
    )
    _draw_heading(figure, result.scores, result.volume, len(lesions))
    views = projections(result.volume, result.calcium, result.coronary)
    for (title, view), columns in zip(views.items(), (slice(0, 2), slice(2, 4), slice(4, 6)), strict=True):
        axes = figure.add_subplot(layout[0, columns])
        draw_projection(axes, view, result.scores.lesions.lesions)
        axes.set_title(title, color=MUTED, fontsize=10, loc="left")
    for number, lesion in enumerate(lesions):
        axes = figure.add_subplot(layout[1 + number // COLUMNS, number % COLUMNS])
        _draw_slice(axes, lesion, result)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=100, facecolor=BACKGROUND)


def _draw_heading(figure: Any, scores: Scores, volume: Volume, shown: int) -> None:
    totals = scores.totals
    head = (
        f"{scores.resolved.score_name} {figures.AGATSTON.text(totals.agatston)}   ·   "
        f"volume {figures.VOLUME.with_unit(totals.volume_mm3)}   ·   "
        f"mass {figures.MASS.with_unit(totals.mass_mg)}   ·   {counted(totals.lesions, 'lesion')} in "
        f"{counted(totals.vessels, 'vessel')}   ·   {totals.cac_drs}"
    )
    if not scores.conclusive:
        head = "No score: too little of the coronary arteries was recognised"
    height = figure.get_figheight()
    figure.text(0.02, 1 - 0.38 / height, head, color=FOREGROUND, fontsize=17, fontweight="bold", va="center")
    model = f"model {scores.model.id}" if scores.model.id else "mask given by the user"
    below = (f"lesions: {text}" for text in below_the_rule(totals) if scores.conclusive)
    line = "   ·   ".join((*below, volume.source, model, scores.resolved.sentence))
    figure.text(0.02, 1 - 0.56 / height, line, color=MUTED, fontsize=9, va="top", wrap=True)
    warnings = [finding.code for finding in scores.findings if finding.severity is not Severity.NOTE]
    if warnings:
        text = "Read before use: " + ", ".join(dict.fromkeys(warnings)) + " (explained in the report)"
        figure.text(0.02, 0.40 / height, text, color="#ff8a65", fontsize=10)
    hidden = len(scores.lesions.lesions) - shown
    more = f"   {hidden} further lesions are in the table only." if hidden > 0 else ""
    figure.text(0.02, 0.16 / height, f"{RESEARCH_USE} {SIMULATION}{more}", color="#ffb74d", fontsize=10)


@dataclass(frozen=True, eq=False)
class Projection:
    """One view of the arteries.

    Attributes:
        hu: (rows, columns) maximum along the ray, near arteries.
        labels: (2, rows, columns) vessel of any coronary voxel on the ray, and of any calcium voxel on it.
        grid: what was projected; axes: which of its axes the rays, the rows and the columns run along.
    """

    hu: np.ndarray
    labels: np.ndarray
    grid: Geometry
    axes: tuple[int, int, int]


def projections(volume: Volume, calcium: np.ndarray, coronary: np.ndarray) -> dict[str, Projection]:
    """The arteries from three sides, by the name of the view; label maps are uint8 on the volume's grid."""
    grid = _projection_grid(volume.geometry, coronary)
    hu = to_model_grid(volume, grid).astype(np.float32)
    arteries, deposits = (_labels_on(grid, labels, volume.geometry) for labels in (coronary, calcium))
    near = _within(SHELL_MM / PROJECTION_SPACING_MM, arteries)
    shown = np.where(near, hu, np.float32(WINDOW_HU[0]))
    views = {
        "axial, seen from the feet": (0, 1, 2),
        "coronal, seen from the front": (1, 0, 2),
        "sagittal, seen from the left": (2, 0, 1),
    }
    return {
        name: Projection(shown.max(axes[0]), _stack_labels(arteries, deposits, axes[0]), grid, axes)
        for name, axes in views.items()
    }


def _projection_grid(geometry: Geometry, coronary: np.ndarray) -> Geometry:
    """An LPS-aligned grid around the arteries, or around the whole volume where there are none."""
    lower, upper = geometry.bounds_mm_lps
    index = SparseMap.of(coronary).voxels
    if len(index):
        points = geometry.index_to_lps(index)
        middle = (points.min(0) + points.max(0)) / 2
        half_mm = np.maximum((points.max(0) - points.min(0)) / 2 + PROJECTION_MARGIN_MM, PROJECTION_LEAST_MM / 2)
        lower, upper = np.maximum(lower, middle - half_mm), np.minimum(upper, middle + half_mm)
    return HeartRegion(tuple(lower), tuple(upper), found=True).grid(PROJECTION_SPACING_MM)


def _labels_on(grid: Geometry, labels: np.ndarray, geometry: Geometry) -> np.ndarray:
    return nearest_sparse(SparseMap.of(labels), geometry, grid).dense()


def _within(reach: float, mask: np.ndarray) -> np.ndarray:
    """Which voxels lie within `reach` voxels of the mask."""
    most = int(reach)
    axis = np.arange(-most, most + 1)
    ball = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    ball = ball[(ball**2).sum(axis=1) <= reach**2]
    near = np.zeros([n + 2 * most for n in mask.shape], bool)
    strides = np.array([near.shape[1] * near.shape[2], near.shape[2], 1])
    surface = mask.astype(bool)
    surface &= ~ndimage.binary_erosion(surface)  # a voxel inside is as near to its surface as what lies outside
    index = (np.argwhere(surface) + most) @ strides
    for step in ball @ strides:
        near.ravel()[index + step] = True
    z, y, x = (slice(most, most + n) for n in mask.shape)
    found: np.ndarray = near[z, y, x] | (mask > 0)
    return found


def _stack_labels(coronary: np.ndarray, calcium: np.ndarray, axis: int) -> np.ndarray:
    """(2, rows, columns): vessel of any coronary voxel on the ray, and of any calcium voxel on it."""
    return np.stack([coronary.max(axis), calcium.max(axis)])


def draw_projection(axes: Axes, view: Projection, lesions: Iterable[Lesion], number_size: float = 9) -> None:
    """A view with the arteries' outlines, filled calcium and the lesions' numbers."""
    _, row_axis, column_axis = view.axes
    upwards = row_axis == 0
    axes.imshow(view.hu, cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1], origin="lower" if upwards else "upper")
    coronary, calcium = view.labels
    for vessel, color in COLORS.items():
        if (coronary == vessel).any():
            axes.contour(coronary == vessel, [0.5], colors=[color], linewidths=0.9)
        if (calcium == vessel).any():
            axes.contourf(calcium == vessel, [0.5, 2], colors=[color])
    placed: list[tuple[float, float]] = []
    for lesion in lesions:
        index = view.grid.lps_to_index(np.array(lesion.centroid_mm_lps))
        _draw_number(axes, lesion, index[column_axis], index[row_axis], view.hu.shape, placed, number_size)
    _bare(axes)


def _draw_number(
    axes: Axes,
    lesion: Lesion,
    column: float,
    row: float,
    shape: tuple[int, ...],
    placed: list[tuple[float, float]],
    size: float,
) -> None:
    """A lesion's number beside it with a leader line, moved round until it covers no other number."""
    radius, step = 13.0, 9.0
    angles = np.deg2rad(np.arange(-45, 315, 30))
    candidates = [
        (column + r * np.cos(a), row - r * np.sin(a))
        for r in (radius, radius + step, radius + 2 * step)
        for a in angles
    ]
    inside = [c for c in candidates if 5 < c[0] < shape[1] - 5 and 5 < c[1] < shape[0] - 5] or candidates
    free = [c for c in inside if all(np.hypot(c[0] - p[0], c[1] - p[1]) > step for p in placed)]
    at = (free or inside)[0]
    placed.append(at)
    axes.annotate(
        str(lesion.id),
        (column, row),
        xytext=at,
        color=FOREGROUND,
        fontsize=size,
        fontweight="bold",
        ha="center",
        va="center",
        arrowprops={"arrowstyle": "-", "color": COLORS[lesion.vessel], "linewidth": 0.8},
    )


def _draw_slice(axes: Axes, lesion: Lesion, result: Result) -> None:
    """An axial slice through the lesion's centre with the outlines of calcium and artery."""
    grid = _slice_grid(lesion)
    geometry = result.volume.geometry
    hu = to_model_grid(result.volume, grid)[0]
    coronary = labels_on(grid, result.coronary, geometry)[0]
    calcium = labels_on(grid, result.calcium, geometry)[0]
    axes.imshow(hu, cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1])
    if (coronary > 0).any():
        axes.contour(coronary > 0, [0.5], colors=[FOREGROUND], linewidths=0.5, alpha=0.7)
    for vessel, color in COLORS.items():
        if (calcium == vessel).any():
            axes.contour(calcium == vessel, [0.5], colors=[color], linewidths=1.3)
    axes.set_title(
        slice_title(lesion), color=COLORS[lesion.vessel], fontsize=SLICE_TITLE_POINTS, loc="left", pad=3, weight="bold"
    )
    _bare(axes)


def slice_title(lesion: Lesion) -> str:
    """Number, artery, score and highest value of a lesion."""
    score, brightest = figures.AGATSTON.text(lesion.agatston), figures.HU.with_unit(lesion.max_hu)
    return f"{lesion.id}  {lesion.vessel.label}   {score}   {brightest}"


def _slice_grid(lesion: Lesion) -> Geometry:
    """One axial slice, SLICE_WIDTH_MM wide, centred on a lesion."""
    count = round(SLICE_WIDTH_MM / SLICE_SPACING_MM)
    x, y, z = lesion.centroid_mm_lps
    half = (count - 1) * SLICE_SPACING_MM / 2
    return Geometry((1, count, count), (SLICE_SPACING_MM,) * 3, (x - half, y - half, z))


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#333a40")
