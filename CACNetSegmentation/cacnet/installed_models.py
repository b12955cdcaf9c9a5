"""The models that a user can choose from, in words; and another one added to them. Listing needs no torch."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cacnet.errors import CacnetError
from cacnet.files import staged_folder
from cacnet.model_folders import BUNDLED_MODELS, model_folders, user_models
from cacnet.plain_json import parse_json

CARD_FILE = "model.json"
MAX_CARD_BYTES = 1 << 20
SHOWN_FIGURES = (
    ("calcium_dice", "Dice of calcium"),
    ("lesion_f1_visible", "F1 of lesions"),
    ("agatston_icc", "ICC of the score"),
)
"""Of all that a card says of accuracy: overlap, lesions found, and agreement of the score."""


class ModelExistsError(CacnetError):
    """A model that comes with the extension has this id already."""


@dataclass(frozen=True)
class ModelSummary:
    """One installed model as a chooser shows it; it is verified only when it is used.

    Attributes:
        id: what a run is asked to use.
        name: for people.
        description: what it was trained on and how well it did, or why it cannot be used.
        own: whether the user added it.
        usable: whether its card could be read.
    """

    id: str
    name: str
    description: str
    own: bool
    usable: bool = True


def summaries(folders: Iterable[Path] | None = None) -> tuple[ModelSummary, ...]:
    """Every model of `folders` (default: those of `model_folders`), those that come with the extension first.

    Of two with the same id only the first is named, as only that one would be used.
    """
    found: dict[str, ModelSummary] = {}
    for folder in model_folders() if folders is None else folders:
        if not folder.is_dir():
            continue
        for card in sorted(folder.glob(f"*/{CARD_FILE}")):
            found.setdefault(card.parent.name, _summary(card, own=folder != BUNDLED_MODELS))
    return tuple(found.values())


def install(source: Path, folder: Path | None = None) -> str:
    """Copy the model in `source` to the user's own models, after checking all of it; returns its id.

    A model of that id that the user had added before is replaced.

    Raises:
        ModelNotFoundError, CorruptModelError, IncompatibleModelError: of `cacnet.weights`; nothing is copied.
        ModelExistsError: the id is that of a model that comes with the extension.
        UnwritableOutputError: the user's models cannot be written to.
    """
    from cacnet.weights import load_bundle

    card = load_bundle(source.absolute()).card
    if (BUNDLED_MODELS / card.id / CARD_FILE).is_file():
        raise ModelExistsError(
            f"a model '{card.id}' comes with the extension", "another id", "Train or export the model under its own id"
        )
    with staged_folder((folder or user_models()) / card.id) as staging:
        for name in (*(record.file for record in card.weight_files), CARD_FILE):
            shutil.copyfile(source / name, staging / name)
    return card.id


def _summary(card: Path, own: bool) -> ModelSummary:
    name = card.parent.name
    try:
        if card.stat().st_size > MAX_CARD_BYTES:
            raise ValueError("it is too large")
        content = parse_json(card.read_text("utf-8"))
        return ModelSummary(str(content["id"]), str(content["name"]), _description(content), own)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return ModelSummary(name, name, f"This model cannot be used: its card is damaged ({error}).", own, False)


def _description(card: Mapping[str, Any]) -> str:
    parts = [str(card["statement"])]
    with suppress(KeyError, TypeError):
        parts.append(f"Learned from {int(card['training']['cases'])} patients.")
    accuracy = card.get("accuracy") or {}
    figures = accuracy.get("figures") or {}
    shown = [f"{title} {figures[key]['value']:.2f}" for key, title in SHOWN_FIGURES if key in figures]
    if shown:
        measured = f", measured on {accuracy['cases']} patients of the same kind" if accuracy.get("cases") else ""
        parts.append(f"{', '.join(shown)}{measured}.")
    return " ".join(parts)
