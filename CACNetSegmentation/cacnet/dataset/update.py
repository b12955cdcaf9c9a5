"""A change of a data set of several files that happens whole or not at all.

What is to come is written to a hidden folder of the data set. When all of it is there, a list of what is to be done is
written beside it; from then on the change is done, by this process or, where it is killed, by the next that comes.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cacnet import temporaries
from cacnet.files import UnwritableOutputError

WORK_PREFIX = ".updating"
"""Not that of temporary files: one that was left behind must be finished, not removed."""
_NEW, _OLD, _AGREED = "new", "old", "agreed.json"


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
    never names what is not there yet. What a killed process left is finished, or taken back where nothing was agreed.

    Raises:
        UnwritableOutputError: the data set cannot be written to.
    """
    made = _missing_folders(dataset)
    try:
        dataset.mkdir(parents=True, exist_ok=True)
        finish_abandoned(dataset)
        work = Path(tempfile.mkdtemp(prefix=WORK_PREFIX + temporaries.own_prefix(), dir=dataset))
    except OSError as error:
        _remove_empty(made)
        raise _unwritable(dataset, error) from error
    try:
        update = Update(work / _NEW)
        update.staging.mkdir()
        yield update
        _commit(dataset, update, work)
    except (OSError, RuntimeError) as error:  # a library may say a full disk with a RuntimeError
        raise _unwritable(dataset, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
        _remove_empty(made)


def finish_abandoned(dataset: Path) -> None:
    """Do what processes that are gone had agreed on, and take back what they had not; raises OSError."""
    for work in temporaries.abandoned(dataset, WORK_PREFIX):
        if (work / _AGREED).is_file():
            removed = _agreed_removals(work / _AGREED)
            for relative in _written(work / _NEW):
                (dataset / relative).parent.mkdir(parents=True, exist_ok=True)
                os.replace(work / _NEW / relative, dataset / relative)
            inside = [name for name in removed if (dataset / name).resolve().is_relative_to(dataset.resolve())]
            for name in inside:  # a data set of others may hold anything
                (dataset / name).unlink(missing_ok=True)
        else:  # it was going back, or had not begun
            for relative in _written(work / _OLD):
                os.replace(work / _OLD / relative, dataset / relative)
        temporaries.remove(work)


def _agreed_removals(path: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads(path.read_text("utf-8"))["removed"]]
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(errno.EIO, f"'{path.parent.name}/{path.name}' of an interrupted change is damaged") from error


def _written(staging: Path) -> list[Path]:
    """Relative paths below a folder, those at the top last."""
    written = [path.relative_to(staging) for path in staging.rglob("*") if path.is_file()]
    return sorted(written, key=lambda path: (len(path.parts) == 1, path))


def _commit(dataset: Path, update: Update, work: Path) -> None:
    written, kept = _written(update.staging), work / _OLD
    folders = [folder for path in written for folder in _missing_folders((dataset / path).parent)]
    removed = [Path(path).as_posix() for path in update.removed]
    (work / "agreeing.json").write_text(json.dumps({"schema_version": 1, "removed": removed}) + "\n", "utf-8")
    os.replace(work / "agreeing.json", work / _AGREED)
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
        (work / _AGREED).unlink()
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
