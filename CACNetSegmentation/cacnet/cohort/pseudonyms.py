"""What the cases of a cohort are called: names that say nothing, and the one file that tells which scan is which."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path

from cacnet.errors import CacnetError
from cacnet.files import write_json
from cacnet.plain_json import parse_json

IDENTIFYING_FILE = "identifying_case_paths.json"
SCHEMA_VERSION = 1
DIGITS = 10
WARNING = (
    "This file tells which case is which scan, and paths often name patients. Keep it, and do not pass it on with the "
    "results. Without it, the same scans get other case names."
)


class PseudonymFileError(CacnetError):
    """The file of case names is damaged."""


def name_cases(output: Path, folder: Path, scans: Iterable[Path]) -> dict[str, Path]:
    """Case names for scans below `folder`, the same in every run with this output folder.

    The name is a keyed hash of the path within `folder`; the key is drawn by chance and kept, with the paths, only in
    IDENTIFYING_FILE of the output folder, which others on this computer cannot read.

    Raises:
        PseudonymFileError: the file is damaged; new names would make finished cases unknown.
    """
    path = output / IDENTIFYING_FILE
    salt, known = _read(path)
    names = {_name(salt, _within(scan, folder)): scan for scan in scans}
    known |= {name: _within(scan, folder) for name, scan in names.items()}
    content = {"schema_version": SCHEMA_VERSION, "warning": WARNING, "salt": salt, "cases": dict(sorted(known.items()))}
    write_json(path, content)
    path.chmod(0o600)
    return names


def _within(scan: Path, folder: Path) -> str:
    return scan.absolute().relative_to(folder.absolute()).as_posix()


def _name(salt: str, relative: str) -> str:
    digest = hmac.new(salt.encode(), relative.encode("utf-8", "surrogateescape"), hashlib.sha256)
    return f"case-{digest.hexdigest()[:DIGITS]}"


def _read(path: Path) -> tuple[str, dict[str, str]]:
    if not path.exists():
        return secrets.token_hex(16), {}
    try:
        content = parse_json(path.read_text("utf-8"))
        salt, cases = content["salt"], content["cases"]
        if content["schema_version"] != SCHEMA_VERSION or not isinstance(salt, str) or not salt:
            raise ValueError("another version")
        return salt, {str(name): str(relative) for name, relative in cases.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PseudonymFileError(
            f"'{path.name}' cannot be used ({error})",
            "the file as an earlier run wrote it",
            "Restore it, or choose another output folder",
        ) from error
