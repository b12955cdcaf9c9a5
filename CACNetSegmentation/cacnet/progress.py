"""How long work tells its caller where it stands, and how the caller stops it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with a stage name and the fraction of that stage done (0 to 1); raises `cacnet.errors.Cancelled` to stop."""


def silent(stage: str, fraction: float) -> None:
    """A Progress that neither shows nor stops anything."""
