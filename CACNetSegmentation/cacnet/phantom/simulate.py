"""One seed, one simulated scan with its truth: the patient is built, painted, scanned and labelled."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from cacnet.anatomy import NAMED_VESSELS
from cacnet.errors import CacnetError
from cacnet.files import staged_folder
from cacnet.image_files import write_image
from cacnet.phantom.calcium_score import agatston_without_contrast
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronaries import CoronaryTree, build_coronaries, paint_coronaries
from cacnet.phantom.coronary_labels import drop_loose_specks, join_vessels
from cacnet.phantom.heart import Heart, build_heart, paint_heart
from cacnet.phantom.implants import paint_implants
from cacnet.phantom.motion import move_labels, move_slabs
from cacnet.phantom.patient import Patient, draw_patient
from cacnet.phantom.plaque import PlaqueRecord, paint_plaque
from cacnet.phantom.scanner import (
    ScanSettings,
    coarser,
    crop_scan,
    draw_scan,
    outside_field,
    scan,
    without_contrast,
)
from cacnet.phantom.separable import axes_of, overlap, resample
from cacnet.phantom.strokes import part_of
from cacnet.phantom.thorax import paint_thorax
from cacnet.volume import Acquisition, Geometry, Volume, to_sitk

SCHEMA_VERSION = 1
SURROUNDINGS_SPACING_MM = 1.0
HEART_MARGIN_MM = 6.0
SURROUNDINGS_MARGIN_MM = 3.0
VESSELS_MM = 35.0
"""How far the template heart's great vessels reach beyond its box."""
ONE_CANVAS_RATIO = 1.7
"""A scan up to this many times the heart's box is painted on one fine canvas: quicker than painting the heart twice."""
LANDMARKS = ("left_ostium", "right_ostium", "aortic_annulus", "apex")
FIELDS = ("heart", "chest")
SIZES = ("full", "fast")


class SimulationError(CacnetError):
    """A simulation that was asked for in a way that does not exist."""


@dataclass(frozen=True)
class Truth:
    """What is known of a simulated scan and no real scan tells.

    Attributes:
        calcium_volume_mm3: by vessel name, of the painted calcium, before any scanner.
        agatston_without_contrast: by vessel name and 'total', of an ideal scan without contrast, noise and motion at
            120 kVp in 3 mm slices; the same for a scan with contrast and its twin without.
        landmarks_mm_lps: named points, in the scan's coordinates.
    """

    patient: Patient
    scan: ScanSettings
    plaques: tuple[PlaqueRecord, ...]
    calcium_volume_mm3: dict[str, float]
    agatston_without_contrast: dict[str, float]
    landmarks_mm_lps: dict[str, tuple[float, float, float]]


@dataclass(frozen=True)
class SimulatedScan:
    """A CT and its labels on the same (z, y, x) grid; of what moved, they lie where the scan shows it.

    Attributes:
        calcium: uint8 vessel number (1 LM, 2 LAD, 3 LCx, 4 RCA) of calcified plaque: of each plaque as many voxels as
            its volume, those that it fills most: of one thicker than a voxel about those that it fills at least half.
        coronary: uint8 vessel number where at least half of the voxel is lumen, wall or plaque.
        distractor: uint8, see `devices.Distractor`.
    """

    volume: Volume
    calcium: np.ndarray
    coronary: np.ndarray
    distractor: np.ndarray
    truth: Truth


@dataclass(frozen=True)
class Anatomy:
    """A painted patient: the heart on a fine canvas, and the chest around it on a coarser one (or None)."""

    patient: Patient
    heart: Heart
    tree: CoronaryTree
    fine: Canvas
    surroundings: Canvas | None
    plaques: tuple[PlaqueRecord, ...]


def simulate(
    seed: int, field: str = "heart", contrast: bool = True, canvas_spacing_mm: float = 0.5, size: str = "full"
) -> SimulatedScan:
    """The scan of a seed; the same seed always gives the same voxels.

    Args:
        field: 'heart' (170–225 mm wide) or 'chest' (350–420 mm).
        contrast: False gives the same patient without iodine, in 3 mm slices, as for a calcium score.
        size: 'full', or 'fast' for the heart's own box in voxels twice as large, with the same anatomy and settings.

    Raises SimulationError.
    """
    if field not in FIELDS or size not in SIZES:
        raise SimulationError(f"field '{field}' and size '{size}'", f"field in {FIELDS} and size in {SIZES}")
    patient = draw_patient(seed, contrast)
    heart = build_heart(patient)
    settings = draw_scan(patient, field)
    if size == "fast":
        settings = crop_scan(settings, heart.lower_mm_xyz - HEART_MARGIN_MM, heart.upper_mm_xyz + HEART_MARGIN_MM)
        settings = coarser(settings, 2)
    if not contrast:
        settings = without_contrast(settings)
    anatomy = paint_anatomy(patient, heart, settings.geometry, canvas_spacing_mm)
    truth = truth_of(anatomy, settings)
    volume = scan_anatomy(anatomy, settings)
    return SimulatedScan(volume, *label(anatomy, settings, settings.geometry), truth)


