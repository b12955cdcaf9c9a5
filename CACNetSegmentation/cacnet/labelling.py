"""From the network's probabilities on the model's grid to label maps by vessel on the CT's own grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from cacnet import heart_context, postprocessing, refinement, vessels
from cacnet.anatomy import Vessel
from cacnet.bounding_box import box_of_nonzero
from cacnet.components import eroded, find_components, is_near
from cacnet.errors import CacnetError
from cacnet.heart_context import HeartContext
from cacnet.judging import Found, doubts_about, metal
from cacnet.left_out import LeftOutLesion, RejectReason, each_left_out
from cacnet.prepare import Crop, Prepared, crop_covering
from cacnet.resampling import linear_sparse, nearest_sparse
from cacnet.sparse_maps import SparseMap, as_sparse
from cacnet.spots import accept_if, count_and_places
from cacnet.volume import Geometry, Volume

if TYPE_CHECKING:
    from cacnet.inference import Probabilities

LUMEN_DEPTH_MM = 1.0
"""Blood is measured at least this far inside the coronary mask, away from wall and blur, where the artery is wide."""

SPREAD_MM = 2.0
"""How far a coronary voxel on the CT's grid may lie from a labelled one on the model's grid."""

CALCIUM_CLEARANCE_MM = 1.5
"""Blood is measured at least this far from calcium, beyond its blooming."""

LEAST_CALCIUM = refinement.DEFAULT_SETTINGS.least_probability
"""Smaller calcium probabilities are not looked at."""

LEAST_CORONARY = postprocessing.DEFAULT_SETTINGS.threshold
"""A voxel of less coronary probability is not in an artery."""

AROUND_MM = 5.0
"""Kept around what the network found: more than a lesion's border may move or an artery be away from its calcium."""

AS_THE_NETWORK = "Lesion borders are the network's own, as asked for."


class HeartOutsideScanError(CacnetError):
    """The region prepared for the network and the CT do not meet."""


@dataclass(frozen=True)
class Labels:
    """Label maps on the CT's grid, and what was noticed while making them.

    Attributes:
        calcium, coronary: (z, y, x) uint8 by vessel.
        probability: (z, y, x) float16 calcium probability on the whole grid, for the lesions' confidence.
        blood_hu: HU of voxels well inside wide, uncalcified lumen.
        dominance: 'right', 'left', 'co' or None where the tree does not tell.
        notes: sentences of the vessel step.
        courses: the named centre lines; None where there are none.
        borders: what drew the lesions' borders, in words.
        borders_refined: whether that was the CT's values (see cacnet.refinement) rather than the network alone.
        arteries: what was done with CAC-Net's arteries, in words; empty where nothing was.
        walls: what drew the arteries' walls, in words; empty where that was CAC-Net for want of a wall network.
        not_judged: a sentence where the look at the whole heart was not believed; empty otherwise.
        second_look: a sentence on lesions that only the border network found; empty where there are none.
        denied: a sentence on lesions that CAC-Net found and the border network did not; empty where there are none.
        left_out: sentences on what looks like calcium and is metal, or lies where no artery's calcium can be expected.
        left_out_lesions: that, and what was denied, as lesions, in the order of their first voxels; without what lies
            far from every artery: lymph nodes and bone would only keep a reader busy.
        far_away: a sentence on that; none where there is nothing.
    """

    calcium: np.ndarray
    coronary: np.ndarray
    probability: np.ndarray
    blood_hu: np.ndarray
    dominance: str | None
    notes: tuple[str, ...]
    courses: vessels.Courses | None = None
    borders: str = AS_THE_NETWORK
    borders_refined: bool = False
    arteries: str = ""
    walls: str = ""
    not_judged: str = ""
    second_look: str = ""
    denied: str = ""
    left_out: tuple[str, ...] = ()
    left_out_lesions: tuple[LeftOutLesion, ...] = ()
    far_away: tuple[str, ...] = ()


