"""Fuzz one target led by the coverage of our own code: `python guided.py TARGET FOLDER [libFuzzer options]`.

The first byte of an input says which of the target's files the rest replaces. New inputs come from the same mutations
as elsewhere, and from libFuzzer's own. Needs atheris (extra 'trust').
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris

MOST_BYTES = 1 << 16


def main() -> None:
    """Fuzz until the runs are over; ends the process, with an exit code other than 0 at the first violation."""
    from fuzz import targets
    from fuzz.worker import read

    name, folder, *options = sys.argv[1:]
    targets.load_helpers()
    target = next(one for one in targets.TARGETS if one.name == name)
    files, corpus = targets.clean(Path(folder) / "files"), targets.clean(Path(folder) / "corpus")
    with atheris.instrument_imports(include=["cacnet"], enable_loader_override=False):
        seeds = target.prepare(files)
        for seed in seeds:
            target.read(files, seed.path)
    good = {seed.path: (files / seed.path).read_bytes() for seed in seeds}
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(bytes([number]) + good[seed.path])

    def one_input(data: bytes) -> None:
        path = seeds[(data[0] if data else 0) % len(seeds)].path
        (files / path).write_bytes(data[1:])
        outcome, detail = read(target, files, path, must_refuse=False)
        (files / path).write_bytes(good[path])
        if outcome == "violation":
            sys.stdout.write(f"violation: {path}: {detail}\n")
            raise AssertionError(detail)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        number = (data[0] if data else 0) % len(seeds)
        try:
            changed = seeds[number].damage(data[1:], rng)
        except (ValueError, IndexError, OSError, EOFError):  # what was damaged before is no JSON any more
            changed = atheris.Mutate(data[1:], most - 1)
        return (bytes([number]) + changed)[:most]

    arguments = [sys.argv[0], str(corpus), f"-max_len={MOST_BYTES}", "-rss_limit_mb=4096", "-timeout=20", *options]
    arguments += [f"-artifact_prefix={folder}/"]
    atheris.Setup(arguments, one_input, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
