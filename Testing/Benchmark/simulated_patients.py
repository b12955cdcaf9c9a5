"""Draw simulated patients as a reader looks at a coronary CT: slices, thin projections, curved views, 3-D.

    python Testing/Benchmark/simulated_patients.py --seeds 9301 9302 … --output six_patients.png

One row for each seed. Look at it beside real coronary CT: what gives the simulation away is listed in simulator.md.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vtk
from cacnet.phantom.coronaries import Branch, build_coronaries
from cacnet.phantom.heart import build_heart
from cacnet.phantom.plaque import frame_normals
from cacnet.phantom.simulate import SimulatedScan, simulate
from cacnet.phantom.vessel_voxels import tangents
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy import ndimage
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

WINDOW_HU = (-150.0, 750.0)
TITLES = (
    "axial, left main",
    "axial, most calcium",
    "coronal, 5 mm MIP",
    "sagittal, mid field",
    "LAD, straightened",
    "RCA, straightened",
    "arteries and calcium",
)
CURVED_STEP_MM = 0.3
CURVED_HALF_WIDTH_MM = 11.0
THIN_MM = 5.0
ARTERY_RGB, CALCIUM_RGB = (0.86, 0.33, 0.28), (1.0, 0.93, 0.55)
BACKGROUND = "#111417"


@dataclass(frozen=True)
class Views:
    """One patient's pictures: grey ones in HU with the size of a pixel (row, column) in mm, and a colour one."""

    title: str
    grey: tuple[tuple[np.ndarray, tuple[float, float]], ...]
    rendering: np.ndarray


