"""Fuzz every reader: `python Testing/fuzz/run.py --short | --long [--seed N] [--only TARGET …]`.

Every input must end in an error with a name or in a result that can be; any other exception, a crash, a hang, or much
memory is a violation. Prints a table, keeps the inputs of violations, and exits 1 where there is one. Where atheris is
installed (extra 'trust'), the long form then lets the coverage of our own code guide further inputs.
"""

from __future__ import annotations

import argparse
import collections
import importlib.util
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from fuzz.worker import kept_name  # noqa: E402  beside this file, wherever it is started from

SHORT, LONG = 25, 800
"""Inputs for each target."""
GUIDED_RUNS = 3000
LOADING_S, HANG_S = 120, 10
MEMORY_MB = 400.0
"""How far the peak may rise over what the process has once all is loaded; the good files have some kilobytes."""
MOST_DEATHS = 20


@dataclass
class Tally:
    """What came of the inputs of one target."""

    target: str
    inputs: int = 0
    refused: collections.Counter[str] = field(default_factory=collections.Counter)
    accepted: int = 0
    crashes: int = 0
    hangs: int = 0
    slowest_s: float = 0.0
    base_mb: float = 0.0
    peak_mb: float = 0.0
    violations: list[str] = field(default_factory=list)

    def row(self) -> str:
        """One line of the table."""
        return (
            f"{self.target:18}{self.inputs:8}{self.refused.total():9}{self.accepted:10}{self.crashes:9}{self.hangs:7}"
            f"{len(self.violations):12}{1000 * self.slowest_s:9.0f} ms{max(self.peak_mb - self.base_mb, 0):7.0f} MB"
        )


HEADER = (
    f"{'target':18}{'inputs':>8}{'refused':>9}{'accepted':>10}{'crashes':>9}{'hangs':>7}{'violations':>12}"
    f"{'slowest':>12}{'memory':>10}"
)


class Worker:
    """A child that reads inputs, and a thread that waits for its lines."""

    def __init__(self, target: str, seed: int, first: int, count: int, folder: Path, kept: Path) -> None:
        command = [sys.executable, str(HERE / "worker.py"), "--target", target, "--seed", str(seed)]
        command += ["--first", str(first), "--count", str(count), "--folder", str(folder), "--kept", str(kept)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=child_environment()
        )
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put(line)
        self.lines.put(None)

    def events(self) -> Iterator[dict]:
        """Its events; ends with it, or with {'event': 'hang'} where nothing comes for too long."""
        wait_s = LOADING_S
        while True:
            try:
                line = self._line(wait_s)
            except queue.Empty:
                self.process.kill()
                yield {"event": "hang"}
                return
            if line is None:
                return
            wait_s = HANG_S
            yield json.loads(line)

    def _line(self, wait_s: int) -> str | None:
        """The next one; waits in steps of a second, so that a computer that slept does not count as silence."""
        for _ in range(wait_s):
            try:
                return self.lines.get(timeout=1.0)
            except queue.Empty:
                continue
        raise queue.Empty


def child_environment() -> dict[str, str]:
    """Of a child: one thread, and these files importable."""
    product = HERE.parents[1] / "CACNetSegmentation"
    paths = [str(path) for path in (HERE.parent, HERE.parent / "Python", HERE.parent / "Python/core", product)]
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1",
        "PYTHONPATH": ":".join(paths),
    }


