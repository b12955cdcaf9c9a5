"""From painted tissue to a CT in HU: motion, blur, streaks, noise, the edge of the field, and whole numbers."""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

from cacnet.bounding_box import Box
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.patient import Patient
from cacnet.phantom.scan_settings import (
    Motion,
    ScanSettings,
    coarser,
    crop_scan,
    draw_scan,
    outside_field,
    without_contrast,
)
from cacnet.phantom.separable import FWHM_PER_SD, Axis, axes_of, gaussian_weights, resample
from cacnet.phantom.streaks import streaks_hu

__all__ = [
    "Motion",
    "ScanSettings",
    "coarser",
    "crop_scan",
    "draw_scan",
    "move_labels",
    "move_slabs",
    "noise_profile",
    "noise_transfer",
    "outside_field",
    "scan",
    "without_contrast",
]

HU_RANGE = (-1024, 3071)
OVERLAP = 0.15
"""Part of a half rotation that is measured twice."""
FRACTION = "_fraction"
"""A layer of this ending tells how much of each voxel of another one is filled."""
BLEND_MM = 3.0
"""Width over which the fine canvas of the heart fades into the coarser one around it."""


def scan(
    canvas: Canvas,
    patient: Patient,
    settings: ScanSettings,
    rng: np.random.Generator,
    surroundings: Canvas | None = None,
) -> np.ndarray:
    """The CT of a canvas on `settings.geometry`: (z, y, x) int16 HU.

    Args:
        canvas: the painted heart, fine; already moved by `move_slabs` where the scan has slabs.
        rng: the noise's generator.
        surroundings: the chest around the canvas, coarser, with room for the whole field; None where `canvas` is all.
    """
    moved = _smear_by_motion(canvas, settings)
    target = axes_of(settings.geometry)
    if surroundings is None:
        hu = _blurred(moved, canvas, target, settings)
    else:
        hu = _blurred(surroundings.hu, surroundings, target, settings)
        _blend(hu, moved, canvas, target, settings)
    if settings.streak_strength > 0:
        hu += streaks_hu(hu, settings.geometry, settings.streak_strength, rng)
    if settings.shading_hu > 0:
        _add_shading(hu, settings, rng)
    _add_noise(hu, patient, settings, rng)
    np.clip(hu, *HU_RANGE, out=hu)
    result = np.rint(hu).astype(np.int16)
    result[:, outside_field(settings, settings.geometry)] = settings.padding_hu
    return result


def _psf_weights(source: Axis, target: Axis, fwhm_mm: float, enhancement: float, width: float) -> np.ndarray:
    # Painting by coverage and holding it constant within a voxel have each blurred by one voxel's width already.
    painted = source.step_mm**2 / 6.0
    sd = float(np.sqrt(max((fwhm_mm / FWHM_PER_SD) ** 2 - painted, (0.1 * source.step_mm) ** 2)))
    weights = gaussian_weights(source, target, sd)
    if enhancement > 0:
        wide = float(np.sqrt(sd**2 + (width * fwhm_mm / FWHM_PER_SD) ** 2))
        weights = (1.0 + enhancement) * weights - enhancement * gaussian_weights(source, target, wide)
    return weights


def _blurred(hu: np.ndarray, canvas: Canvas, target: tuple[Axis, Axis, Axis], settings: ScanSettings) -> np.ndarray:
    source = axes_of(canvas.geometry)
    fwhm = (settings.psf_z_fwhm_mm, settings.psf_fwhm_mm, settings.psf_fwhm_mm)
    enhance = (0.0, settings.edge_enhancement, settings.edge_enhancement)
    width = settings.enhancement_width
    z, y, x = (_psf_weights(s, t, f, e, width) for s, t, f, e in zip(source, target, fwhm, enhance, strict=True))
    return resample(hu, (z, y, x))


