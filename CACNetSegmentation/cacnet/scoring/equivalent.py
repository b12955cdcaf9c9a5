"""What a calcium scan without contrast would have scored, estimated from contrast CT: calibrated on simulation.

Contrast hides the blooming of calcium, so a score summed over it in contrast CT is several times lower than that of the
same patient's calcium scan. On simulated patients, who have both scans, the volume that counts tells the other score
best. No real pair of scans went into this: the raw score always stands beside the estimate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cacnet.scoring.protocol import VolumeCalibration
from cacnet.scoring.risk import RiskCategory, cac_drs, risk_category


@dataclass(frozen=True)
class Equivalent:
    """An estimated Agatston score without contrast.

    Attributes:
        estimate: 0 where no calcium counts.
        low, high: 95 % prediction interval, for this patient rather than for the mean of many.
        category, cac_drs: of the estimate.
        calibrated_on: always 'simulation'.
        sentence: the statement that stands beside the number wherever it is shown.
    """

    estimate: float
    low: float
    high: float
    category: RiskCategory
    cac_drs: str
    calibrated_on: str
    sentence: str


def equivalent_of(
    volume_mm3: float, vessels: int, calibration: VolumeCalibration, *, reviewed: bool = False
) -> Equivalent:
    """The estimate for a volume of calcium that counts.

    Args:
        volume_mm3: sum over the lesions that count.
        vessels: number of calcified arteries, for the CAC-DRS code.
        calibration: that of the protocol which the volume was counted by.
        reviewed: whether a reader has judged every lesion. The interval is then that of right calcium masks; otherwise
            it is that of a network's own masks on patients that it was not trained on.
    """
    pairs = calibration.right_masks if reviewed else calibration.network_masks
    estimate = calibration.estimate(volume_mm3)
    low, high = prediction_interval(estimate, pairs.root_half_width)
    spread = "those" if reviewed else pairs.describe()
    sentence = (
        f"Estimated Agatston score without contrast {estimate:.0f} (95 % prediction interval {low:.0f} to {high:.0f}), "
        f"calibrated on simulation: {calibration.factor:.3g} × (mm³ of calcium) ^ {calibration.power:.3g}, fitted to "
        f"{calibration.right_masks.describe()}; interval from {spread}. Not validated on "
        "patients; read it beside the raw score."
    )
    category = risk_category(estimate)
    return Equivalent(estimate, low, high, category, cac_drs(estimate, vessels), "simulation", sentence)


def prediction_interval(estimate: float, root_half_width: float) -> tuple[float, float]:
    """Both ends of √score ± `root_half_width`, as scores: on simulated pairs √score is as uncertain at any score."""
    root = math.sqrt(estimate)
    return max(0.0, root - root_half_width) ** 2, (root + root_half_width) ** 2
