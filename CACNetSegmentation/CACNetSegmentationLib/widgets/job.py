"""What the worker process is asked to do: the settings of a run, and the job file that carries them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

JOB_SCHEMA_VERSION = 1
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class RunSettings:
    """The choices of the panel, read once when a run starts.

    Attributes:
        protocol: name of a scoring protocol, or None for the default.
        device: one of DEVICES.
        model: id of a model bundle, or None for the bundled one.
        age: in years, sex: 'M' or 'F'; None where not known. Used for percentiles only.
    """

    protocol: str | None = None
    device: str = "auto"
    model: str | None = None
    age: int | None = None
    sex: str | None = None


def write_job(path: Path, ct: Path, output: Path, settings: RunSettings) -> None:
    """Write the job file: read `ct`, write the results into the folder `output`."""
    job = {"schema_version": JOB_SCHEMA_VERSION, "ct": str(ct), "output": str(output), **asdict(settings)}
    path.write_text(json.dumps(job, indent=2), encoding="utf-8")
