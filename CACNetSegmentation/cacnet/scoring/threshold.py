"""From a protocol and one scan to the HU that this score used, and a refusal where the score would mean nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cacnet.errors import CacnetError
from cacnet.scoring.protocol import BloodPoolThreshold, FixedThreshold, KvpBands, Protocol

CONTRAST_BLOOD_HU = 100.0
"""Blood brighter than this carries contrast agent (the limit at which Comp2Comp refuses to score)."""

LEFT_SD_PERCENTILE = 15.8
"""A normal distribution has this share one SD or more below its median."""

MINIMUM_BLOOD_VOXELS = 50


class MissingBloodPoolError(CacnetError):
    """The protocol needs the patient's blood pool, which is not known."""


class MissingKvpError(CacnetError):
    """The protocol needs the tube voltage, which is not known."""


class KvpOutOfRangeError(CacnetError):
    """The protocol's table does not reach this tube voltage."""


class BloodPoolNotMeasurableError(CacnetError):
    """The region given holds too little blood to measure."""


class PlainThresholdOnContrastError(CacnetError):
    """A plain threshold without a calcium mask would count contrast agent as calcium."""


@dataclass(frozen=True)
class BloodPool:
    """The contrast-filled lumen of one scan.

    Attributes:
        median_hu: median of the voxels.
        sd_hu: median − 15.8th percentile; the left side only, because calcium and its blur lie on the right.
        voxels: how many were measured.
    """

    median_hu: float
    sd_hu: float
    voxels: int


@dataclass(frozen=True)
class ResolvedProtocol:
    """A protocol with this scan's numbers in it.

    Attributes:
        protocol: the rules.
        threshold_hu: the threshold used.
        bands_hu: lowest HU of density factors 1, 2, 3, 4.
        agatston_factor: what the raw Agatston score is multiplied by (1 without a calibration).
        sentence: the statement that every output carries beside the score.
        blood_median_hu, blood_sd_hu, kvp: this scan's numbers, from which another protocol can be resolved; None where
            they are not known.
    """

    protocol: Protocol
    threshold_hu: float
    bands_hu: tuple[float, float, float, float]
    agatston_factor: float
    sentence: str
    blood_median_hu: float | None = None
    blood_sd_hu: float | None = None
    kvp: float | None = None

    @property
    def score_name(self) -> str:
        """What its score may be called: a sum over contrast CT is no Agatston score."""
        adapts = isinstance(self.protocol.threshold, BloodPoolThreshold)
        return "Agatston equivalent" if adapts or _has_contrast(self.blood_median_hu) else "Agatston score"

    def counts(self, hu: np.ndarray) -> np.ndarray:
        """Which voxels reach (or, by a strict protocol, exceed) the threshold."""
        return hu > self.threshold_hu if self.protocol.strict_threshold else hu >= self.threshold_hu


def measure_blood_pool(hu_zyx: np.ndarray, lumen_zyx: np.ndarray) -> BloodPool:
    """Median and robust SD of the blood in `lumen_zyx` (bool): the aortic root or the proximal lumen, without its edge.

    Raises:
        BloodPoolNotMeasurableError: fewer than 50 voxels.
    """
    values = hu_zyx[lumen_zyx]
    if values.size < MINIMUM_BLOOD_VOXELS:
        raise BloodPoolNotMeasurableError(
            f"the blood-pool region has {values.size} voxels",
            f"at least {MINIMUM_BLOOD_VOXELS}",
            "Place the region in the aortic root",
        )
    low, median = np.percentile(values, (LEFT_SD_PERCENTILE, 50.0))
    return BloodPool(float(median), float(median - low), int(values.size))


