"""Whether what lies under final names is whole: every file can be read to its end."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from cacnet.edits.autosave import SUFFIX


def broken_files(folder: Path) -> list[str]:
    """Sentences on the files below `folder` that are not whole; hidden ones have no final name and are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not path.is_file() or hidden:
            continue
        try:
            _reader_of(path)(path)
        except (OSError, EOFError, ValueError, RuntimeError, SyntaxError, zlib.error) as error:
            found.append(f"{path.relative_to(folder)} is not whole ({type(error).__name__}: {error})")
    return found


def leftovers(folder: Path) -> list[str]:
    """Sentences on temporary files."""
    return [
        f"{path.relative_to(folder)} was left"
        for pattern in (".cacnet-*", ".updating*")
        for path in folder.rglob(pattern)
    ]


def _reader_of(path: Path) -> Callable[[Path], object]:
    for suffix, reader in _READERS.items():
        if path.name.endswith(suffix):
            return reader
    raise ValueError("no reader for it")


def _nifti(path: Path) -> None:
    with gzip.open(path) as file:
        while file.read(1 << 20):
            pass
    sitk.ReadImage(str(path))


def _table(path: Path) -> None:
    text = path.read_text("utf-8")
    rows = list(csv.reader(text.splitlines()))
    if not text.endswith("\n") or len({len(row) for row in rows}) > 1:
        raise ValueError("a row is cut short")


def _picture(path: Path) -> None:
    from PIL import Image

    Image.open(path).load()


def _checkpoint(path: Path) -> None:
    from cacnet.training.checkpoint import load_checkpoint

    load_checkpoint(path.parent)


def _weights(path: Path) -> None:
    from safetensors import safe_open

    with safe_open(path, "np") as tensors:
        for name in tensors.keys():  # noqa: SIM118 - it is no mapping
            tensors.get_tensor(name)


_READERS: Mapping[str, Callable[[Path], object]] = {
    ".nii.gz": _nifti,
    ".nrrd": lambda path: sitk.ReadImage(str(path)),
    ".json": lambda path: json.loads(path.read_text("utf-8")),
    ".csv": _table,
    ".png": _picture,
    ".npy": lambda path: np.load(path, allow_pickle=False),
    ".pt": _checkpoint,
    ".safetensors": _weights,
    ".txt": lambda path: path.read_text("utf-8"),
    SUFFIX: lambda path: path.read_text("utf-8"),
}
