"""Pictures of an evaluation: correlation and Bland–Altman plots, one line per case, lesions by artery and size."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cacnet.anatomy import NAMED_VESSELS, Vessel
from cacnet.evaluation.agreement import Agreement
from cacnet.evaluation.case import ANY_VESSEL, TOTAL, CaseResult
from cacnet.evaluation.figures import QUANTITIES, Figures, paired_scores
from cacnet.evaluation.lesion_rows import TRUE
from cacnet.report import RESEARCH_USE
from cacnet.segments import CALCIUM_SEGMENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXIS_NAMES = {"agatston": "Agatston equivalent", "volume_mm3": "volume, mm³", "mass_mg": "mass, mg"}
COLORS = {Vessel(segment.label_value): segment.color_rgb for segment in CALCIUM_SEGMENTS}
POINTS, FOUND_COLOR, MUTED = "#0072b2", "#d55e00", "#5f6b76"
"""Of the palette of Okabe and Ito (2008), which stays apart for colour-blind readers."""
NAMED_OUTLIERS = 3
CASES_SHOWN = 60
SIZES_MM3 = (0.0, 1.0, 3.0, 10.0, 30.0, float("inf"))


def draw_plots(folder: Path, cases: Sequence[CaseResult], figures: Figures) -> None:
    """Write agreement.png, cases.png and lesions.png into `folder`."""
    _draw_agreement(folder / "agreement.png", cases, figures)
    _draw_cases(folder / "cases.png", cases)
    _draw_lesions(folder / "lesions.png", cases, figures)


def _draw_agreement(path: Path, cases: Sequence[CaseResult], figures: Figures) -> None:
    """Above, found against true; below, Bland–Altman; one column per quantity."""
    figure = _new_figure(15, 9.6)
    axes = figure.subplots(2, len(QUANTITIES))
    for column, quantity in enumerate(QUANTITIES):
        found, true = paired_scores(cases, quantity)
        pairs = [(c.case, f, t) for c, f, t in zip(cases, found, true, strict=True) if f is not None and t is not None]
        names = [name for name, _, _ in pairs]
        x, y = np.array([t for _, _, t in pairs]), np.array([f for _, f, _ in pairs])
        agreement = figures.scores[quantity][TOTAL]
        _draw_correlation(axes[0, column], x, y, names, AXIS_NAMES[quantity], agreement)
        _draw_bland_altman(axes[1, column], x, y, names, AXIS_NAMES[quantity], agreement)
    n = sum(case.found_scores is not None for case in cases)
    _save(figure, path, f"Scores of {n} of {len(cases)} patients: found against true calcium, same protocol", cases)


def _draw_correlation(
    axes: Axes, true: np.ndarray, found: np.ndarray, names: list[str], quantity: str, agreement: Agreement
) -> None:
    """On a scale that is linear up to 10 and logarithmic beyond, because calcium spans orders of magnitude."""
    top = 1.6 * max((10.0, *true, *found))
    axes.plot([0, top], [0, top], color=MUTED, linewidth=1, linestyle="--", label="identity")
    axes.scatter(true, found, s=34, color=POINTS, alpha=0.8, edgecolor="white", linewidth=0.6, zorder=3)
    _name_outliers(axes, true, found, np.abs(np.log1p(found) - np.log1p(true)), names)
    for scale, limits in ((axes.set_xscale, axes.set_xlim), (axes.set_yscale, axes.set_ylim)):
        scale("symlog", linthresh=10, linscale=0.5)
        limits(-1, top)
    _plain_ticks(axes, top)
    axes.set_xlabel(f"true {quantity}")
    axes.set_ylabel(f"found {quantity}")
    text = "\n".join(
        f"{name} {value.brief()}"
        for name, value in (
            ("ICC(2,1)", agreement.icc),
            ("Pearson r", agreement.pearson),
            ("Spearman ρ", agreement.spearman),
        )
    )
    axes.set_title(text, fontsize=9, loc="left", color=MUTED)
    axes.grid(alpha=0.25)


def _draw_bland_altman(
    axes: Axes, true: np.ndarray, found: np.ndarray, names: list[str], quantity: str, agreement: Agreement
) -> None:
    mean, difference = (true + found) / 2, found - true
    axes.axhline(0, color=MUTED, linewidth=0.8)
    lines = (
        (agreement.bias, "bias", "-"),
        (agreement.lower_limit, "−1.96 SD", "--"),
        (agreement.upper_limit, "+1.96 SD", "--"),
    )
    for estimate, name, style in lines:
        if estimate.value is None:
            continue
        axes.axhline(estimate.value, color=FOUND_COLOR, linewidth=1.3, linestyle=style)
        if estimate.low is not None and estimate.high is not None:
            axes.axhspan(estimate.low, estimate.high, color=FOUND_COLOR, alpha=0.10, linewidth=0)
        label = f"{name} {estimate.value:.1f}"
        axes.annotate(
            label,
            (1, estimate.value),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 3),
            textcoords="offset points",
            ha="right",
            fontsize=9,
            color=FOUND_COLOR,
        )
    axes.scatter(mean, difference, s=34, color=POINTS, alpha=0.8, edgecolor="white", linewidth=0.6, zorder=3)
    _name_outliers(axes, mean, difference, np.abs(difference), names)
    axes.margins(0.12, 0.15)
    axes.set_xlabel(f"mean of found and true {quantity}")
    axes.set_ylabel("found − true")
    if agreement.lower_limit.value is None:
        axes.set_title(f"limits of agreement not defined: {agreement.lower_limit.note}", fontsize=9, color=MUTED)
    axes.grid(alpha=0.25)


def _draw_cases(path: Path, cases: Sequence[CaseResult]) -> None:
    """One line per case: Dice on the left, volume by artery on the right, true above found."""
    shown = sorted(cases, key=_true_volume_mm3)[-CASES_SHOWN:]
    figure = _new_figure(14, 2.6 + 0.42 * len(shown))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.6))
    rows = np.arange(len(shown))
    _draw_dice(left, shown, rows)
    _draw_volumes(right, shown, rows)
    left.set_yticks(rows, [case.case for case in shown], fontsize=9)
    left.set_ylim(-0.7, len(shown) - 0.3)
    more = "" if len(shown) == len(cases) else f" ({len(shown)} of {len(cases)}, those with most calcium)"
    _save(figure, path, f"Case by case{more}", cases)


def _true_volume_mm3(case: CaseResult) -> float:
    return case.true_scores[TOTAL].volume_mm3 if case.true_scores is not None else 0.0


def _draw_dice(axes: Axes, cases: Sequence[CaseResult], rows: np.ndarray) -> None:
    marks: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("coronary arteries", "coronary", {"marker": "o", "color": MUTED}),
        ("calcium before post-processing", "calcium_before", {"marker": "D", "s": 70, "fc": "none", "ec": FOUND_COLOR}),
        ("calcium", "calcium", {"marker": "D", "s": 26, "color": POINTS}),
    )
    for label, name, style in marks:
        overlaps = [getattr(case, name) for case in cases]
        dice = [None if overlap is None else overlap.dice for overlap in overlaps]
        axes.scatter([np.nan if d is None else d for d in dice], rows, label=label, zorder=3, **style)
    for row, case in zip(rows, cases, strict=True):
        if case.calcium is None or case.calcium.dice is None:
            words = "calcium not labelled" if case.calcium is None else "no calcium, none found"
            axes.text(0.5, row, words, ha="center", va="center", fontsize=8, color=POINTS)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xlabel("Dice")
    axes.grid(alpha=0.25)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8, frameon=False, handletextpad=0.2)


def _draw_volumes(axes: Axes, cases: Sequence[CaseResult], rows: np.ndarray) -> None:
    for vessel in Vessel:
        color = COLORS[vessel]
        for offset, scores, alpha in (
            (0.18, [c.true_scores for c in cases], 1.0),
            (-0.18, [c.found_scores for c in cases], 0.55),
        ):
            widths = np.array([s[vessel.label].volume_mm3 if s else 0.0 for s in scores])
            before = [sum(s[v.label].volume_mm3 for v in Vessel if v < vessel) if s else 0.0 for s in scores]
            label = vessel.label if offset > 0 else None
            axes.barh(
                rows + offset,
                widths,
                0.34,
                before,
                color=color,
                alpha=alpha,
                label=label,
                edgecolor="white",
                linewidth=0.4,
            )
    for row, case in zip(rows, cases, strict=True):
        if case.found_scores is None:
            axes.text(0, row - 0.18, " no score: no artery recognised", va="center", fontsize=8, color=FOUND_COLOR)
    sums = [scores[TOTAL].volume_mm3 for c in cases for scores in (c.true_scores, c.found_scores) if scores]
    axes.set_xlim(0, 1.04 * max((1.0, *sums)))
    axes.set_xlabel("calcium volume above the threshold, mm³: true (upper bar, strong) and found (lower bar, pale)")
    axes.tick_params(labelleft=False, left=False)
    axes.grid(alpha=0.25, axis="x")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, fontsize=8, frameon=False)


def _draw_lesions(path: Path, cases: Sequence[CaseResult], figures: Figures) -> None:
    """Sensitivity and PPV by artery, sensitivity by size, and what false positives lie on."""
    figure = _new_figure(15, 5)
    by_artery, by_size, grounds = figure.subplots(1, 3, width_ratios=(1.2, 1, 1))
    _draw_by_artery(by_artery, figures)
    _draw_by_size(by_size, cases)
    _draw_grounds(grounds, figures)
    _save(figure, path, "Lesions by orCaScore's rules", cases)


def _draw_by_artery(axes: Axes, figures: Figures) -> None:
    scopes = [ANY_VESSEL, *(vessel.label for vessel in NAMED_VESSELS)]
    series = (("sensitivity", "sensitivity", POINTS, -0.17), ("ppv", "PPV", FOUND_COLOR, 0.17))
    for key, label, color, offset in series:
        axes.bar(0, 0, color=color, label=label)
        for at, scope in enumerate(scopes):
            estimate = figures.lesions["all"][scope][key]
            if estimate.value is None:
                axes.text(at + offset, 0.02, "not defined", rotation=90, fontsize=8, ha="center", color=color)
                continue
            axes.bar(at + offset, estimate.value, 0.3, color=color)
            axes.text(at + offset, 1.03, f"{estimate.value:.2f}", fontsize=8, ha="center", color=color)
            if estimate.low is not None and estimate.high is not None:
                axes.plot([at + offset] * 2, [estimate.low, estimate.high], color="#222222", linewidth=1.2)
    totals = figures.lesion_totals["all"]
    counts = [
        f"{scope}\n{totals[scope].true} true\n{totals[scope].found} found" if scope in totals else scope
        for scope in scopes
    ]
    axes.set_xticks(range(len(scopes)), counts, fontsize=9)
    axes.set_xlim(-0.6, len(scopes) - 0.4)
    axes.set_ylim(0, 1.2)
    axes.set_title("by artery, with 95 % intervals", fontsize=10)
    axes.legend(fontsize=9, frameon=False, loc="upper right", ncols=2, bbox_to_anchor=(1, 1.0))
    axes.grid(alpha=0.25, axis="y")


def _draw_by_size(axes: Axes, cases: Sequence[CaseResult]) -> None:
    true = [row for case in cases for row in case.lesions if row.side == TRUE]
    labels = []
    for at, (low, high) in enumerate(itertools.pairwise(SIZES_MM3)):
        inside = [row for row in true if low <= row.volume_mm3 < high]
        found = sum(bool(row.partners) for row in inside)
        name = f"{low:g}–{high:g}" if np.isfinite(high) else f"≥ {low:g}"
        labels.append(f"{name}\n{found} of {len(inside)}")
        if inside:
            axes.bar(at, found / len(inside), 0.6, color=POINTS)
    axes.set_xticks(range(len(labels)), labels, fontsize=9)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.set_ylim(0, 1.05)
    axes.set_title("share of true lesions found, by volume in mm³", fontsize=10)
    axes.grid(alpha=0.25, axis="y")


def _draw_grounds(axes: Axes, figures: Figures) -> None:
    grounds = list(figures.false_positives_on.items())[::-1]
    axes.barh([name for name, _ in grounds], [number for _, number in grounds], 0.6, color=FOUND_COLOR)
    if not grounds:
        axes.text(0.5, 0.5, "no false positives", ha="center", va="center", transform=axes.transAxes, color=MUTED)
        axes.set_yticks([])
    axes.set_ylim(-0.6, max(len(grounds), 4) - 0.4)
    axes.locator_params(axis="x", integer=True)
    axes.set_title("what false-positive lesions lie on", fontsize=10)
    axes.grid(alpha=0.25, axis="x")


def _name_outliers(axes: Axes, x: np.ndarray, y: np.ndarray, distance: np.ndarray, names: list[str]) -> None:
    """The names of the worst few, towards the middle of the picture."""
    for index in np.argsort(distance)[::-1][:NAMED_OUTLIERS]:
        if distance[index] > 0:
            left = x[index] > (x.min() + x.max()) / 2
            axes.annotate(
                names[index],
                (x[index], y[index]),
                xytext=(-6 if left else 6, 4),
                textcoords="offset points",
                ha="right" if left else "left",
                fontsize=8,
                color=MUTED,
            )


def _plain_ticks(axes: Axes, top: float) -> None:
    ticks = [tick for tick in (0, 3, 10, 30, 100, 300, 1000, 3000, 10000) if tick <= top]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)


def _new_figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path, title: str, cases: Sequence[CaseResult]) -> None:
    simulated = sum(case.origin.simulated for case in cases)
    origin = f"{simulated} of {len(cases)} cases are simulated. " if simulated else ""
    figure.suptitle(title, fontsize=13, fontweight="bold")
    figure.supxlabel(f"{origin}{RESEARCH_USE}", fontsize=9, color=MUTED)
    figure.savefig(path, dpi=110)
