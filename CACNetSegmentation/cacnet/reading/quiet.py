"""Keep the chatter of C++ image libraries off the user's screen; what matters is said by our own errors."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

STDERR_FD = 2


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Python warnings and whatever native code writes to standard error, while the block runs.

    GDCM, MetaIO and NrrdIO write to the file descriptor itself, which nothing in SimpleITK's API turns off. Keep the
    block to one library call: other threads' standard error is silent meanwhile.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            saved = os.dup(STDERR_FD)
        except OSError:  # A program without a console has no standard error to silence.
            yield
            return
        try:
            with open(os.devnull, "wb") as devnull:
                os.dup2(devnull.fileno(), STDERR_FD)
            yield
        finally:
            os.dup2(saved, STDERR_FD)
            os.close(saved)
