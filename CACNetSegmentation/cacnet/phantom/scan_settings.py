"""What the scanner decides for one scan: field, voxels, blur, noise, motion, slabs; and variants of the same scan.

Mostly noise SD 15–45 HU, PSF FWHM 0.6–0.9 mm in plane and 0.6–1.0 mm in z, voxels of 0.30–0.49 × 0.4–0.8 mm, motion
worst at the RCA: the facts of coronary CT angiography. Rarely far outside: a network meets other clinics' scans.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cacnet.phantom.patient import Patient
from cacnet.phantom.separable import axes_of
from cacnet.volume import Geometry

PADDING_CHOICES_HU = (-1024, -2048, -3024, -2000)
MATRIX = 512


@dataclass(frozen=True)
class Motion:
    """How the coronary arteries of one vessel number, or the whole heart, move while they are scanned.

    Attributes:
        vessel: 1 LM, 2 LAD, 3 LCx, 4 RCA; 0 for the whole heart.
        displacement_mm_xyz: the whole way between the first and the last phase.
        double: two sharp positions (a double contour) instead of the crescents of a half rotation.
        start_deg: direction of the half rotation's first projection.
    """

    vessel: int
    displacement_mm_xyz: tuple[float, float, float]
    double: bool
    start_deg: float = 0.0


@dataclass(frozen=True)
class ScanSettings:
    """Everything that the scanner decides.

    Attributes:
        geometry: the grid of the scan, in patient coordinates.
        field_centre_mm_xy, field_radius_mm: the reconstructed circle; outside it lies padding.
        psf_fwhm_mm: in plane; psf_z_fwhm_mm: across slices.
        edge_enhancement: 0 for a smooth kernel, about 0.5 for a sharp one.
        enhancement_width: width of what a sharp kernel subtracts, relative to its blur.
        noise_sd_hu: at the heart's centre.
        noise_anisotropy: 0 to 1, how much more noise runs along x (arms, shoulders, liver) than along y.
        noise_z_correlation: correlation of the noise of neighbouring slices.
        noise_floor_per_mm: added to the ramp of the noise's spectrum: 0.02 for pure filtered back projection, about
            0.3 where filters and interpolation have filled in low frequencies.
        noise_smoothing_mm: how far iterative reconstruction has smoothed the noise alone; 0 for none.
        noise_tail: 0 Gaussian; above, the few strong deviations that edge-preserving smoothing leaves.
        shading_hu: SD of a slow drift of HU over the field: cupping and scatter.
        streak_strength: 0 none, 1 ordinary beam hardening.
        slab_mm: height of the slabs of a step-and-shoot scan; 0 for none.
        slab_steps_mm_xy: displacement of the heart in each slab, slab_hu its change of contrast.
    """

    geometry: Geometry
    field_centre_mm_xy: tuple[float, float]
    field_radius_mm: float
    psf_fwhm_mm: float
    psf_z_fwhm_mm: float
    edge_enhancement: float
    noise_sd_hu: float
    noise_anisotropy: float
    noise_z_correlation: float
    streak_strength: float
    padding_hu: int
    circular_field: bool
    motion: tuple[Motion, ...] = ()
    slab_mm: float = 0.0
    slab_steps_mm_xy: tuple[tuple[float, float], ...] = ()
    slab_hu: tuple[float, ...] = ()
    enhancement_width: float = 1.8
    noise_floor_per_mm: float = 0.02
    noise_smoothing_mm: float = 0.0
    noise_tail: float = 0.0
    shading_hu: float = 0.0

    @property
    def kernel(self) -> str:
        """The kernel's sharpness in a word, as a header would name it."""
        return "smooth" if self.edge_enhancement < 0.12 else "medium" if self.edge_enhancement < 0.35 else "sharp"