def resolve(
    protocol: Protocol,
    blood_pool_median_hu: float | None = None,
    blood_pool_sd_hu: float | None = None,
    kvp: float | None = None,
    *,
    has_calcium_mask: bool = True,
) -> ResolvedProtocol:
    """The threshold and density bands of `protocol` for one scan.

    Raises:
        PlainThresholdOnContrastError: without a calcium mask, a threshold that ignores the blood pool, on a scan
            whose blood exceeds 100 HU.
        MissingBloodPoolError, MissingKvpError: the rule needs a figure that is None.
        KvpOutOfRangeError: the tube voltage is outside the protocol's table.
    """
    bands = protocol.bands_hu
    match protocol.threshold:
        case BloodPoolThreshold(k=k, floor_hu=floor_hu):
            threshold_hu, origin = _above_blood(protocol.name, k, floor_hu, blood_pool_median_hu, blood_pool_sd_hu)
        case KvpBands() as table:
            bands = _bands_at(table, kvp)
            threshold_hu, origin = bands[0], f"table for the tube voltage, {kvp:g} kVp"
        case FixedThreshold(hu=threshold_hu):
            origin = "fixed"
    adapts = isinstance(protocol.threshold, BloodPoolThreshold)
    has_contrast = _has_contrast(blood_pool_median_hu)
    if has_contrast and not has_calcium_mask and not adapts:
        raise PlainThresholdOnContrastError(
            f"the protocol '{protocol.name}' counts everything from {threshold_hu:.0f} HU on, and this scan's blood "
            f"has {blood_pool_median_hu:.0f} HU, so contrast agent would be counted as calcium",
            f"blood of at most {CONTRAST_BLOOD_HU:.0f} HU, or a mask of the calcium",
            "Segment the calcium first and score its mask; the protocol 'ccta-adaptive' is meant for that",
        )
    factor = protocol.calibration.factor(threshold_hu) if protocol.calibration else 1.0
    sentence = _sentence(protocol, threshold_hu, bands, origin, has_contrast or adapts)
    return ResolvedProtocol(
        protocol, threshold_hu, bands, factor, sentence, blood_pool_median_hu, blood_pool_sd_hu, kvp
    )


def _has_contrast(blood_hu: float | None) -> bool:
    return blood_hu is not None and blood_hu > CONTRAST_BLOOD_HU


def _above_blood(
    name: str, k: float, floor_hu: float, median_hu: float | None, sd_hu: float | None
) -> tuple[float, str]:
    if median_hu is None or sd_hu is None:
        raise MissingBloodPoolError(
            f"the protocol '{name}' needs the blood pool's median and SD, which were not measured",
            "a measurement in the aortic root or the proximal lumen",
            "Place a blood-pool region, or choose a protocol with a fixed threshold",
        )
    adapted = median_hu + k * sd_hu
    if adapted < floor_hu:
        return floor_hu, f"the floor, because blood {median_hu:.0f} HU + {k:g} × SD {sd_hu:.0f} HU is less"
    return adapted, f"blood {median_hu:.0f} HU + {k:g} × SD {sd_hu:.0f} HU"


def _bands_at(table: KvpBands, kvp: float | None) -> tuple[float, float, float, float]:
    if kvp is None:
        raise MissingKvpError(
            "the scan does not say its tube voltage",
            "a kVp, which this protocol's threshold depends on",
            "State the kVp, or choose the protocol 'literature' if it was 120",
        )
    measured = [k for k, _ in table.bands_hu]
    if not measured[0] <= kvp <= measured[-1]:
        raise KvpOutOfRangeError(
            f"a tube voltage of {kvp:g} kVp", f"{measured[0]:g} to {measured[-1]:g} kVp", "Choose another protocol"
        )
    columns = zip(*(bands for _, bands in table.bands_hu), strict=True)
    first, second, third, fourth = (float(np.interp(kvp, measured, column)) for column in columns)
    return first, second, third, fourth


def _sentence(protocol: Protocol, threshold_hu: float, bands: tuple[float, ...], origin: str, contrast: bool) -> str:
    name = "CCTA-derived Agatston equivalent" if contrast else "Agatston score"
    relation = "over" if protocol.strict_threshold else "from"
    increment = "× slice increment / 3 mm" if protocol.normalise_increment else "not scaled for the slice increment"
    edges = "/".join(f"{b:.0f}" for b in bands)
    parts = [
        f"{name}, protocol '{protocol.name}': calcium {relation} {threshold_hu:.0f} HU ({origin})",
        f"{protocol.island_connectivity}-connected {protocol.minimum.describe()}",
        f"density factors from {edges} HU by {protocol.weight.value}",
        increment,
    ]
    if protocol.reslice_mm is not None:
        parts.append(f"thinner slices averaged to {protocol.reslice_mm:g} mm")
    if protocol.calibration:
        parts.append(
            f"converted by ({protocol.calibration.constant:g} + {protocol.calibration.per_hu:g} × threshold), "
            "established on 3 mm slices"
        )
    elif contrast:
        parts.append("not converted: a sum over contrast CT, several times lower than a calcium scan's score")
    if protocol.equivalent:
        parts.append("an estimate of that score stands beside it, calibrated on simulation")
    if threshold_hu >= bands[-1]:
        parts.append("every density factor is 4 at this threshold, so read volume and mass beside it")
    parts.append(f"mass uncalibrated: nominal factor {protocol.mass_factor:g} mg/mm³/HU")
    return "; ".join(parts) + "."
