"""From painted tissue to a CT in HU: blur, streaks, noise, the edge of the field, and whole numbers."""

from __future__ import annotations

import numpy as np
from scipy import fft

from cacnet.phantom.canvas import Canvas
from cacnet.phantom.motion import smear_by_motion
from cacnet.phantom.patient import Patient
from cacnet.phantom.scan_settings import (
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
    "ScanSettings",
    "coarser",
    "crop_scan",
    "draw_scan",
    "noise_profile",
    "noise_transfer",
    "outside_field",
    "scan",
    "without_contrast",
]

HU_RANGE = (-1024, 3071)
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
    moved = smear_by_motion(canvas, settings)
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
