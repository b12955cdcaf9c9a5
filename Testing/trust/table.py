"""What was tried, how often, how it ended, and what was lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Trial:
    """One kind of fault.

    Attributes:
        what: in words.
        ended: how often each way it ended.
        lost: everything that is not as it must be, in words; must stay empty.
        skipped: why it could not be tried here; empty where it was.
    """

    what: str
    ended: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def times(self) -> int:
        """How often it was tried."""
        return sum(self.ended.values())


def all_is_well(trials: Iterable[Trial]) -> bool:
    """Whether something ran, nothing was lost, and whatever did not run says why."""
    trials = list(trials)
    return any(trial.times for trial in trials) and all(
        not trial.lost and (trial.times or trial.skipped) for trial in trials
    )


def table_of(trials: Iterable[Trial]) -> str:
    """For a terminal: one line per kind of fault, and below it what was lost."""
    lines = [f"{'tried':58}{'times':>6}{'lost':>6}  ended"]
    for trial in trials:
        ended = trial.skipped or ", ".join(f"{count} {how}" for how, count in trial.ended.most_common())
        lines.append(f"{trial.what:58}{trial.times:6}{len(trial.lost):6}  {ended or 'NOTHING RAN'}")
        lines += [f"    LOST: {loss}" for loss in trial.lost[:10]]
    return "\n".join(lines)


def to_json(trials: Iterable[Trial]) -> str:
    """To keep what was tried."""
    return json.dumps([{**vars(trial), "ended": dict(trial.ended)} for trial in trials])


def from_json(text: str) -> list[Trial]:
    """What was kept."""
    return [Trial(**{**content, "ended": Counter(content["ended"])}) for content in json.loads(text)]


def document_of(trials: Iterable[Trial], circumstances: str) -> str:
    """The same as a page of the documentation."""
    lines = [
        "# What was tried and what was lost",
        "",
        "Written by `make trust` (`python Testing/trust/run.py --long --document Documentation/trust.md`): kills,",
        "full and vanishing disks, lost memory, damaged files and long use. What each line means is said in",
        "`Testing/trust` and `Testing/fuzz`; nothing here is about patients or accuracy.",
        "",
        circumstances,
        "",
        "| Tried | Times | Lost | How it ended |",
        "|---|---|---|---|",
    ]
    for trial in trials:
        ended = ", ".join(f"{count} {how}" for how, count in trial.ended.most_common())
        lines.append(f"| {trial.what} | {trial.times} | {len(trial.lost)} | {trial.skipped or ended} |")
        lines += [f"| LOST: {loss.replace('|', '/')} | | | |" for loss in trial.lost[:10]]
    return "\n".join(lines) + "\n"
