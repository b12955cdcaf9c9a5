"""What the scanner decides for one scan: field, voxels, blur, noise, motion, slabs; and variants of the same scan.

Noise SD 15–45 HU, PSF FWHM 0.6–0.9 mm in plane and 0.6–1.0 mm in z, voxels of 0.30–0.49 × 0.4–0.8 mm, motion worst at
the RCA: the facts of coronary CT angiography that a network meets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cacnet.phantom.patient import Patient
from cacnet.phantom.separable import axes_of
from cacnet.volume import Geometry

PADDING_CHOICES_HU = (-1024, -2048, -3024)
MATRIX = 512


@dataclass(frozen=True)
class Motion:
    """How the coronary arteries of one vessel number move while they are scanned.

    Attributes:
        vessel: 1 LM, 2 LAD, 3 LCx, 4 RCA.
        displacement_mm_xyz: the whole way between the first and the last phase.
        double: two sharp positions (a double contour) instead of an even smear.
    """

    vessel: int
    displacement_mm_xyz: tuple[float, float, float]
    double: bool


@dataclass(frozen=True)
class ScanSettings:
    """Everything that the scanner decides.

    Attributes:
        geometry: the grid of the scan, in patient coordinates.
        field_centre_mm_xy, field_radius_mm: the reconstructed circle; outside it lies padding.
        psf_fwhm_mm: in plane; psf_z_fwhm_mm: across slices.
        edge_enhancement: 0 for a smooth kernel, about 0.5 for a sharp one.
        noise_sd_hu: at the heart's centre.
        noise_anisotropy: 0 to 1, how much more noise runs along x (arms, shoulders, liver) than along y.
        noise_z_correlation: correlation of the noise of neighbouring slices.
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
        width, z_low, z_high = rng.uniform(170, 225), rng.uniform(-82, -70), rng.uniform(64, 92)
        centre = (rng.uniform(-15, 8), rng.uniform(-2, 18))
    increment = float(rng.uniform(0.4, 0.8) if rng.random() < 0.88 else rng.uniform(0.8, 1.5))
    psf_z = float(max(rng.uniform(0.6, 1.0), increment * rng.uniform(0.95, 1.4)))
    slabs = _draw_slabs(rng, z_high - z_low)
    return ScanSettings(
        geometry=_field_geometry(width, centre, z_low, z_high, increment),
        field_centre_mm_xy=(float(centre[0]), float(centre[1])),
        field_radius_mm=float(width / 2),
        psf_fwhm_mm=float(rng.uniform(0.6, 0.9)),
        psf_z_fwhm_mm=psf_z,
        edge_enhancement=float(rng.choice([0.0, rng.uniform(0.0, 0.3), rng.uniform(0.3, 0.7)], p=[0.35, 0.4, 0.25])),
        noise_sd_hu=float(np.clip(rng.lognormal(np.log(26), 0.3), 14, 48)),
        noise_anisotropy=float(rng.uniform(0.0, 0.5)),
        noise_z_correlation=float(np.clip(0.75 - 0.5 * increment / psf_z + rng.normal(0, 0.08), 0.05, 0.7)),
        streak_strength=float(rng.uniform(0.4, 1.4)),
        padding_hu=int(rng.choice(PADDING_CHOICES_HU, p=[0.5, 0.3, 0.2])),
        circular_field=bool(rng.random() < 0.4),
        motion=_draw_motion(rng),
        **slabs,
    )


def _field_geometry(width: float, centre: tuple[float, float], z_low: float, z_high: float, step: float) -> Geometry:
    pixel = float(width / MATRIX)
    origin = (centre[0] - width / 2 + pixel / 2, centre[1] - width / 2 + pixel / 2, z_low)
    shape = (int((z_high - z_low) / step) + 1, MATRIX, MATRIX)
    return Geometry(shape, (step, pixel, pixel), tuple(float(v) for v in origin))  # type: ignore[arg-type]


def _draw_motion(rng: np.random.Generator) -> tuple[Motion, ...]:
    if rng.random() < 0.5:
        return ()
    moves = []
    for vessel, typical_mm in ((4, 1.7), (3, 0.8), (2, 0.6)):
        length = float(np.clip(rng.lognormal(np.log(typical_mm), 0.6), 0.0, 6.0))
        direction = rng.normal(size=3) * (1.0, 1.0, 0.6)
        way = length * direction / np.linalg.norm(direction)
        moves.append(Motion(vessel, (float(way[0]), float(way[1]), float(way[2])), bool(rng.random() < 0.5)))
    return tuple(moves)


def _draw_slabs(rng: np.random.Generator, height_mm: float) -> dict:
    if rng.random() > 0.15:
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
        noise_z_correlation=0.05,
        motion=(),
        slab_mm=0.0,
        slab_steps_mm_xy=(),
        slab_hu=(),
    )
