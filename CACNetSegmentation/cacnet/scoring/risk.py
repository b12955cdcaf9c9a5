"""What an Agatston score is taken to mean: category, CAC-DRS code, percentile. All established on non-contrast CT."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from cacnet.errors import CacnetError

VERY_HIGH_AGATSTON = 1000.0


class InvalidPatientError(CacnetError):
    """An age or sex that the reference table cannot be entered with."""


class InvalidScoreError(CacnetError):
    """An Agatston score that is negative or not a number."""


class RiskCategory(StrEnum):
    """The five customary Agatston categories."""

    ZERO = "0"
    MINIMAL = "1–10"
    MILD = "11–100"
    MODERATE = "101–400"
    SEVERE = ">400"


def risk_category(agatston: float) -> RiskCategory:
    """Category of a total score.

    The published categories leave gaps between whole numbers; ours close them: 0, (0, 10], (10, 100],
    (100, 400], above. So a score between 0 and 1 is '1–10'; it is above 0 only where an island survived the
    minimum-area rule.
    """
    _require_score(agatston)
    if agatston == 0:
        return RiskCategory.ZERO
    edges = ((10.0, RiskCategory.MINIMAL), (100.0, RiskCategory.MILD), (400.0, RiskCategory.MODERATE))
    return next((category for edge, category in edges if agatston <= edge), RiskCategory.SEVERE)


def cac_drs(agatston: float, vessels: int) -> str:
    """CAC-DRS code such as 'A2/N3' (Hecht 2018, 10.1016/j.jcct.2018.03.008).

    A0 is 0, A1 1–99, A2 100–299, A3 300 and more; between whole numbers, A1 is (0, 100) and A2 [100, 300).
    N is the number of calcified arteries of LM, LAD, LCx and RCA.
    """
    _require_score(agatston)
    a = 0 if agatston == 0 else 1 + int(np.searchsorted((100.0, 300.0), agatston, side="right"))
    return f"A{a}/N{vessels}"


def is_very_high(agatston: float) -> bool:
    """Whether a score is flagged as very high: above 1000."""
    _require_score(agatston)
    return agatston > VERY_HIGH_AGATSTON


PERCENTILES = (25.0, 50.0, 75.0, 90.0)
HOFF_AGE_FROM = (0, 40, 45, 50, 55, 60, 65, 70, 75)
"""First age of each row of the table; the last row is open."""

# Women's 90th percentiles from 70 on are not confirmed against the publication yet.
HOFF_2001: Mapping[str, tuple[tuple[float, float, float, float], ...]] = MappingProxyType(
    {
        "M": (
            (0, 1, 3, 14),
            (0, 1, 9, 59),
            (0, 3, 36, 154),
            (1, 15, 103, 332),
            (4, 48, 215, 554),
            (13, 113, 410, 994),
            (32, 180, 566, 1299),
            (64, 310, 892, 1774),
            (166, 473, 1071, 1982),
        ),
        "F": (
            (0, 0, 1, 3),
            (0, 0, 1, 4),
            (0, 0, 2, 22),
            (0, 0, 5, 55),
            (0, 1, 23, 121),
            (0, 3, 57, 193),
            (1, 24, 145, 410),
            (3, 52, 210, 631),
            (9, 75, 241, 709),
        ),
    }
)
"""Agatston score at the 25th, 50th, 75th and 90th percentile by sex and age (Hoff 2001, 35 246 asymptomatic adults)."""


@dataclass(frozen=True)
class HoffPercentile:
    """Where a score stands among asymptomatic adults of the same age and sex.

    Attributes:
        bracket: such as '50th–75th', '<25th', '≥90th'; '≤50th' where a score of 0 reaches up to the 50th.
        interpolated: linear between the bracket's ends, or None where the table has no two ends to go between.
        source: the reference, with its limits.
    """

    bracket: str
    interpolated: float | None
    source: str = (
        "Hoff 2001, 10.1016/S0002-9149(01)01548-X: electron-beam CT without contrast, linear between 25/50/75/90"
    )


def hoff_percentile(agatston: float, age_years: float, sex: str) -> HoffPercentile:
    """Percentile of a score; `sex` is 'M' or 'F'.

    A score at a table value belongs to the bracket that starts there. A score of 0 cannot be ranked among the other
    zeros: it is at most the highest percentile that is 0.

    Raises:
        InvalidPatientError: age outside 18–120 or another sex.
        InvalidScoreError: a negative score or NaN.
    """
    _require_score(agatston)
    if sex not in HOFF_2001:
        raise InvalidPatientError(f"the sex '{sex}'", "'M' or 'F', as in the reference table")
    if not 18 <= age_years <= 120:
        raise InvalidPatientError(f"an age of {age_years:g} years", "18 to 120 years")
    row = HOFF_2001[sex][int(np.searchsorted(HOFF_AGE_FROM, math.floor(age_years), side="right")) - 1]
    reached = int(np.searchsorted(row, agatston, side="right"))
    if reached == 0:
        return HoffPercentile("<25th", None)
    if agatston == 0:
        return HoffPercentile(f"≤{PERCENTILES[reached - 1]:.0f}th", None)
    if reached == len(PERCENTILES):
        return HoffPercentile("≥90th", None)
    low, high = PERCENTILES[reached - 1 : reached + 1]
    interpolated = float(np.interp(agatston, row[reached - 1 : reached + 1], (low, high)))
    return HoffPercentile(f"{low:.0f}th–{high:.0f}th", interpolated)


def _require_score(agatston: float) -> None:
    if not agatston >= 0 or math.isinf(agatston):
        raise InvalidScoreError(f"an Agatston score of {agatston}", "a finite number from 0 on")