def _blend(hu: np.ndarray, fine: np.ndarray, canvas: Canvas, target: tuple[Axis, ...], settings: ScanSettings) -> None:
    """Put the fine canvas into the scan of its surroundings, fading over BLEND_MM at its faces."""
    inner, slices, ramps = [], [], []
    for axis, source in zip(target, axes_of(canvas.geometry), strict=True):
        first, last = source.start_mm, source.centres_mm[-1]
        inside = np.flatnonzero((axis.centres_mm > first) & (axis.centres_mm < last))
        if not len(inside):
            return
        slices.append(slice(int(inside[0]), int(inside[-1]) + 1))
        centres = axis.centres_mm[inside]
        inner.append(Axis(float(centres[0]), axis.step_mm, len(inside)))
        ramps.append(np.clip(np.minimum(centres - first, last - centres) / BLEND_MM, 0, 1).astype(np.float32))
    part = _blurred(fine, canvas, tuple(inner), settings)  # type: ignore[arg-type]
    weight = np.minimum(np.minimum(ramps[0][:, None, None], ramps[1][None, :, None]), ramps[2][None, None, :])
    window = hu[tuple(slices)]
    window += weight * (part - window)


def _smear_by_motion(canvas: Canvas, settings: ScanSettings) -> np.ndarray:
    """The canvas averaged over the phases of each vessel's motion."""
    hu = canvas.hu
    moves = _moves(canvas, settings)
    if moves:
        hu = hu.copy()
    for move, way_zyx, margin, box in moves:
        hu[box] = _doubled(hu[box], way_zyx, margin) if move.double else _half_scan(hu[box], way_zyx, margin, move)
    return hu


def _moves(canvas: Canvas, settings: ScanSettings) -> list[tuple[Motion, np.ndarray, int, Box]]:
    """Every motion with its way and margin in voxels of the canvas, and the part of it that moves."""
    coronary = canvas.layers.get("coronary")
    if coronary is None or not settings.motion:
        return []
    boxes: dict[int, tuple[slice, ...] | None] = dict(enumerate(ndimage.find_objects(coronary, max_label=4), start=1))
    boxes[0] = _around([box for box in boxes.values() if box is not None])
    moves = []
    for move in settings.motion:
        way_zyx = np.array(move.displacement_mm_xyz)[::-1] / canvas.spacing_mm
        found = boxes[move.vessel]
        if found is None or np.linalg.norm(way_zyx) < 0.5:
            continue
        margin = int(np.ceil((20.0 if move.vessel == 0 else 14.0) / canvas.spacing_mm))
        z, y, x = (
            slice(max(s.start - margin, 0), min(s.stop + margin, n))
            for s, n in zip(found, canvas.hu.shape, strict=True)
        )
        moves.append((move, way_zyx, margin, (z, y, x)))
    return moves


def move_labels(canvas: Canvas, settings: ScanSettings) -> None:
    """Displace the layers to where the motion shows what they name, as a reader would outline it.

    Of a double contour that is the stronger one, at rest; crescents and tails lie around `seen_way`.
    """
    moves = [
        (seen_way(way_zyx, move.start_deg), [_tent(side.stop - side.start, margin) for side in box], box)
        for move, way_zyx, margin, box in _moves(canvas, settings)
        if not move.double
    ]
    if not moves:
        return
    depth, ny, nx = canvas.hu.shape
    for k in range(depth):
        way_yx = np.zeros((2, ny, nx), np.float32)
        for seen_yx, ramps, (z, y, x) in moves:
            if z.start <= k < z.stop:
                weight = ramps[0][k - z.start] * ramps[1][:, None] * ramps[2][None, :]
                way_yx[:, y, x] += seen_yx[:, None, None] * weight
        reach = int(np.ceil(np.abs(way_yx).max()))
        moved = {
            name: _moved_plane(canvas, name, k, way_yx, near)
            for name, layer in canvas.layers.items()
            if reach and (near := _box_of_plane(layer[k], reach)) is not None
        }
        for name, (near, plane) in moved.items():
            canvas.layers[name][k][near] = plane


