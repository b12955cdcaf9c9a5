"""A scoring protocol: every choice that changes an Agatston score, spelled out, so that a score can be reproduced."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from cacnet.errors import CacnetError

AGATSTON_BANDS_HU = (130.0, 200.0, 300.0, 400.0)
"""Lowest HU of density factor 1, 2, 3 and 4 at 120 kVp (Agatston 1990, 10.1016/0735-1097(90)90282-T)."""

AGATSTON_INCREMENT_MM = 3.0
"""The slice increment that the Agatston score was defined on."""

NOMINAL_MASS_FACTOR_MG_PER_MM3_HU = 0.00075
"""Middle of the published 0.0007–0.0008 mg/mm³/HU at 120 kVp; a scanner's own factor needs a calibration phantom."""

# A ratio such as 1 mm² / pixel area may exceed a whole number by rounding alone; it is then that whole number.
ROUNDING = 1e-6


class InvalidProtocolError(CacnetError):
    """A protocol's own numbers contradict each other."""


@dataclass(frozen=True)
class FixedThreshold:
    """The same threshold for every patient, in HU."""

    hu: float


@dataclass(frozen=True)
class BloodPoolThreshold:
    """A threshold above the patient's own contrast-filled blood: median + k · SD, never below `floor_hu`."""

    k: float
    floor_hu: float = AGATSTON_BANDS_HU[0]


@dataclass(frozen=True)
class KvpBands:
    """Threshold and density bands for each tube voltage, linear in between; none outside the measured range.

    Attributes:
        bands_hu: for each kVp, ascending, the lowest HU of density factor 1, 2, 3 and 4; the first is the threshold.
    """

    bands_hu: tuple[tuple[float, tuple[float, float, float, float]], ...]


@dataclass(frozen=True)
class MinimumArea:
    """An island counts from `area_mm2` on, in whole pixels: ceil(area / pixel area); with `strict`, only above it."""

    area_mm2: float
    strict: bool = False

    def pixels(self, pixel_area_mm2: float) -> int:
        """The smallest number of pixels that counts."""
        ratio = self.area_mm2 / pixel_area_mm2
        return math.floor(ratio + ROUNDING) + 1 if self.strict else max(1, math.ceil(ratio - ROUNDING))

    def describe(self) -> str:
        """The rule in words."""
        return f"islands {'over' if self.strict else 'of at least'} {self.area_mm2:g} mm²"


@dataclass(frozen=True)
class MinimumPixels:
    """An island counts from `count` pixels on, whatever their size; 1 is no minimum."""

    count: int

    def pixels(self, pixel_area_mm2: float) -> int:
        """The smallest number of pixels that counts."""
        return self.count

    def describe(self) -> str:
        """The rule in words."""
        return "islands of any size" if self.count <= 1 else f"islands of at least {self.count} pixels"


class WeightRule(Enum):
    """Whose peak HU gives an island its density factor."""

    ISLAND = "the peak of each island in its slice"
    LESION_SECTION = "the peak of the lesion's whole section in the slice"
    LESION = "the peak of the whole 3-D lesion"


@dataclass(frozen=True)
class CalibratedAgatston:
    """Published conversion of contrast CT's raw score r to a non-contrast one: r · (constant + per_hu · threshold)."""

    constant: float
    per_hu: float

    def factor(self, threshold_hu: float) -> float:
        """What the raw score is multiplied by."""
        return self.constant + self.per_hu * threshold_hu


@dataclass(frozen=True)
class SimulatedPairs:
    """Simulated patients whose contrast CT was compared with their calcium scan.

    Attributes:
        patients: how many; seeds: which, in words.
        masks: whose calcium masks were scored, in words.
        root_half_width: half the 95 % prediction interval of the score's square root for one more patient.
    """

    patients: int
    seeds: str
    masks: str
    root_half_width: float

    def describe(self) -> str:
        """Such as '50 simulated patients (seeds 2000 to 2315, true masks)'."""
        return f"{self.patients} simulated patients (seeds {self.seeds}, {self.masks})"


@dataclass(frozen=True)
class VolumeCalibration:
    """Our conversion of contrast CT's calcium volume to a score without contrast: factor · (mm³) ** power.

    Attributes:
        right_masks: the pairs that it was fitted to, left out one by one for their interval.
        network_masks: pairs held out from it and from the network that segmented them.
    """

    factor: float
    power: float
    right_masks: SimulatedPairs
    network_masks: SimulatedPairs

    def estimate(self, volume_mm3: float) -> float:
        """The score; no volume is a score of 0."""
        return self.factor * volume_mm3**self.power if volume_mm3 > 0 else 0.0


@dataclass(frozen=True)
class Protocol:
    """The rules of a calcium score.

    Attributes:
        name: what users type and reports state.
        source: the publication or document that the rules come from.
        description: one sentence for a list of protocols.
        threshold: which voxels of the calcium mask count.
        bands_hu: lowest HU of density factors 1, 2, 3, 4; the rule `KvpBands` brings its own.
        strict_threshold: a voxel must exceed the threshold rather than reach it.
        island_connectivity: 4 or 8 neighbours in a slice.
        lesion_connectivity: 6 or 26 neighbours in 3-D; never tighter than the islands', so no island spans two lesions.
        minimum: the smallest island that counts; it applies to the Agatston, volume and mass scores alike.
        weight: whose peak decides the density factor.
        normalise_increment: multiply by slice increment / 3 mm, the increment taken from the voxel grid.
        calibration: conversion of the Agatston score, or None.
        equivalent: estimate of the score without contrast that stands beside the raw one, or None.
        reslice_mm: average thinner slices to this thickness before scoring; None scores the scan's own.
        mass_factor: mg/mm³/HU; the default is nominal, not calibrated on the scanner.
    """

    name: str
    source: str
    description: str
    threshold: FixedThreshold | BloodPoolThreshold | KvpBands
    bands_hu: tuple[float, float, float, float] = AGATSTON_BANDS_HU
    strict_threshold: bool = False
    island_connectivity: int = 4
    lesion_connectivity: int = 26
    minimum: MinimumArea | MinimumPixels = MinimumArea(1.0)
    weight: WeightRule = WeightRule.ISLAND
    normalise_increment: bool = True
    calibration: CalibratedAgatston | None = None
    equivalent: VolumeCalibration | None = None
    reslice_mm: float | None = None
    mass_factor: float = NOMINAL_MASS_FACTOR_MG_PER_MM3_HU

    def __post_init__(self) -> None:
        if self.island_connectivity not in (4, 8) or self.lesion_connectivity not in (6, 26):
            raise InvalidProtocolError(
                f"connectivity {self.island_connectivity} in the slice and {self.lesion_connectivity} in 3-D",
                "4 or 8 in the slice and 6 or 26 in 3-D",
            )
        if self.island_connectivity == 8 and self.lesion_connectivity == 6:
            raise InvalidProtocolError(
                "8-connected islands with 6-connected lesions",
                "26-connected lesions, so that no island belongs to two lesions",
            )
        if self.reslice_mm is not None and not self.reslice_mm > 0:
            raise InvalidProtocolError(f"slices of {self.reslice_mm} mm", "a thickness above 0, or None")
        if list(self.bands_hu) != sorted(self.bands_hu):
            raise InvalidProtocolError(f"density bands {self.bands_hu}", "four ascending HU values")