def paint_anatomy(patient: Patient, heart: Heart, geometry: Geometry, spacing_mm: float) -> Anatomy:
    """Paint the patient as far as a scan on `geometry` sees it."""
    lower, upper = geometry.bounds_mm_lps
    low, high = lower - SURROUNDINGS_MARGIN_MM, upper + SURROUNDINGS_MARGIN_MM
    heart_low, heart_high = heart.lower_mm_xyz - HEART_MARGIN_MM, heart.upper_mm_xyz + HEART_MARGIN_MM
    one_canvas = np.prod(high - low) < ONE_CANVAS_RATIO * np.prod(heart_high - heart_low)
    if not one_canvas:
        low, high = np.maximum(low, heart_low), np.minimum(high, heart_high)
    tree = build_coronaries(patient, heart)
    fine = _empty_canvas(low, high, spacing_mm)
    paint_thorax(fine, heart, patient)
    paint_heart(fine, heart, patient)
    paint_coronaries(fine, tree, patient)
    plaques = paint_plaque(fine, tree, patient)
    paint_implants(fine, heart, tree, patient)
    surroundings = None
    if not one_canvas:
        coarse_mm = max(SURROUNDINGS_SPACING_MM, spacing_mm)
        surroundings = _empty_canvas(lower - SURROUNDINGS_MARGIN_MM, upper + SURROUNDINGS_MARGIN_MM, coarse_mm)
        paint_thorax(surroundings, heart, patient)
        near = part_of(surroundings, heart.lower_mm_xyz - VESSELS_MM, heart.upper_mm_xyz + VESSELS_MM)
        if near is not None:
            paint_heart(near, heart, patient)
        paint_implants(surroundings, heart, tree, patient)
    return Anatomy(patient, heart, tree, fine, surroundings, plaques)


def _empty_canvas(lower: np.ndarray, upper: np.ndarray, spacing_mm: float) -> Canvas:
    canvas = Canvas.filled(lower, upper, spacing_mm, -1000.0)
    canvas.layers["calcium_fraction"] = np.zeros(canvas.hu.shape, np.float32)
    for name in ("calcium", "coronary", "distractor"):
        canvas.layers[name] = np.zeros(canvas.hu.shape, np.uint8)
    return canvas


def scan_anatomy(anatomy: Anatomy, settings: ScanSettings) -> Volume:
    """The CT of a painted patient. Moves the anatomy to where the scan shows it, so label it afterwards."""
    patient = anatomy.patient
    move_slabs(anatomy.fine, settings)
    hu = scan(anatomy.fine, patient, settings, patient.rng(f"noise{patient.contrast}"), anatomy.surroundings)
    move_labels(anatomy.fine, settings)
    return Volume(hu, settings.geometry, _acquisition(patient, settings), f"simulated-{patient.seed}")


def truth_of(anatomy: Anatomy, settings: ScanSettings) -> Truth:
    """What was painted and how it is scanned."""
    landmarks = {}
    for name in LANDMARKS:
        x, y, z = getattr(anatomy.heart, f"{name}_mm")
        landmarks[name] = (float(x), float(y), float(z))
    scores = agatston_without_contrast(anatomy.tree, anatomy.patient, anatomy.fine.spacing_mm)
    volumes = _calcium_volumes(anatomy.fine)
    return Truth(anatomy.patient, settings, anatomy.plaques, volumes, scores, landmarks)


def _calcium_volumes(canvas: Canvas) -> dict[str, float]:
    calcium, fraction = canvas.layers["calcium"], canvas.layers["calcium_fraction"]
    voxel = canvas.geometry.voxel_volume_mm3
    return {v.label: float(fraction[calcium == v].sum() * voxel) for v in NAMED_VESSELS}


