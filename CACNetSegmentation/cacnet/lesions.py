"""Lesions: connected calcium of one artery, with its size, place and score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from cacnet.anatomy import Vessel
from cacnet.bounding_box import Box
from cacnet.errors import CacnetError
from cacnet.scoring.agatston import AgatstonGrid, LesionScore, margin_voxels, score_lesion
from cacnet.scoring.isotropic import isotropic_volume_mm3
from cacnet.scoring.threshold import ResolvedProtocol
from cacnet.sparse_maps import nonzero_index
from cacnet.vessels.places import NOWHERE, Courses, Place, place_of
from cacnet.volume import Geometry, GeometryMismatchError

CELL_VOXELS = 16
"""Edge of the cells by which calcium is grouped; any size is right, this one is quick."""


class UnknownVesselLabelError(CacnetError):
    """A label map holds a number that stands for no artery."""


@dataclass(frozen=True)
class Lesion:
    """One lesion.

    Its description (voxels, HU, slices, place) is of all its voxels in the mask; its scores are of those that reach the
    protocol's threshold and minimum area, so a lesion can exist and score 0 (`counts` is then False).

    Attributes:
        id: from 1, in the order of the lesions' first voxels (z, y, x).
        vessel: the artery of all its voxels.
        voxels, mask_volume_mm3: size of the mask.
        volume_mm3, agatston, mass_mg: scores.
        isotropic_volume_mm3: the volume score (scoring.isotropic_volume_mm3).
        density: mean density factor, 1 to 4; 0 where the lesion scores nothing.
        place: where along its artery it lies.
        max_hu, mean_hu: over the mask.
        slices: number of axial (Agatston) slices that the mask lies in.
        centroid_mm_lps: centre of the mask's voxels.
        start_zyx, stop_zyx: bounding box in the array, stop exclusive.
        confidence: mean calcium probability over the mask, or None where there is none.
    """

    id: int
    vessel: Vessel
    voxels: int
    mask_volume_mm3: float
    volume_mm3: float
    agatston: float
    mass_mg: float
    max_hu: float
    mean_hu: float
    slices: int
    centroid_mm_lps: tuple[float, float, float]
    start_zyx: tuple[int, int, int]
    stop_zyx: tuple[int, int, int]
    confidence: float | None = None
    isotropic_volume_mm3: float = 0.0
    density: float = 0.0
    place: Place = NOWHERE

    @property
    def centroid_mm_ras(self) -> tuple[float, float, float]:
        """The centroid as tables state it."""
        left, posterior, superior = self.centroid_mm_lps
        return -left, -posterior, superior

    @property
    def counts(self) -> bool:
        """Whether any of it reaches the protocol's threshold and minimum area."""
        return self.volume_mm3 > 0

    @property
    def box(self) -> Box:
        """The bounding box as an index into the volume."""
        z, y, x = (slice(a, b) for a, b in zip(self.start_zyx, self.stop_zyx, strict=True))
        return z, y, x


@dataclass(frozen=True, eq=False)
class LesionSet:
    """All lesions of one label map and which voxel belongs to which.

    Attributes:
        lesions: in the order of their ids; `lesions[i].id == i + 1`.
        shape_zyx: shape of the volume.
        indices: for each lesion the sorted int64 flat (C-order) indices of its voxels: calcium fills a thousandth of a
            scan.
    """

    lesions: tuple[Lesion, ...]
    shape_zyx: tuple[int, int, int]
    indices: tuple[np.ndarray, ...]

    @cached_property
    def labels(self) -> np.ndarray:
        """int32 (z, y, x) lesion ids on the whole volume, made when first asked for; 0 is background."""
        whole = np.zeros(self.shape_zyx, dtype=np.int32)
        for lesion, index in zip(self.lesions, self.indices, strict=True):
            whole.ravel()[index] = lesion.id
        return whole

    def id_at(self, index_zyx: tuple[int, int, int]) -> int:
        """Id of the lesion at a voxel; 0 where there is none or the voxel lies outside the volume."""
        if any(not 0 <= i < n for i, n in zip(index_zyx, self.shape_zyx, strict=True)):
            return 0
        flat = int(np.ravel_multi_index(index_zyx, self.shape_zyx))
        for lesion, index in zip(self.lesions, self.indices, strict=True):
            place = int(np.searchsorted(index, flat))
            if place < len(index) and index[place] == flat:
                return lesion.id
        return 0


