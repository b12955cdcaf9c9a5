"""What the text headers of NRRD and MetaImage say, read here before a C++ library reads them.

MetaIO and NrrdIO keep what they read in arrays of fixed size; a forged header writes beyond them and ends the process.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath

from cacnet.reading.errors import UnreadableImageError

TEXT_HEADER_BYTES = 65536
MOST_AXES = 4
MOST_WORDS = 64
MOST_CHARACTERS = 2048
"""Of a field that is read into numbers; a grid of four axes needs some hundred characters."""

NRRD_SUFFIXES = (".nrrd", ".nhdr")
META_SUFFIXES = (".mha", ".mhd")
_COUNT = {
    NRRD_SUFFIXES: re.compile(rb"(?i)\s*(space )?dimension\s*:\s*(.*)"),
    META_SUFFIXES: re.compile(rb"(?i)\s*(NDims)\s*[=:]\s*(.*)"),
}


def require_plain_header(path: Path) -> None:
    """Refuse a NRRD or MetaImage header with more axes, numbers or letters in a field than a volume has.

    Raises:
        UnreadableImageError: see above.
    """
    name = path.name.lower()
    kind = next((suffixes for suffixes in _COUNT if name.endswith(suffixes)), None)
    if kind is None:
        return
    for line in re.split(rb"[\r\n]+", _header(path, kind)):
        axes = _COUNT[kind].match(line)
        if axes is not None and not (axes[2].strip().isdigit() and 1 <= int(axes[2].strip()[:9]) <= MOST_AXES):
            raise _forged(path, f"declares {axes[2][:20].decode('latin-1')!r} axes")
        free_text = kind is NRRD_SUFFIXES and (b":=" in line or line.startswith(b"#"))
        if not free_text and (len(line) > MOST_CHARACTERS or len(line.split()) > MOST_WORDS or line.count(b"(") > 8):
            raise _forged(path, f"has a field of {len(line)} characters")


def _header(path: Path, kind: tuple[str, ...]) -> bytes:
    with path.open("rb") as file:
        head = file.read(TEXT_HEADER_BYTES)
    end = rb"\r?\n\r?\n" if kind is NRRD_SUFFIXES else rb"(?m)^\s*ElementDataFile\s*[=:]"
    return re.split(end, head, maxsplit=1)[0]


def _forged(path: Path, what: str) -> UnreadableImageError:
    return UnreadableImageError(
        found=f"'{path.name}' cannot be read: its header {what}",
        expected="the header of one volume",
        action="Copy or export it again",
    )


def _beside(path: Path, target: str) -> Path:
    """The file that a header names, which must lie in the header's folder or below."""
    for kind in (PurePosixPath(target), PureWindowsPath(target)):
        if kind.is_absolute() or kind.anchor or ".." in kind.parts or len(target) > 255 or "\0" in target:
            raise _forged(path, f"refers to voxels elsewhere ({target[:80]!r})")
    return path.parent / target


def stored_data(path: Path) -> tuple[Path | None, str, int]:
    """Where the voxels lie, their encoding ('raw', 'gzip' or another), and after how many bytes of text header.

    The path is None where they are spread over several files.
    """
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return path, "gzip" if name.endswith(".gz") else "raw", 0
    with path.open("rb") as file:
        head = file.read(TEXT_HEADER_BYTES)
    if name.endswith((".nrrd", ".nhdr")):
        blank_line = re.search(rb"\r?\n\r?\n", head)
        offset = blank_line.end() if blank_line else len(head)
        text = head[:offset]
        target, local = _field(text, rb"data ?file:"), ""
        encoding = _field(text, rb"encoding:").lower()
    else:
        text = re.split(rb"(?m)^ElementDataFile *=.*$", head)[0]
        offset = len(text)
        target, local = _field(head, rb"ElementDataFile *="), "LOCAL"
        encoding = "zlib" if _field(text, rb"CompressedData *=").lower() == "true" else "raw"
    if target == local:
        return path, encoding, offset
    if target.split(" ")[0] == "LIST" or "%" in target:
        return None, encoding, 0
    return _beside(path, target), encoding, 0


def _field(header: bytes, name: bytes) -> str:
    match = re.search(rb"(?mi)^" + name + rb"[ \t]*(.*?)[ \t\r]*$", header)
    return match.group(1).decode("utf-8", "replace") if match else ""
