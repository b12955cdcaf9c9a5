"""The process that does the work for Slicer: one job in, one JSON line per event out.

`python -m cacnet.worker --job JOB.json`. Closing its standard input ends it at once: that is how a parent cancels, and
what happens by itself when the parent dies. Nothing but events is ever written to standard output.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from cacnet.errors import CacnetError, Cancelled, OutOfMemoryError
from cacnet.files import remove_staging, require_writable
from cacnet.findings import Finding

JOB_SCHEMA_VERSION = 1
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


class UnreadableJobError(CacnetError):
    """The job file is missing or not what it should be."""


@dataclass(frozen=True)
class Job:
    """What the parent asks for; see `cacnet.pipeline.Request`."""

    ct: Path
    output: Path
    model: str | None
    device: str
    protocol: str | None
    age_years: float | None
    sex: str | None


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job; the exit code is 0, or the error's (2, or 3 where memory ran out)."""
    parser = argparse.ArgumentParser(prog="cacnet.worker", description="Segment one CT for a parent process.")
    parser.add_argument("--job", type=Path, required=True, help="JSON file that describes the job")
    options = parser.parse_args(arguments)
    lifeline = Lifeline()
    lifeline.watch()
    events = Events(sys.stdout)
    try:
        output = run(read_job(options.job), events, lifeline)
    except CacnetError as error:
        events.send("error", name=type(error).__name__, message=str(error))
        return error.exit_code
    except MemoryError:
        exhausted = out_of_memory()
        events.send("error", name=type(exhausted).__name__, message=str(exhausted))
        return exhausted.exit_code
    events.send("result", output=str(output))
    return 0


def run(job: Job, events: Events, lifeline: Lifeline) -> Path:
    """Do the job; returns the folder with its outputs."""
    from cacnet.outputs import write_result
    from cacnet.pipeline import DEFAULT_MODEL, Request, segment

    def progress(stage: str, fraction: float) -> None:
        lifeline.check()
        events.progress(stage, fraction)

    lifeline.guard(job.output)
    require_writable(job.output)

    request = Request(
        ct=job.ct,
        model=job.model or DEFAULT_MODEL,
        device=job.device,
        protocol=job.protocol,
        age_years=job.age_years,
        sex=job.sex,
    )
    result = segment(request, progress)
    for finding in result.scores.findings:
        events.finding(finding)
    write_result(job.output, result, progress)
    return job.output


def read_job(path: Path) -> Job:
    """The job in a JSON file.

    Raises:
        UnreadableJobError: it is missing, no JSON, of another version, or lacks something.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        version = content["schema_version"]
        job = Job(
            ct=Path(content["ct"]),
            output=Path(content["output"]),
            model=content.get("model"),
            device=content.get("device") or "auto",
            protocol=content.get("protocol"),
            age_years=content.get("age"),
            sex=content.get("sex"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableJobError(f"the job file '{path.name}' cannot be used ({error})", "a job as JSON") from error
    if version != JOB_SCHEMA_VERSION:
        raise UnreadableJobError(f"a job of version {version}", f"version {JOB_SCHEMA_VERSION}", "Update the extension")
    return job


def out_of_memory() -> OutOfMemoryError:
    """The sentence for memory that ran out outside the network's own ladder."""
    return OutOfMemoryError(
        found="the memory of this computer ran out",
        expected="about 4 GB free for a full CCTA",
        action="Close other programs, or crop the volume to the heart",
    )


class Lifeline:
    """Ends the job when standard input closes: by `Cancelled` at the next progress, or by force soon after."""

    def __init__(self) -> None:
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
        time.sleep(PATIENCE_S)
        if self._output is not None:
            remove_staging(self._output)
        os._exit(Cancelled.exit_code)


if __name__ == "__main__":
    sys.exit(main())
