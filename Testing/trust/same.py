"""The same in gives the same out: between runs, and between one thread and two."""

from __future__ import annotations

from pathlib import Path

import golden_cases

from trust import children
from trust.children import Say
from trust.progress import tell
from trust.table import Trial


def compare_all(folder: Path, times: int) -> list[Trial]:
    """Everything after the network, again and again."""
    return [compare_bits(times), compare_with_stored(folder)]


def compare_bits(times: int) -> Trial:
    """Labels, names, places, centre lines, lesions and scores of the simulated cases, bit by bit."""
    trial, first = Trial("same in, same out after the network, 1 and 2 threads"), None
    cases = golden_cases.SIMULATED
    for number, threads in enumerate((1, 2) * times):
        found = golden_cases.fingerprints_in_a_process(cases, threads)
        first = first or found
        trial.ended[f"same with {threads} threads" if found == first else "other"] += 1
        trial.lost += [
            f"{name}: other {part} with {threads} threads"
            for name in cases
            for part in found[name]
            if found[name][part] != first[name][part]
        ]
        tell(trial.what, number + 1, 2 * times)
    return trial


def compare_with_stored(folder: Path) -> Trial:
    """All golden cases, with what is stored of them."""
    trial = Trial("golden cases")
    for name in golden_cases.CASES:

        def work(say: Say, name: str = name) -> None:
            if golden_cases.rounded(golden_cases.result(name)) != golden_cases.stored(name):
                raise ValueError(f"{name} is another one")

        ended = children.finish(work, folder)
        trial.ended["as stored" if ended.code == 0 else "other"] += 1
        trial.lost += [] if ended.code == 0 else [f"{name}: {ended.stderr.strip()[-300:]}"]
    return trial
