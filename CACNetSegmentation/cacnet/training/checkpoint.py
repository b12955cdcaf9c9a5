"""What a run needs to go on after it was killed, in one file that is always whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from cacnet.errors import CacnetError

CHECKPOINT_FILE = "checkpoint.pt"


class CheckpointError(CacnetError):
    """A checkpoint that is missing, damaged, or of another network."""


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, texts, nested) to `folder`; the previous one stays until this is whole."""
    temporary = folder / f".{CHECKPOINT_FILE}.{os.getpid()}"
    try:
        with temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, folder / CHECKPOINT_FILE)
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The last checkpoint in `folder`, None where there is none yet; never executes what the file holds."""
    path = folder / CHECKPOINT_FILE
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler meets
        raise CheckpointError(f"{path.name} in '{folder.name}' cannot be read ({error})", "a checkpoint") from error
    if not isinstance(state, dict) or "step" not in state:
        raise CheckpointError(f"{path.name} in '{folder.name}' is no checkpoint of a training run", "a checkpoint")
    return state
