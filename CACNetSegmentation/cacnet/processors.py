"""How this process shares the computer's processors with others."""

from __future__ import annotations

import os

WAIT_POLICY = "OMP_WAIT_POLICY"


def share_processors() -> None:
    """Let torch's threads sleep while they wait for one another; call it before torch is imported.

    By default they spin. As soon as another program runs beside, a spinning thread holds the very processor that the
    one it waits for would need: on a busy machine a network then takes two to three times as long. What the user has
    set in the environment is left alone.
    """
    os.environ.setdefault(WAIT_POLICY, "PASSIVE")
