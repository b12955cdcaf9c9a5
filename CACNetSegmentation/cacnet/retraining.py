"""Further training as a program beside the trainer asks for it: the choices, the command, and runs that can go on.

Needs no torch. Each run has a folder of its own, named after the new model, beside the user's models in the place for a
program's data; it goes when the model is installed.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cacnet.errors import CacnetError
from cacnet.files import UnwritableOutputError, write_json
from cacnet.installed_models import CARD_FILE
from cacnet.model_folders import model_folders, user_models

SCHEMA_VERSION = 1
REQUEST_FILE = "retraining.json"
CHECKPOINT_FILE = "checkpoint.pt"
"""The trainer's; a run that has one can go on."""
MODEL_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""What `cacnet.weights` takes for a model's id."""


class ModelNameError(CacnetError):
    """A name that the new model cannot have."""


class Length(StrEnum):
    """How long to train."""

    TRIAL = "trial"
    NIGHT = "night"
    THOROUGH = "thorough"


@dataclass(frozen=True)
class Extent:
    """What a length means to the trainer.

    Attributes:
        max_minutes: of each session, one that goes on counted anew; None for no limit.
        simulated_patients: with which the reviewed cases are mixed; 0 for none.
    """

    steps: int
    max_minutes: int | None
    simulated_patients: int


EXTENTS: Mapping[Length, Extent] = {
    Length.TRIAL: Extent(100, None, 4),
    Length.NIGHT: Extent(3000, 600, 100),
    Length.THOROUGH: Extent(6000, None, 100),
}
"""The preset 'clinic' is made for 3000 steps. A trial shows that everything works; its model has hardly changed."""


@dataclass(frozen=True)
class Retraining:
    """What is asked for.

    Attributes:
        data: the data set of reviewed cases.
        start: id of the model to start from.
        model_id: id of the new model.
        any_state: learn from cases that nobody has approved, too.
    """

    data: Path
    start: str
    model_id: str
    length: Length = Length.NIGHT
    any_state: bool = False

    @property
    def folder(self) -> Path:
        """The run's."""
        return runs_folder() / self.model_id

    @property
    def has_learned(self) -> bool:
        """Whether there is something to go on from."""
        return (self.folder / CHECKPOINT_FILE).is_file()

    @property
    def extent(self) -> Extent:
        """How long."""
        return EXTENTS[self.length]

    def train_arguments(self, device: str) -> list[str]:
        """Of Python, to train; goes on where a run of this name was stopped."""
        limit, patients = self.extent.max_minutes, self.extent.simulated_patients
        return [
            *_command(self.data, self.start, device),
            *("--model-id", self.model_id, "--output", str(self.folder), "--resume"),
            *("--total-steps", str(self.extent.steps)),
            *(("--simulate", f"0:{patients}") if patients else ("--no-simulation",)),
            *(() if limit is None else ("--max-minutes", str(limit))),
            *(("--any-state",) if self.any_state else ()),
        ]


def plan_arguments(data: Path, start: str, device: str) -> list[str]:
    """Of Python, to say on which device training would run and how fast."""
    return [*_command(data, start, device), "--plan"]


def _command(data: Path, start: str, device: str) -> list[str]:
    return ["-m", "cacnet", "train", "--data", str(data), "--init", start, "--device", device, "--events"]


def runs_folder() -> Path:
    """Where runs that are not finished are kept."""
    return user_models().parent / "training"


def require_free_name(name: str) -> None:
    """Refuse a name for the new model.

    Raises:
        ModelNameError: it cannot be a model's id, or a model of that name is installed.
    """
    if not MODEL_ID.fullmatch(name):
        found = f"the name '{name}'" if name else "the new model has no name"
        raise ModelNameError(found, "lower-case letters, digits, '.', '_' and '-'", "Type another name")
    if any((folder / name / CARD_FILE).is_file() for folder in model_folders()):
        raise ModelNameError(f"a model '{name}' is installed already", "a name of its own", "Type another name")


def free_name(stem: str) -> str:
    """`stem`-1, or the first number after it that is neither an installed model's nor an unfinished run's."""
    number = 1
    folders = (*model_folders(), runs_folder())
    while any((folder / f"{stem}-{number}").exists() for folder in folders):
        number += 1
    return f"{stem}-{number}"


def remember(request: Retraining) -> None:
    """Note a run that begins, so that it can go on another day; raises UnwritableOutputError."""
    try:
        request.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableOutputError(
            f"the folder '{request.folder}' cannot be made ({error.strerror or error})", "a folder with room"
        ) from error
    record = {
        "schema_version": SCHEMA_VERSION,
        "data": str(request.data),
        "start": request.start,
        "model_id": request.model_id,
        "length": request.length.value,
        "any_state": request.any_state,
    }
    write_json(request.folder / REQUEST_FILE, record)


def forget(request: Retraining) -> None:
    """Remove a run and all that it has simulated and learned."""
    shutil.rmtree(request.folder, ignore_errors=True)


def unfinished() -> tuple[Retraining, ...]:
    """The runs that have learned something and can go on, by name; one whose note is damaged is left out."""
    found = (_request(path) for path in sorted(runs_folder().glob(f"*/{REQUEST_FILE}")))
    return tuple(request for request in found if request is not None and request.has_learned)


def _request(path: Path) -> Retraining | None:
    try:
        record = json.loads(path.read_text("utf-8"))
        request = Retraining(
            Path(record["data"]),
            str(record["start"]),
            str(record["model_id"]),
            Length(record["length"]),
            record["any_state"] is True,
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    fits = record.get("schema_version") == SCHEMA_VERSION and request.model_id == path.parent.name
    return request if fits else None


def cases_seen(model_id: str) -> frozenset[str]:
    """The ids of reviewed cases that an installed model has learned from; empty where its card does not tell."""
    for folder in model_folders():
        try:
            card = json.loads((folder / model_id / CARD_FILE).read_text("utf-8"))
            return frozenset(map(str, card["training"]["case_ids"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return frozenset()
