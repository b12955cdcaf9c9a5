"""Disks that are full, read-only, or gone in the middle of the work: a sentence, and nothing half-written."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from cacnet.dataset.export import ExportLayout

from trust import children, scenes, whole
from trust.children import Ended, Say
from trust.scenes import Scene
from trust.table import Trial

SENTENCE_CODE = 2
SMALLEST_BYTES, LARGEST_BYTES = 4096, 400_000
"""Room on a disk on which the tiny results find less than they need, or just enough."""


def fill_all(folder: Path, sizes: int) -> list[Trial]:
    """Every kind of work, on disks of several sizes and on ones that cannot be written to."""
    folder.mkdir(parents=True)
    return [
        *(full_disk(_fresh(folder / f"full {number}"), make, sizes) for number, make in enumerate(_works())),
        full_disk_while_reviewing(_fresh(folder / "review"), sizes),
        read_only(_fresh(folder / "read-only")),
        vanishing(_fresh(folder / "vanishing")),
    ]


def _works() -> tuple[Callable[[Path, Path], Scene], ...]:
    return (
        lambda folder, disk: scenes.segmentation(folder, disk / "output"),
        lambda folder, disk: scenes.training(folder, output=disk / "run"),
        lambda folder, disk: scenes.export(disk, ExportLayout.OURS),
        lambda folder, disk: scenes.export(disk, ExportLayout.NNUNET),
    )


def full_disk(folder: Path, make: Callable[[Path, Path], Scene], sizes: int) -> Trial:
    """One kind of work on disks from far too small to almost large enough."""
    trial = Trial("full disk")
    for room in np.geomspace(SMALLEST_BYTES, LARGEST_BYTES, sizes).astype(int):
        with small_disk(folder / f"disk {room}", int(room)) as (disk, limited):
            if disk is None:
                trial.skipped = limited
                return trial
            scene = make(folder, disk)
            trial.what = f"full disk: {scene.name}"
            _judge(trial, children.finish(scene.work, folder), scene.wrong, scene.output, folder)
    return trial


def full_disk_while_reviewing(folder: Path, sizes: int) -> Trial:
    """Corrections until the disk is full: the one that could not be saved is said, all before come back."""
    trial = Trial("full disk: review")
    for room in np.geomspace(16_384, LARGEST_BYTES, sizes).astype(int):
        with small_disk(folder / f"disk {room}", int(room)) as (disk, reason):
            if disk is None:
                trial.skipped = reason
                return trial
            place = disk
            ended = children.finish(scenes.review_steps(disk, int(room)), folder)
            said = ended.said
            trial.ended["a sentence" if ended.code == SENTENCE_CODE else f"code {ended.code}"] += 1
            if ended.code != SENTENCE_CODE:
                trial.lost.append(f"no sentence: {ended.stderr[-300:]}")
            trial.lost += children.asked(lambda: scenes.lost_of_review(place, said), folder)  # noqa: B023
    return trial


def read_only(folder: Path) -> Trial:
    """An output folder on a disk that is mounted for reading only."""
    trial = Trial("read-only output folder")
    with small_disk(folder / "disk", LARGEST_BYTES) as (disk, reason):
        if disk is None or subprocess.run(["mount", "-o", "remount,ro", str(disk)], capture_output=True).returncode:
            trial.skipped = reason or "no disk can be mounted read-only here"
            return trial
        for make in _works():
            scene = make(folder, disk)
            _judge(trial, children.finish(scene.work, folder), scene.wrong, scene.output, folder)
    return trial


def vanishing(folder: Path) -> Trial:
    """The output folder is gone when the results are written, as where a network drive is cut off."""
    trial = Trial("output folder gone in mid-run")
    scene = scenes.segmentation(folder)

    def gone(say: Say) -> None:
        scene.work(lambda mark: shutil.rmtree(scene.output, ignore_errors=True))

    def gone_for_good(say: Say) -> None:
        def replace_by_file(mark: bytes) -> None:
            shutil.rmtree(scene.output, ignore_errors=True)
            scene.output.write_text("a file is in its place", "utf-8")

        scene.work(replace_by_file)

    for work in (gone, gone_for_good):
        _judge(trial, children.finish(work, folder), list, scene.output, folder)
    return trial


def _judge(trial: Trial, ended: Ended, wrong: Callable[[], list[str]], output: Path, folder: Path) -> None:
    """Done, or a sentence; and in both cases nothing half-written and no temporary file."""
    names = {0: "done", SENTENCE_CODE: "a sentence"}
    trial.ended[names.get(ended.code, f"code {ended.code}")] += 1
    if ended.code not in names:
        trial.lost.append(f"code {ended.code} and no sentence: {ended.stderr.strip()[-300:]}")
    trial.lost += children.asked(lambda: [*wrong(), *(whole.leftovers(output) if output.is_dir() else [])], folder)


@contextmanager
def small_disk(place: Path, room: int) -> Iterator[tuple[Path | None, str]]:
    """A disk in memory with so many bytes; None and the reason where none may be mounted."""
    place.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={room},nr_inodes=0", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        yield None, f"no disk can be mounted here ({mounted.stderr.strip()[:60]})"
        return
    try:
        yield place, ""
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)


def _fresh(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
