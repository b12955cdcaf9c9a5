"""What a parent process may ask the worker for: the job file, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from cacnet.errors import CacnetError
from cacnet.plain_json import parse_json
from cacnet.stored_records import acquisition_from
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
    use_context: bool = True
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
    return Job(
        task=task,
        ct=_path(content, "ct"),
        output=_path(content, "output"),
        source=_path(content, "source"),
        seed=SIMULATED_PATIENT if content.get("seed") is None else _of_kind(content, "seed", int),
        model=_of_kind(content, "model", str),
        device=_of_kind(content, "device", str) or "auto",
        protocol=_of_kind(content, "protocol", str),
        age_years=_of_kind(content, "age", float, int),
        sex=_of_kind(content, "sex", str),
        refine_borders=bool(content.get("refine_borders", True)),
        use_context=bool(content.get("use_context", True)),
        acquisition=acquisition_from(_of_kind(content, "acquisition", dict) or {}),
    )


def _of_kind(content: Mapping[str, Any], name: str, *kinds: type) -> Any:
    value = content.get(name)
    if value is not None and type(value) not in kinds:
        raise TypeError(f"'{name}' is {value!r}")
    return value


def _path(content: Mapping[str, Any], name: str) -> Path | None:
    text = _of_kind(content, name, str)
    if text and "\0" in text:
        raise ValueError(f"'{name}' is no path")
    return Path(text) if text else None
