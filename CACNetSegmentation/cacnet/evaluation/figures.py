"""All figures of an evaluation, from the results of its cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from cacnet.anatomy import NAMED_VESSELS
from cacnet.evaluation.agreement import Agreement, agreement, kappa
from cacnet.evaluation.case import ANY_VESSEL, LEAST_VOLUME_MM3, SCOPES, TOTAL, CaseResult, Naming
from cacnet.evaluation.estimates import Estimate, estimate, mean, proportion, ratio
from cacnet.evaluation.lesion_matching import LesionCounts
from cacnet.evaluation.lesion_rows import FOUND
from cacnet.evaluation.metrics import Overlap
from cacnet.scoring import RiskCategory, risk_category

Cases = Sequence[CaseResult]
NO_TRUE_CALCIUM = "no patient has calcium"
NO_FOUND_CALCIUM = "no calcium was found in any patient"
NO_NAMES = "the truth names no arteries"
NOT_LABELLED = "the truth does not label it in any case"
QUANTITIES: Mapping[str, str] = {"agatston": "", "volume_mm3": "mm³", "mass_mg": "mg"}
SCORED = (TOTAL, *(vessel.label for vessel in NAMED_VESSELS))
CATEGORIES = tuple(RiskCategory)


@dataclass(frozen=True)
class Figures:
    """Everything that was measured.

    Attributes:
        voxels: of calcium, of calcium before post-processing, and of the coronary arteries.
        lesions: by least volume, then by scope (see `cacnet.evaluation.case`).
        lesion_totals: the counts behind them, summed over patients; empty where the truth names no arteries.
        naming: of arteries.
        detection: whether a patient has calcium at all.
        scores: by quantity, then for the patient and each artery.
        against_scan_without_contrast: of the Agatston score, with that of an ideal scan without contrast as the truth.
        risk: agreement of risk categories.
        risk_table: patients by true (rows) and found (columns) category, in the order of RiskCategory.
        false_positives_on: how many found lesions that touch no true one lie on what.
        seconds: of the chain, per scan.
    """

    voxels: Mapping[str, Estimate]
    lesions: Mapping[str, Mapping[str, Mapping[str, Estimate]]]
    lesion_totals: Mapping[str, Mapping[str, LesionCounts]]
    naming: Mapping[str, Estimate]
    detection: Mapping[str, Estimate]
    scores: Mapping[str, Mapping[str, Agreement]]
    against_scan_without_contrast: Agreement
    risk: Mapping[str, Estimate]
    risk_table: tuple[tuple[int, ...], ...]
    false_positives_on: Mapping[str, int]
    seconds: Estimate


def compute_figures(cases: Cases) -> Figures:
    """All figures of at least one case."""
    return Figures(
        voxels=_voxels(cases),
        lesions={
            rule: {
                scope: _lesions(
                    [c.lesion_counts.get(scope, {}).get(rule) for c in cases],
                    NOT_LABELLED if scope == ANY_VESSEL else NO_NAMES,
                )
                for scope in SCOPES
            }
            for rule in LEAST_VOLUME_MM3
        },
        lesion_totals={rule: _totals(cases, rule) for rule in LEAST_VOLUME_MM3},
        naming={
            "coronary_voxels": _naming([case.named_voxels for case in cases]),
            "lesions": _naming([case.named_lesions for case in cases]),
        },
        detection=_detection(cases),
        scores={
            quantity: {scope: agreement(*paired_scores(cases, quantity, scope), unit) for scope in SCORED}
            for quantity, unit in QUANTITIES.items()
        },
        against_scan_without_contrast=agreement(
            paired_scores(cases, "agatston")[0], [case.origin.agatston_without_contrast for case in cases]
        ),
        risk=_risk(cases),
        risk_table=_risk_table(cases),
        false_positives_on=_false_positives_on(cases),
        seconds=mean([case.seconds for case in cases], "no case", "s"),
    )


def paired_scores(cases: Cases, quantity: str, scope: str = TOTAL) -> tuple[list[float | None], list[float | None]]:
    """Found and true values of one quantity, None where there is no score or the truth names no arteries."""
    named = [scope == TOTAL or scope in case.lesion_counts for case in cases]
    found = [
        getattr(case.found_scores[scope], quantity) if case.found_scores is not None and known else None
        for case, known in zip(cases, named, strict=True)
    ]
    true = [
        getattr(case.true_scores[scope], quantity) if case.true_scores is not None and known else None
        for case, known in zip(cases, named, strict=True)
    ]
    return found, true


def _voxels(cases: Cases) -> dict[str, Estimate]:
    figures: dict[str, Estimate] = {}
    for name in ("calcium", "calcium_before", "coronary"):
        overlaps: list[Overlap] = [found for case in cases if (found := getattr(case, name)) is not None]
        if not overlaps:
            figures |= {
                f"{name}_{key}": Estimate(None, note=NOT_LABELLED) for key in ("dice", "se", "pe", "dice_pooled")
            }
            continue
        true, found = (NO_TRUE_CALCIUM, NO_FOUND_CALCIUM) if name != "coronary" else ("no artery", "no artery found")
        figures |= {
            f"{name}_dice": mean([o.dice for o in overlaps], f"{true}, and none was found"),
            f"{name}_se": mean([o.sensitivity for o in overlaps], true),
            f"{name}_pe": mean([o.precision for o in overlaps], found),
            f"{name}_dice_pooled": ratio(
                [2.0 * o.true_positive for o in overlaps],
                [2.0 * o.true_positive + o.false_positive + o.false_negative for o in overlaps],
                f"{true}, and none was found",
            ),
        }
    return figures


def _lesions(counts: Sequence[LesionCounts | None], why_not: str) -> dict[str, Estimate]:
    """Pooled over patients; None for a patient whose truth does not tell, `why_not` the reason where all are."""
    if all(c is None for c in counts):
        names = ("sensitivity", "ppv", "f1", "false_positives_per_scan")
        by_volume = ("sensitivity_by_volume", "ppv_by_volume", "f1_by_volume")
        return dict.fromkeys((*names, *by_volume), Estimate(None, note=why_not))

    def column(value: Callable[[LesionCounts], float]) -> list[float | None]:
        return [None if c is None else value(c) for c in counts]

    true, true_found = column(lambda c: c.true), column(lambda c: c.true_found)
    found, right = column(lambda c: c.found), column(lambda c: c.found_right)
    true_mm3, true_found_mm3 = column(lambda c: c.true_mm3), column(lambda c: c.true_found_mm3)
    found_mm3, right_mm3 = column(lambda c: c.found_mm3), column(lambda c: c.found_right_mm3)
    return {
        "sensitivity": ratio(true_found, true, "no true lesion"),
        "ppv": ratio(right, found, "no lesion was found"),
        "f1": f1(true_found, true, right, found),
        "false_positives_per_scan": mean(column(lambda c: c.false_positives), "no case"),
        "sensitivity_by_volume": ratio(true_found_mm3, true_mm3, "no true lesion"),
        "ppv_by_volume": ratio(right_mm3, found_mm3, "no lesion was found"),
        "f1_by_volume": f1(true_found_mm3, true_mm3, right_mm3, found_mm3),
    }


def _totals(cases: Cases, rule: str) -> dict[str, LesionCounts]:
    totals = {}
    for scope in SCOPES:
        counts = [astuple(case.lesion_counts[scope][rule]) for case in cases if scope in case.lesion_counts]
        if counts:
            totals[scope] = LesionCounts(*(sum(column) for column in zip(*counts, strict=True)))
    return totals


def f1(
    true_found: Sequence[float | None],
    true: Sequence[float | None],
    right: Sequence[float | None],
    found: Sequence[float | None],
) -> Estimate:
    """Harmonic mean of sensitivity and PPV, pooled; 0 where one side alone has lesions, as Dice is."""

    def formula(values: np.ndarray) -> np.ndarray:
        sums = values.sum(axis=-2)
        zero = np.zeros(sums.shape[:-1])
        sensitivity = np.divide(sums[..., 0], sums[..., 1], out=zero.copy(), where=sums[..., 1] > 0)
        ppv = np.divide(sums[..., 2], sums[..., 3], out=zero.copy(), where=sums[..., 3] > 0)
        both = sensitivity + ppv
        neither = (sums[..., 1] == 0) & (sums[..., 3] == 0)
        return np.where(neither, np.nan, np.divide(2 * sensitivity * ppv, both, out=zero, where=both > 0))

    def objection(values: np.ndarray) -> str:
        return "" if values[:, 1].sum() + values[:, 3].sum() else "no lesion, neither true nor found"

    return estimate(formula, objection, [true_found, true, right, found])


def _naming(counts: Sequence[Naming | None]) -> Estimate:
    if all(c is None for c in counts):
        return Estimate(None, note=NO_NAMES)
    right = [None if c is None else float(c.right) for c in counts]
    asked = [None if c is None else float(c.asked) for c in counts]
    return ratio(right, asked, "nothing was found that could be named")


def _detection(cases: Cases) -> dict[str, Estimate]:
    """An answer without arteries is no answer: it neither finds calcium nor rules it out."""
    known = [(case, case.calcium) for case in cases if case.calcium is not None]
    positive = [calcium for _, calcium in known if not calcium.truth_is_empty]
    negative = [(case, calcium) for case, calcium in known if calcium.truth_is_empty]
    zero = [case for case in cases if case.true_scores is not None and case.true_scores[TOTAL].agatston == 0]
    answered = [case for case in cases if case.found_scores is not None]
    found = sum(not calcium.result_is_empty for calcium in positive)
    cleared = sum(calcium.result_is_empty and case.found_scores is not None for case, calcium in negative)
    scored_zero = sum(case.found_scores is not None and case.found_scores[TOTAL].agatston == 0 for case in zero)
    return {
        "sensitivity": proportion(found, len(positive), NO_TRUE_CALCIUM),
        "specificity": proportion(cleared, len(negative), "no patient without calcium"),
        "zero_scored_zero": proportion(scored_zero, len(zero), "no patient with a true Agatston score of 0"),
        "scored": proportion(len(answered), len(cases), "no case"),
    }


def _risk(cases: Cases) -> dict[str, Estimate]:
    pairs = _categories(cases)
    same = sum(found == true for found, true in pairs)
    return {
        "weighted_kappa": kappa([found for found, _ in pairs], [true for _, true in pairs]),
        "same_category": proportion(same, len(pairs), "no patient has a score"),
    }


def _risk_table(cases: Cases) -> tuple[tuple[int, ...], ...]:
    counts = Counter(_categories(cases))
    size = range(len(CATEGORIES))
    return tuple(tuple(counts[found, true] for found in size) for true in size)


def _categories(cases: Cases) -> list[tuple[int, int]]:
    """Numbers of the found and the true risk category, of the patients with a score."""
    number = {category: i for i, category in enumerate(CATEGORIES)}
    return [
        (
            number[risk_category(case.found_scores[TOTAL].agatston)],
            number[risk_category(case.true_scores[TOTAL].agatston)],
        )
        for case in cases
        if case.found_scores is not None and case.true_scores is not None
    ]


def _false_positives_on(cases: Cases) -> dict[str, int]:
    rows = (row for case in cases for row in case.lesions if row.side == FOUND and not row.partners)
    return dict(Counter(row.lies_on for row in rows).most_common())
