"""Each rule in turn says what of the calcium found does not count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cacnet import heart_context
from cacnet.anatomy import Vessel
from cacnet.heart_context import HeartContext
from cacnet.judging import doubtful, metal, stents
from cacnet.left_out import RejectReason
from cacnet.sparse_maps import SparseMap
from cacnet.vessels import Courses
from cacnet.volume import Geometry


@dataclass(frozen=True, eq=False)
class Found:
    """What the rules look at, on one grid.

    Attributes:
        vessel: `Vessel` numbers of all calcium found, each lesion of one number.
        added: bool, what only the second look found; None where there was none.
        calcium_probability, coronary_probability: CAC-Net's.
        probability: of calcium, the larger one of both networks'.
        hu_zyx: the CT; geometry: its grid.
        blood_hu: the blood in the arteries; NaN where it could not be measured.
        courses: the named centre lines; None where there are none.
        context: of the whole heart; None where it was not looked at, or is not believed.
    """

    vessel: SparseMap
    added: SparseMap | None
    calcium_probability: SparseMap
    coronary_probability: SparseMap
    probability: SparseMap
    hu_zyx: np.ndarray
    geometry: Geometry
    blood_hu: float
    courses: Courses | None
    context: HeartContext | None


@dataclass(frozen=True, eq=False)
class Doubt:
    """What one rule leaves out.

    Attributes:
        calcium: bool.
        reason: what it probably is instead of coronary calcium.
        told: sentences for the reader.
    """

    calcium: SparseMap
    reason: RejectReason
    told: tuple[str, ...]


def doubts_about(found: Found) -> tuple[Doubt, ...]:
    """What does not count, rule by rule; no voxel is in two of them."""
    left, doubts = found.vessel, []
    for rule in (_second_finds, _near_mouth, _annulus, _other_calcium, _metal, _stents):
        for doubt in rule(found, left):
            doubts.append(doubt)
            left = left.without(doubt.calcium)
    return tuple(doubts)


def _second_finds(found: Found, left: SparseMap) -> Iterator[Doubt]:
    if found.added is not None:
        calcium = doubtful.doubtful_finds(found.added, left, found.courses, found.geometry)
        yield Doubt(calcium, RejectReason.AORTIC_WALL, doubtful.doubted(calcium, found.geometry))


def _near_mouth(found: Found, left: SparseMap) -> Iterator[Doubt]:
    if found.added is not None and found.context is not None:
        unsure = doubtful.unsure_near_mouth(left, found.probability, found.courses, found.geometry)
        calcium = heart_context.unlikely_plaque(unsure, found.geometry, found.context, heart_context.SURELY_PLAQUE)
        yield Doubt(calcium, RejectReason.AORTIC_WALL, doubtful.taken_for_aorta(calcium, found.geometry))


def _annulus(found: Found, left: SparseMap) -> Iterator[Doubt]:
    if found.added is not None:
        calcium = doubtful.beside_the_annulus(left, found.coronary_probability, found.courses, found.geometry)
        if found.context is not None:  # which has seen what lies around, and may be sure of plaque
            calcium = heart_context.unlikely_plaque(calcium, found.geometry, found.context, heart_context.RATHER_PLAQUE)
        yield Doubt(calcium, RejectReason.VALVE, doubtful.taken_for_annulus(calcium, found.geometry))


def _other_calcium(found: Found, left: SparseMap) -> Iterator[Doubt]:
    if found.context is not None:
        may_be = left.without(doubtful.down_the_front(left, found.courses, found.geometry))
        calcium = heart_context.unlikely_plaque(may_be, found.geometry, found.context)
        # Of the arteries, the circumflex runs along the mitral annulus; the others begin at the aorta.
        of_valve = SparseMap.mask(calcium.index[left.at(calcium.index) == Vessel.LCX], calcium.shape)
        told = heart_context.taken_for_other_calcium(calcium, found.geometry)
        yield Doubt(of_valve, RejectReason.VALVE, told)
        yield Doubt(calcium.without(of_valve), RejectReason.AORTIC_WALL, ())


def _metal(found: Found, left: SparseMap) -> Iterator[Doubt]:
    calcium = metal.reaching_the_end(left, found.hu_zyx)
    yield Doubt(calcium, RejectReason.CLIP, metal.taken_for_metal(calcium, found.geometry))


def _stents(found: Found, left: SparseMap) -> Iterator[Doubt]:
    for stent in stents.find_stents(found.courses, found.hu_zyx, found.geometry, found.blood_hu):
        calcium = stents.calcium_in(stent, left, found.geometry)
        left = left.without(calcium)
        struts = stents.struts_among(calcium, found.calcium_probability)
        told = stents.taken_for_struts(stent, struts, calcium.without(struts), found.geometry)
        yield Doubt(struts, RejectReason.STENT, told)
