"""What a run needs to go on after it was killed, in one file that is always whole."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import torch

from cacnet.errors import CacnetError
from cacnet.files import replacing

CHECKPOINT_FILE = "checkpoint.pt"


class CheckpointError(CacnetError):
    """A checkpoint that is missing, damaged, or of another network."""


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, texts, nested) to `folder`; the previous one stays until this is whole.

    Raises:
        UnwritableOutputError: the folder cannot be written to.
    """
    buffer = io.BytesIO()  # to a file, torch would say a full disk in words of its own
    torch.save(state, buffer)
    with replacing(folder / CHECKPOINT_FILE) as temporary, temporary.open("wb") as file:
        file.write(buffer.getbuffer())
        file.flush()
        os.fsync(file.fileno())


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