def _moved_plane(
    canvas: Canvas, name: str, k: int, way_yx: np.ndarray, near: tuple[slice, slice]
) -> tuple[tuple[slice, slice], np.ndarray]:
    """A part of a layer's plane after the move, and which part it is."""
    rows, columns = np.ogrid[near]
    where = np.stack(np.broadcast_arrays(rows - way_yx[0][near], columns - way_yx[1][near]))
    plane = canvas.layers[name][k]
    if name.endswith(FRACTION):
        whole = plane * (canvas.layers[name.removesuffix(FRACTION)][k] > 0)
        return near, ndimage.map_coordinates(whole, where, order=3).clip(0, 1)
    # How much of a voxel is filled tells its fraction, where there is one: every voxel with some then needs a number.
    return near, _moved_numbers(plane, where, 0.02 if name + FRACTION in canvas.layers else 0.5)


def _moved_numbers(plane: np.ndarray, where: np.ndarray, least: float) -> np.ndarray:
    """The number that fills most of each place, where all together fill at least a part of it."""
    total = np.zeros(where.shape[1:], np.float32)
    most, winner = np.zeros_like(total), np.zeros(where.shape[1:], plane.dtype)
    for number in np.unique(plane[plane > 0]):
        share = ndimage.map_coordinates((plane == number).astype(np.float32), where, order=1)
        total += share
        ahead = share > most
        winner[ahead], most[ahead] = number, share[ahead]
    winner[total < least] = 0
    return winner


def _box_of_plane(plane: np.ndarray, margin: int) -> tuple[slice, slice] | None:
    """The part of a plane with everything in it, and a margin; None where nothing is."""
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    if not len(rows):
        return None
    y, x = (
        slice(max(int(at[0]) - margin, 0), min(int(at[-1]) + margin + 1, size))
        for at, size in zip((rows, columns), plane.shape, strict=True)
    )
    return y, x


def seen_way(way_zyx: np.ndarray, start_deg: float) -> np.ndarray:
    """(y, x): the displacement that a half rotation shows, of a whole way that ends half of it beyond the middle.

    Each projection sees only the displacement along its own direction, at its own moment. The one displacement that
    fits them all best, by least squares, is what the eye takes for the place.
    """
    angle = np.pi * (np.arange(360) + 0.5) / 360
    direction = np.stack([np.sin(angle), np.cos(angle)])
    along = direction.T @ way_zyx[1:]
    return 2 * np.mean(direction * along * _moment(angle, start_deg), axis=1)


def _moment(angle: np.ndarray, start_deg: float) -> np.ndarray:
    """When a direction of a half rotation is measured, on average: −0.5 first, 0.5 last."""
    turn, early, late = _half_rotation(angle, start_deg)
    moment: np.ndarray = turn - 0.5 - late + early
    return moment


def _half_rotation(angle: np.ndarray, start_deg: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """When a direction is measured, from 0 to 1, and the shares that the turns after and before have in it."""
    turn = np.mod(angle - np.radians(start_deg), np.pi) / np.pi
    # Over the last projections, those of the next half rotation are faded in, as scanners weight them.
    late = np.clip((turn - 1 + OVERLAP) / OVERLAP, 0, 1) * 0.5
    early = np.clip((OVERLAP - turn) / OVERLAP, 0, 1) * 0.5
    return turn, early, late


def _around(boxes: list[tuple[slice, ...]]) -> tuple[slice, ...] | None:
    if not boxes:
        return None
    return tuple(slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*boxes, strict=True))


