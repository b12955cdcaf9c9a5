"""A change of a data set of several files that happens whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cacnet.files import STAGING_PREFIX, UnwritableOutputError


@dataclass
class Update:
    """A change in the making.

    Attributes:
        staging: an empty folder; what is written below it replaces the files of the same relative paths.
        removed: relative paths of files that are to go.
    """

    staging: Path
    removed: list[Path] = field(default_factory=list)

    def path(self, relative: Path | str) -> Path:
        """Where to write the file that is to be `relative` in the data set."""
        path = self.staging / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@contextmanager
def updating(dataset: Path) -> Iterator[Update]:
    """Change files of a data set together when the block ends; if anything raises, all of them are as they were.

    Files written to the update appear under their final names by renaming, the ones at the top last, so that an index
    never names what is not there yet.

    Raises:
        UnwritableOutputError: the data set cannot be written to.
    """
    made = _missing_folders(dataset)
    try:
        dataset.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=dataset))
    except OSError as error:
        _remove_empty(made)
        raise _unwritable(dataset, error) from error
    try:
        update = Update(work / "new")
        update.staging.mkdir()
        yield update
        _commit(dataset, update, work / "old")
    except (OSError, RuntimeError) as error:  # SimpleITK says a full disk with a RuntimeError
        raise _unwritable(dataset, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
        _remove_empty(made)


def _commit(dataset: Path, update: Update, kept: Path) -> None:
    written = [path.relative_to(update.staging) for path in update.staging.rglob("*") if path.is_file()]
    written.sort(key=lambda path: (len(path.parts) == 1, path))
    folders = [folder for path in written for folder in _missing_folders((dataset / path).parent)]
    done: list[Path] = []
    try:
        for relative in written:
            done.append(relative)
            _set_aside(dataset / relative, kept / relative)
            (dataset / relative).parent.mkdir(parents=True, exist_ok=True)
            os.replace(update.staging / relative, dataset / relative)
        for relative in update.removed:
            _set_aside(dataset / relative, kept / relative)
            done.append(relative)
    except BaseException:
        for relative in reversed(done):
            _restore(dataset / relative, kept / relative, update.staging / relative)
        _remove_empty(folders)
        raise


def _set_aside(path: Path, kept: Path) -> None:
    if path.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, kept)


def _restore(path: Path, kept: Path, staged: Path) -> None:
    """Undo one file: the old one back, or the new one away where there was none."""
    if kept.exists():
        os.replace(kept, path)
    elif not staged.exists():
        path.unlink(missing_ok=True)


def _missing_folders(folder: Path) -> list[Path]:
    """The folders that would have to be made, outermost first."""
    missing: list[Path] = []
    for candidate in (folder, *folder.parents):
        if candidate.exists():
            break
        missing.insert(0, candidate)
    return missing


def _remove_empty(folders: list[Path]) -> None:
    for folder in reversed(folders):
        with suppress(OSError):  # it holds something, or is gone
            folder.rmdir()


def _unwritable(dataset: Path, error: Exception) -> UnwritableOutputError:
    return UnwritableOutputError(
        found=f"the data set '{dataset}' cannot be written to ({getattr(error, 'strerror', None) or error}); "
        "it is as it was",
        expected="a folder with room that you may write to",
        action="Choose another folder, or make room",
    )