def label(
    volume: Volume,
    prepared: Prepared,
    probabilities: Probabilities,
    refine_borders: bool = True,
    border_model: refinement.WindowModel | None = None,
    context: HeartContext | None = None,
    wall_model: refinement.WindowModel | None = None,
) -> Labels:
    """From probabilities on the model's grid to vessels and calcium on the CT's grid.

    Args:
        volume: the CT.
        prepared: the grid of the probabilities.
        probabilities: CAC-Net's.
        refine_borders: draw each lesion's border, and the arteries' walls, by the CT's values instead of taking
            CAC-Net's.
        border_model: draws them; without one, and on grids coarser than it was trained on, a rule does.
        context: of the whole heart; what of CAC-Net's arteries does not belong to the coronary arteries by it is not
            believed. Without one, all of it is.
        wall_model: draws the arteries' walls, when all else has been decided; without one, they are CAC-Net's.
    """
    grid = prepared.grid
    crop = crop_covering(_where_found(probabilities, grid), volume.geometry)
    if crop is None:
        raise HeartOutsideScanError("the heart's region lies outside the CT", "a region inside it")
    geometry, hu = crop.geometry, volume.hu[crop.slices]
    calcium_probability, coronary_probability = (
        linear_sparse(probability, grid, geometry, at_least)
        for probability, at_least in ((probabilities.calcium, LEAST_CALCIUM), (probabilities.coronary, LEAST_CORONARY))
    )
    clean = partial(
        postprocessing.clean, calcium_probability, geometry=geometry, heart_axis_mm_lps=prepared.region.axis_mm_lps
    )
    own = _believed(clean, coronary_probability, geometry, context)
    blood_hu = lumen_hu(hu, own.coronary, own.calcium, geometry)
    evidence = refinement.Evidence(
        own.calcium, calcium_probability, coronary_probability, own.coronary, hu, geometry, blood_hu
    )
    borders = (
        _drawn(evidence, border_model) if refine_borders else refinement.Refined(own.calcium, False, AS_THE_NETWORK)
    )
    by_any_network = _larger(calcium_probability, borders.probability)
    coronary = _either(own.coronary, borders.calcium)
    territories = vessels.label_territories(nearest_sparse(coronary, geometry, grid), prepared.hu, grid)
    coronary_vessel = spread(nearest_sparse(territories.labels, grid, geometry), coronary, geometry)
    found_vessel = calcium_vessel = vessels.assign_calcium(borders.calcium, coronary_vessel, geometry)
    doubts = doubts_about(
        Found(
            vessel=found_vessel,
            added=borders.added,
            calcium_probability=calcium_probability,
            coronary_probability=coronary_probability,
            probability=by_any_network,
            hu_zyx=hu,
            geometry=geometry,
            blood_hu=float(np.median(blood_hu)) if len(blood_hu) else math.nan,
            courses=territories.courses,
            context=own.context,
        )
    )
    for doubt in doubts:
        calcium_vessel = calcium_vessel.without(doubt.calcium)
        coronary_vessel = coronary_vessel.without(doubt.calcium.without(own.coronary))
    isolated = vessels.isolated_pieces(coronary_vessel, calcium_vessel, geometry)
    unbelieved = _unbelieved(borders, own.disowned, coronary_vessel, geometry)
    counted, arteries = calcium_vessel.without(isolated), coronary_vessel.without(isolated)
    walls_statement = ""
    if refine_borders and wall_model is not None:
        not_artery = reduce(_either, (doubt.calcium for doubt in doubts), _either(isolated, unbelieved.all))
        drawn_from = refinement.ArteryEvidence(
            arteries, counted, not_artery.without(arteries), hu, geometry, probabilities.coronary, grid, blood_hu
        )
        walls = refinement.draw_walls(drawn_from, wall_model)
        arteries, walls_statement = spread(arteries, walls.mask, geometry), walls.statement
    left_out_lesions = (
        *chain.from_iterable(
            each_left_out(doubt.calcium, found_vessel, by_any_network, doubt.reason) for doubt in doubts
        ),
        *unbelieved.lesions(hu, by_any_network),
    )
    return Labels(
        calcium=_whole(counted, crop, volume),
        coronary=_whole(arteries, crop, volume),
        probability=_whole(_halved(by_any_network), crop, volume),
        blood_hu=blood_hu,
        dominance=territories.dominance,
        notes=territories.notes,
        courses=territories.courses,
        borders=borders.statement,
        borders_refined=borders.applied,
        arteries=own.arteries,
        walls=walls_statement,
        not_judged=own.not_judged,
        second_look=_second_look(borders.added, (isolated, *(doubt.calcium for doubt in doubts)), geometry),
        denied=_denied(unbelieved.denied, geometry),
        left_out=(
            *chain.from_iterable(doubt.told for doubt in doubts),
            *heart_context.disowned(unbelieved.disowned, geometry),
        ),
        left_out_lesions=_on_whole(left_out_lesions, crop, volume),
        far_away=vessels.left_out(_either(_within(calcium_vessel, isolated), unbelieved.far), geometry),
    )


@dataclass(frozen=True, eq=False)
class _Own:
    """What of CAC-Net's answer is believed: calcium and coronary masks, calcium that is in no artery, see Labels for
    the sentences, and the context that said so, if it is believed itself."""

    calcium: SparseMap
    coronary: SparseMap
    disowned: SparseMap
    arteries: str
    not_judged: str
    context: HeartContext | None


