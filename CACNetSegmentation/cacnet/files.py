"""Writing that either happens or does not: nothing half-written is ever seen under a final name."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cacnet.errors import CacnetError

STAGING_PREFIX = ".cacnet-"
_MODE = 0o644


class UnwritableOutputError(CacnetError):
    """The output folder cannot be made or written to."""


@contextmanager
def staged_folder(output: Path) -> Iterator[Path]:
    """A temporary folder whose files move into `output` together when the block ends, or vanish if it raises.

    A file of the same name that was there before is replaced; others stay. A folder that did not exist before is
    removed again if the block raises.

    Raises:
        UnwritableOutputError: the folder cannot be made, or written to.
    """
    first_missing = _first_missing(output)
    try:
        output.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=output))
    except OSError as error:
        _remove_made(first_missing)
        raise _unwritable(output, error) from error
    try:
        yield staging
        for file in sorted(staging.iterdir()):
            os.replace(file, output / file.name)
        staging.rmdir()
    except BaseException as error:
        shutil.rmtree(staging, ignore_errors=True)
        _remove_made(first_missing)
        if isinstance(error, OSError):
            raise _unwritable(output, error) from error
        raise


def require_writable(output: Path) -> None:
    """Raise UnwritableOutputError now, rather than after minutes of work; leaves nothing behind."""
    first_missing = _first_missing(output)
    with staged_folder(output):
        pass
    _remove_made(first_missing)


def remove_staging(output: Path) -> None:
    """Remove what an interrupted `staged_folder` may have left in `output`, and the folder if nothing else is in it."""
    for leftover in output.glob(f"{STAGING_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with suppress(OSError):
        output.rmdir()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary sibling, with the same suffixes, that becomes `path` when the block ends, or vanishes if it raises.

    Raises:
        UnwritableOutputError: its folder cannot be written to.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=STAGING_PREFIX, suffix="".join(path.suffixes), dir=path.parent)
        os.close(handle)
        Path(name).chmod(_MODE)  # a temporary file is readable by its owner only; a result is for others too
    except OSError as error:
        raise _unwritable(path.parent, error) from error
    temporary = Path(name)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise _unwritable(path.parent, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON, refusing NaN and infinity, under a temporary name first."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


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


def _unwritable(folder: Path, error: OSError) -> UnwritableOutputError:
    return UnwritableOutputError(
        found=f"the folder '{folder}' cannot be written to ({error.strerror or error})",
        expected="a folder with room that you may write to",
        action="Choose another output folder",
    )
