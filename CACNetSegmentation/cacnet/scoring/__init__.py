"""From calcium voxels to Agatston, volume and mass scores, and what they mean.

In reading order: protocol, presets, threshold, agatston, totals, risk, equivalent. Nothing here knows of a lesion's
identity or of label maps of several vessels: that is `cacnet.lesions`, which uses this package.
"""

from cacnet.scoring.agatston import AgatstonGrid, LesionScore, score_lesion, score_touching
from cacnet.scoring.equivalent import Equivalent, equivalent_of
from cacnet.scoring.isotropic import isotropic_volume_mm3
from cacnet.scoring.per_slice import SliceScore, slice_scores
from cacnet.scoring.presets import DEFAULT_PROTOCOL, PROTOCOLS, UnknownProtocolError, protocol_named
from cacnet.scoring.protocol import (
    BloodPoolThreshold,
    CalibratedAgatston,
    FixedThreshold,
    InvalidProtocolError,
    KvpBands,
    MinimumArea,
    MinimumPixels,
    Protocol,
    SimulatedPairs,
    VolumeCalibration,
    WeightRule,
)
from cacnet.scoring.risk import (
    HOFF_2001,
    HoffPercentile,
    InvalidPatientError,
    InvalidScoreError,
    RiskCategory,
    cac_drs,
    hoff_percentile,
    is_very_high,
    risk_category,
)
from cacnet.scoring.threshold import (
    BloodPool,
    BloodPoolNotMeasurableError,
    KvpOutOfRangeError,
    MissingBloodPoolError,
    MissingKvpError,
    PlainThresholdOnContrastError,
    ResolvedProtocol,
    measure_blood_pool,
    resolve,
)
from cacnet.scoring.totals import Totals, VesselTotals, per_vessel, total

__all__ = [
    "DEFAULT_PROTOCOL",
    "HOFF_2001",
    "PROTOCOLS",
    "AgatstonGrid",
    "BloodPool",
    "BloodPoolNotMeasurableError",
    "BloodPoolThreshold",
    "CalibratedAgatston",
    "Equivalent",
    "FixedThreshold",
    "HoffPercentile",
    "InvalidPatientError",
    "InvalidProtocolError",
    "InvalidScoreError",
    "KvpBands",
    "KvpOutOfRangeError",
    "LesionScore",
    "MinimumArea",
    "MinimumPixels",
    "MissingBloodPoolError",
    "MissingKvpError",
    "PlainThresholdOnContrastError",
    "Protocol",
    "ResolvedProtocol",
    "RiskCategory",
    "SimulatedPairs",
    "SliceScore",
    "Totals",
    "UnknownProtocolError",
    "VesselTotals",
    "VolumeCalibration",
    "WeightRule",
    "cac_drs",
    "equivalent_of",
    "hoff_percentile",
    "is_very_high",
    "isotropic_volume_mm3",
    "measure_blood_pool",
    "per_vessel",
    "protocol_named",
    "resolve",
    "risk_category",
    "score_lesion",
    "score_touching",
    "slice_scores",
    "total",
]