def _believed(
    clean: Callable[[SparseMap], tuple[SparseMap, SparseMap]],
    coronary_probability: SparseMap,
    geometry: Geometry,
    context: HeartContext | None,
) -> _Own:
    calcium, coronary = clean(coronary_probability)
    nothing = _nothing_on(geometry)
    if context is None:
        return _Own(calcium, coronary, nothing, "", "", None)
    own_calcium, own_coronary = clean(heart_context.within_arteries(coronary_probability, geometry, context))
    taken = coronary.without(own_coronary)
    if not heart_context.is_believable(taken, coronary):
        why = heart_context.not_believed(taken, coronary)
        return _Own(calcium, coronary, nothing, why, why, None)
    arteries = _arteries_statement(taken, geometry)
    return _Own(own_calcium, own_coronary, calcium.without(own_calcium), arteries, "", context)


def _drawn(evidence: refinement.Evidence, border_model: refinement.WindowModel | None) -> refinement.Refined:
    if border_model is not None and refinement.is_fine_enough(evidence.geometry.spacing_mm_zyx):
        return refinement.refine_by_network(evidence, border_model)
    return refinement.refine(evidence)


@dataclass(frozen=True, eq=False)
class _Unbelieved:
    """Calcium of CAC-Net that another network does not believe: denied by the border network, or in what is no artery
    (disowned); far: either, far from every artery; vessel: the artery that each would count for."""

    denied: SparseMap
    disowned: SparseMap
    far: SparseMap
    vessel: SparseMap

    @property
    def all(self) -> SparseMap:
        """Of whatever reason."""
        return _either(_either(self.denied, self.disowned), self.far)

    def lesions(self, hu_zyx: np.ndarray, probability: SparseMap) -> Iterator[LeftOutLesion]:
        """Those near the arteries."""
        near = _either(self.denied, self.disowned)
        metallic = metal.reaching_the_end(near, hu_zyx)
        yield from each_left_out(metallic, self.vessel, probability, RejectReason.CLIP)
        yield from each_left_out(near.without(metallic), self.vessel, probability, RejectReason.OTHER)


def _unbelieved(
    borders: refinement.Refined, disowned: SparseMap, coronary_vessel: SparseMap, geometry: Geometry
) -> _Unbelieved:
    denied = _nothing_on(geometry) if borders.denied is None else borders.denied
    disowned = _not_touching(disowned, borders.calcium)  # what the border network drew there has been judged
    both = _either(denied, disowned)
    vessel = vessels.assign_calcium(both, coronary_vessel, geometry)
    far = _within(both, vessels.isolated_pieces(coronary_vessel, vessel, geometry))
    return _Unbelieved(denied.without(far), disowned.without(far).without(denied), far, vessel)


def _where_found(probabilities: Probabilities, grid: Geometry) -> Geometry:
    """The part of the model's grid with everything found, and some room around; all of it where nothing was."""
    boxes = [
        box
        for probability, least in ((probabilities.calcium, LEAST_CALCIUM), (probabilities.coronary, LEAST_CORONARY))
        if (box := box_of_nonzero(probability >= least)) is not None
    ]
    if not boxes:
        return grid
    room = [math.ceil(AROUND_MM / spacing) for spacing in grid.spacing_mm_zyx]
    z, y, x = (
        slice(max(0, min(side.start for side in sides) - more), min(n, max(side.stop for side in sides) + more))
        for sides, more, n in zip(zip(*boxes, strict=True), room, grid.shape_zyx, strict=True)
    )
    return grid.crop((z, y, x))


def spread(territory: SparseMap, coronary: SparseMap, geometry: Geometry) -> SparseMap:
    """Every coronary voxel with the number of its own, or else the nearest, labelled voxel; uint8.

    The two grids disagree by less than a voxel at the arteries' surface; a piece that is farther than that from any
    labelled voxel has no known artery.
    """
    labels = territory.at(coronary.index).astype(np.uint8)
    spread_map = replace(coronary, values=labels)
    is_missing = labels == 0
    if not is_missing.any():
        return spread_map
    voxels = coronary.voxels
    missing, own = voxels[is_missing], voxels[~is_missing]
    reach = [math.ceil(SPREAD_MM / spacing) for spacing in geometry.spacing_mm_zyx]
    near = is_near(own, missing, reach)
    known, known_labels = own[near], labels[~is_missing][near]
    filled = np.full(len(missing), np.uint8(Vessel.UNASSIGNED))
    if len(known):
        tree = cKDTree(geometry.index_to_lps(known))
        distance_mm, nearest = tree.query(geometry.index_to_lps(missing), distance_upper_bound=SPREAD_MM)
        reached = np.isfinite(distance_mm)
        filled[reached] = known_labels[nearest[reached]]
    labels[is_missing] = filled
    return spread_map


