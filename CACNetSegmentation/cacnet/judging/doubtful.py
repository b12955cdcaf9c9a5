"""Lesions that the arteries' courses speak against: second finds at an artery's mouth or in no named artery, what no
network is sure of near a mouth, and what reaches out of the circumflex where it runs along the mitral annulus."""

from __future__ import annotations

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.components import find_components
from cacnet.sparse_maps import SparseMap
from cacnet.spots import accept_if, count_and_places
from cacnet.vessels.places import MOUTH_MM, Courses, place_of
from cacnet.volume import Geometry

GROOVE_FROM_MM = 35.0
"""From here on, with the left main, the circumflex lies in the groove beside the mitral annulus."""

LEAST_INSIDE = 0.95
"""A plaque lies inside its artery, the annulus beside it: mean probability of an artery over a lesion of the circumflex
in the groove. In 68 simulated patients 6 of 11 calcifications of the annulus that were taken for plaque, with 180 of
216 mm³, had less, and 1 of 18 plaques, all of at least 1 mm³."""

FRONT_FROM_MM = 25.0
"""From here on, with the left main, the LAD runs down the front of the heart: no valve, ring or aorta is near."""

NEAR_MOUTH_MM = 6.0
LEAST_SURE_NEAR_MOUTH = 0.82
"""The aorta's wall calcifies where the arteries begin. There a lesion counts if its mean probability is at least this,
or the whole heart is sure that it is plaque; how both were chosen: Testing/Benchmark/refinement.md."""


def doubtful_finds(
    added: SparseMap, calcium_vessel: SparseMap, courses: Courses | None, geometry: Geometry
) -> SparseMap:
    """The lesions of `added` (bool) that lie within MOUTH_MM of their artery's mouth, or are unassigned.

    One network has left each of them out already, and there the other one, which sees less of the heart, is not to be
    believed against it.

    Args:
        added: what only the second look found.
        calcium_vessel: `Vessel` numbers of all lesions, each of one number.
        courses: the named centre lines; None where there are none.
        geometry: the grid of both maps.
    """
    finds = find_components(added)
    doubtful = np.zeros(finds.count, bool)
    for number, voxels in finds.voxels_of(~doubtful):
        index = np.ravel_multi_index(tuple(voxels[:1].T), added.shape)
        vessel = Vessel(int(calcium_vessel.at(index)[0]))
        from_mouth_mm = _from_mouth_mm(voxels, vessel, courses, geometry)
        at_mouth = from_mouth_mm is not None and from_mouth_mm <= MOUTH_MM
        doubtful[number] = vessel is Vessel.UNASSIGNED or at_mouth
    return finds.mask_of(doubtful)


def unsure_near_mouth(
    calcium_vessel: SparseMap, probability: SparseMap, courses: Courses | None, geometry: Geometry
) -> SparseMap:
    """The lesions whose middle lies within NEAR_MOUTH_MM of their artery's mouth, and that no network is sure of.

    Args:
        calcium_vessel: `Vessel` numbers of all lesions, each of one number.
        probability: the larger one of both networks'.
        courses: the named centre lines; None where there are none.
        geometry: the grid of both maps.
    """
    lesions = find_components(calcium_vessel)
    sure = np.bincount(lesions.number, probability.at(lesions.index).astype(float), minlength=lesions.count)
    unsure = sure / np.maximum(lesions.sizes, 1) < LEAST_SURE_NEAR_MOUTH
    for number, voxels in lesions.voxels_of(unsure):
        index = np.ravel_multi_index(tuple(voxels[:1].T), calcium_vessel.shape)
        vessel = Vessel(int(calcium_vessel.at(index)[0]))
        from_mouth_mm = _from_mouth_mm(voxels, vessel, courses, geometry)
        unsure[number] = from_mouth_mm is not None and from_mouth_mm <= NEAR_MOUTH_MM
    return lesions.mask_of(unsure)


