"""The table of all lesions of a case, true and found: where each lies, what it touches, what a false one lies on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from cacnet.anatomy import Vessel
from cacnet.evaluation.lesion_matching import Matching, Side
from cacnet.evaluation.truth import TrueLabels
from cacnet.volume import Geometry

TRUE, FOUND = "true", "found"
ARTERY, ELSEWHERE, UNKNOWN = "artery without calcium", "elsewhere", "not labelled"


@dataclass(frozen=True)
class LesionRow:
    """One lesion of the truth or of the result.

    Attributes:
        side: 'true' or 'found'.
        number: from 1, in the order of first voxels; each side counts for itself.
        vessel: name of the artery that most of its voxels carry.
        volume_mm3, max_hu: of its voxels above 130 HU.
        r, a, s: centroid, RAS mm.
        partners: numbers of the other side's lesions that it touches; none for a miss or a false positive.
        shared_mm3: its volume inside them.
        other_vessel: artery that the other side gives to most of the shared voxels; empty without partners.
        lies_on: for a false positive, what the truth has there; otherwise empty.
    """

    side: str
    number: int
    vessel: str
    volume_mm3: float
    max_hu: float
    r: float
    a: float
    s: float
    partners: tuple[int, ...]
    shared_mm3: float
    other_vessel: str
    lies_on: str

    @property
    def verdict(self) -> str:
        """'found' or 'missed' for a true lesion, 'right' or 'false positive' for a found one."""
        words = ("missed", "found") if self.side == TRUE else ("false positive", "right")
        return words[bool(self.partners)]

    def to_plain(self) -> dict[str, Any]:
        """For JSON and tables."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> LesionRow:
        """What `to_plain` gave, after a trip through JSON."""
        return cls(**{**plain, "partners": tuple(plain["partners"])})


def lesion_rows(
    matching: Matching, found: np.ndarray, truth: TrueLabels, hu: np.ndarray, geometry: Geometry
) -> tuple[LesionRow, ...]:
    """Rows of all lesions, the true ones first.

    Args:
        matching: of the two calcium masks.
        found: calcium by vessel (z, y, x), as the chain gave it.
        truth: the true labels.
        hu, geometry: of the scan.
    """
    if matching.box is None:
        return ()
    true = np.zeros_like(found) if truth.calcium is None else truth.calcium
    true_rows = _rows(TRUE, matching.true, matching.box, true, found, truth, hu, geometry)
    found_rows = _rows(FOUND, matching.found, matching.box, found, true, truth, hu, geometry)
    return (*true_rows, *found_rows)


def _rows(
    name: str,
    side: Side,
    around: tuple[slice, ...],
    own: np.ndarray,
    other: np.ndarray,
    truth: TrueLabels,
    hu: np.ndarray,
    geometry: Geometry,
) -> list[LesionRow]:
    rows = []
    for number, local in enumerate(ndimage.find_objects(side.labels), start=1):
        mask = side.labels[local] == number
        box = tuple(slice(a.start + b.start, a.start + b.stop) for a, b in zip(around, local, strict=True))
        index = np.argwhere(mask).mean(axis=0) + [s.start for s in box]
        left, posterior, superior = (float(v) for v in geometry.index_to_lps(index))
        partners = side.partners[number - 1]
        shared = mask & (other[box] > 0)
        rows.append(
            LesionRow(
                side=name,
                number=number,
                vessel=_vessel(own[box][mask]),
                volume_mm3=float(side.volume_mm3[number - 1]),
                max_hu=float(hu[box][mask].max()),
                r=-left,
                a=-posterior,
                s=superior,
                partners=partners,
                shared_mm3=float(side.shared_mm3[number - 1]),
                other_vessel=_vessel(other[box][shared]) if partners else "",
                lies_on="" if partners or name == TRUE else _ground(mask, box, truth),
            )
        )
    return rows


def _vessel(labels: np.ndarray) -> str:
    return Vessel(int(np.bincount(labels).argmax())).label


def _ground(mask: np.ndarray, box: tuple[slice, ...], truth: TrueLabels) -> str:
    """What a false positive was taken for: the structure that most of its voxels within one voxel of it belong to."""
    wide = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in box)
    padding = [(s.start - w.start, 1) for s, w in zip(box, wide, strict=True)]
    grown = ndimage.binary_dilation(np.pad(mask, padding))
    if truth.distractors is None and truth.coronary is None:
        return UNKNOWN
    if truth.distractors is not None:
        kinds = truth.distractors[wide][_cut(grown, truth.distractors[wide])]
        if kinds.any():
            return truth.distractor_name(int(np.bincount(kinds[kinds > 0]).argmax()))
    if truth.coronary is None:
        return UNKNOWN
    near = truth.coronary[wide]
    return ARTERY if (near[_cut(grown, near)] > 0).any() else ELSEWHERE


def _cut(grown: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Without what lies beyond the volume's far faces."""
    z, y, x = to.shape
    return grown[:z, :y, :x]