def lumen_hu(
    hu: np.ndarray, coronary: np.ndarray | SparseMap, calcium: np.ndarray | SparseMap, geometry: Geometry
) -> np.ndarray:
    """HU of voxels deep inside the coronary mask (bool, z, y, x) and away from calcium: where a scan's blood is
    measured."""
    half_width = [max(1, round(LUMEN_DEPTH_MM / spacing)) for spacing in geometry.spacing_mm_zyx]
    deep = eroded(as_sparse(coronary), half_width)
    near = as_sparse(calcium).voxels
    if len(deep) and len(near):
        at = np.stack(np.unravel_index(deep, coronary.shape), axis=-1)
        distance_mm, _ = cKDTree(geometry.index_to_lps(near)).query(
            geometry.index_to_lps(at), distance_upper_bound=CALCIUM_CLEARANCE_MM
        )
        deep = deep[np.isinf(distance_mm)]
    return hu[np.unravel_index(deep, hu.shape)]


def _arteries_statement(taken: SparseMap, geometry: Geometry) -> str:
    volume_mm3 = len(taken.index) * geometry.voxel_volume_mm3
    return (
        f"The context network, which sees the whole heart, took {volume_mm3:.0f} mm³ of veins and the like from the "
        f"first network's arteries."
    )


def _second_look(added: SparseMap | None, left_out: Sequence[SparseMap], geometry: Geometry) -> str:
    for part in left_out:
        added = None if added is None else added.without(part)
    count, places = (0, "") if added is None else count_and_places(added, geometry)
    if not count:
        return ""
    what = "One lesion was" if count == 1 else f"{count} lesions were"
    return (
        f"{what} found by the second look at bright parts of the arteries only: {places}. "
        f"The first network had left {'it' if count == 1 else 'them'} out; look at {'it' if count == 1 else 'them'} "
        f"before you rely on the score."
    )


def _within(part: SparseMap, whole: SparseMap) -> SparseMap:
    return SparseMap.mask(np.intersect1d(part.index, whole.index), part.shape)


def _either(one: SparseMap, other: SparseMap) -> SparseMap:
    return SparseMap.mask(np.union1d(one.index, other.index), one.shape)


def _not_touching(mask: SparseMap, other: SparseMap) -> SparseMap:
    """The components of a mask that share no voxel with another."""
    parts = find_components(mask)
    shared = np.bincount(parts.number, np.isin(parts.index, other.index), minlength=parts.count)
    return parts.mask_of(shared == 0)


def _denied(denied: SparseMap, geometry: Geometry) -> str:
    count, places = count_and_places(denied, geometry)
    if not count:
        return ""
    what, were = ("One lesion", "was") if count == 1 else (f"{count} lesions", "were")
    return f"{what} of the first network {were} not confirmed by the second and left out: {places}. {accept_if(count)}"


def _nothing_on(geometry: Geometry) -> SparseMap:
    return SparseMap.mask(np.zeros(0, np.int64), geometry.shape_zyx)


def _larger(one: SparseMap, other: SparseMap | None) -> SparseMap:
    if other is None:
        return one
    index = np.union1d(one.index, other.index)
    return SparseMap(index, np.maximum(one.at(index), other.at(index)), one.shape)


def _halved(probability: SparseMap) -> SparseMap:
    return replace(probability, values=probability.values.astype(np.float16))


def _on_whole(lesions: Sequence[LeftOutLesion], crop: Crop, volume: Volume) -> tuple[LeftOutLesion, ...]:
    """Lesions of a crop with indices of the CT's grid, in the order of their first voxels."""
    first = [side.start for side in crop.slices]

    def moved(lesion: LeftOutLesion) -> LeftOutLesion:
        voxels = np.stack(np.unravel_index(lesion.index, crop.geometry.shape_zyx), axis=-1) + first
        return replace(lesion, index=np.ravel_multi_index(tuple(voxels.T), volume.geometry.shape_zyx).astype(np.int64))

    return tuple(sorted(map(moved, lesions), key=lambda lesion: int(lesion.index[0])))


def _whole(part: SparseMap, crop: Crop, volume: Volume) -> np.ndarray:
    """A map on a crop as an array of the CT's grid."""
    whole = np.zeros(volume.geometry.shape_zyx, part.values.dtype)
    whole[crop.slices][np.unravel_index(part.index, part.shape)] = part.values
    return whole
