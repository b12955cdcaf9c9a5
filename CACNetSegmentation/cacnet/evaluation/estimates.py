"""A figure with its interval and the number of patients behind it, or the reason why it is not defined.

Intervals come from resampling patients with replacement (percentile bootstrap, Efron and Tibshirani 1993, chapter 13),
with one fixed seed, so that the same cases always give the same interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

SAMPLES = 2000
SEED = 20250101
CONFIDENCE = 0.95
BOOTSTRAP, WILSON = "bootstrap", "Wilson"
METHODS = {
    BOOTSTRAP: f"percentile bootstrap over patients, {SAMPLES} samples, seed {SEED}",
    WILSON: "score interval of Wilson 1927, 10.1080/01621459.1927.10502953",
}
LEAST_PATIENTS = 3
"""Two patients resampled say no more than their two values; and a correlation of two is ±1 whatever they are."""
LEAST_DEFINED_SHARE = 0.5
"""A bootstrap interval needs the statistic to be defined in at least this share of the samples."""

Formula = Callable[[np.ndarray], np.ndarray]
"""From patients' values (..., n, k) to the statistic (...); NaN where it is not defined."""
Objection = Callable[[np.ndarray], str]
"""From patients' values (n, k) to why the statistic is not defined for them; an empty text where it is."""


@dataclass(frozen=True)
class Estimate:
    """One figure.

    Attributes:
        value: None where it is not defined; `note` then says why.
        low, high: ends of the 95 % interval; None where there is none, and `note` says why.
        n: patients that it was computed from.
        unit: such as 'mm³'; empty for a share or coefficient.
        method: how the interval was computed (see METHODS).
        note: what keeps the value or its interval from being defined, or qualifies it.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    unit: str = ""
    method: str = BOOTSTRAP
    note: str = ""

    def text(self, decimals: int = 2) -> str:
        """For tables: '0.73 (0.69 to 0.78)', or 'not defined: why'."""
        why = "" if self.low is not None else f": {self.note}"
        return f"{self.brief(decimals)}{why}"

    def brief(self, decimals: int = 2) -> str:
        """The same without the reasons."""
        if self.value is None:
            return "not defined"
        value = f"{self.value:.{decimals}f}{' ' if self.unit else ''}{self.unit}"
        if self.low is None or self.high is None:
            return f"{value} (no interval)"
        return f"{value} ({self.low:.{decimals}f} to {self.high:.{decimals}f})"


def estimate(
    formula: Formula, objection: Objection, columns: Sequence[Sequence[float | None]], unit: str = ""
) -> Estimate:
    """A statistic of patients with its bootstrap interval.

    Args:
        formula: see Formula.
        objection: see Objection; it is given the patients that are left, none included.
        columns: k sequences of one value per patient; a patient with a None in any of them is left out.
        unit: of the statistic.
    """
    values = np.array([[np.nan if v is None else v for v in column] for column in columns], float).T
    values = values[~np.isnan(values).any(axis=1)] if values.size else np.empty((0, len(columns)))
    n = len(values)
    reason = objection(values)
    if reason:
        return Estimate(None, n=n, unit=unit, note=reason)
    value = float(formula(values))
    if n < LEAST_PATIENTS:
        return Estimate(value, n=n, unit=unit, note="one patient" if n == 1 else f"{n} patients")
    drawn = formula(values[_draws(n)])
    defined = drawn[np.isfinite(drawn)]
    share = defined.size / drawn.size
    if share < LEAST_DEFINED_SHARE:
        return Estimate(value, n=n, unit=unit, note=f"undefined in {1 - share:.0%} of the bootstrap samples")
    if np.ptp(defined) <= 1e-12 * max(1.0, abs(value)):
        return Estimate(value, n=n, unit=unit, note="no bootstrap sample differs")
    low, high = np.percentile(defined, _percentiles())
    note = "" if share == 1 else f"without the {1 - share:.1%} of the bootstrap samples that leave it undefined"
    return Estimate(value, float(low), float(high), n, unit, note=note)


def mean(values: Sequence[float | None], why_not: str, unit: str = "") -> Estimate:
    """Mean over the patients for whom a figure is defined; `why_not` is the reason where there is none."""
    return estimate(lambda v: v[..., 0].mean(axis=-1), lambda v: "" if len(v) else why_not, [values], unit)


def ratio(parts: Sequence[float | None], wholes: Sequence[float | None], why_not: str, unit: str = "") -> Estimate:
    """Sum of the parts / sum of the wholes, over patients; `why_not` is the reason where the wholes sum to 0."""
    return estimate(_pooled, lambda v: "" if v[:, 1].sum() else why_not, [parts, wholes], unit)


def proportion(successes: int, n: int, why_not: str) -> Estimate:
    """A share of patients. Wilson's interval, because a bootstrap has none where all patients agree."""
    if n == 0:
        return Estimate(None, method=WILSON, note=why_not)
    interval = stats.binomtest(successes, n).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(successes / n, float(interval.low), float(interval.high), n, method=WILSON)


def _pooled(values: np.ndarray) -> np.ndarray:
    part, whole = values[..., 0].sum(axis=-1), values[..., 1].sum(axis=-1)
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole != 0)


@lru_cache(maxsize=8)
def _draws(n: int) -> np.ndarray:
    """(SAMPLES, n) patients drawn with replacement; the same for every figure of the same patients."""
    return np.random.default_rng(SEED).integers(0, n, (SAMPLES, n))


def _percentiles() -> tuple[float, float]:
    tail = 100 * (1 - CONFIDENCE) / 2
    return tail, 100 - tail