def fuzz(target: str, seed: int, count: int, kept: Path) -> Tally:
    """Read `count` damaged inputs of a target, starting a new child wherever one dies."""
    tally = Tally(target)
    first = deaths = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "inputs"
        while first < count and deaths < MOST_DEATHS:
            worker = Worker(target, seed, first, count, folder, kept)
            number, path, hung, ready = first, "", False, False
            for event in worker.events():
                match event["event"]:
                    case "ready":
                        ready, tally.base_mb = True, max(tally.base_mb, event["base"])
                    case "begin":
                        number, path = event["number"], event["path"]
                    case "end":
                        _count(tally, event)
                        first, path = number + 1, ""
                    case "hang":
                        hung = True
            code = worker.process.wait()
            if not ready:
                raise RuntimeError(
                    f"{target} could not be started: {(worker.process.stderr or sys.stdin).read()[-2000:]}"
                )
            if first >= count:
                break
            deaths += 1
            tally.inputs += 1
            tally.hangs += hung
            tally.crashes += not hung
            _note(tally, number, f"{'no end' if hung else f'killed by signal {-code}'} ({path})")
            kept.mkdir(parents=True, exist_ok=True)
            if (folder / path).is_file():
                (kept / kept_name(target, number, path)).write_bytes((folder / path).read_bytes())
            first = number + 1
    return tally


def _count(tally: Tally, event: dict) -> None:
    tally.inputs += 1
    tally.slowest_s = max(tally.slowest_s, event["seconds"])
    if event["outcome"] == "refused":
        tally.refused[event["detail"]] += 1
    elif event["outcome"] == "accepted":
        tally.accepted += 1
    else:
        _note(tally, event["number"], event["detail"])
    if event["peak"] - max(tally.base_mb, tally.peak_mb) > MEMORY_MB:
        _note(tally, event["number"], f"took {event['peak'] - tally.base_mb:.0f} MB")
    tally.peak_mb = max(tally.peak_mb, event["peak"])


def _note(tally: Tally, number: int, what: str) -> None:
    tally.violations.append(f"{tally.target} #{number}: {what}")


def guided(target: str, seed: int, runs: int) -> tuple[str, bool]:
    """Inputs led by the coverage of our own code (atheris, libFuzzer): one line, and whether all went well."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, str(HERE / "guided.py"), target, scratch, f"-runs={runs}", f"-seed={seed + 1}"]
        done = subprocess.run(
            command, capture_output=True, text=True, env=child_environment(), check=False, timeout=1800
        )
    last = [line for line in done.stderr.splitlines() if "cov:" in line][-1:]
    found = [line for line in (done.stdout + done.stderr).splitlines() if "violation" in line.lower()][:3]
    said = "; ".join(found) or (last[0].strip() if last else done.stderr[-300:].strip())
    return f"{target:18}{said}", done.returncode == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, print, and fail on any violation."""
    from fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help=f"{SHORT} inputs for each target (default)")
    form.add_argument("--long", action="store_true", help=f"{LONG} for each, then guided ones")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--inputs", type=int, help="for each target, instead")
    parser.add_argument("--only", nargs="*", help="names of targets")
    parser.add_argument("--kept", type=Path, default=Path(tempfile.gettempdir()) / "cacnet-fuzz")
    options = parser.parse_args(arguments)
    chosen = [target for target in TARGETS if not options.only or target.name in options.only]
    started, failed = time.monotonic(), 0
    print(HEADER)
    violations: list[str] = []
    total = 0
    for target in chosen:
        count = max(options.inputs or (LONG if options.long else SHORT), len(target.hostile) + 5)
        tally = fuzz(target.name, options.seed, count, options.kept)
        print(tally.row(), flush=True)
        violations += tally.violations
        total += tally.inputs
    if options.long and importlib.util.find_spec("atheris"):
        print("Guided by coverage (atheris), last line of each:")
        for target in chosen:
            if not target.native:
                line, well = guided(target.name, options.seed, GUIDED_RUNS)
                print(line, flush=True)
                failed += not well
    elif options.long:
        print("Not guided by coverage: atheris is not installed (extra 'trust').")
    for line in violations[:60]:
        print("VIOLATION", line)
    print(f"{total} inputs, {len(violations)} violations, {time.monotonic() - started:.0f} s; seed {options.seed}")
    if violations:
        print(f"The inputs are kept in {options.kept}")
    return 1 if violations or failed else 0


if __name__ == "__main__":
    sys.exit(main())
