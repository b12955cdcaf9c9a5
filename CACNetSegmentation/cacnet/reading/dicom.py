"""DICOM folders: which series they hold, which one is read, and its pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from cacnet.findings import Finding, Severity
from cacnet.progress import Progress
from cacnet.reading.errors import (
    NoImageFoundError,
    NotCtError,
    ReadingError,
    UnreadableImageError,
    UnsupportedShapeError,
)
from cacnet.reading.headers import Scan, SliceHeader, scan_folder
from cacnet.reading.hounsfield import padding_finding, stack_hu
from cacnet.reading.quiet import quiet
from cacnet.reading.stack import MIN_SLICES, Stack, build_stack, count_positions, neighbours, slice_normal
from cacnet.volume import Acquisition, Volume

AXIAL_COSINE = 0.9
"""A normal within about 25° of the body's axis is axial; cardiac short-axis and sagittal reconstructions are not."""

MOST_COMPRESSION = 4096
"""An empty slice shrinks a thousandfold; a header that claims more would only take memory."""

HOUNSFIELD_TYPES = ("", "HU", "US", "HU_MOD")
"""RescaleType (DICOM PS3.3 C.11.1.1.2) of CT numbers; 'US' is unspecified. Others, as 'MGML', are material maps."""


@dataclass(frozen=True)
class Series:
    """Images of a folder that share a series UID, an orientation and a size.

    Attributes:
        uid: SeriesInstanceUID, to choose with; keep it out of reports.
        usable: None, or why it cannot be segmented ('localizer', '2 positions', 'MR').
        slices: headers, in no order.
    """

    uid: str
    number: int
    description: str
    usable: str | None
    slices: tuple[SliceHeader, ...]

    @property
    def label(self) -> str:
        """The series in words: "'CHEST 3.0 B40f' (102 slices of 3 mm)"."""
        thickness = self.slices[0].acquisition.slice_thickness_mm
        count = f"{len(self.slices)} slice{'s' if len(self.slices) > 1 else ''}"
        return f"'{self.description}' ({count}{f' of {thickness:g} mm' if thickness else ''})"


def list_series(folder: Path, progress: Progress) -> tuple[Series, ...]:
    """Every series below `folder`, the best for segmentation first (see `series_rank`).

    Raises:
        NoImageFoundError: there is no DICOM file.
    """
    return _series(scan_folder(folder, progress))


def read_dicom(folder: Path, series_uid: str | None, progress: Progress) -> Volume:
    """The best, or the chosen, CT series below `folder`.

    Raises:
        ReadingError: one of the errors of `cacnet.reading.errors`.
    """
    scan = scan_folder(folder, progress)
    series = _series(scan)
    chosen = _choose(folder, series, scan, series_uid)
    stack = build_stack(chosen.slices)
    _require_readable(chosen)
    hu, padding_voxels = stack_hu(_pixels(stack, progress), stack.geometry.shape_zyx)
    for gap, low, high in neighbours(stack.slots):
        weight = (gap - low) / (high - low)
        between = (1 - weight) * hu[low] + weight * hu[high]
        hu[gap] = np.rint(between) if hu.dtype == np.int16 else between
    progress("read", 1.0)
    findings = (
        *stack.findings,
        *_header_findings(chosen, scan),
        *padding_finding(padding_voxels, hu.size),
        *_selection_findings(chosen, series, scan),
    )
    return Volume(hu, stack.geometry, _common_acquisition(chosen), folder.name, findings)


def series_rank(series: Series) -> tuple[bool, bool, bool, int, float, int]:
    """Sort key, best first: usable; axial; one phase; most positions; thinnest; lowest series number.

    Most positions prefers a thin reconstruction of the whole heart over a thick one and over calcium-score scans.
    """
    axial = abs(slice_normal(series.slices[0])[2]) >= AXIAL_COSINE
    thickness = series.slices[0].acquisition.slice_thickness_mm or np.inf
    positions = count_positions(series.slices)
    several_phases = len(series.slices) >= 2 * positions
    return series.usable is not None, not axial, several_phases, -positions, thickness, series.number


def _series(scan: Scan) -> tuple[Series, ...]:
    groups: dict[tuple, list[SliceHeader]] = {}
    for header in scan.slices:
        plane = tuple(np.round(header.axes_lps, 2)) + tuple(np.round(header.spacing_mm_yx, 4)) + header.shape_yx
        groups.setdefault((header.series_uid, header.modality, "LOCALIZER" in header.image_type, plane), []).append(
            header
        )
    series = []
    for slices in groups.values():
        first = slices[0]
        description = first.acquisition.series_description or f"series {first.series_number}"
        series.append(Series(first.series_uid, first.series_number, description, _unusable(slices), tuple(slices)))
    return tuple(sorted(series, key=series_rank))


def _unusable(slices: Sequence[SliceHeader]) -> str | None:
    if slices[0].modality != "CT":
        return slices[0].modality
    if "LOCALIZER" in slices[0].image_type:
        return "localizer"
    positions = count_positions(slices)
    if positions < MIN_SLICES:  # A scout, a bolus-tracking series or a single picture.
        return f"{positions} position{'s' if positions > 1 else ''}"
    return None