def _doubled(hu: np.ndarray, way_zyx: np.ndarray, margin: int) -> np.ndarray:
    """Most of the dose at rest, the rest of it after the move."""
    ramps = [_tent(n, margin) for n in hu.shape]
    still = ramps[0][:, None, None] * ramps[1][None, :, None] * ramps[2][None, None, :]
    grid = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in hu.shape], indexing="ij", sparse=True)
    where = np.stack([g + np.float32(w) * still for g, w in zip(grid, way_zyx, strict=True)])
    return 0.6 * hu + 0.4 * ndimage.map_coordinates(hu, where, order=1, mode="nearest")


def _half_scan(hu: np.ndarray, way_zyx: np.ndarray, margin: int, move: Motion) -> np.ndarray:
    """Crescents and tails: each direction of a slice's spectrum is a projection, taken at its own moment of the move.

    Central slice theorem: a projection at angle θ fills the line at θ in the slice's Fourier plane, so a move during
    the half rotation is a phase there that depends on θ, with a seam at the first and last projection.
    """
    shape = hu.shape[1:]
    fy, fx = np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1]), indexing="ij")
    turn, early, late = _half_rotation(np.arctan2(fy, fx), move.start_deg)
    along = -2j * np.pi * (fy * way_zyx[1] + fx * way_zyx[2])
    phase = (1 - late - early) * np.exp(along * (turn - 0.5))
    phase += late * np.exp(along * (turn - 1.5)) + early * np.exp(along * (turn + 0.5))
    phase = phase.astype(np.complex64)
    ramps = [_tent(n, margin) for n in hu.shape]
    inside = ramps[1][:, None] * ramps[2][None, :]
    result = hu.copy()
    for k in np.flatnonzero(ramps[0] > 0):
        moved = fft.irfft2(fft.rfft2(hu[k]) * phase, s=shape)
        result[k] += ramps[0][k] * inside * (moved - hu[k])
    return result


def _tent(size: int, margin: int) -> np.ndarray:
    index = np.arange(size, dtype=np.float32)
    ramp = np.clip(np.minimum(index, size - 1 - index) / margin, 0.0, 1.0)
    return ramp * ramp * (3 - 2 * ramp)


def move_slabs(canvas: Canvas, settings: ScanSettings) -> None:
    """Displace the heart slab by slab, attenuation and labels alike: the steps of a step-and-shoot scan."""
    if settings.slab_mm <= 0:
        return
    z_mm = axes_of(canvas.geometry)[0].centres_mm
    slab_of = ((z_mm - settings.geometry.origin_mm_lps[2]) // settings.slab_mm).astype(int)
    slab_of = np.clip(slab_of, 0, len(settings.slab_steps_mm_xy) - 1)
    _, ny, nx = canvas.hu.shape
    margin = int(np.ceil(8.0 / canvas.spacing_mm))
    still = _tent(ny, margin)[:, None] * _tent(nx, margin)[None, :]
    rows, columns = np.meshgrid(np.arange(ny, dtype=np.float32), np.arange(nx, dtype=np.float32), indexing="ij")
    for k in range(len(z_mm)):
        dx, dy = (v / canvas.spacing_mm for v in settings.slab_steps_mm_xy[slab_of[k]])
        where = np.stack([rows + dy * still, columns + dx * still])
        for name, layer in (("hu", canvas.hu), *canvas.layers.items()):
            if name != "hu" and not layer[k].any():
                continue
            smooth = layer.dtype == np.float32
            layer[k] = ndimage.map_coordinates(layer[k], where, order=1 if smooth else 0, mode="nearest")
        bright = canvas.hu[k] > 150
        canvas.hu[k][bright] *= 1.0 + settings.slab_hu[slab_of[k]]


def _add_noise(hu: np.ndarray, patient: Patient, settings: ScanSettings, rng: np.random.Generator) -> None:
    """Add correlated noise in place, slice by slice."""
    shape = hu.shape[1:]
    transfer = noise_transfer(shape, settings)
    local = settings.noise_sd_hu * noise_profile(patient, axes_of(settings.geometry))
    keep = settings.noise_z_correlation
    previous: np.ndarray | None = None
    for k in range(len(hu)):
        white = rng.standard_normal(shape, dtype=np.float32)
        noise = fft.irfft2(fft.rfft2(white) * transfer, s=shape)
        if previous is not None:
            noise = keep * previous + np.float32(np.sqrt(1 - keep**2)) * noise
        previous = noise
        if settings.noise_tail > 0:
            # Edge-preserving smoothing removes the small deviations and keeps the large.
            bent = noise * np.abs(noise) ** np.float32(settings.noise_tail)
            noise = bent / bent.std()
        hu[k] += noise * local


def _add_shading(hu: np.ndarray, settings: ScanSettings, rng: np.random.Generator) -> None:
    """Add a slow drift of HU over the field (cupping, scatter), in place."""
    z, y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in hu.shape)
    a = rng.normal(0.0, settings.shading_hu, 5).astype(np.float32)
    plane = a[0] * (x[None, :] ** 2 + y[:, None] ** 2 - 0.6) + a[1] * x[None, :] + a[2] * y[:, None]
    hu += plane[None] + (a[3] + 0.5 * a[4] * z)[:, None, None]


