"""Cheap stand-ins for a case's work; worker processes import them from here by name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from cacnet.cohort.case import CaseJob, CaseOutcome, Settings, keep

SETTINGS = Settings("tiny", "0" * 64)


def write_scans(folder: Path, **texts: str) -> Path:
    """Files that pass for scans, whose text tells `obey` what to do; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.nrrd").write_text(text)
    return folder


def obey(job: CaseJob) -> CaseOutcome:
    """A number is the case's score; words make trouble."""
    order = job.scan.read_text()
    fingerprint = job.fingerprint()
    job.output.mkdir(parents=True, exist_ok=True)
    (job.output / "attempts.txt").open("a").write("x")
    attempts = len((job.output / "attempts.txt").read_text())
    if order == "die" or (order == "die once" and attempts == 1):
        (job.output / ".cacnet-half-written").mkdir(exist_ok=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if order == "bug":
        raise TypeError("a programming error")
    if order == "fail":
        return CaseOutcome.failed(job.case, "The scan cannot be used.")
    if order == "wait":
        time.sleep(60)
    score = 1.0 if order == "die once" else float(order)
    outcome = CaseOutcome(job.case, "done", agatston=score, cac_drs="A1/N1", findings=("note",), seconds=0.5)
    keep(job, fingerprint, outcome)
    return outcome


def attempts(job: CaseJob) -> int:
    """How often `obey` was asked to do a case."""
    path = job.output / "attempts.txt"
    return len(path.read_text()) if path.exists() else 0
