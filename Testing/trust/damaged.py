"""Damaged files of every kind that is read, by the thousand: what Testing/fuzz does, as lines of this table."""

from __future__ import annotations

import importlib.util
import tempfile
from collections import Counter
from pathlib import Path

from fuzz import run as fuzzing
from fuzz.targets import TARGETS

from trust.progress import tell
from trust.table import Trial


def read_all(seed: int) -> list[Trial]:
    """The long form of the fuzzing; inputs that do harm are kept in the folder that is named."""
    kept = Path(tempfile.gettempdir()) / "cacnet-fuzz"
    trials = []
    for number, target in enumerate(TARGETS):
        trials.append(_trial(fuzzing.fuzz(target.name, seed, fuzzing.LONG, kept), kept))
        tell("damaged files, kinds of", number + 1, len(TARGETS))
    return [*trials, _guided(seed)]


def _trial(tally: fuzzing.Tally, kept: Path) -> Trial:
    ended = Counter({"refused by name": tally.refused.total(), "read": tally.accepted})
    ended += Counter({"crashed": tally.crashes, "hung": tally.hangs})
    lost = [f"{violation} (kept in {kept})" for violation in tally.violations]
    return Trial(f"damaged files: {tally.target}", ended, lost)


def _guided(seed: int) -> Trial:
    """Led by the coverage of our own code, where atheris is installed."""
    trial = Trial("damaged files, led by coverage")
    if importlib.util.find_spec("atheris") is None:
        trial.skipped = "atheris is not installed (extra 'trust')"
        return trial
    for target in TARGETS:
        if not target.native:
            line, well = fuzzing.guided(target.name, seed % 1000, fuzzing.GUIDED_RUNS)
            trial.ended["kinds without a violation" if well else "kinds with one"] += 1
            trial.lost += [] if well else [line]
    trial.what += f" ({fuzzing.GUIDED_RUNS} of each kind)"
    return trial