def find_lesions(
    calcium_vessel_zyx: np.ndarray,
    hu_zyx: np.ndarray,
    geometry: Geometry,
    resolved: ResolvedProtocol,
    probability_zyx: np.ndarray | None = None,
    courses: Courses | None = None,
) -> LesionSet:
    """Lesions of a calcium label map (1 LM, 2 LAD, 3 LCx, 4 RCA, 5 unassigned; 0 background).

    A lesion is a 3-D connected component of voxels with the same vessel number, as orCaScore defines it. Connectivity
    is the protocol's, 26 by default, so that no 2-D island is ever shared by two lesions. Touching calcium of two
    arteries is two lesions: `vessels.assign_calcium` gives a whole lesion one artery, and only a user's own split
    changes that.

    Args:
        calcium_vessel_zyx: integer label map.
        hu_zyx: HU on the same grid.
        geometry: that grid.
        resolved: protocol and threshold of the scores.
        probability_zyx: calcium probability on the same grid, or None.
        courses: centre lines that tell where along its artery a lesion lies, or None.

    Raises:
        GeometryMismatchError: an array without the grid's shape.
        UnknownVesselLabelError: a number other than 0–5.
    """
    _require_shapes(geometry, calcium_vessel_zyx, hu_zyx, probability_zyx)
    voxels = nonzero_index(calcium_vessel_zyx)
    vessels = calcium_vessel_zyx.ravel()[voxels]
    _require_vessels(vessels)
    found = _components(voxels, vessels, geometry.shape_zyx, resolved.protocol.lesion_connectivity)
    lesions = []
    for lesion_id, (index, vessel) in enumerate(found, start=1):
        at = np.unravel_index(index, geometry.shape_zyx)
        inside = np.stack(at, axis=-1)
        box, mask = crop_around(inside, geometry.shape_zyx, margin_voxels(geometry, resolved))
        score = score_lesion(mask, hu_zyx[box], geometry.crop(box), resolved)
        volume_mm3 = isotropic_volume_mm3(mask, hu_zyx[box], geometry, resolved)
        confidence = None if probability_zyx is None else float(probability_zyx[at].mean(dtype=np.float64))
        lesions.append(
            describe_lesion(lesion_id, vessel, inside, hu_zyx[at], geometry, score, volume_mm3, confidence, courses)
        )
    return LesionSet(tuple(lesions), geometry.shape_zyx, tuple(index for index, _ in found))


def crop_around(
    voxels_zyx: np.ndarray, shape_zyx: tuple[int, int, int], margin_zyx: tuple[int, int, int] = (1, 1, 1)
) -> tuple[Box, np.ndarray]:
    """The box that voxels (n, 3) need with a margin on every side, and the voxels as a bool mask on it."""
    low = np.maximum(voxels_zyx.min(axis=0) - margin_zyx, 0)
    high = np.minimum(voxels_zyx.max(axis=0) + 1 + margin_zyx, shape_zyx)
    mask = np.zeros(high - low, dtype=bool)
    mask[tuple((voxels_zyx - low).T)] = True
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return (z, y, x), mask


