"""Try what may happen to the computer, and say what was lost: `python Testing/trust/run.py --short | --long`.

The long form takes up to half an hour, says how far it is, keeps what is done in build/trust, and goes on there when it
is started again with the same code. Exit code 0 where everything was tried and nothing was lost, 1 otherwise.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

TESTING = Path(__file__).resolve().parents[1]
SHORT_TIMES, LONG_TIMES = 4, 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trials that are asked for."""
    options = _parser().parse_args(arguments)
    if os.name != "posix":
        sys.stderr.write("these trials need fork, SIGKILL and limits of resources: POSIX\n")
        return 1
    _find_modules()
    from trust import steps
    from trust.table import all_is_well, table_of, to_json

    make, times = (steps.long_steps, LONG_TIMES) if options.long else (steps.short_steps, SHORT_TIMES)
    chosen = {
        name: step
        for name, step in make(options.times or times).items()
        if not options.only or name in options.only or name.split("/")[0] in options.only
    }
    if options.long and not options.result:
        from trust import processes

        return processes.run_all(tuple(chosen), options)
    trials = _run_here(chosen, options.seed)
    if options.result:
        options.result.write_text(to_json(trials), "utf-8")
    else:
        print(table_of(trials))
    return 0 if all_is_well(trials) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="What must hold whatever happens to the computer.")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--short", action="store_true", help="a handful of each, about half a minute")
    length.add_argument("--long", action="store_true", help="two hundred of each, under half an hour on two cores")
    parser.add_argument("--seed", type=int, default=1, help="of every random choice (default 1)")
    parser.add_argument("--only", action="append", help="a kind of trial or one of them, as 'kills' or 'kills/review'")
    parser.add_argument("--times", type=int, help="how often each work is killed")
    parser.add_argument("--processes", type=int, default=2, help="trials at the same time, long form (default 2)")
    parser.add_argument("--document", type=Path, help="write the table as a page of the documentation, too")
    parser.add_argument("--result", type=Path, help="run here and write what came of it to this file")
    return parser


def _run_here(chosen: dict, seed: int) -> list:
    from trust.children import load_everything

    load_everything()
    trials = []
    with tempfile.TemporaryDirectory(prefix="cacnet-trust-") as scratch:
        for number, (name, step) in enumerate(chosen.items()):
            started, folder = time.monotonic(), Path(scratch) / str(number)
            folder.mkdir()
            trials += step(folder, random.Random(f"{seed} {name}"))
            sys.stderr.write(f"{name}: {time.monotonic() - started:.0f} s\n")
    return trials


def _find_modules() -> None:
    os.environ["OMP_NUM_THREADS"] = os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    product = TESTING.parent / "CACNetSegmentation"
    sys.path[:0] = [str(path) for path in (TESTING, TESTING / "Python", TESTING / "Python" / "core", product)]


if __name__ == "__main__":
    raise SystemExit(main())
