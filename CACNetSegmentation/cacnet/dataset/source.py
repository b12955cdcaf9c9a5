"""A case as it lies in somebody's data set: found without reading it, and named without saying who it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Protocol

from cacnet.dataset.errors import DatasetFileError, UnsafeNameError
from cacnet.dataset.scan import LabelledScan
from cacnet.plain_json import parse_json

MAX_DESCRIPTION_BYTES = 64 * 2**20
"""A dataset.json, record or plist of outlines is some kilobytes to a few megabytes; more is no such file."""

SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
HASH_CHUNK_BYTES = 2**20
PSEUDONYM_DIGITS = 12


class SourceCase(Protocol):
    """One case of a data set."""

    @property
    def name(self) -> str:
        """What the data set calls it, which may identify a patient: for the user's own screen, never for a file."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it is read from, as far as they are there."""

    def case_id(self) -> str:
        """Its pseudonym: the same at every call, fit to be a folder name. Raises CacnetError."""

    def read(self) -> LabelledScan:
        """The CT and its labels. Raises CacnetError."""


def pseudonym(path: Path) -> str:
    """A name from what a file holds, which nobody can guess from, or turn back into, the name of a patient.

    The same data have the same pseudonym wherever they lie, so duplicates show.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK_BYTES):
            digest.update(chunk)
    return f"case-{digest.hexdigest()[:PSEUDONYM_DIGITS]}"


def fingerprint(files: Iterable[Path]) -> str:
    """A hash that changes where one of the files does, from sizes and times only; it holds no names."""
    stats = [path.stat() for path in files]
    return hashlib.sha256(repr([(stat.st_size, stat.st_mtime_ns) for stat in stats]).encode()).hexdigest()


def require_safe_id(name: object) -> str:
    """`name`, if it can be a folder's name.

    Raises:
        UnsafeNameError: it could lead elsewhere, as '../x' does.
    """
    if not isinstance(name, str) or not SAFE_ID.fullmatch(name):
        raise UnsafeNameError(f"the case id {name!r}", "letters, digits, '-' and '_' only", "Rename the case")
    return name


def path_inside(folder: Path, relative: object) -> Path:
    """The path that a data set's own file names, which must stay in its folder.

    Raises:
        UnsafeNameError: it is absolute or climbs out.
    """
    text = relative if isinstance(relative, str) else ""
    for path in (PurePosixPath(text), PureWindowsPath(text)):
        if not text or path.is_absolute() or path.anchor or ".." in path.parts:
            raise UnsafeNameError(
                f"the data set names the file {relative!r}",
                "a path inside its own folder",
                "Copy the file into the data set and correct the path",
            )
    return folder / text


def require_small(path: Path) -> None:
    """Refuse a description before it is read into memory.

    Raises:
        DatasetFileError: it is not there, or far larger than any description is.
    """
    if not path.is_file():
        raise DatasetFileError(f"there is no file '{path.name}' in '{path.parent.name}'", "a complete data set")
    size = path.stat().st_size
    if size > MAX_DESCRIPTION_BYTES:
        raise DatasetFileError(
            f"'{path.name}' is {size / 1e6:.0f} MB large", f"at most {MAX_DESCRIPTION_BYTES / 1e6:.0f} MB"
        )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of reasonable size.

    Raises:
        DatasetFileError: it is missing, too large, or no JSON object.
    """
    require_small(path)
    try:
        content = parse_json(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetFileError(f"'{path.name}' cannot be read ({error})", "JSON") from error
    if not isinstance(content, dict):
        raise DatasetFileError(f"'{path.name}' holds a {type(content).__name__}", "a JSON object")
    return content
