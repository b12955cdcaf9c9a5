"""The long form: each step in a process of its own, two at a time, kept when it is done."""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from trust.table import Trial, all_is_well, document_of, from_json, table_of

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KEPT = ROOT / "build" / "trust"
CODE = (ROOT / "CACNetSegmentation", ROOT / "Testing")
LAST_LINES, STEP_S = 15, 5.0


def run_all(names: Sequence[str], options: argparse.Namespace) -> int:
    """Run the steps, print their table, and write the document that is asked for."""
    started, watch = time.monotonic(), _Watch()
    kept = KEPT / _fingerprint(options)
    kept.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(options.processes) as pool:
        found = list(pool.map(lambda name: _result_of(name, kept, options), names))
    trials = [trial for one in found for trial in one]
    said = _circumstances(time.monotonic() - started, watch, options)
    print(table_of(trials))
    print(said)
    if options.document:
        options.document.write_text(document_of(trials, said), "utf-8")
    shutil.rmtree(kept)  # all came to an end: the next time everything is tried anew
    return 0 if all_is_well(trials) else 1


def _result_of(name: str, kept: Path, options: argparse.Namespace) -> list[Trial]:
    """What came of a step, now or before this was interrupted."""
    result = kept / f"{name.replace('/', ', ')}.json"
    if result.exists():
        sys.stderr.write(f"{name}: was done before\n")
        return from_json(result.read_text("utf-8"))
    started, unfinished = time.monotonic(), result.with_suffix(".unfinished")
    command = [sys.executable, str(HERE / "run.py"), "--long", "--only", name, "--result", str(unfinished)]
    command += ["--seed", str(options.seed)] + (["--times", str(options.times)] if options.times else [])
    sys.stderr.write(f"{name}: begins\n")
    lines: list[str] = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr or ():
            sys.stderr.write(line)
            lines = [*lines[1 - LAST_LINES :], line]
    if not unfinished.exists():
        return [Trial(name, lost=[f"ended with code {process.returncode}: {''.join(lines)[-600:]}"])]
    unfinished.replace(result)
    sys.stderr.write(f"{name}: done after {time.monotonic() - started:.0f} s\n")
    return from_json(result.read_text("utf-8"))


def _fingerprint(options: argparse.Namespace) -> str:
    """Of the code and the choices: what was tried of other code says nothing."""
    digest = hashlib.sha256(f"{options.seed} {options.times}".encode())
    for folder in CODE:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _circumstances(seconds: float, watch: _Watch, options: argparse.Namespace) -> str:
    import cacnet

    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return (
        f"CACNet {cacnet.__version__}, commit {commit.stdout.strip() or 'not known'}, "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {os.cpu_count()} processors with a mean load of {watch.load:.1f}, "
        f"{options.processes} trials at the same time, one thread each; seed {options.seed}; "
        f"{seconds / 60:.0f} minutes" + (f", {watch.still_s / 60:.0f} of them stopped." if watch.still_s > 60 else ".")
    )


class _Watch:
    """How busy the computer is, and for how long it stood still: both lengthen everything."""

    def __init__(self) -> None:
        self.still_s, self._sum, self._count = 0.0, 0.0, 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self._sum, self._count, before = self._sum + os.getloadavg()[0], self._count + 1, time.monotonic()
            time.sleep(STEP_S)
            late = time.monotonic() - before - STEP_S
            self.still_s += late if late > STEP_S else 0.0

    @property
    def load(self) -> float:
        """The mean."""
        return self._sum / max(1, self._count)