def _choose(folder: Path, series: Sequence[Series], scan: Scan, uid: str | None) -> Series:
    candidates = [one for one in series if uid in (None, one.uid)]
    if uid is not None and not candidates:
        raise NoImageFoundError(
            found=f"'{folder.name}' holds no series with the chosen UID",
            expected=f"one of its {len(series)} series",
            action="List the series of the folder and choose one of them",
        )
    if candidates and candidates[0].usable is None:
        return candidates[0]
    modalities = sorted({one.slices[0].modality for one in candidates})
    if candidates and "CT" not in modalities:
        raise NotCtError(
            found=f"'{folder.name}' holds images of modality {', '.join(modalities)}",
            expected="CT",
            action="Choose the folder of the coronary CT angiography",
        )
    parts = [f"{one.label}: {one.usable}" for one in candidates] + _counted(scan.not_images)
    if scan.unreadable:
        parts.append(f"{len(scan.unreadable)} damaged files")
    raise NoImageFoundError(
        found=f"'{folder.name}' holds no CT volume, only {'; '.join(parts[:6])}",
        expected=f"a CT series with slices at {MIN_SLICES} positions or more",
        action="Choose the folder of the CT series itself",
    )


def _counted(kinds: Sequence[str]) -> list[str]:
    return [f"{count} × {kind}" for kind, count in sorted(Counter(kinds).items())]


def _require_readable(series: Series) -> None:
    """What the headers already say against reading the pixels."""
    colours = {header.samples_per_pixel for header in series.slices}
    if colours != {1}:
        raise UnsupportedShapeError(
            found=f"the series {series.label} has {max(colours)} values in every pixel (colour)",
            expected="one CT number in every pixel",
            action="Choose the original CT series, not a coloured rendering of it",
        )
    types = {header.rescale_type.upper() for header in series.slices} - set(HOUNSFIELD_TYPES)
    if types:
        raise NotCtError(
            found=f"the values of the series {series.label} are of type {', '.join(sorted(types))}",
            expected="Hounsfield units",
            action="Choose the conventional (or 120 kVp equivalent) series, not a spectral map",
        )
    for header in series.slices:
        rows, columns = header.shape_yx
        least_bytes = header.stored_bytes or rows * columns * 2 // MOST_COMPRESSION
        if header.path.stat().st_size < least_bytes:
            raise _damaged(header.path)


def _damaged(path: Path) -> UnreadableImageError:
    return UnreadableImageError(
        found=f"the pixels of '{path.name}' cannot be read: it is damaged, cut short, or compressed in an unknown way",
        expected="a complete DICOM image",
        action="Export the series again, uncompressed if that does not help",
    )


def _pixels(stack: Stack, progress: Progress) -> Iterator[tuple[int, np.ndarray, float | None]]:
    """The values of every present slice in HU; a multi-frame file is read once."""
    path, frames = None, np.empty(0)
    for index, header in enumerate(stack.slots):
        progress("read", index / len(stack.slots))
        if header is None:
            continue
        if header.path != path:
            path, frames = header.path, _read_pixels(header.path)
        if frames.ndim != 3 or frames.shape[1:] != header.shape_yx or header.frame >= len(frames):
            raise _damaged(header.path)
        yield index, frames[header.frame], header.padding_hu


def _read_pixels(path: Path) -> np.ndarray:
    """(frames, y, x) in HU: GDCM decompresses and applies the file's own RescaleSlope and RescaleIntercept."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        with quiet():
            return sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        raise _damaged(path) from error


def _common_acquisition(series: Series) -> Acquisition:
    """The first slice's, with the kVp only where all slices agree, and the largest thickness."""
    acquisitions = [header.acquisition for header in series.slices]
    kvps = {acquisition.kvp for acquisition in acquisitions}
    thicknesses = [a.slice_thickness_mm for a in acquisitions if a.slice_thickness_mm is not None]
    return replace(
        acquisitions[0],
        kvp=kvps.pop() if len(kvps) == 1 else None,
        slice_thickness_mm=max(thicknesses, default=None),
    )


def _header_findings(series: Series, scan: Scan) -> Iterator[Finding]:
    if any(header.rescale is None for header in series.slices):
        message = "The headers have no rescale intercept: the stored values are taken as Hounsfield units as they are."
        yield Finding("rescale-missing", Severity.WARNING, message)
    if scan.unreadable:
        message = (
            f"{len(scan.unreadable)} DICOM files are damaged and were left out (the first: '{scan.unreadable[0]}'). "
            "Export the series again if slices are missing."
        )
        yield Finding("files-unreadable", Severity.WARNING, message)


def _selection_findings(chosen: Series, series: Sequence[Series], scan: Scan) -> Iterator[Finding]:
    others = [one for one in series if one is not chosen]
    if others:
        listed = "; ".join(one.label + (f", {one.usable}" if one.usable else "") for one in others[:5])
        more = f"; and {len(others) - 5} more" if len(others) > 5 else ""
        message = (
            f"The series {chosen.label} was read (the best is axial, with the most and the thinnest slices). "
            f"The folder also holds {listed}{more}. To use another, choose one of its files instead of the folder."
        )
        yield Finding("other-series", Severity.NOTE, message)
    if scan.not_images:
        message = f"DICOM objects that are no images were left out: {'; '.join(_counted(scan.not_images))}."
        yield Finding("objects-skipped", Severity.NOTE, message)


def series_of_file(path: Path) -> str:
    """The series UID of one DICOM file.

    Raises:
        ReadingError: it is not a readable DICOM image.
    """
    from cacnet.reading.headers import damaged_header_errors, read_headers

    try:
        headers = [header for header in read_headers(path) if isinstance(header, SliceHeader)]
    except damaged_header_errors() as error:
        raise _not_an_image(path) from error
    if not headers:
        raise _not_an_image(path)
    return headers[0].series_uid


def _not_an_image(path: Path) -> ReadingError:
    return UnreadableImageError(
        found=f"'{path.name}' is no CT image",
        expected="a DICOM folder or file, .nrrd, .nhdr, .nii, .nii.gz, .mha or .mhd",
        action="Choose the folder of the CT series",
    )
