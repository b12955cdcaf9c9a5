"""How well two measurements of the same patients agree. Formulas take (..., n, 2): found and true values of n patients.

Each statistic is a Formula with its Objection (`cacnet.evaluation.estimates`), so that a bootstrap can resample it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from cacnet.evaluation.estimates import CONFIDENCE, LEAST_PATIENTS, Estimate, Formula, estimate

LIMIT_SD = 1.96
"""Limits of agreement are bias ± 1.96 SD (Bland and Altman 1986, 10.1016/S0140-6736(86)90837-8)."""
ROUNDING = 1e-12
F_INTERVAL = "F"
F_INTERVAL_SOURCE = "McGraw and Wong 1996, 10.1037/1082-989X.1.1.30, case 2A, for normal data"
NO_SCORE = "no patient has both scores"


@dataclass(frozen=True)
class Agreement:
    """Found against true values of one quantity.

    Attributes:
        icc: ICC(2,1), two-way random effects, absolute agreement, single measurement.
        icc_f_interval: the same with the analytical interval.
        bias: mean of found − true; lower_limit and upper_limit are the limits of agreement around it.
        mean_absolute_error: mean of |found − true|.
    """

    icc: Estimate
    icc_f_interval: Estimate
    pearson: Estimate
    spearman: Estimate
    bias: Estimate
    lower_limit: Estimate
    upper_limit: Estimate
    mean_absolute_error: Estimate


def agreement(found: Sequence[float | None], true: Sequence[float | None], unit: str = "") -> Agreement:
    """All statistics of two measurements; patients with a None in either are left out."""
    columns = [found, true]

    def of(formula: Formula, unit: str = "") -> Estimate:
        return estimate(formula, _objection_to_difference, columns, unit)

    return Agreement(
        icc=estimate(icc_2_1, _objection_to_icc, columns),
        icc_f_interval=icc_with_f_interval(found, true),
        pearson=estimate(pearson, _objection_to_correlation, columns),
        spearman=estimate(spearman, _objection_to_correlation, columns),
        bias=of(lambda v: _difference(v).mean(axis=-1), unit),
        lower_limit=estimate(lambda v: limit(v, -1), _objection_to_limits, columns, unit),
        upper_limit=estimate(lambda v: limit(v, 1), _objection_to_limits, columns, unit),
        mean_absolute_error=of(lambda v: np.abs(_difference(v)).mean(axis=-1), unit),
    )


def icc_2_1(ratings: np.ndarray) -> np.ndarray:
    """ICC(2,1) of (..., n patients, k raters): Shrout and Fleiss 1979, 10.1037/0033-2909.86.2.420; = ICC(A,1)."""
    n, k = ratings.shape[-2:]
    rows, columns, error = _mean_squares(ratings)
    below = rows + (k - 1) * error + k * (columns - error) / n
    return np.divide(rows - error, below, out=np.full_like(below, np.nan), where=below > 0)


def icc_f_interval(ratings: np.ndarray) -> tuple[float, float]:
    """95 % interval of ICC(2,1) of (n, k) ratings (McGraw and Wong 1996, table 7); NaN where there is no error."""
    n, k = ratings.shape
    rows, columns, error = (float(value) for value in _mean_squares(ratings))
    if error <= ROUNDING * (rows + columns):
        return float("nan"), float("nan")
    rho = float(icc_2_1(ratings))
    a = k * rho / (n * (1 - rho))
    b = 1 + k * rho * (n - 1) / (n * (1 - rho))
    v = (a * columns + b * error) ** 2 / ((a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    above = float(stats.f.ppf((1 + CONFIDENCE) / 2, n - 1, v))
    below = float(stats.f.ppf((1 + CONFIDENCE) / 2, v, n - 1))
    spread = k * columns + (k * n - k - n) * error
    return (
        n * (rows - above * error) / (above * spread + n * rows),
        n * (below * rows - error) / (spread + n * below * rows),
    )


def icc_with_f_interval(found: Sequence[float | None], true: Sequence[float | None]) -> Estimate:
    """ICC(2,1) with the interval that its authors derived for normal data."""
    plain = estimate(icc_2_1, _objection_to_icc, [found, true])
    if plain.value is None:
        return Estimate(None, n=plain.n, method=F_INTERVAL, note=plain.note)
    pairs = np.array([pair for pair in zip(found, true, strict=True) if None not in pair], float)
    low, high = icc_f_interval(pairs)
    if not np.isfinite([low, high]).all():
        note = "found and true values differ by the same amount in every patient"
        return Estimate(plain.value, n=plain.n, method=F_INTERVAL, note=note)
    return Estimate(plain.value, low, high, plain.n, method=F_INTERVAL)


def pearson(values: np.ndarray) -> np.ndarray:
    """Pearson's correlation coefficient."""
    centred = values - values.mean(axis=-2, keepdims=True)
    x, y = centred[..., 0], centred[..., 1]
    below = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    return np.divide((x * y).sum(axis=-1), below, out=np.full_like(below, np.nan), where=below > 0)