def describe_lesion(
    lesion_id: int,
    vessel: Vessel,
    voxels_zyx: np.ndarray,
    hu: np.ndarray,
    geometry: Geometry,
    score: LesionScore,
    isotropic_mm3: float,
    confidence: float | None = None,
    courses: Courses | None = None,
) -> Lesion:
    """A lesion from its voxels (n, 3), in the scan's indices, their HU (n,), and its scores."""
    start, stop = voxels_zyx.min(axis=0), voxels_zyx.max(axis=0) + 1
    x, y, z = geometry.index_to_lps(voxels_zyx.mean(axis=0))
    values = hu.astype(np.float64)
    return Lesion(
        id=lesion_id,
        vessel=vessel,
        voxels=len(voxels_zyx),
        mask_volume_mm3=len(voxels_zyx) * geometry.voxel_volume_mm3,
        volume_mm3=score.volume_mm3,
        agatston=score.agatston,
        mass_mg=score.mass_mg,
        max_hu=float(values.max()),
        mean_hu=float(values.mean()),
        slices=len(np.unique(voxels_zyx[:, AgatstonGrid.of(geometry).slice_axis])),
        centroid_mm_lps=(float(x), float(y), float(z)),
        start_zyx=(int(start[0]), int(start[1]), int(start[2])),
        stop_zyx=(int(stop[0]), int(stop[1]), int(stop[2])),
        confidence=confidence,
        isotropic_volume_mm3=isotropic_mm3,
        density=score.density,
        place=place_of((float(x), float(y), float(z)), vessel, courses),
    )


def _components(
    index: np.ndarray, vessels: np.ndarray, shape_zyx: tuple[int, int, int], connectivity: int
) -> list[tuple[np.ndarray, Vessel]]:
    """Sorted flat indices and artery of each lesion, in the order of first voxels. Lesions never mix arteries."""
    neighbours = ndimage.generate_binary_structure(3, 1 if connectivity == 6 else 3)
    pieces: list[tuple[np.ndarray, Vessel]] = []
    for part in neighbourhoods(index, shape_zyx):
        voxels = np.stack(np.unravel_index(index[part], shape_zyx), axis=-1)
        start = voxels.min(axis=0)
        local = tuple((voxels - start).T)
        for vessel in np.unique(vessels[part]):
            own = vessels[part] == vessel
            mask = np.zeros(voxels.max(axis=0) - start + 1, dtype=bool)
            mask[tuple(axis[own] for axis in local)] = True
            labels, count = ndimage.label(mask, neighbours)
            number = labels[local]
            number[~own] = 0
            pieces += [(index[part][number == k], Vessel(int(vessel))) for k in range(1, count + 1)]
    return sorted(pieces, key=lambda piece: int(piece[0][0]))


def neighbourhoods(index: np.ndarray, shape_zyx: tuple[int, int, int]) -> list[np.ndarray]:
    """Groups of positions in `index` (sorted flat indices) that lie too far from each other to touch.

    The box around a group is small, where the box around all calcium is the heart.
    """
    if not len(index):
        return []
    cells = np.stack(np.unravel_index(index, shape_zyx), axis=-1) // CELL_VOXELS
    cells -= cells.min(axis=0)
    occupied = np.zeros(cells.max(axis=0) + 1, dtype=bool)
    occupied[tuple(cells.T)] = True
    group = ndimage.label(occupied, np.ones((3, 3, 3)))[0][tuple(cells.T)]
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1)


def _require_shapes(geometry: Geometry, calcium: np.ndarray, hu: np.ndarray, probability: np.ndarray | None) -> None:
    named = (("calcium label map", calcium), ("CT", hu), ("calcium probability", probability))
    for name, array in named:
        if array is not None and array.shape != geometry.shape_zyx:
            raise GeometryMismatchError(
                f"the {name} has the shape {array.shape} (z, y, x)", f"the grid's shape, {geometry.shape_zyx}"
            )


def _require_vessels(vessels: np.ndarray) -> None:
    strange = np.setdiff1d(np.unique(vessels), [0, *Vessel])
    if strange.size:
        raise UnknownVesselLabelError(
            f"the calcium label map holds {', '.join(str(v) for v in strange.tolist())}",
            "0 background, " + ", ".join(f"{v.value} {v.label}" for v in Vessel),
            "Relabel the mask, or pass a plain mask and let the program assign the arteries",
        )
