"""A long day in one process: a thousand corrections and fifty runs, with memory that stays bounded."""

from __future__ import annotations

import ctypes
import gc
import json
import random
import resource
import tracemalloc
from pathlib import Path

from cacnet.edits import journal
from cacnet.edits.autosave import Autosave, ReviewText, recovered
from cacnet.edits.journal import labels_sha256

from trust import children, scenes
from trust.progress import tell
from trust.reviewing import correct_at_random
from trust.table import Trial

MOST_GROWTH_BYTES_PER_EDIT = 20_000
"""Of Python's own memory: what the audit trail and the text of the review keep of one step; a lesion of this scan has
tens of voxels. Measured: about 5 kB."""
MOST_GROWTH_MB = 60
"""Of the process over all runs but the first ones, in which libraries fill their caches."""
WARM_UP_RUNS = 3


def soak_edits(folder: Path, rng: random.Random, edits: int) -> Trial:
    """Corrections of all kinds; then back to the start, forward to the end, and once more from the journal."""
    trial = Trial(f"{edits} random corrections in one process")
    stored = scenes.stored_review()
    session = stored.open(scenes.ct())
    text, autosave = ReviewText(stored), Autosave(folder, stored)
    tracemalloc.start()
    warm, first = 0, edits // 10
    for number in range(edits):
        action = correct_at_random(session, rng)
        autosave.append(text.update(session), session, stored.rules)
        trial.ended[action.value] += 1
        tell("corrections", number + 1, edits)
        if number == first:
            gc.collect()
            warm = tracemalloc.get_traced_memory()[0]
    gc.collect()
    growth = tracemalloc.get_traced_memory()[0] - warm
    tracemalloc.stop()
    if growth > MOST_GROWTH_BYTES_PER_EDIT * (edits - first):
        trial.lost.append(f"{growth} bytes are kept of {edits - first} corrections")
    trial.lost += _there_and_back(session, autosave.path)
    return trial


def _there_and_back(session, saved: Path) -> list[str]:  # type: ignore[no-untyped-def]
    wrong = []
    last = labels_sha256(session.review)
    if session.scores.lesions != scenes.stored_review().open(scenes.ct()).live.of(session.review).lesions:
        wrong.append("the scores, kept up to date step by step, are not those of the lesions at the end")
    content = json.loads(json.dumps(journal.document(session)))
    for name, again in (
        ("the journal", journal.replay(content, session.live, session.review.shape_zyx)),
        ("the autosave", recovered(saved).open(scenes.ct())),
    ):
        if labels_sha256(again.review) != last or len(again.audit) != len(session.audit):
            wrong.append(f"{name} gives another review")
    if session.locked:
        session.reopen()
    while session.can_redo:
        session.redo()
    end, steps = labels_sha256(session.review), 0
    while session.can_undo:
        session.undo()
        steps += 1
    if labels_sha256(session.review) != labels_sha256(session.original):
        wrong.append("undoing everything does not give the network's labels")
    for _ in range(steps):
        session.redo()
    if labels_sha256(session.review) != end:
        wrong.append("redoing everything does not give the last state")
    return wrong


def soak_runs(folder: Path, runs: int) -> Trial:
    """Runs as the worker does them, one after another in one process; a process of its own, which is then gone."""
    trial = Trial(f"{runs} segmentations in one process")
    job = scenes.segmentation(folder)

    def work(say: children.Say) -> None:
        for _ in range(runs):
            job.work(lambda text: None)
            gc.collect()
            say(f"{_resident_mb():.1f}\n".encode())

    ended = children.finish(work, folder)
    used = [float(line) for line in ended.said.split()]
    trial.ended["done"] = len(used)
    if ended.code or len(used) != runs:
        trial.lost.append(f"ended after {len(used)} runs with code {ended.code}: {ended.stderr[-300:]}")
    elif used[-1] - used[min(WARM_UP_RUNS, runs - 1)] > MOST_GROWTH_MB:
        trial.lost.append(f"grew from {used[min(WARM_UP_RUNS, runs - 1)]} to {used[-1]} MB")
    return trial


def _resident_mb() -> float:
    _give_back_freed_memory()
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:  # not Linux: the peak, which shows growth as well
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / (1 << 20)


def _give_back_freed_memory() -> None:
    """So that what is counted is in use: the C library may keep freed blocks, and a leak would fill them unseen."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