def spearman(values: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation coefficient, ties at their mean rank."""
    return pearson(stats.rankdata(values, axis=-2))


def limit(values: np.ndarray, side: int) -> np.ndarray:
    """Lower (side −1) or upper (side 1) limit of agreement."""
    difference = _difference(values)
    return difference.mean(axis=-1) + side * LIMIT_SD * difference.std(axis=-1, ddof=1)


def linearly_weighted_kappa(categories: np.ndarray) -> np.ndarray:
    """Kappa of (..., n, 2) category numbers from 0, weighted by distance (Cohen 1968, 10.1037/h0026256)."""
    number = np.arange(int(categories.max()) + 1)
    shares = (categories[..., None] == number).mean(axis=-3)
    apart = np.abs(number[:, None] - number)
    by_chance = np.einsum("...i,...j,ij->...", shares[..., 0, :], shares[..., 1, :], apart)
    observed = np.abs(_difference(categories)).mean(axis=-1)
    ratio = np.divide(observed, by_chance, out=np.full_like(by_chance, np.nan), where=by_chance > 0)
    return 1 - ratio


def kappa(found: Sequence[int | None], true: Sequence[int | None]) -> Estimate:
    """Linearly weighted kappa of category numbers from 0."""
    return estimate(linearly_weighted_kappa, _objection_to_kappa, [found, true])


def _mean_squares(ratings: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Between patients, between raters, and of the rest: the two-way analysis of variance."""
    n, k = ratings.shape[-2:]
    row = ratings.mean(axis=-1, keepdims=True)
    column = ratings.mean(axis=-2, keepdims=True)
    rest = ratings - row - column + ratings.mean(axis=(-2, -1), keepdims=True)
    between_rows = k * row[..., 0].var(axis=-1, ddof=1)
    between_columns = n * column[..., 0, :].var(axis=-1, ddof=1)
    return between_rows, between_columns, (rest**2).sum(axis=(-2, -1)) / ((n - 1) * (k - 1))


def _difference(values: np.ndarray) -> np.ndarray:
    return values[..., 0] - values[..., 1]


def _objection_to_difference(values: np.ndarray) -> str:
    return "" if len(values) else NO_SCORE


def _objection_to_limits(values: np.ndarray) -> str:
    return _too_few(values)


def _objection_to_icc(values: np.ndarray) -> str:
    return _too_few(values) or ("all values are equal" if np.ptp(values) == 0 else "")


def _objection_to_correlation(values: np.ndarray) -> str:
    if reason := _too_few(values):
        return reason
    for name, column in zip(("found", "true"), values.T, strict=True):
        if np.ptp(column) == 0:
            return f"all {name} values are equal"
    return ""


def _objection_to_kappa(values: np.ndarray) -> str:
    if reason := _too_few(values):
        return reason
    return "all patients are in one category, found and true" if np.ptp(values) == 0 else ""


def _too_few(values: np.ndarray) -> str:
    n = len(values)
    if n == 0:
        return NO_SCORE
    return f"{n} patient{'s' if n > 1 else ''}, at least {LEAST_PATIENTS} needed" if n < LEAST_PATIENTS else ""
