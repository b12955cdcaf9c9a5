"""The cohort's table: one row per case, rewritten whole whenever a case is done."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cacnet.cohort.case import CaseOutcome
from cacnet.reporting import figures
from cacnet.reporting.delimited import write_csv
from cacnet.reporting.tables import Cell

SUMMARY_FILE = "summary.csv"
COLUMNS = (
    "case",
    "status",
    "agatston",
    "volume_mm3",
    "mass_mg",
    "lesions",
    "vessels",
    "category",
    "cac_drs",
    "conclusive",
    "percentile",
    "estimate_without_contrast",
    "estimate_low",
    "estimate_high",
    "protocol",
    "threshold_hu",
    "model",
    "findings",
    "error",
    "seconds",
)


def write_summary(output: Path, outcomes: Iterable[CaseOutcome]) -> None:
    """Write summary.csv; an unknown number is an empty cell, never 0."""
    write_csv(output / SUMMARY_FILE, COLUMNS, map(row_of, outcomes))


def row_of(outcome: CaseOutcome) -> tuple[Cell, ...]:
    """The values of COLUMNS, rounded as everywhere else."""
    return (
        outcome.case,
        outcome.status,
        figures.AGATSTON.rounded(outcome.agatston),
        figures.VOLUME.rounded(outcome.volume_mm3),
        figures.MASS.rounded(outcome.mass_mg),
        outcome.lesions,
        outcome.vessels,
        outcome.category,
        outcome.cac_drs,
        None if outcome.conclusive is None else "yes" if outcome.conclusive else "no",
        outcome.percentile,
        figures.ESTIMATE.rounded(outcome.estimate_without_contrast),
        figures.ESTIMATE.rounded(outcome.estimate_low),
        figures.ESTIMATE.rounded(outcome.estimate_high),
        outcome.protocol,
        figures.HU.rounded(outcome.threshold_hu),
        outcome.model,
        " ".join(outcome.findings),
        outcome.error,
        figures.SECONDS.rounded(outcome.seconds),
    )