def noise_transfer(shape_yx: tuple[int, int], settings: ScanSettings) -> np.ndarray:
    """rfft2 amplitude that turns white noise into CT noise of SD 1: √(ramp) × the kernel's transfer function.

    Filtered back projection leaves a power spectrum of ramp × MTF² (Riederer, Pelc & Chesler 1978,
    doi:10.1088/0031-9155/23/3/008); filters and iterative reconstruction move it to lower frequencies
    (measured on a real chest CT with kernel B40f: flat up to 0.3 / mm, where a pure ramp would rise sixfold).
    """
    dy, dx = settings.geometry.spacing_mm_zyx[1:]
    fy, fx = np.meshgrid(np.fft.fftfreq(shape_yx[0], dy), np.fft.rfftfreq(shape_yx[1], dx), indexing="ij")
    f = np.hypot(fy, fx)
    sd = 1.15 * settings.psf_fwhm_mm / FWHM_PER_SD
    mtf = np.exp(-2 * (np.pi * f * sd) ** 2)
    mtf *= 1.0 + settings.edge_enhancement * (1.0 - np.exp(-2 * (np.pi * f * settings.enhancement_width * sd) ** 2))
    power = (f + settings.noise_floor_per_mm) * mtf**2
    power *= np.exp(-((2 * np.pi * f * settings.noise_smoothing_mm / 2) ** 2))
    angle = np.arctan2(fy, fx)
    # Rays along x cross more tissue than rays along y, so noise runs in streaks along x: power at high f_y.
    power *= 1.0 - settings.noise_anisotropy * np.cos(2 * angle)
    power[0, 0] = 0.0
    whole = 2.0 * power.sum() - power[:, 0].sum() - (power[:, -1].sum() if shape_yx[1] % 2 == 0 else 0.0)
    return np.sqrt(power * (shape_yx[0] * shape_yx[1] / whole)).astype(np.float32)


def noise_profile(patient: Patient, axes_zyx: tuple[Axis, Axis, Axis]) -> np.ndarray:
    """(y, x) noise SD relative to the heart's centre: highest in the middle of the body, lower towards the skin."""
    cx, cy = -28.0, 25.0
    rx, ry = 175.0 * patient.body_scale_xy[0], 125.0 * patient.body_scale_xy[1]

    def at(x: np.ndarray | float, y: np.ndarray | float) -> np.ndarray | float:
        return 0.55 + 0.45 * np.exp(-(((x - cx) / rx) ** 2) - ((y - cy) / ry) ** 2)

    x, y = axes_zyx[2].centres_mm[None, :], axes_zyx[1].centres_mm[:, None]
    return np.asarray(at(x, y) / at(0.0, 0.0), np.float32)
