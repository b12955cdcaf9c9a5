"""What is to be said about a volume before it is segmented: errors stop it, warnings go beside the scores.

Every check is one function that yields findings; `check` runs them in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np

from cacnet.contrast import CCTA_FROM_HU, WEAK_FROM_HU, NoBloodPoolError, Phase, blood_pool
from cacnet.findings import Finding, Severity
from cacnet.volume import Volume

MIN_VOXELS_PER_AXIS = 16
MANY_VOXELS = 500_000_000
"""Five times a usual CCTA (512 × 512 × 400): 1 GB as int16, and several times that while it is segmented."""

MIN_EXTENT_MM = 40.0
"""Less than a third of a heart: no coronary artery could be followed."""

HEART_EXTENT_MM = 100.0
"""An adult heart measures 120–140 mm along and 80–100 mm across."""

THICK_INCREMENT_MM = 1.0
"""CCTA is reconstructed at 0.5–0.75 mm; SCCT asks for slices below 1 mm (Abbara 2016, 10.1016/j.jcct.2016.10.002)."""

TOO_THICK_INCREMENT_MM = 5.0
"""Slices thicker than the arteries (3–5 mm): a calcium is not followed from slice to slice."""

SPACING_TOLERANCE = 0.01
OBLIQUE_DEGREES = 5.0
SLICE_AXIS_RATIO = 1.25
"""One spacing this much larger than the others is that between slices; otherwise no axis is special."""

REFERENCE_KVP = 120.0

FAT_AND_AIR_BELOW_HU = -30.0
MIN_FAT_AND_AIR_SHARE = 0.001
"""Every chest holds fat (-100 HU) and air; stored values without their rescale intercept have nothing below zero."""

SOFT_TISSUE_HU = (-200.0, 300.0)
MIN_SOFT_TISSUE_SHARE = 0.02
"""A heart fills several percent of any field of view around it; with an intercept applied twice hardly any does."""

SATURATED_FROM_HU = 1000.0
SATURATED_SHARE = 0.0005
WRAPPED_HIGH_HU = 2000
WRAPPED_LOW_HU = -1000
WRAPPED_VOXELS, WRAPPED_REACH = 10, 8
"""Neighbours that jump by 3000 HU: the scanner's blur forbids it, an overflow of stored values makes it."""


def check(volume: Volume) -> tuple[Finding, ...]:
    """All findings on a volume, those of the reader first.

    The blood pool is not measured where the values are no Hounsfield units or the volume is too small.
    """
    findings = [*volume.reading_findings]
    for checks in (_modality, _size, _field_of_view, _slices, _grid, _tube_voltage, _values):
        findings.extend(checks(volume))
    if not has_errors(findings):
        findings.extend(_overflow(volume))
        findings.extend(_contrast(volume))
    return tuple(findings)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether the volume must not be segmented."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def exit_code(findings: Iterable[Finding]) -> int:
    """What `cacnet check` returns: 0 fine (notes at most), 1 warnings, 2 unusable."""
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return 2
    return 1 if Severity.WARNING in severities else 0


def _modality(volume: Volume) -> Iterator[Finding]:
    modality = volume.acquisition.modality
    if modality is None:
        message = "The file does not say how the image was made; it is taken to be CT in Hounsfield units."
        yield Finding("modality-unknown", Severity.NOTE, message)
    elif modality != "CT":
        yield Finding("modality-not-ct", Severity.ERROR, f"The image is of modality {modality}; a CT is needed.")


def _size(volume: Volume) -> Iterator[Finding]:
    shape = " × ".join(str(size) for size in volume.hu.shape[::-1])
    if min(volume.hu.shape) < MIN_VOXELS_PER_AXIS:
        message = (
            f"The volume has only {shape} voxels; at least {MIN_VOXELS_PER_AXIS} are needed along every axis. "
            "Choose the series that covers the whole heart."
        )
        yield Finding("too-few-slices", Severity.ERROR, message)
    if volume.hu.size > MANY_VOXELS:
        message = f"The volume is very large ({shape} voxels): segmentation will be slow. Crop it to the heart."
        yield Finding("very-large", Severity.WARNING, message)


def _field_of_view(volume: Volume) -> Iterator[Finding]:
    extent = volume.geometry.extent_mm_zyx
    shown = " × ".join(f"{mm:.0f}" for mm in extent[::-1])
    if min(extent) < MIN_EXTENT_MM:
        message = f"The field of view is {shown} mm, too small for a heart. Choose a series that covers the heart."
        yield Finding("field-of-view-too-small", Severity.ERROR, message)
    elif min(extent) < HEART_EXTENT_MM:
        message = (
            f"The field of view is {shown} mm; a heart needs about {HEART_EXTENT_MM:.0f} mm or more along every axis. "
            "Parts of the coronary arteries may be cut off and their calcium missing from the score."
        )
        yield Finding("field-of-view-small", Severity.WARNING, message)


