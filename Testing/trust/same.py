"""The same in gives the same out: between runs, and between one thread and two."""

from __future__ import annotations

import json
from pathlib import Path

from trust import children
from trust.children import Say
from trust.table import Trial


def compare_all(folder: Path, times: int) -> list[Trial]:
    """Everything after the network, again and again."""
    return [compare_scores(folder, times)]


def compare_scores(folder: Path, times: int) -> Trial:
    """Lesions and scores of the golden cases with one thread and with two: bit by bit the same, and what is stored."""
    import golden_cases

    trial = Trial("same in, same out after the network, 1 and 2 threads")
    expected, first = [golden_cases.stored(case) for case in golden_cases.CASES], None
    for threads in (1, 2) * times:

        def work(say: Say, threads: int = threads) -> None:
            import SimpleITK as sitk
            import torch

            torch.set_num_threads(threads)
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
            say(json.dumps([golden_cases.result(case) for case in golden_cases.CASES]).encode())

        ended = children.finish(work, folder)
        found = json.loads(ended.said) if ended.code == 0 else None
        trial.ended[f"same with {threads} threads" if found else "failed"] += 1
        first = first or found
        if found is None or found != first or golden_cases.rounded(found) != expected:
            trial.lost.append(f"another result with {threads} threads {ended.stderr.strip()[-300:]}")
    return trial
