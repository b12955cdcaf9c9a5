"""What a parent process may ask the worker for: the job file, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from cacnet.errors import CacnetError
from cacnet.plain_json import parse_json
from cacnet.volume import Acquisition

JOB_SCHEMA_VERSION = 1
SIMULATED_PATIENT = 9101
"""Seed of the simulated patient that is offered as sample data; the bundled model was not trained on it."""


class UnreadableJobError(CacnetError):
    """The job file is missing or not what it should be."""


class Task(StrEnum):
    """What is to be done; a job that does not say is for a segmentation."""

    SEGMENT = "segment"
    CHECK = "check"
    DEVICES = "devices"
    INSTALL_MODEL = "install model"
    PHANTOM = "phantom"


REQUIRED: Mapping[Task, tuple[str, ...]] = {
    Task.SEGMENT: ("ct", "output"),
    Task.CHECK: ("ct",),
    Task.DEVICES: (),
    Task.INSTALL_MODEL: ("source",),
    Task.PHANTOM: ("output",),
}
"""What a job of each kind cannot do without."""


@dataclass(frozen=True)
class Job:
    """What the parent asks for; see `cacnet.pipeline.Request` for the fields of a segmentation.

    Attributes:
        ct: the input of SEGMENT and CHECK.
        output: the folder that SEGMENT and PHANTOM write to.
        source: the folder of the model that INSTALL_MODEL copies.
        seed: the patient of PHANTOM.
        acquisition: what the parent knows of the scan and `ct`, a file without DICOM headers, does not say.
    """

    task: Task = Task.SEGMENT
    ct: Path | None = None
    output: Path | None = None
    source: Path | None = None
    seed: int = SIMULATED_PATIENT
    model: str | None = None
    device: str = "auto"
    protocol: str | None = None
    age_years: float | None = None
    sex: str | None = None
    refine_borders: bool = True
    acquisition: Acquisition = field(default_factory=Acquisition)

    def path(self, name: str) -> Path:
        """The path in the field `name`; raises UnreadableJobError where the job names none."""
        value = getattr(self, name)
        if value is None:
            raise UnreadableJobError(f"the job '{self.task}' names no '{name}'", "its path")
        return Path(value)


def read_job(path: Path) -> Job:
    """The job in a JSON file.

    Raises:
        UnreadableJobError: it is missing, no JSON, of another version, or lacks something.
    """
    try:
        content = parse_json(path.read_text("utf-8"))
        version = content["schema_version"]
        if version == JOB_SCHEMA_VERSION:
            return _job(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableJobError(f"the job file '{path.name}' cannot be used ({error})", "a job as JSON") from error
    raise UnreadableJobError(f"a job of version {version}", f"version {JOB_SCHEMA_VERSION}", "Update the extension")


def _job(content: Mapping[str, Any]) -> Job:
    task = Task(content.get("task", Task.SEGMENT))
    for key in REQUIRED[task]:
        content[key]
    ct, output, source = (Path(content[key]) if content.get(key) else None for key in ("ct", "output", "source"))
    return Job(
        task=task,
        ct=ct,
        output=output,
        source=source,
        seed=int(content.get("seed", SIMULATED_PATIENT)),
        model=content.get("model"),
        device=content.get("device") or "auto",
        protocol=content.get("protocol"),
        age_years=content.get("age"),
        sex=content.get("sex"),
        refine_borders=bool(content.get("refine_borders", True)),
        acquisition=_acquisition(content.get("acquisition") or {}),
    )


def _acquisition(content: Mapping[str, Any]) -> Acquisition:
    """Only fields that exist, each a text or a number, so that nothing else of a header can slip through."""
    known = {entry.name: entry.type for entry in fields(Acquisition)}
    unknown = sorted(content.keys() - known.keys())
    if unknown:
        raise ValueError(f"the acquisition has the unknown field '{unknown[0]}'")
    for name, value in content.items():
        expected = (int, float) if "float" in str(known[name]) else str
        if value is not None and (isinstance(value, bool) or not isinstance(value, expected)):
            raise TypeError(f"'{name}' of the acquisition is {value!r}")
    return Acquisition(**content)
