"""Try what may happen to the computer, and say what was lost: `python Testing/trust/run.py --short | --long`.

Exit code 0 where everything was tried and nothing was lost, 1 otherwise.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

TESTING = Path(__file__).resolve().parents[1]
KINDS = ("kills", "disks", "memory", "soak", "same")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trials that are asked for."""
    parser = argparse.ArgumentParser(description="What must hold whatever happens to the computer.")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--short", action="store_true", help="a handful of each, about half a minute")
    length.add_argument("--long", action="store_true", help="two hundred of each, under half an hour on two cores")
    parser.add_argument("--seed", type=int, default=1, help="of every random choice (default 1)")
    parser.add_argument("--only", choices=KINDS, action="append", help="some kinds of faults")
    parser.add_argument("--times", type=int, help="how often each work is killed")
    options = parser.parse_args(arguments)
    if os.name != "posix":
        sys.stderr.write("these trials need fork, SIGKILL and limits of resources: POSIX\n")
        return 1
    _find_modules()
    from trust.children import load_everything
    from trust.table import all_is_well, table_of

    load_everything()

    trials = []
    with tempfile.TemporaryDirectory(prefix="cacnet-trust-") as name:
        for kind, work in _work(options).items():
            if options.only and kind not in options.only:
                continue
            started = time.monotonic()
            trials += work(Path(name) / kind, random.Random(options.seed))
            sys.stderr.write(f"{kind}: {time.monotonic() - started:.0f} s\n")
    print(table_of(trials))
    return 0 if all_is_well(trials) else 1


def _find_modules() -> None:
    os.environ["OMP_NUM_THREADS"] = os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    product = TESTING.parent / "CACNetSegmentation"
    sys.path[:0] = [str(path) for path in (TESTING, TESTING / "Python", TESTING / "Python" / "core", product)]


def _work(options: argparse.Namespace) -> dict[str, Callable[[Path, random.Random], list]]:
    from trust import disks, kills, memory, same, soak

    long = options.long
    times = options.times or (200 if long else 4)

    def soaked(folder: Path, rng: random.Random) -> list:
        folder.mkdir()
        return [soak.soak_edits(folder, rng, 1000 if long else 100), soak.soak_runs(folder, 50 if long else 3)]

    return {
        "kills": lambda folder, rng: kills.kill_all(folder, rng, times),
        "disks": lambda folder, rng: disks.fill_all(folder, 12 if long else 2),
        "memory": lambda folder, rng: memory.exhaust_all(folder, long),
        "soak": soaked,
        "same": lambda folder, rng: same.compare_all(folder, 5 if long else 1),
    }


if __name__ == "__main__":
    raise SystemExit(main())
