"""How this process shares the computer's processors with others."""

from __future__ import annotations

import os

WAIT_POLICY = "OMP_WAIT_POLICY"
LARGE_PAGES = "THP_MEM_ALLOC_ENABLE"


def share_processors() -> None:
    """Let torch's threads sleep while they wait for one another, and its memory come in large pages.

    Call it before torch is imported. What the user has set in the environment is left alone.

    By default they spin. As soon as another program runs beside, a spinning thread holds the very processor that the
    one it waits for would need: on a busy machine a network then takes two to three times as long.

    Every feature map is new memory, and on Linux each of its pages of 4 kB is first touched in the system's time: a
    tenth of the whole network's. Large pages need one touch for 2 MB.
    """
    os.environ.setdefault(WAIT_POLICY, "PASSIVE")
    os.environ.setdefault(LARGE_PAGES, "1")
