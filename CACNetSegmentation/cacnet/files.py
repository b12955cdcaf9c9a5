"""Writing that either happens or does not: nothing half-written is ever seen under a final name."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cacnet import temporaries
from cacnet.errors import CacnetError

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
"""A temporary file is its owner's only; a result is for others too."""


class UnwritableOutputError(CacnetError):
    """The output folder cannot be made or written to."""


@contextmanager
def staged_folder(output: Path) -> Iterator[Path]:
    """A temporary folder whose files move into `output` together when the block ends, or vanish if it raises.

    A file of the same name that was there before is replaced; others stay. A folder that did not exist before is
    removed again if the block raises. What a killed process left in `output` is removed.

    Raises:
        UnwritableOutputError: the folder cannot be made, or written to.
    """
    first_missing = _first_missing(output)
    try:
        output.mkdir(parents=True, exist_ok=True)
        staging = temporaries.new_folder(output)
    except OSError as error:
        _remove_made(first_missing)
        raise unwritable(output, error) from error
    try:
        yield staging
        _move_files(staging, output)
    except BaseException as error:
        shutil.rmtree(staging, ignore_errors=True)
        _remove_made(first_missing)
        if isinstance(error, OSError):
            raise unwritable(output, error) from error
        raise


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """A temporary sibling that becomes `folder` when the block ends, or vanishes if it raises.

    What was there before is gone then, in one step: a process killed meanwhile leaves the old folder, the new one, or
    for a moment none, and never a part of either.

    Raises:
        UnwritableOutputError: its parent cannot be written to.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = temporaries.new_folder(folder.parent)
    except OSError as error:
        raise unwritable(folder, error) from error
    old = staging.with_name(f"{staging.name}-old")
    try:
        yield staging
        staging.chmod(_FOLDER_MODE)
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(staging, folder)
        except OSError:
            if old.exists():
                os.replace(old, folder)
            raise
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say what the operating system raises in the block as UnwritableOutputError of `folder`."""
    try:
        yield
    except OSError as error:
        raise unwritable(folder, error) from error


def require_writable(output: Path) -> None:
    """Raise UnwritableOutputError now, rather than after minutes of work; leaves nothing behind."""
    first_missing = _first_missing(output)
    with staged_folder(output):
        pass
    _remove_made(first_missing)


def remove_staging(output: Path) -> None:
    """Remove what this process, or one that is gone, has left in `output`, and the folder if nothing else is in it."""
    temporaries.remove_abandoned(output)
    for leftover in output.glob(f"{temporaries.own_prefix()}*"):
        temporaries.remove(leftover)
    with suppress(OSError):
        output.rmdir()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary sibling, with the same suffixes, that becomes `path` when the block ends, or vanishes if it raises.

    Raises:
        UnwritableOutputError: its folder cannot be written to.
    """
    try:
        temporary = temporaries.new_file(path.parent, "".join(path.suffixes))
    except OSError as error:
        raise unwritable(path.parent, error) from error
    try:
        temporary.chmod(_FILE_MODE)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    finally:
        with suppress(OSError):  # the folder may be gone, and the reason is told already
            temporary.unlink()


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON, refusing NaN and infinity, under a temporary name first."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def unwritable(folder: Path, error: Exception) -> UnwritableOutputError:
    """The sentence for what the operating system, or a library, said when a folder was written to."""
    return UnwritableOutputError(
        found=f"the folder '{folder}' cannot be written to ({getattr(error, 'strerror', None) or error})",
        expected="a folder with room that you may write to",
        action="Choose another output folder",
    )


def _move_files(staging: Path, output: Path) -> None:
    """The old files go before the new ones come: a process killed meanwhile leaves gaps, not a mix of two results."""
    files = sorted(staging.iterdir())
    old = staging / "old"
    old.mkdir()
    put_aside, moved = [], []
    try:
        for file in files:
            if (output / file.name).exists():
                os.replace(output / file.name, old / file.name)
                put_aside.append(file.name)
        for file in files:
            os.replace(file, output / file.name)
            moved.append(file.name)
    except BaseException:
        with suppress(OSError):
            for name in moved:
                os.replace(output / name, staging / name)
            for name in put_aside:
                os.replace(old / name, output / name)
        raise
    shutil.rmtree(staging, ignore_errors=True)


def _first_missing(folder: Path) -> Path | None:
    """The outermost folder that would have to be made."""
    missing = None
    for candidate in (folder, *folder.parents):
        if candidate.exists():
            break
        missing = candidate
    return missing


def _remove_made(folder: Path | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
