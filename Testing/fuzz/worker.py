"""A process that reads many damaged inputs of one target, one JSON line for each; native crashes end only it.

`python worker.py --target NAME --seed N --first I --count N --folder DIR --kept DIR`. Before each input its number is
written, so that whoever started this process knows which one killed it or never came back.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

MEMORY_BYTES = 1 << 30
"""What one input of some kilobytes may ask for beyond what the process has when all is loaded; a C++ reader that asks
for more fails, and the input with it."""


def main() -> int:
    """Read the inputs; the exit code says nothing beside that all were read."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--kept", type=Path, required=True, help="where inputs of violations go")
    options = parser.parse_args()
    from fuzz import targets

    targets.load_helpers()
    target = next(one for one in targets.TARGETS if one.name == options.target)
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # native readers write to standard output, too
    os.dup2(1, 2)
    seeds = target.prepare(targets.clean(options.folder))
    good = {seed.path: (options.folder / seed.path).read_bytes() for seed in seeds}
    for seed in seeds:
        target.read(options.folder, seed.path)  # a good file must be taken, or nothing is tested
    _limit_memory()
    _say(events, event="ready", base=_peak())
    for number in range(options.first, options.count):
        path, data, must_refuse = input_number(target, seeds, good, options.folder, options.seed, number)
        (options.folder / path).write_bytes(data)
        _say(events, event="begin", number=number, path=path)
        started = time.perf_counter()
        outcome, detail = read(target, options.folder, path, must_refuse)
        _say(
            events,
            event="end",
            number=number,
            outcome=outcome,
            detail=detail,
            seconds=time.perf_counter() - started,
            peak=_peak(),
        )
        if outcome == "violation":
            options.kept.mkdir(parents=True, exist_ok=True)
            (options.kept / kept_name(target.name, number, path)).write_bytes(data)
        (options.folder / path).write_bytes(good[path])
    return 0


def input_number(
    target: Any, seeds: Any, good: dict[str, bytes], folder: Path, seed: int, number: int
) -> tuple[str, bytes, bool]:
    """The damaged file of that number, the same at every call: its path, its bytes, whether it must be refused."""
    hostile = list(target.hostile.values())
    if number < len(hostile):
        path, make = hostile[number]
        return path, make(folder), True
    rng = random.Random(f"{seed} {target.name} {number}")
    chosen = rng.choice(seeds)
    data = good[chosen.path]
    if chosen.whole and rng.random() < 0.05:
        return chosen.path, data[: rng.randrange(len(data))], True
    return chosen.path, chosen.damage(data, rng), False


def read(target: Any, folder: Path, path: str, must_refuse: bool) -> tuple[str, str]:
    """'accepted', 'refused' or 'violation', and the name of the error."""
    from cacnet.errors import CacnetError

    try:
        target.read(folder, path)
    except CacnetError as error:
        if not str(error) or "\n" in str(error):
            return "violation", f"{type(error).__name__} is no sentence: {str(error)[:200]!r}"
        return "refused", type(error).__name__
    except Exception as error:  # noqa: BLE001  whatever else comes out is what is looked for
        where = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in where if "/cacnet/" in frame.filename] or list(where)
        at = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
        return "violation", f"{type(error).__name__} at {at}: {str(error)[:200]}"
    return ("violation", "accepted what must be refused") if must_refuse else ("accepted", "")


def kept_name(target: str, number: int, path: str) -> str:
    """The name under which the input of a violation is kept."""
    return f"{target.replace(' ', '-')}-{number}-{Path(path).name}"


def _limit_memory() -> None:
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY_BYTES, held + MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _say(events: Any, **content: Any) -> None:
    events.write(json.dumps(content) + "\n")
    events.flush()


if __name__ == "__main__":
    sys.exit(main())
