"""Sums over lesions, for the patient and for each artery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol as Structure

from cacnet.anatomy import NAMED_VESSELS, Vessel
from cacnet.scoring.equivalent import Equivalent, equivalent_of
from cacnet.scoring.protocol import VolumeCalibration
from cacnet.scoring.risk import RiskCategory, cac_drs, is_very_high, risk_category


class Scored(Structure):
    """What a total needs of a lesion; `cacnet.lesions.Lesion` is one."""

    @property
    def vessel(self) -> Vessel: ...
    @property
    def agatston(self) -> float: ...
    @property
    def volume_mm3(self) -> float: ...
    @property
    def mass_mg(self) -> float: ...
    @property
    def isotropic_volume_mm3(self) -> float: ...
    @property
    def density(self) -> float: ...


@dataclass(frozen=True)
class VesselTotals:
    """The sums of one artery; `lesions` are those with at least one island that counts."""

    agatston: float
    volume_mm3: float
    mass_mg: float
    lesions: int
    isotropic_volume_mm3: float = 0.0
    density: float = 0.0


@dataclass(frozen=True)
class Totals:
    """The patient's sums.

    Attributes:
        agatston, volume_mm3, mass_mg: sums over lesions.
        lesions: lesions with at least one island that reaches threshold and minimum area.
        lesions_below_rule: the other lesions; they add nothing to any sum.
        vessels: how many of LM, LAD, LCx and RCA have a lesion that counts; lesions of no known artery make it at
            least 1, because they lie in one.
        category: see `risk_category`.
        cac_drs: such as 'A2/N3'.
        very_high: Agatston above 1000.
        isotropic_volume_mm3: the volume score, after interpolation to isotropic voxels.
        density: mean density factor over the area that counts, 1 to 4; 0 without calcium.
        diffusivity: share of the Agatston score outside the most affected artery, 0 to 0.8; 0 without calcium.
        equivalent: estimated score without contrast, calibrated on simulation; None unless the protocol has one.
    """

    agatston: float
    volume_mm3: float
    mass_mg: float
    lesions: int
    lesions_below_rule: int
    vessels: int
    category: RiskCategory
    cac_drs: str
    very_high: bool
    isotropic_volume_mm3: float = 0.0
    density: float = 0.0
    diffusivity: float = 0.0
    equivalent: Equivalent | None = None


def total(lesions: Iterable[Scored], calibration: VolumeCalibration | None = None, *, reviewed: bool = False) -> Totals:
    """The patient's totals over `lesions`; leave rejected ones out before.

    Args:
        calibration: the protocol's, for an estimate of the score without contrast.
        reviewed: whether a reader has judged every lesion, which narrows that estimate's interval.
    """
    every = list(lesions)
    counted = [lesion for lesion in every if lesion.volume_mm3 > 0]
    sums = _sums(counted)
    named = {lesion.vessel for lesion in counted} & set(NAMED_VESSELS)
    vessels = max(len(named), 1 if counted else 0)
    return Totals(
        agatston=sums.agatston,
        volume_mm3=sums.volume_mm3,
        mass_mg=sums.mass_mg,
        lesions=sums.lesions,
        lesions_below_rule=len(every) - len(counted),
        vessels=vessels,
        category=risk_category(sums.agatston),
        cac_drs=cac_drs(sums.agatston, vessels),
        very_high=is_very_high(sums.agatston),
        isotropic_volume_mm3=sums.isotropic_volume_mm3,
        density=sums.density,
        diffusivity=_diffusivity(counted),
        equivalent=equivalent_of(sums.volume_mm3, vessels, calibration, reviewed=reviewed) if calibration else None,
    )


def per_vessel(lesions: Iterable[Scored]) -> Mapping[Vessel, VesselTotals]:
    """The sums of each artery, all five in the order of `Vessel`, zeros included."""
    counted = [lesion for lesion in lesions if lesion.volume_mm3 > 0]
    return MappingProxyType({v: _sums([lesion for lesion in counted if lesion.vessel == v]) for v in Vessel})


def _sums(counted: list[Scored]) -> VesselTotals:
    return VesselTotals(
        agatston=sum((lesion.agatston for lesion in counted), 0.0),
        volume_mm3=sum((lesion.volume_mm3 for lesion in counted), 0.0),
        mass_mg=sum((lesion.mass_mg for lesion in counted), 0.0),
        lesions=len(counted),
        isotropic_volume_mm3=sum((lesion.isotropic_volume_mm3 for lesion in counted), 0.0),
        density=_density(counted),
    )


def _density(counted: list[Scored]) -> float:
    """Mean density factor, each lesion weighing by its area, which is as its volume."""
    volume_mm3 = sum((lesion.volume_mm3 for lesion in counted), 0.0)
    return sum((lesion.density * lesion.volume_mm3 for lesion in counted), 0.0) / volume_mm3 if volume_mm3 else 0.0


def _diffusivity(counted: list[Scored]) -> float:
    """1 − share of the most affected artery (Blaha 2016, JACC Cardiovasc Imaging 9:1407)."""
    whole = sum((lesion.agatston for lesion in counted), 0.0)
    arteries = {lesion.vessel for lesion in counted}
    most = max((sum(x.agatston for x in counted if x.vessel == vessel) for vessel in arteries), default=0.0)
    return 1 - most / whole if whole else 0.0