def draw_scan(patient: Patient, field: str = "heart") -> ScanSettings:
    """The settings of this patient's scan: 'heart' (about 180–220 mm wide) or 'chest' (350–420 mm)."""
    rng = patient.rng(f"scan-{field}")
    if field == "chest":
        width, z_low, z_high = rng.uniform(350, 420), rng.uniform(-150, -125), rng.uniform(125, 150)
        centre = (rng.uniform(-35, -15), rng.uniform(15, 35))
    else:
        width = rng.choice([rng.uniform(155, 250), rng.uniform(250, 390), rng.uniform(132, 155)], p=[0.86, 0.10, 0.04])
        z_low, z_high = rng.uniform(-84, -66), rng.uniform(60, 94)
        centre = (rng.uniform(-16, 10), rng.uniform(-4, 20))
    increment = float(
        rng.choice(
            [rng.uniform(0.4, 0.8), rng.uniform(0.3, 0.4), rng.uniform(0.8, 1.5), rng.uniform(1.5, 3.0)],
            p=[0.80, 0.04, 0.13, 0.03],
        )
    )
    psf_z = float(max(rng.uniform(0.6, 1.1), increment * rng.uniform(0.95, 1.5)))
    psf = float(
        rng.choice([rng.uniform(0.6, 0.9), rng.uniform(0.45, 0.6), rng.uniform(0.9, 1.3)], p=[0.72, 0.13, 0.15])
    )
    slabs = _draw_slabs(rng, z_high - z_low)
    return ScanSettings(
        geometry=_field_geometry(width, centre, z_low, z_high, increment),
        field_centre_mm_xy=(float(centre[0]), float(centre[1])),
        field_radius_mm=float(width / 2),
        psf_fwhm_mm=psf,
        psf_z_fwhm_mm=psf_z,
        edge_enhancement=float(
            rng.choice(
                [0.0, rng.uniform(0.0, 0.3), rng.uniform(0.3, 0.7), rng.uniform(0.7, 1.2)], p=[0.33, 0.37, 0.22, 0.08]
            )
        ),
        enhancement_width=float(rng.uniform(1.3, 2.6)),
        # Arms down at the sides leave the long way across almost without photons.
        noise_anisotropy=float(rng.uniform(0.6, 0.95) if rng.random() < 0.08 else rng.uniform(0.0, 0.6)),
        noise_z_correlation=float(np.clip(0.75 - 0.5 * increment / psf_z + rng.normal(0, 0.1), 0.05, 0.8)),
        streak_strength=float(np.clip(rng.lognormal(0.0, 0.6), 0.2, 4.0)),
        shading_hu=float(np.abs(rng.normal(0.0, 4.0))),
        padding_hu=int(rng.choice(PADDING_CHOICES_HU, p=[0.45, 0.25, 0.15, 0.15])),
        circular_field=bool(rng.random() < 0.4),
        motion=_draw_motion(rng),
        **_draw_noise(rng),
        **slabs,
    )


def _draw_noise(rng: np.random.Generator) -> dict:
    """Two scans in five were reconstructed iteratively: less noise, coarser and less Gaussian."""
    iterative = rng.random() < 0.4
    typical = 19.0 if iterative else 28.0
    return {
        "noise_sd_hu": float(np.clip(rng.lognormal(np.log(typical), 0.38), 9, 65)),
        "noise_floor_per_mm": float(np.clip(rng.lognormal(np.log(0.12), 0.9), 0.01, 0.6)),
        "noise_smoothing_mm": float(rng.uniform(0.3, 1.3)) if iterative else 0.0,
        "noise_tail": float(rng.uniform(0.0, 0.45)) if iterative else 0.0,
    }


def _field_geometry(width: float, centre: tuple[float, float], z_low: float, z_high: float, step: float) -> Geometry:
    pixel = float(width / MATRIX)
    origin = (centre[0] - width / 2 + pixel / 2, centre[1] - width / 2 + pixel / 2, z_low)
    shape = (int((z_high - z_low) / step) + 1, MATRIX, MATRIX)
    return Geometry(shape, (step, pixel, pixel), tuple(float(v) for v in origin))  # type: ignore[arg-type]