def views_of(seed: int) -> Views:
    """Simulate a patient and cut it open."""
    scan = simulate(seed)
    patient = scan.truth.patient
    heart = build_heart(patient)
    trunks = {branch.name: branch for branch in build_coronaries(patient, heart).arteries}
    dz, dy, dx = scan.volume.geometry.spacing_mm_zyx
    hu = scan.volume.hu
    left_main = _slice_of(scan, scan.truth.landmarks_mm_lps["left_ostium"])
    calcified = scan.calcium if scan.calcium.any() else scan.coronary
    densest = int(np.argmax((calcified > 0).sum(axis=(1, 2))))
    middle = hu.shape[1] // 2
    slab = slice(middle - int(THIN_MM / dy / 2), middle + int(THIN_MM / dy / 2) + 1)
    grey = (
        (hu[left_main], (dy, dx)),
        (hu[densest], (dy, dx)),
        (hu[::-1, slab].max(axis=1), (dz, dx)),
        (hu[::-1, :, hu.shape[2] // 2], (dz, dy)),
        *((straightened(scan, trunks[name]), (CURVED_STEP_MM, CURVED_STEP_MM)) for name in ("LAD", "RCA")),
    )
    title = (
        f"seed {seed}: {patient.sex}, {patient.age_years} y, {patient.kvp} kVp, {patient.dominance} dominance,"
        f" calcium {sum(scan.truth.calcium_volume_mm3.values()):.0f} mm³"
    )
    return Views(title, grey, rendered(scan))


def _slice_of(scan: SimulatedScan, position_mm_lps: tuple[float, float, float]) -> int:
    z = scan.volume.geometry.lps_to_index(np.asarray(position_mm_lps))[0]
    return int(np.clip(round(float(z)), 0, scan.volume.hu.shape[0] - 1))


def straightened(scan: SimulatedScan, branch: Branch) -> np.ndarray:
    """(along, across) HU: the vessel stretched out from top to bottom, cut through its centre line."""
    stride = max(1, round(CURVED_STEP_MM / 0.3))
    points, normals = branch.points_mm[::stride], frame_normals(branch)[::stride]
    across = np.arange(-CURVED_HALF_WIDTH_MM, CURVED_HALF_WIDTH_MM + 1e-6, CURVED_STEP_MM)
    # Two directions at right angles say more than one; the cut through the larger spread of calcium is left to chance.
    second = np.cross(tangents(branch)[::stride], normals)
    panels = [points[:, None, :] + across[None, :, None] * side[:, None, :] for side in (normals, second)]
    positions = np.concatenate(panels, axis=1)
    index = scan.volume.geometry.lps_to_index(positions.reshape(-1, 3)).T
    return ndimage.map_coordinates(scan.volume.hu.astype(np.float32), index, order=1, cval=-1000).reshape(
        positions.shape[:2]
    )


def rendered(scan: SimulatedScan, size: int = 420) -> np.ndarray:
    """(y, x, 3) uint8: the artery label translucent, calcium solid, seen from the front and left."""
    renderer = vtk.vtkRenderer()
    renderer.SetBackground(0.067, 0.078, 0.090)
    for mask, rgb, opacity in ((scan.coronary > 0, ARTERY_RGB, 0.55), (scan.calcium > 0, CALCIUM_RGB, 1.0)):
        if mask.any():
            renderer.AddActor(_surface(mask, scan, rgb, opacity))
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetSize(size, size)
    window.SetAlphaBitPlanes(1)
    window.SetMultiSamples(0)
    window.AddRenderer(renderer)
    renderer.SetUseDepthPeeling(1)
    camera = renderer.GetActiveCamera()
    camera.SetViewUp(0, 0, 1)
    camera.SetPosition(0.55, -1.0, 0.35)  # LPS: from the patient's front and left, slightly from above
    camera.SetFocalPoint(0, 0, 0)
    renderer.ResetCamera()
    camera.Zoom(1.35)
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.Update()
    pixels = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars()).reshape(size, size, -1)
    return pixels[::-1, :, :3].copy()


def _surface(mask: np.ndarray, scan: SimulatedScan, rgb: tuple[float, float, float], opacity: float) -> vtk.vtkActor:
    geometry = scan.volume.geometry
    image = vtk.vtkImageData()
    image.SetDimensions(*reversed(mask.shape))
    image.SetSpacing(*reversed(geometry.spacing_mm_zyx))
    image.SetOrigin(*geometry.origin_mm_lps)
    smooth = ndimage.gaussian_filter(mask.astype(np.float32), 0.8)
    image.GetPointData().SetScalars(numpy_to_vtk(smooth.ravel(), deep=True))
    contour = vtk.vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.4)
    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputConnection(contour.GetOutputPort())
    mapper.ScalarVisibilityOff()
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*rgb)
    actor.GetProperty().SetOpacity(opacity)
    actor.GetProperty().SetSpecular(0.3)
    return actor


def draw(patients: list[Views], path: Path) -> None:
    """Write one row of pictures for each patient."""
    columns = len(TITLES)
    widths = [1.0, 1.0, 1.0, 0.85, 0.42, 0.42, 1.0]
    figure = Figure(figsize=(2.6 * sum(widths), 2.75 * len(patients)), facecolor=BACKGROUND, dpi=110)
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(patients),
        columns,
        width_ratios=widths,
        wspace=0.03,
        hspace=0.13,
        left=0.005,
        right=0.995,
        top=0.97,
        bottom=0.005,
    )
    for row, patient in enumerate(patients):
        for column, title in enumerate(TITLES):
            axes = figure.add_subplot(grid[row, column])
            axes.set_axis_off()
            if column < len(patient.grey):
                pixels, (height, width) = patient.grey[column]
                aspect = "auto" if "straightened" in title else height / width
                axes.imshow(pixels, cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1], aspect=aspect)
            else:
                axes.imshow(patient.rendering)
            if row == 0:
                axes.text(0.5, 1.10, title, color="white", ha="center", transform=axes.transAxes, fontsize=8)
            if column == 0:
                axes.text(0.0, 1.02, patient.title, color="#9aa4ad", transform=axes.transAxes, fontsize=8)
    figure.savefig(path, facecolor=BACKGROUND)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.workers) as pool:
        patients = list(pool.map(views_of, arguments.seeds))
    draw(patients, arguments.output)


if __name__ == "__main__":
    main()
