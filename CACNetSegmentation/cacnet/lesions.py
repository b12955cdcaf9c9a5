"""Lesions: connected calcium of one artery, with its size, place and score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from cacnet.anatomy import Vessel
from cacnet.bounding_box import Box, box_of_nonzero
from cacnet.errors import CacnetError
from cacnet.scoring.agatston import AgatstonGrid, LesionScore, score_lesion
from cacnet.scoring.threshold import ResolvedProtocol
from cacnet.volume import Geometry, GeometryMismatchError


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
        start_zyx: where `crop_labels` lies in the volume.
        crop_labels: int32 lesion ids on the box around all calcium; 0 is background.
    """

    lesions: tuple[Lesion, ...]
    shape_zyx: tuple[int, int, int]
    start_zyx: tuple[int, int, int]
    crop_labels: np.ndarray

    @cached_property
    def labels(self) -> np.ndarray:
        """int32 (z, y, x) lesion ids on the whole volume, made when first asked for."""
        whole = np.zeros(self.shape_zyx, dtype=np.int32)
        box = tuple(slice(a, a + n) for a, n in zip(self.start_zyx, self.crop_labels.shape, strict=True))
        whole[box] = self.crop_labels
        return whole

    def id_at(self, index_zyx: tuple[int, int, int]) -> int:
        """Id of the lesion at a voxel; 0 where there is none or the voxel lies outside the volume."""
        local = tuple(i - a for i, a in zip(index_zyx, self.start_zyx, strict=True))
        if any(not 0 <= i < n for i, n in zip(local, self.crop_labels.shape, strict=True)):
            return 0
        return int(self.crop_labels[local])


def find_lesions(
    calcium_vessel_zyx: np.ndarray,
    hu_zyx: np.ndarray,
    geometry: Geometry,
    resolved: ResolvedProtocol,
    probability_zyx: np.ndarray | None = None,
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

    Raises:
        GeometryMismatchError: an array without the grid's shape.
        UnknownVesselLabelError: a number other than 0–5.
    """
    _require_shapes(geometry, calcium_vessel_zyx, hu_zyx, probability_zyx)
    box = box_of_nonzero(calcium_vessel_zyx)
    if box is None:
        return LesionSet((), geometry.shape_zyx, (0, 0, 0), np.zeros((0, 0, 0), dtype=np.int32))
    vessels = calcium_vessel_zyx[box]
    _require_vessels(vessels)
    components, boxes = _components(vessels, resolved.protocol.lesion_connectivity)
    start_zyx = (box[0].start, box[1].start, box[2].start)
    hu = hu_zyx[box]
    probability = None if probability_zyx is None else probability_zyx[box]
    found = tuple(
        _describe(i, components, local, vessels, hu, probability, start_zyx, geometry, resolved)
        for i, local in enumerate(boxes, start=1)
    )
    return LesionSet(found, geometry.shape_zyx, start_zyx, components)


def _describe(
    lesion_id: int,
    components: np.ndarray,
    local: Box,
    vessels: np.ndarray,
    hu_crop: np.ndarray,
    probability_crop: np.ndarray | None,
    start_zyx: tuple[int, int, int],
    geometry: Geometry,
    resolved: ResolvedProtocol,
) -> Lesion:
    mask = components[local] == lesion_id
    inside = np.argwhere(mask)
    hu = hu_crop[local]
    return describe_lesion(
        lesion_id,
        Vessel(int(vessels[local][tuple(inside[0])])),
        inside + [a + s.start for a, s in zip(start_zyx, local, strict=True)],
        hu[mask],
        geometry,
        score_lesion(mask, hu, geometry, resolved),
        None if probability_crop is None else float(probability_crop[local][mask].mean(dtype=np.float64)),
    )


def describe_lesion(
    lesion_id: int,
    vessel: Vessel,
    voxels_zyx: np.ndarray,
    hu: np.ndarray,
    geometry: Geometry,
    score: LesionScore,
    confidence: float | None = None,
) -> Lesion:
    """A lesion from its voxels (n, 3), in the scan's indices, and their HU (n,)."""
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
    )


def _components(vessels: np.ndarray, connectivity: int) -> tuple[np.ndarray, list[Box]]:
    """int32 component ids from 1 in the order of first voxels, and each one's box. Components never mix vessels."""
    neighbours = ndimage.generate_binary_structure(3, 1 if connectivity == 6 else 3)
    touching, _ = ndimage.label(vessels, neighbours, output=np.int32)
    pieces: list[tuple[Box, np.ndarray]] = []
    for number, box in enumerate(ndimage.find_objects(touching), start=1):
        mask = touching[box] == number
        present = np.unique(vessels[box][mask])
        if len(present) == 1:
            pieces.append((box, mask))
            continue
        for vessel in present:
            pieces += _pieces(mask & (vessels[box] == vessel), box, neighbours)
    pieces.sort(key=lambda piece: _first_voxel(*piece))
    components = touching  # the crop may be large, so its memory is used again
    components[...] = 0
    for lesion_id, (box, mask) in enumerate(pieces, start=1):
        components[box][mask] = lesion_id
    return components, [box for box, _ in pieces]


def _pieces(mask: np.ndarray, within: Box, neighbours: np.ndarray) -> list[tuple[Box, np.ndarray]]:
    """The components of a mask on a box, each on its own box."""
    labels, _ = ndimage.label(mask, neighbours)
    pieces: list[tuple[Box, np.ndarray]] = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        z, y, x = (slice(w.start + s.start, w.start + s.stop) for w, s in zip(within, box, strict=True))
        pieces.append(((z, y, x), labels[box] == number))
    return pieces


def _first_voxel(box: Box, mask: np.ndarray) -> tuple[int, int, int]:
    """The lesion's first voxel in (z, y, x) order; the box's first plane always holds one."""
    y, x = np.argwhere(mask[0])[0]
    return box[0].start, box[1].start + int(y), box[2].start + int(x)


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