def _slices(volume: Volume) -> Iterator[Finding]:
    increment = max(volume.geometry.spacing_mm_zyx)
    thickness = volume.acquisition.slice_thickness_mm
    if increment > TOO_THICK_INCREMENT_MM * (1 + SPACING_TOLERANCE):
        message = (
            f"The slices are {increment:.3g} mm apart; more than {TOO_THICK_INCREMENT_MM:.0f} mm cannot be segmented. "
            "Choose a thin reconstruction of the same scan (0.5–1 mm)."
        )
        yield Finding("slice-increment-too-thick", Severity.ERROR, message)
    elif increment > THICK_INCREMENT_MM * (1 + SPACING_TOLERANCE):
        message = (
            f"The slices are {increment:.3g} mm apart; {THICK_INCREMENT_MM:.0f} mm or less is expected. Small calcium "
            "is blurred into its surroundings and missed. Choose a thinner reconstruction if there is one."
        )
        yield Finding("slice-increment-thick", Severity.WARNING, message)
    elif thickness is not None and thickness > THICK_INCREMENT_MM * (1 + SPACING_TOLERANCE):
        message = (
            f"The slices are {thickness:.3g} mm thick, although only {increment:.3g} mm apart: small calcium is "
            "blurred and missed. Choose a thinner reconstruction if there is one."
        )
        yield Finding("slice-thickness-thick", Severity.WARNING, message)
    if thickness is not None and thickness < increment * (1 - 10 * SPACING_TOLERANCE):
        message = (
            f"There are gaps between the slices: they are {thickness:.3g} mm thick and {increment:.3g} mm apart. "
            "Calcium between them is not seen. Choose a reconstruction without gaps."
        )
        yield Finding("slice-gaps", Severity.WARNING, message)


def _grid(volume: Volume) -> Iterator[Finding]:
    spacing_xyz = np.asarray(volume.geometry.spacing_mm_zyx[::-1])
    small, middle, large = np.sort(spacing_xyz)
    if min(middle - small, large - middle) > SPACING_TOLERANCE * large:
        shown = " × ".join(f"{mm:.3g}" for mm in spacing_xyz)
        message = f"The pixels are not square (voxels of {shown} mm); they are resampled."
        yield Finding("pixels-not-square", Severity.NOTE, message)
    axes = np.abs(np.asarray(volume.geometry.direction_lps).reshape(3, 3))
    tilt = float(np.degrees(np.arccos(np.clip(axes.max(axis=0).min(), 0, 1))))
    if tilt > OBLIQUE_DEGREES:
        message = (
            f"The volume lies oblique in the patient (by {tilt:.0f}°); it is resampled to axial slices for "
            "segmentation. Scores of thresholded slices refer to its own slices."
        )
        yield Finding("orientation-oblique", Severity.NOTE, message)
    elif large > SLICE_AXIS_RATIO * middle and np.argmax(axes[:, np.argmax(spacing_xyz)]) != 2:
        message = "The slices are not axial; Agatston scores are defined on axial slices. Prefer the axial series."
        yield Finding("orientation-not-axial", Severity.WARNING, message)


def _tube_voltage(volume: Volume) -> Iterator[Finding]:
    kvp = volume.acquisition.kvp
    if kvp is None:
        message = (
            f"The tube voltage is not known; {REFERENCE_KVP:.0f} kVp is assumed. Calcium and contrast are brighter at "
            "lower voltages, so thresholds and mass depend on it."
        )
        yield Finding("kvp-unknown", Severity.NOTE, message)
    elif kvp != REFERENCE_KVP:
        message = (
            f"The tube voltage is {kvp:g} kVp; Agatston thresholds and mass factors are defined at {REFERENCE_KVP:.0f} "
            "kVp. Choose a protocol for this voltage; scores are not comparable otherwise."
        )
        yield Finding("kvp-not-120", Severity.WARNING, message)