def _draw_motion(rng: np.random.Generator) -> tuple[Motion, ...]:
    if rng.random() < 0.42:
        return ()
    moves = []
    # The heart first, then what its arteries move beyond it.
    for vessel, typical_mm, chance in ((0, 1.0, 0.55), (4, 1.7, 0.85), (3, 0.8, 0.85), (2, 0.6, 0.85)):
        length = float(np.clip(rng.lognormal(np.log(typical_mm), 0.6), 0.0, 6.0))
        direction = rng.normal(size=3) * (1.0, 1.0, 0.6)
        way = length * direction / np.linalg.norm(direction)
        double, start = bool(rng.random() < 0.3), float(rng.uniform(0, 180))
        if rng.random() < chance:
            moves.append(Motion(vessel, (float(way[0]), float(way[1]), float(way[2])), double, start))
    return tuple(moves)


def _draw_slabs(rng: np.random.Generator, height_mm: float) -> dict:
    if rng.random() > 0.18:
        return {}
    slab = float(rng.uniform(30, 45))
    count = int(height_mm / slab) + 2
    steps = rng.normal(0.0, rng.uniform(0.4, 1.3), (count, 2))
    hu = rng.normal(0.0, 0.03, count)
    return {
        "slab_mm": slab,
        "slab_steps_mm_xy": tuple((float(x), float(y)) for x, y in steps),
        "slab_hu": tuple(float(v) for v in hu),
    }


def crop_scan(settings: ScanSettings, lower_mm_xyz: np.ndarray, upper_mm_xyz: np.ndarray) -> ScanSettings:
    """The same scan, reconstructed only between two corners (whole voxels of the same grid)."""
    g = settings.geometry
    low = np.clip(np.floor(g.lps_to_index(np.asarray(lower_mm_xyz))), 0, np.array(g.shape_zyx) - 1).astype(int)
    high = np.clip(np.ceil(g.lps_to_index(np.asarray(upper_mm_xyz))) + 1, low + 1, g.shape_zyx).astype(int)
    origin = tuple(float(v) for v in g.index_to_lps(low))
    cropped = Geometry(tuple(int(n) for n in high - low), g.spacing_mm_zyx, origin, g.direction_lps)  # type: ignore[arg-type]
    return replace(settings, geometry=cropped)


def coarser(settings: ScanSettings, factor: int) -> ScanSettings:
    """The same scan in voxels `factor` times as large, over the same extent."""
    g = settings.geometry
    shape = tuple(max(n // factor, 1) for n in g.shape_zyx)
    spacing = tuple(s * factor for s in g.spacing_mm_zyx)
    first = g.index_to_lps(np.full(3, 0.5 * (factor - 1)))
    geometry = Geometry(shape, spacing, tuple(float(v) for v in first))  # type: ignore[arg-type]
    return replace(settings, geometry=geometry)


def outside_field(settings: ScanSettings, geometry: Geometry) -> np.ndarray:
    """(y, x) bool: the pixels of a grid that lie outside the circle of the field (none without one)."""
    _, y, x = axes_of(geometry)
    cx, cy = settings.field_centre_mm_xy
    distance = np.hypot(x.centres_mm[None, :] - cx, y.centres_mm[:, None] - cy)
    return (distance > settings.field_radius_mm) & settings.circular_field


def without_contrast(settings: ScanSettings) -> ScanSettings:
    """The scan for a calcium score of the same patient: 3 mm slices, smooth kernel, the same field, no motion."""
    z, y, x = settings.geometry.spacing_mm_zyx
    slices = max(int(settings.geometry.shape_zyx[0] * z / 3.0), 1)
    shape = (slices, *settings.geometry.shape_zyx[1:])
    ox, oy, oz = settings.geometry.origin_mm_lps
    return replace(
        settings,
        geometry=Geometry(shape, (3.0, y, x), (ox, oy, oz + 1.5 - z / 2)),
        psf_fwhm_mm=max(settings.psf_fwhm_mm, 0.8),
        psf_z_fwhm_mm=3.0,
        edge_enhancement=0.0,
        noise_sd_hu=0.75 * settings.noise_sd_hu,
        noise_z_correlation=0.15,
        noise_smoothing_mm=0.0,
        noise_tail=0.0,
        motion=(),
        slab_mm=0.0,
        slab_steps_mm_xy=(),
        slab_hu=(),
    )
