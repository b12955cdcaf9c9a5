"""How far a trial is, on stderr: some of them take minutes."""

from __future__ import annotations

import sys
import time

LINES = 5
"""For each trial."""


def tell(what: str, done: int, of: int) -> None:
    """One line for every fifth of the way."""
    if done and done % max(1, of // LINES) == 0:
        sys.stderr.write(f"{time.strftime('%H:%M:%S')}  {what}: {done} of {of}\n")
