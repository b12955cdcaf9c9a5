"""Temporary files beside what they will become, named by the process that writes them.

A process that is killed cannot tidy up. The next one that writes in the same folder removes what it finds there of
processes that are gone, and leaves alone what another one is still writing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PREFIX = ".cacnet-"
FORGOTTEN_S = 24 * 3600.0
"""After this time without a change a temporary file is nobody's, whatever its name says: process numbers are used
again, and of another computer on a shared folder it cannot be known which processes it runs."""

_OWNED = re.compile(rf"{re.escape(PREFIX)}(?P<place>[0-9a-f]{{8}})-(?P<process>\d+)-")


def new_folder(parent: Path) -> Path:
    """An empty hidden folder in `parent`, after tidying up there; raises OSError."""
    remove_abandoned(parent)
    return Path(tempfile.mkdtemp(prefix=own_prefix(), dir=parent))


def new_file(parent: Path, suffix: str) -> Path:
    """An empty hidden file in `parent`, after tidying up there; raises OSError."""
    remove_abandoned(parent)
    handle, name = tempfile.mkstemp(prefix=own_prefix(), suffix=suffix, dir=parent)
    os.close(handle)
    return Path(name)


def own_prefix() -> str:
    """How the names of this process's temporary files begin."""
    return f"{PREFIX}{_place()}-{os.getpid()}-"


def remove_abandoned(folder: Path) -> None:
    """Remove what processes that are gone have left in `folder`."""
    for path in abandoned(folder):
        remove(path)


def abandoned(folder: Path, before: str = "") -> list[Path]:
    """What processes that are gone have left in `folder`, under names that begin with `before` and the usual prefix."""
    return [path for path in sorted(folder.glob(f"{before}{PREFIX}*")) if _is_abandoned(path, before)]


def remove(path: Path) -> None:
    """Remove a temporary file or folder, as far as it goes."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _is_abandoned(path: Path, before: str) -> bool:
    owner = _OWNED.match(path.name.removeprefix(before))
    if owner is None:  # nothing of today's begins like this without an owner
        return True
    if owner["place"] == _place() and not _is_running(int(owner["process"])):
        return True
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > FORGOTTEN_S
    return False


def _place() -> str:
    """Eight digits for where process numbers mean the same: this computer, or the container on it."""
    try:
        numbers = os.readlink("/proc/self/ns/pid")
    except OSError:  # not Linux
        numbers = ""
    return hashlib.sha256(f"{platform.node()} {numbers}".encode()).hexdigest()[:8]


def _is_running(process: int) -> bool:
    if os.name != "posix":
        return True  # on Windows signal 0 would interrupt the process; there the age decides
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is another user's, or no process number of this system
        return True
    return True
