"""What the worker process is asked to do: the settings of a run, and the job file that carries them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cacnet.volume import Acquisition

JOB_SCHEMA_VERSION = 1
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class RunSettings:
    """The choices of the panel, read once when a run starts.

    Attributes:
        protocol: name of a scoring protocol, or None for the one that fits the contrast phase.
        device: one of DEVICES.
        model: id or folder of a model, or None for the bundled one.
        age: in years, sex: 'M' or 'F'; None where not known. Used for percentiles only.
        refine_borders: whether the CT's values draw the lesions' borders, or the network alone.
        use_context: whether the look at the whole heart tells arteries from veins.
    """

    protocol: str | None = None
    device: str = "auto"
    model: str | None = None
    age: float | None = None
    sex: str | None = None
    refine_borders: bool = True
    use_context: bool = True


def segmentation_job(ct: Path, output: Path, settings: RunSettings, known: Acquisition | None = None) -> dict:
    """The job: segment `ct`, of which `known` is known, and write the results into the folder `output`."""
    return {"task": "segment", "ct": str(ct), "output": str(output), **asdict(settings), **_known(known)}


def check_job(ct: Path, known: Acquisition | None = None) -> dict:
    """The job: say what is fine and what is not about `ct`."""
    return {"task": "check", "ct": str(ct), **_known(known)}


def devices_job() -> dict:
    """The job: say what there is to compute on."""
    return {"task": "devices"}


def install_model_job(source: Path) -> dict:
    """The job: check the model in the folder `source` and copy it to the user's own."""
    return {"task": "install model", "source": str(source)}


def phantom_job(output: Path) -> dict:
    """The job: write a simulated patient into the folder `output`."""
    return {"task": "phantom", "output": str(output)}


def write_job(path: Path, job: Mapping[str, object]) -> None:
    """Write the job file."""
    path.write_text(json.dumps({"schema_version": JOB_SCHEMA_VERSION, **job}, indent=2), encoding="utf-8")


def _known(acquisition: Acquisition | None) -> dict:
    if acquisition is None:
        return {}
    return {"acquisition": {name: value for name, value in asdict(acquisition).items() if value is not None}}