def beside_the_annulus(
    calcium_vessel: SparseMap, coronary_probability: SparseMap, courses: Courses | None, geometry: Geometry
) -> SparseMap:
    """The lesions of the circumflex in the groove that reach out of it, as calcium of the mitral annulus does.

    Args:
        calcium_vessel: `Vessel` numbers of all lesions, each of one number.
        coronary_probability: CAC-Net's.
        courses: the named centre lines; None where there are none.
        geometry: the grid of both maps.
    """
    of_circumflex = SparseMap.mask(calcium_vessel.index[calcium_vessel.values == Vessel.LCX], calcium_vessel.shape)
    lesions = find_components(of_circumflex)
    inside = np.bincount(
        lesions.number, coronary_probability.at(lesions.index).astype(float), minlength=lesions.count
    ) / np.maximum(lesions.sizes, 1)
    outside = inside < LEAST_INSIDE
    for number, voxels in lesions.voxels_of(outside):
        from_mouth_mm = _from_mouth_mm(voxels, Vessel.LCX, courses, geometry)
        outside[number] = from_mouth_mm is not None and from_mouth_mm >= GROOVE_FROM_MM
    return lesions.mask_of(outside)


def down_the_front(calcium_vessel: SparseMap, courses: Courses | None, geometry: Geometry) -> SparseMap:
    """The lesions of the LAD whose middle lies FRONT_FROM_MM or more from its mouth.

    Args:
        calcium_vessel: `Vessel` numbers of all lesions, each of one number.
        courses: the named centre lines; None where there are none.
        geometry: the grid of both.
    """
    of_lad = SparseMap.mask(calcium_vessel.index[calcium_vessel.values == Vessel.LAD], calcium_vessel.shape)
    lesions = find_components(of_lad)
    far = np.zeros(lesions.count, bool)
    for number, voxels in lesions.voxels_of(~far):
        from_mouth_mm = _from_mouth_mm(voxels, Vessel.LAD, courses, geometry)
        far[number] = from_mouth_mm is not None and from_mouth_mm >= FRONT_FROM_MM
    return lesions.mask_of(far)


def _from_mouth_mm(voxels_zyx: np.ndarray, vessel: Vessel, courses: Courses | None, geometry: Geometry) -> float | None:
    left, posterior, superior = map(float, geometry.index_to_lps(voxels_zyx).mean(axis=0))
    return place_of((left, posterior, superior), vessel, courses).from_ostium_mm


def doubted(doubtful: SparseMap, geometry: Geometry) -> tuple[str, ...]:
    """A sentence on what `doubtful_finds` gave; none where that is nothing."""
    count, places = count_and_places(doubtful, geometry)
    if not count:
        return ()
    spots = "One bright spot that looks" if count == 1 else f"{count} bright spots that look"
    return (
        f"{spots} like calcium at a second look only, at an artery's mouth or in no artery that could be named, "
        f"{'was' if count == 1 else 'were'} left out: {places}. Calcium of the aortic wall is easily taken for an "
        f"artery's there. {accept_if(count)}",
    )


def taken_for_aorta(unsure: SparseMap, geometry: Geometry) -> tuple[str, ...]:
    """A sentence on what `unsure_near_mouth` gave; none where that is nothing."""
    count, places = count_and_places(unsure, geometry)
    if not count:
        return ()
    spots = "One calcification" if count == 1 else f"{count} calcifications"
    return (
        f"{spots} within {NEAR_MOUTH_MM:.0f} mm of an artery's mouth, of which neither network nor the look at the "
        f"whole heart is sure, {'was' if count == 1 else 'were'} left out: {places}. Calcium of the aortic wall is "
        f"easily taken for an artery's there. {accept_if(count)}",
    )


def taken_for_annulus(beside: SparseMap, geometry: Geometry) -> tuple[str, ...]:
    """A sentence on what `beside_the_annulus` gave; none where that is nothing."""
    count, places = count_and_places(beside, geometry)
    if not count:
        return ()
    spots = "One calcification" if count == 1 else f"{count} calcifications"
    return (
        f"{spots} beside the circumflex, where it runs along the mitral annulus, "
        f"{'reaches' if count == 1 else 'reach'} out of the artery and {'was' if count == 1 else 'were'} left out as "
        f"the annulus's: {places}. {accept_if(count)}",
    )
