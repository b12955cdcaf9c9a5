"""Disks that are full, read-only, or gone in the middle of the work: a sentence, and nothing half-written."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from cacnet.dataset.export import ExportLayout

from trust import children, scenes, whole
from trust.children import Ended, Say
from trust.scenes import Scene
from trust.table import Trial

SENTENCE_CODE = 2
SMALLEST_FILE_BYTES, LARGEST_FILE_BYTES = 512, 200_000
SMALLEST_BYTES, LARGEST_BYTES = 4096, 400_000
"""Room on a disk on which the tiny results find less than they need, or just enough."""


def fill_all(folder: Path, sizes: int) -> list[Trial]:
    """Every kind of work, on disks of several sizes and on ones that cannot be written to."""
    return [
        *(full_disk(_fresh(folder / f"full, {name}"), name, sizes) for name in _works()),
        full_disk_while_reviewing(_fresh(folder / "review"), sizes),
        *(short_files(_fresh(folder / f"short, {name}"), name, sizes) for name in _works()),
        read_only(_fresh(folder / "read-only")),
        vanishing(_fresh(folder / "vanishing")),
    ]


def _works() -> Mapping[str, Callable[[Path, Path], Scene]]:
    return {
        "segmentation": lambda folder, disk: scenes.segmentation(folder, disk / "output"),
        "training": lambda folder, disk: scenes.training(folder, output=disk / "run"),
        "export, ours": lambda folder, disk: scenes.export(disk, ExportLayout.OURS),
        "export, nnunet": lambda folder, disk: scenes.export(disk, ExportLayout.NNUNET),
    }


def full_disk(folder: Path, name: str, sizes: int) -> Trial:
    """One kind of work on disks from far too small to almost large enough."""
    trial = Trial(f"full disk: {name}")
    for room in np.geomspace(SMALLEST_BYTES, LARGEST_BYTES, sizes).astype(int):
        with small_disk(folder / f"disk {room}", int(room)) as (disk, limited):
            if disk is None:
                trial.skipped = limited
                return trial
            scene = _works()[name](folder, disk)
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


def short_files(folder: Path, name: str, sizes: int) -> Trial:
    """Files that may not grow beyond a size, as under a quota: needs no right to mount a disk."""
    trial = Trial(f"files that may not grow: {name}")
    for room in np.geomspace(SMALLEST_FILE_BYTES, LARGEST_FILE_BYTES, sizes).astype(int):
        scene = _works()[name](_fresh(folder / f"{room}"), folder / f"{room}")

        def limited(say: Say, scene: Scene = scene, room: int = int(room)) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))  # of this child only; Python then gets an OSError
            scene.work(say)

        _judge(trial, children.finish(limited, folder), scene.wrong, scene.output, folder)
    return trial


def read_only(folder: Path) -> Trial:
    """An output folder that cannot be written to: on a disk that is mounted for reading only, else by its rights."""
    trial = Trial("read-only output folder")
    with _read_only_folder(folder / "disk") as (disk, reason):
        if disk is None:
            trial.skipped = reason
            return trial
        for make in _works().values():
            scene = make(folder, disk)
            _judge(trial, children.finish(scene.work, folder), scene.wrong, scene.output, folder)
    return trial


@contextmanager
def _read_only_folder(place: Path) -> Iterator[tuple[Path | None, str]]:
    with small_disk(place, LARGEST_BYTES) as (disk, _):
        if disk and not subprocess.run(["mount", "-o", "remount,ro", str(disk)], capture_output=True).returncode:
            yield disk, ""
            return
    place.chmod(0o555)
    try:
        allowed = os.access(place, os.W_OK)  # an administrator may write whatever the rights are
        yield (None, "no disk can be mounted, and this user may write everywhere") if allowed else (place, "")
    finally:
        place.chmod(0o755)


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
    if reason := _mounted(place, room):
        yield None, reason
        return
    try:
        yield place, ""
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)


def _mounted(place: Path, room: int) -> str:
    """Mount a disk; why there is none, else empty."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={room},nr_inodes=0", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return "no disk can be mounted here (there is no 'mount')"
    said = done.stderr.strip().partition("\n")[0].split(": ")[-1]
    return f"no disk can be mounted here ({said})" if done.returncode else ""


def _fresh(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
