"""Stanford's COCA, the gated part: patient/<id>/<series>/*.dcm and calcium_xml/<id>.xml; non-contrast scans.

An outline is drawn around calcium, not on it: the label is what reaches 130 HU inside (Agatston 1990). On which slice
an outline lies is found from its position; an export without positions counts slices from the feet or from the head.
Source: the release's layout as public readers of it describe it (neuro-ml/amid, stanford_coca.py, among others).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.dataset.coca_outlines import Outline, read_outlines
from cacnet.dataset.errors import IncompleteCaseError, LabelError
from cacnet.dataset.scan import LabelledScan, Provenance
from cacnet.dataset.source import SourceCase, pseudonym
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity
from cacnet.reading import ReadingError, list_series, read_ct
from cacnet.scoring.protocol import AGATSTON_BANDS_HU
from cacnet.volume import Geometry, Volume

LAYOUT = "coca"
IMAGES, OUTLINES = "patient", "calcium_xml"
RELEASE_FOLDER = "Gated_release_final"
CALCIUM_FROM_HU = AGATSTON_BANDS_HU[0]
MIN_BRIGHT_SHARE = 0.5
"""Where fewer of the outlines than this hold any calcium, they lie on the wrong slices or another scan."""

PAINTING_ORDER = (Vessel.UNASSIGNED, Vessel.RCA, Vessel.LCX, Vessel.LAD, Vessel.LM)
"""Where outlines overlap, the later wins: the left main is short, and its outline is drawn over the LAD's beginning."""

PROVENANCE = Provenance(LAYOUT, f"voxels of at least {CALCIUM_FROM_HU:g} HU inside the outlines of a reader")


@dataclass(frozen=True)
class CocaCase:
    """A patient: its folder of DICOM series and its outlines, either of which may be missing."""

    name: str
    images: Path
    outlines: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The outlines and every file of the patient's folder."""
        images = sorted(path for path in self.images.rglob("*") if path.is_file()) if self.images.is_dir() else []
        return (*([self.outlines] if self.outlines.is_file() else []), *images)

    def case_id(self) -> str:
        """'coca-0012' for the release's number 12; a pseudonym from the outlines for any other name."""
        self._require_complete()
        return f"coca-{int(self.name):04d}" if _is_number(self.name) else pseudonym(self.outlines)

    def read(self) -> LabelledScan:
        """The series that the outlines fit on, and the calcium inside them."""
        case_id = self.case_id()
        outlines, findings = read_outlines(self.outlines)
        misfit: CacnetError | None = None
        for uid in self._series():
            try:
                volume = read_ct(self.images, series_uid=uid)
                calcium, more = calcium_inside(outlines, volume)
            except (ReadingError, LabelError) as error:
                misfit = misfit or error
                continue
            return LabelledScan(case_id, volume, calcium, None, None, PROVENANCE, (*findings, *more))
        raise misfit or IncompleteCaseError(f"the patient {self.name} has no CT series", "the series of the outlines")

    def _series(self) -> tuple[str | None, ...]:
        """Every usable series, the best first; where none is, the reader is to say why."""
        usable = [series.uid for series in list_series(self.images) if series.usable is None]
        return tuple(dict.fromkeys(usable)) or (None,)

    def _require_complete(self) -> None:
        if not self.outlines.is_file():
            raise IncompleteCaseError(
                f"there are no outlines '{OUTLINES}/{self.outlines.name}'",
                "one file for each patient; without it, it is not known whether there is calcium",
                "Leave the patient out, or add a file with an empty list 'Images' if you know that there is none",
            )
        if not self.images.is_dir():
            raise IncompleteCaseError(f"there is no folder '{IMAGES}/{self.name}' with the CT", "a DICOM series")


def recognises(folder: Path) -> bool:
    """Whether the folder, or the release's main folder in it, looks like COCA."""
    return _root(folder) is not None


def list_cases(folder: Path) -> tuple[SourceCase, ...]:
    """The patients with a CT or outlines or both, by number."""
    root = _root(folder)
    if root is None:
        raise IncompleteCaseError(f"'{folder.name}' has no folder '{OUTLINES}'", f"'{IMAGES}' and '{OUTLINES}'")
    images = [path.name for path in (root / IMAGES).iterdir() if path.is_dir()] if (root / IMAGES).is_dir() else []
    names = {name for name in images if not name.startswith(".")}
    names |= {path.stem for path in (root / OUTLINES).glob("*.xml") if not path.name.startswith(".")}
    ordered = sorted(names, key=lambda name: (not _is_number(name), int(name) if _is_number(name) else 0, name))
    return tuple(CocaCase(name, root / IMAGES / name, root / OUTLINES / f"{name}.xml") for name in ordered)


