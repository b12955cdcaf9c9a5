"""The process that does the work for Slicer: one job in, one JSON line per event out.

`python -m cacnet.worker --job JOB.json`. Closing its standard input ends it at once: that is how a parent cancels, and
what happens by itself when the parent dies. Nothing but events is ever written to standard output. `--devices` is short
for a job that only asks what there is to compute on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from cacnet.errors import CacnetError, Cancelled, OutOfMemoryError
from cacnet.files import remove_staging, require_writable
from cacnet.findings import Finding
from cacnet.freed_memory import keep_freed_memory
from cacnet.jobs import Job, Task, read_job
from cacnet.loading import MissingPackageError, require_torch
from cacnet.processors import share_processors

PATIENCE_S = 0.7
"""How long a cancelled job may take to end by itself; a parent expects an end within a second."""

STAGE_SHARES = {
    "scan": (0.00, 0.02),
    "read": (0.02, 0.08),
    "find the heart": (0.08, 0.10),
    "prepare": (0.10, 0.15),
    "network": (0.15, 0.85),
    "label": (0.85, 0.93),
    "score": (0.93, 0.95),
    "write": (0.95, 1.00),
}
"""Where each stage begins and ends on a progress bar for the whole job; shares of a typical run on a CPU."""


class Events:
    """Writes one JSON line per event, and knows how much time is left."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start = time.monotonic()

    def send(self, event: str, **content: Any) -> None:
        """Write one event and make sure that it leaves this process."""
        self._stream.write(json.dumps({"event": event, **content}, ensure_ascii=True) + "\n")
        self._stream.flush()

    def progress(self, stage: str, fraction: float) -> None:
        """Report a stage (a `cacnet.progress.Progress`); the fraction sent is that of the whole job."""
        begin, end = STAGE_SHARES[stage]
        overall = begin + (end - begin) * min(max(fraction, 0.0), 1.0)
        elapsed = time.monotonic() - self._start
        left = elapsed * (1 - overall) / overall if overall > 0.12 else None
        self.send("progress", stage=stage, fraction=round(overall, 4), seconds_left=left and round(left, 1))

    def finding(self, finding: Finding) -> None:
        """Report a finding."""
        self.send("finding", code=finding.code, severity=finding.severity.value, message=finding.message)

    def error(self, error: CacnetError) -> int:
        """Report what ends the job; returns the exit code."""
        self.send("error", name=type(error).__name__, message=str(error))
        return error.exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job; the exit code is 0, or the error's (2, or 3 where memory ran out)."""
    share_processors()
    keep_freed_memory()
    parser = argparse.ArgumentParser(prog="cacnet.worker", description="Do one job for a parent process.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--job", type=Path, help="JSON file that describes the job")
    what.add_argument("--devices", action="store_true", help="say what there is to compute on")
    options = parser.parse_args(arguments)
    lifeline = Lifeline()
    lifeline.watch()
    events = Events(sys.stdout)
    try:
        job = Job(Task.DEVICES) if options.devices else read_job(options.job)
        run(job, events, lifeline)
    except CacnetError as error:
        return events.error(error)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return events.error(out_of_memory())
    except ImportError as error:
        return events.error(_missing(error))
    return 0


def end(exit_code: int) -> None:
    """End the process at once: the parent waits for it, and to take torch and the volumes apart takes half a second."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def run(job: Job, events: Events, lifeline: Lifeline) -> None:
    """Do the job and send its outcome: 'result' names a folder with files, 'answer' holds the answer itself."""
    work: Mapping[Task, Callable[[Job, Events, Lifeline], None]] = {
        Task.SEGMENT: _segment,
        Task.CHECK: _check,
        Task.DEVICES: _devices,
        Task.INSTALL_MODEL: _install_model,
        Task.PHANTOM: _phantom,
    }
    work[job.task](job, events, lifeline)


def _segment(job: Job, events: Events, lifeline: Lifeline) -> None:
    from cacnet.outputs import write_for_review

    def progress(stage: str, fraction: float) -> None:
        lifeline.check()
        events.progress(stage, fraction)

    ct, output = job.path("ct"), job.path("output")
    lifeline.guard(output)
    require_writable(output)
    from cacnet.pipeline import DEFAULT_MODEL, Request, segment

    request = Request(
        ct=ct,
        model=job.model or DEFAULT_MODEL,
        device=job.device,
        protocol=job.protocol,
        age_years=job.age_years,
        sex=job.sex,
        refine_borders=job.refine_borders,
        use_context=job.use_context,
        acquisition=job.acquisition,
    )
    result = segment(request, progress)
    for finding in result.scores.findings:
        events.finding(finding)
    write_for_review(output, result, progress)
    events.send("result", output=str(output))


def _check(job: Job, events: Events, lifeline: Lifeline) -> None:
    from cacnet.acquisition import completed
    from cacnet.reading import read_ct
    from cacnet.validation import check, exit_code

    volume = completed(read_ct(job.path("ct")), job.acquisition)
    lifeline.check()
    findings = check(volume)
    for finding in findings:
        events.finding(finding)
    events.send("answer", content={"exit_code": exit_code(findings)})


def _devices(job: Job, events: Events, lifeline: Lifeline) -> None:
    require_torch()
    from cacnet.inference import available_devices

    found = [{"name": device.name, "hardware": device.hardware} for device in available_devices()]
    events.send("answer", content={"devices": found})


def _install_model(job: Job, events: Events, lifeline: Lifeline) -> None:
    require_torch()
    from cacnet.installed_models import install

    events.send("answer", content={"model": install(job.path("source"))})


def _phantom(job: Job, events: Events, lifeline: Lifeline) -> None:
    from cacnet.phantom.simulate import simulate, write_scan

    output = job.path("output")
    require_writable(output.parent)
    scan = simulate(job.seed)
    lifeline.check()
    events.send("result", output=str(write_scan(scan, output)))


def _missing(error: ImportError) -> MissingPackageError:
    return MissingPackageError(
        found=f"a Python package is missing or damaged ({error})",
        expected="the packages of CACNet's requirements.txt",
        action="Restart Slicer and press Run again, which installs what is missing",
    )


def is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    """Whether memory ran out, be it for the stack of a thread, which Python says in a RuntimeError."""
    return isinstance(error, MemoryError) or "can't start new thread" in str(error)


def out_of_memory() -> OutOfMemoryError:
    """The sentence for memory that ran out outside the network's own ladder."""
    return OutOfMemoryError(
        found="the memory of this computer ran out",
        expected="about 4 GB free for a full CCTA",
        action="Close other programs, or crop the volume to the heart",
    )


class Lifeline:
    """Ends the job when standard input closes: by `Cancelled` at the next progress, or by force soon after.

    Args:
        patience_s: how soon.
    """

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._closed = threading.Event()
        self._output: Path | None = None

    def watch(self) -> None:
        """Start to watch; the thread does not keep the process alive."""
        threading.Thread(target=self._wait_for_end, daemon=True).start()

    def guard(self, output: Path) -> None:
        """Name the folder that an end by force must not leave half-written files in."""
        self._output = output

    def check(self) -> None:
        """Raise Cancelled once standard input has closed."""
        if self._closed.is_set():
            raise Cancelled("the job was cancelled")

    def _wait_for_end(self) -> None:
        # os.read rather than sys.stdin: a buffered reader's lock would block the interpreter's own shutdown.
        while os.read(0, 4096):
            pass
        self._closed.set()
        time.sleep(self._patience_s)
        if self._output is not None:
            remove_staging(self._output)
        os._exit(Cancelled.exit_code)


if __name__ == "__main__":
    end(main())