def _values(volume: Volume) -> Iterator[Finding]:
    """Whether the values are Hounsfield units, from every fourth voxel along each axis of a large volume."""
    step = 4 if volume.hu.size > 1_000_000 else 1
    sample = volume.hu[::step, ::step, ::step]
    low, high = float(sample.min()), float(sample.max())
    action = "Export the series again with its rescale slope and intercept (as Hounsfield units)."
    if low == high:
        if low == float(volume.hu.min()) and high == float(volume.hu.max()):
            yield Finding("constant-volume", Severity.ERROR, f"Every voxel has the value {low:g}; there is no image.")
        return
    below = np.count_nonzero(sample < FAT_AND_AIR_BELOW_HU) / sample.size
    soft = np.count_nonzero((sample >= SOFT_TISSUE_HU[0]) & (sample <= SOFT_TISSUE_HU[1])) / sample.size
    if below < MIN_FAT_AND_AIR_SHARE:
        message = (
            f"The values ({low:g} to {high:g}) are no Hounsfield units: hardly any is negative, although fat is about "
            f"-100 HU and air -1000 HU; they look like stored values without rescaling. {action}"
        )
        yield Finding("hu-not-calibrated", Severity.ERROR, message)
    elif soft < MIN_SOFT_TISSUE_SHARE:
        message = (
            f"The values ({low:g} to {high:g}) are no Hounsfield units: only {100 * soft:.1f}% lie between "
            f"{SOFT_TISSUE_HU[0]:.0f} and {SOFT_TISSUE_HU[1]:.0f} HU, where a heart's tissue is. {action}"
        )
        yield Finding("hu-not-calibrated", Severity.ERROR, message)


def _overflow(volume: Volume) -> Iterator[Finding]:
    top = volume.hu.max()
    if top >= SATURATED_FROM_HU:
        share = np.count_nonzero(volume.hu == top) / volume.hu.size
        if share > SATURATED_SHARE:
            message = (
                f"{100 * share:.2f}% of the voxels have the highest value, {top:g} HU: brighter values were cut off. "
                "Mean and mass of dense calcium are too low."
            )
            yield Finding("hu-saturated", Severity.WARNING, message)
    holes = _wrapped_voxels(volume.hu) if top >= WRAPPED_HIGH_HU else 0
    if holes > WRAPPED_VOXELS:
        message = (
            f"{holes} voxels below {WRAPPED_LOW_HU} HU lie within something above {WRAPPED_HIGH_HU} HU: very bright "
            "values (metal, dense calcium) seem to have overflowed. Export the series again with extended CT numbers."
        )
        yield Finding("hu-wrapped", Severity.WARNING, message)


def _wrapped_voxels(hu: np.ndarray) -> int:
    """Voxels as dark as air with something extremely bright near on all four sides within the slice.

    Metal on the skin has air beside it as well, on one side.
    """
    holes = 0
    for plane in hu[(hu >= WRAPPED_HIGH_HU).any(axis=(1, 2))]:
        bright, dark = plane >= WRAPPED_HIGH_HU, plane <= WRAPPED_LOW_HU
        for axis, backwards in product((0, 1), (False, True)):
            dark = dark & _seen_along(bright, axis, backwards)
        holes += int(np.count_nonzero(dark))
    return holes


def _seen_along(bright: np.ndarray, axis: int, backwards: bool) -> np.ndarray:
    """Where one of the next WRAPPED_REACH voxels along an axis is bright."""
    ahead = np.zeros_like(bright)
    towards, at = (np.flip(a, axis) if backwards else a for a in (bright, ahead))
    for step in range(1, WRAPPED_REACH + 1):
        here, there = [slice(None)] * 2, [slice(None)] * 2
        here[axis], there[axis] = slice(None, -step), slice(step, None)
        at[tuple(here)] |= towards[tuple(there)]
    return ahead


def _contrast(volume: Volume) -> Iterator[Finding]:
    try:
        blood = blood_pool(volume)
    except NoBloodPoolError:
        message = (
            "The blood in the heart could not be measured, so it is not known whether this is a coronary CT "
            "angiography. Check that the whole heart is in the field of view and contrast agent was given."
        )
        yield Finding("contrast-unknown", Severity.WARNING, message)
        return
    measured = f"The blood in the heart is about {blood.median_hu:.0f} HU (SD {blood.sd_hu:.0f})"
    if blood.phase is Phase.NON_CONTRAST:
        message = (
            f"{measured}: a scan without contrast agent (below {WEAK_FROM_HU:.0f} HU). CAC-Net is trained for coronary "
            "CT angiography; for such a scan score with the standard 130 HU protocol and a checked mask."
        )
        yield Finding("contrast-none", Severity.WARNING, message)
    elif blood.phase is Phase.WEAK:
        message = (
            f"{measured}; coronary CT angiography has {CCTA_FROM_HU:.0f} HU or more. Contrast is weak or of another "
            "phase (a routine chest CT?): vessels are hard to follow and calcium may be missed. Check every lesion."
        )
        yield Finding("contrast-weak", Severity.WARNING, message)
    else:
        yield Finding("contrast-ccta", Severity.NOTE, f"{measured}: contrast of a coronary CT angiography.")