def _acquisition(patient: Patient, settings: ScanSettings) -> Acquisition:
    return Acquisition(
        modality="CT",
        kvp=float(patient.kvp),
        slice_thickness_mm=settings.psf_z_fwhm_mm,
        kernel=settings.kernel,
        manufacturer="CACNet simulator",
        contrast_agent="simulated iodine" if patient.contrast else None,
        series_description="Simulated CCTA" if patient.contrast else "Simulated CT without contrast",
        patient_age_years=float(patient.age_years),
        patient_sex=patient.sex,
    )


def label(anatomy: Anatomy, settings: ScanSettings, geometry: Geometry) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Calcium, coronary and distractor labels of a grid: what fills at least half of a voxel.

    Of calcium it is what `move_labels` has made of it, with which a plaque's label has the plaque's volume.

    Calcium lies inside the coronary label, a voxel is calcium or a distractor, never both, and what lies outside the
    scan's circle is nothing.
    """
    layers = anatomy.fine.layers
    calcium = label_by_coverage(anatomy.fine, layers["calcium"], layers["calcium_fraction"], geometry)
    coronary = label_by_coverage(anatomy.fine, layers["coronary"], None, geometry)
    coronary = np.where(calcium > 0, calcium, coronary)
    join_vessels(coronary)
    drop_loose_specks(coronary, calcium)
    calcium = np.where(calcium > 0, coronary, np.uint8(0))
    distractor = label_by_coverage(anatomy.fine, layers["distractor"], None, geometry)
    if anatomy.surroundings is not None:
        around = anatomy.surroundings
        outside = label_by_coverage(around, around.layers["distractor"], None, geometry)
        outside[_window(anatomy.fine, geometry)] = 0
        distractor = np.where(distractor > 0, distractor, outside)
    distractor[calcium > 0] = 0
    padding = outside_field(settings, geometry)
    for labels in (calcium, coronary, distractor):
        labels[:, padding] = 0
    return calcium, coronary, distractor


def _window(canvas: Canvas, geometry: Geometry) -> tuple[slice, slice, slice]:
    """The voxels of a grid whose centres lie on the canvas."""
    result = []
    for axis, source in zip(axes_of(geometry), axes_of(canvas.geometry), strict=True):
        inside = (axis.centres_mm >= source.start_mm) & (axis.centres_mm <= source.centres_mm[-1])
        first = int(np.argmax(inside))
        result.append(slice(first, first + int(inside.sum())))
    return tuple(result)  # type: ignore[return-value]


def label_by_coverage(
    canvas: Canvas, numbers: np.ndarray, fraction: np.ndarray | None, geometry: Geometry
) -> np.ndarray:
    """(z, y, x) uint8 on `geometry`: the label that fills a voxel most, where all together fill at least half of it.

    Args:
        numbers: uint8 label of each canvas voxel; fraction: how much of it is filled (None: all of it).
    """
    total = np.zeros(geometry.shape_zyx, np.float32)
    most, winner = np.zeros_like(total), np.zeros(geometry.shape_zyx, np.uint8)
    for number, found in enumerate(ndimage.find_objects(numbers), start=1):
        axes = None if found is None else overlap(found, axes_of(canvas.geometry), axes_of(geometry))
        if axes is None:
            continue
        part, target, weights = axes
        amount = (numbers[part] == number).astype(np.float32)
        if fraction is not None:
            amount *= fraction[part]
        share = resample(amount, weights)
        total[target] += share
        ahead = share > most[target]
        winner[target][ahead] = number
        most[target][ahead] = share[ahead]
    # The weights sum to one only up to rounding.
    winner[total < 0.5 - 1e-5] = 0
    return winner


def write_scan(scanned: SimulatedScan, folder: Path | str) -> Path:
    """Write ct, calcium, coronary and distractors (.nii.gz) and truth.json; raises UnwritableOutputError."""
    folder = Path(folder)
    geometry = scanned.volume.geometry
    record = truth_record(scanned.truth, scanned.volume.source)
    arrays = {
        "ct": scanned.volume.hu,
        "calcium": scanned.calcium,
        "coronary": scanned.coronary,
        "distractors": scanned.distractor,
    }
    with staged_folder(folder) as staging:
        for name, array in arrays.items():
            write_image(to_sitk(array, geometry), staging / f"{name}.nii.gz")
        (staging / "truth.json").write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return folder


def truth_record(truth: Truth, source: str) -> dict[str, Any]:
    """The truth as JSON can hold it."""
    plain = json.loads(json.dumps(asdict(truth), default=_plain))
    return {"schema_version": SCHEMA_VERSION, "simulated": True, "source": source, **plain}


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise SimulationError(f"a {type(value).__name__} in the truth of a scan", "numbers, text and arrays")
