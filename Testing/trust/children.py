"""Work in a process of its own that may be killed, starved or cut off from its disk.

The process is a fork of this one, which has loaded everything already, so that two hundred of them take minutes. This
one must therefore never have computed with torch itself: a forked process inherits its threads' locks without them.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cacnet.errors import CacnetError

LATE_IMPORTS = (
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "skimage.feature",
    "skimage.measure",
    "skimage.morphology",
    "skimage.segmentation",
    "networkx",
    "PIL.PngImagePlugin",
    "torch._dynamo",
)
MARK = b"\n"
CRASHED = 70
PATIENCE_S = 120
"""So long a process may say nothing; waited in steps of a second, so that a computer that slept does not count."""
Say = Callable[[bytes], None]
Work = Callable[[Say], None]


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: its exit code; negative: the signal.
        said: what it said.
        seconds: how long it took.
        since_mark: how much of that after it had said something.
        stderr: its errors.
    """

    code: int
    said: bytes
    seconds: float
    since_mark: float
    stderr: str = ""

    @property
    def killed(self) -> bool:
        """Whether by us."""
        return self.code == -signal.SIGKILL


def load_everything() -> None:
    """Import what work would import on its way, so that a fork need not."""
    for name in LATE_IMPORTS:
        importlib.import_module(name)


def finish(work: Work, folder: Path) -> Ended:
    """Let the work end by itself."""
    return _run(work, folder, lambda process, pipe: None)


def asked(question: Callable[[], list[str]], folder: Path) -> list[str]:
    """What a question answers, asked in a process of its own so that this one computes nothing."""
    ended = finish(lambda say: say(json.dumps(question()).encode()), folder)
    return json.loads(ended.said) if ended.code == 0 else [f"could not be checked: {ended.stderr[-300:]}"]


def kill_at_random(work: Work, folder: Path, seconds: float, rng: random.Random, after_mark: bool = False) -> Ended:
    """Kill the work at a moment drawn uniformly from `seconds`, counted from its start or from its first mark."""

    def kill(process: int, pipe: int) -> None:
        if after_mark:
            _says(pipe)
        time.sleep(rng.uniform(0, seconds))
        os.kill(process, signal.SIGKILL)

    return _run(work, folder, kill)


def _run(work: Work, folder: Path, meanwhile: Callable[[int, int], None]) -> Ended:
    reading, writing = os.pipe()
    errors = folder / "stderr.txt"
    started = time.monotonic()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _be_child(work, writing, errors)
    os.close(writing)
    meanwhile(process, reading)
    said, marked = _listen(process, reading)
    _, status = os.waitpid(process, 0)
    code, ended = os.waitstatus_to_exitcode(status), time.monotonic()
    text = errors.read_text(errors="replace") if errors.exists() else ""
    return Ended(code, said, ended - started, ended - (marked or ended), text)


def _listen(process: int, reading: int) -> tuple[bytes, float | None]:
    """All that it says, and when it began to; a process that says nothing and does not end is ended."""
    said, marked = b"", None
    while True:
        if not _says(reading):
            os.kill(process, signal.SIGTERM)  # another signal than a trial's, so that it shows
            break
        if not (part := os.read(reading, 65536)):
            break
        marked = marked or time.monotonic()
        said += part
    os.close(reading)
    return said, marked


def _says(pipe: int) -> bool:
    """Whether there is something to read, or its end, before patience is."""
    return any(select.select([pipe], [], [], 1.0)[0] for _ in range(PATIENCE_S))


def _be_child(work: Work, writing: int, errors: Path) -> None:
    """Never returns. The exit code is that of the command line; `CRASHED` for an error without a sentence."""
    code = CRASHED
    try:
        handle = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 2)
        os.dup2(handle, 1)
        work(lambda text: os.write(writing, text) and None)
        code = 0
    except CacnetError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        code = error.exit_code
    except BaseException:  # noqa: BLE001 - whatever it is, it is what the trial is about
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
