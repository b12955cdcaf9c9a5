"""Plays the scenarios inside 3D Slicer: `Slicer --testing --python-script Testing/run_in_slicer.py [NAME …]`.

Prints one line per scenario and ends Slicer with 0 only where something was played and nothing failed. Slicer must know
the module (`--additional-module-path CACNetSegmentation`) and its packages must be installed.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

TESTING = Path(__file__).resolve().parent
MODULE = "CACNetSegmentation"
WORKSTATION = 1.0


def play_all(functions: Iterable[Callable], make_bench: Callable[[], Any], names: Sequence[str] = ()) -> int:
    """Play the scenarios, or those of these names; the exit code is 0 only where one was played and none failed."""
    played = failed = 0
    for function in functions:
        if names and function.__name__ not in names:
            continue
        outcome, text = _play(function, make_bench)
        played += outcome != "skipped"
        failed += outcome == "FAILED"
        print(f"{outcome:<7} {function.__name__}{text}", flush=True)
    print(f"{played} played, {failed} failed", flush=True)
    return 0 if played and not failed else 1


def _play(function: Callable, make_bench: Callable[[], Any]) -> tuple[str, str]:
    from scenarios import NotHereError, play

    begin = time.monotonic()
    try:
        measured = play(function, make_bench())
    except NotHereError as reason:
        return "skipped", f": {reason}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the others are still played
        return "FAILED", f": {error}\n{traceback.format_exc()}"
    return "ok", f" ({time.monotonic() - begin:.1f} s{measured and '; '}{measured})"


def main() -> int:
    """The exit code; whatever goes wrong is a failure."""
    sys.path[:0] = [str(TESTING), str(TESTING / "Python"), str(TESTING / "Python" / "core")]
    try:
        import slicer
        from scenario_bench import Bench
        from scenarios import SCENARIOS

        slicer.util.selectModule(MODULE)
        names = [name for name in sys.argv[1:] if not name.startswith("-")]
        return play_all(SCENARIOS, lambda: Bench(slicer.util.getModuleWidget(MODULE), WORKSTATION), names)
    except Exception:  # noqa: BLE001 - Slicer would print it and stay open
        traceback.print_exc()
        return 1


if __name__ == "__main__":
    import slicer

    code = 1
    try:
        code = main()
    finally:
        slicer.util.exit(code)
