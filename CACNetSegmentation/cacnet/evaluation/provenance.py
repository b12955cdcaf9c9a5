"""What a cached result depends on, as checksums: the model, the program and the case."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
NOT_IN_THE_CHAIN = ("phantom", "training", "dataset", "cli.py", "worker.py")
CASE_FILES = ("ct.nii.gz", "calcium.nii.gz", "coronary.nii.gz", "distractors.nii.gz", "truth.json")


@lru_cache(maxsize=1)
def chain_sha256() -> str:
    """Of the source of everything between a scan and its comparison with the truth."""
    files = (p for p in PACKAGE.rglob("*.py") if p.relative_to(PACKAGE).parts[0] not in NOT_IN_THE_CHAIN)
    return files_sha256(files, PACKAGE)


@lru_cache(maxsize=1)
def simulator_sha256() -> str:
    """Of the source of the simulator: another source is another patient under the same seed."""
    return files_sha256((PACKAGE / "phantom").rglob("*.py"), PACKAGE)


def case_sha256(folder: Path) -> str:
    """Of the scan and the truth of a case; a file that is missing counts as missing."""
    return files_sha256((folder / name for name in CASE_FILES if (folder / name).is_file()), folder)


def files_sha256(paths: Iterable[Path], below: Path) -> str:
    """Of the names and contents of files, whatever their order."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(below).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def text_sha256(*parts: str) -> str:
    """Of texts, kept apart."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