def calcium_inside(outlines: Sequence[Outline], volume: Volume) -> tuple[np.ndarray, tuple[Finding, ...]]:
    """The calcium of a volume inside outlines, as LabelledScan has it, and what is to be said about them.

    Raises:
        LabelError: the outlines do not lie on calcium of this volume, however the slices are counted.
    """
    for code, place in _PLACEMENTS.items():
        slices = place(outlines, volume)
        if slices is None or not all(0 <= z < volume.hu.shape[0] for z in slices):
            continue
        calcium, dark, shared = _paint(outlines, slices, volume)
        if len(outlines) - dark >= MIN_BRIGHT_SHARE * len(outlines):
            return calcium, tuple(_findings(code, dark, shared))
    raise LabelError(
        f"the {len(outlines)} outlines do not lie on calcium of this scan",
        f"voxels of {CALCIUM_FROM_HU:g} HU in at least half of them",
        "Check that outlines and CT are of the same patient and series",
    )


def _by_position(outlines: Sequence[Outline], volume: Volume) -> list[int] | None:
    centres = [outline.centre_mm_lps for outline in outlines]
    if any(centre is None for centre in centres):
        return None
    if not centres:
        return []
    return [int(z) for z in np.rint(volume.geometry.lps_to_index(np.array(centres))[:, 0])]


def _from_feet(outlines: Sequence[Outline], volume: Volume) -> list[int] | None:
    return _counted(outlines, volume, _feet_first(volume.geometry))


def _from_head(outlines: Sequence[Outline], volume: Volume) -> list[int] | None:
    return _counted(outlines, volume, not _feet_first(volume.geometry))


_PLACEMENTS: dict[str, Callable[[Sequence[Outline], Volume], list[int] | None]] = {
    "position": _by_position,
    "slices-counted-from-feet": _from_feet,
    "slices-counted-from-head": _from_head,
}
"""Ways to find the slices of outlines, the most reliable first."""


def _counted(outlines: Sequence[Outline], volume: Volume, rising: bool) -> list[int] | None:
    """Slices from their index; None where there is none, or where slices were put in that the export did not count."""
    indices = [outline.image_index for outline in outlines if outline.image_index is not None]
    interpolated = any(finding.code == "slices-missing" for finding in volume.reading_findings)
    if len(indices) < len(outlines) or interpolated:
        return None
    return indices if rising else [volume.hu.shape[0] - 1 - index for index in indices]


def _feet_first(geometry: Geometry) -> bool:
    """Whether the z index rises towards the head."""
    return geometry.direction_lps[8] > 0


def _paint(outlines: Sequence[Outline], slices: Sequence[int], volume: Volume) -> tuple[np.ndarray, int, int]:
    """The labels, how many outlines hold no calcium, and how many voxels lie in outlines of several arteries."""
    calcium = np.zeros(volume.hu.shape, np.uint8)
    dark = shared = 0
    for outline, z in sorted(zip(outlines, slices, strict=True), key=lambda item: PAINTING_ORDER.index(item[0].vessel)):
        rows, columns = _pixels_inside(outline.points_xy, calcium.shape[1:])
        bright = volume.hu[z, rows, columns] >= CALCIUM_FROM_HU
        rows, columns = rows[bright], columns[bright]
        dark += not len(rows)
        before = calcium[z, rows, columns]
        shared += int(np.count_nonzero((before > 0) & (before != outline.vessel)))
        calcium[z, rows, columns] = outline.vessel
    return calcium, dark, shared


def _pixels_inside(points_xy: np.ndarray, shape_yx: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels whose centres an outline encloses; of its points where it encloses none."""
    from skimage.draw import polygon

    rows, columns = polygon(points_xy[:, 1], points_xy[:, 0], shape_yx)
    if len(rows):
        return rows, columns
    points = np.unique(np.rint(points_xy[:, ::-1]).astype(int), axis=0)
    inside = ((points >= 0) & (points < shape_yx)).all(axis=1)
    return points[inside, 0], points[inside, 1]


def _findings(placement: str, dark: int, shared: int) -> Iterable[Finding]:
    if placement != "position":
        message = (
            "The outlines have no usable positions, so their slices were counted. Look at the case before using it."
        )
        yield Finding(placement, Severity.WARNING, message)
    if dark:
        message = f"{dark} outlines hold no voxel of {CALCIUM_FROM_HU:g} HU and label nothing."
        yield Finding("outline-dark", Severity.WARNING, message)
    if shared:
        message = f"{shared} voxels lie in outlines of several arteries; the left main, then the LAD, took them."
        yield Finding("outlines-overlap", Severity.NOTE, message)


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) <= 9


def _root(folder: Path) -> Path | None:
    candidates = (folder, folder / RELEASE_FOLDER)
    return next((root for root in candidates if (root / OUTLINES).is_dir()), None)
