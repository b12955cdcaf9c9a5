"""From the results of single runs to a table with intervals; what did not run is shown as not run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from Benchmark.comparing.rows import CAC_NET, Row
from Benchmark.comparing.scoring import FIGURES

SAMPLES = 2000
SEED = 20250101
CONFIDENCE = 0.95
NOT_DEFINED = "–"

HEADINGS = (
    *("calcium SE", "calcium PE", "calcium Dice"),
    *("SE, post-processed", "PE, post-processed", "Dice, post-processed", "coronary Dice"),
)

Results = Mapping[tuple[str, int], Mapping[str, Any]]
"""By run and seed, what `Learner.write_result` wrote."""


@dataclass(frozen=True)
class Plan:
    """What a complete table has: every row with each of these seeds, trained for `steps`, on each of these cases."""

    steps: int
    seeds: tuple[int, ...]
    cases: tuple[str, ...]


def interval(values: np.ndarray) -> tuple[float, float, float] | None:
    """Mean of (seeds, cases) and the ends of its 95 % interval; None where nothing is defined.

    Seeds and cases are resampled each by themselves ("pigeonhole" bootstrap: Owen, Ann. Appl. Stat. 2007), because two
    seeds on one case are not two independent observations. NaN is a value that is not defined; it is left out.
    """
    values = np.asarray(values, float)
    if np.isnan(values).all():
        return None
    random = np.random.default_rng(SEED)
    seeds = random.integers(0, values.shape[0], (SAMPLES, values.shape[0]))
    cases = random.integers(0, values.shape[1], (SAMPLES, values.shape[1]))
    drawn = values[seeds[:, :, None], cases[:, None, :]].reshape(SAMPLES, -1)
    defined = ~np.isnan(drawn)
    counts = defined.sum(1)
    means = np.where(defined, drawn, 0).sum(1)[counts > 0] / counts[counts > 0]
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(means, (tail, 100 - tail))
    return float(np.nanmean(values)), float(low), float(high)


def state_of(row: Row, results: Results, plan: Plan) -> str:
    """Why the row has no figures; empty if every run is complete."""
    if row.missing:
        return f"not run: {row.missing}"
    states = [_state_of_run(results.get((row.run, seed), {}), plan) for seed in plan.seeds]
    if set(states) == {"not run"}:
        return "not run"
    return "; ".join(f"seed {seed} {state}" for seed, state in zip(plan.seeds, states, strict=True) if state)


def _state_of_run(result: Mapping[str, Any], plan: Plan) -> str:
    if result.get("failed"):
        return f"failed: {result['failed']}"
    if not result.get("steps"):
        return "not run"
    if result["steps"] < plan.steps:
        return f"not finished: {result['steps']} of {plan.steps} steps"
    scored = sum(case in result["cases"] for case in plan.cases)
    return "" if scored == len(plan.cases) else f"not finished: {scored} of {len(plan.cases)} cases scored"


def values_of(row: Row, figure: str, results: Results, plan: Plan) -> np.ndarray:
    """(seeds, cases); NaN where the figure is not defined. Every run must be complete."""
    table = [[results[row.run, seed]["cases"][case][figure] for case in plan.cases] for seed in plan.seeds]
    return np.array([[np.nan if value is None else value for value in line] for line in table], float)


def markdown(rows: Sequence[Row], results: Results, plan: Plan) -> str:
    """The table. The last column is the paired difference of Dice, same seeds and cases."""
    complete = not state_of(CAC_NET, results, plan)
    reference = values_of(CAC_NET, "calcium_dice", results, plan) if complete else None
    heads = ("", "parameters", "s a step", *HEADINGS, "calcium Dice minus CAC-Net's")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        state = state_of(row, results, plan)
        if state:
            cells = [row.title, state, *[""] * (len(heads) - 2)]
        else:
            cells = [row.title, *_costs(row, results, plan)]
            cells += [_text(interval(values_of(row, figure, results, plan))) for figure in FIGURES]
            cells += [_difference(row, reference, results, plan)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _costs(row: Row, results: Results, plan: Plan) -> tuple[str, str]:
    runs = [results[row.run, seed] for seed in plan.seeds]
    seconds = float(np.median([run["seconds_per_step"] for run in runs]))
    return f"{runs[0]['parameters'] / 1e6:.2f} M", f"{seconds:.3g}"


def _difference(row: Row, reference: np.ndarray | None, results: Results, plan: Plan) -> str:
    if reference is None or row.run == CAC_NET.run:
        return NOT_DEFINED
    return _text(interval(values_of(row, "calcium_dice", results, plan) - reference), sign="+")


def _text(estimate: tuple[float, float, float] | None, sign: str = "") -> str:
    if estimate is None:
        return NOT_DEFINED
    value, low, high = (f"{number:{sign}.3f}" for number in estimate)
    return value if low == high else f"{value} ({low} to {high})"
