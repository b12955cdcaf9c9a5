"""Where models are installed: those that come with the extension, and the user's own. Needs no torch."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cacnet.plain_json import parse_json

BUNDLED_MODELS = Path(__file__).resolve().parents[1] / "Resources" / "Models"
"""Where the models that come with the extension are."""

USER_MODELS_VARIABLE = "CACNET_MODELS"
"""Environment variable that names another folder for the user's own models, such as one shared by a department."""


def user_models() -> Path:
    """The folder of the user's own models, where training writes to; it need not exist yet.

    That of CACNET_MODELS, else 'cacnet/models' in the place that the system has for a program's data.
    """
    chosen = os.environ.get(USER_MODELS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        data = home / "Library" / "Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return data / "cacnet" / "models"


def model_folders() -> tuple[Path, ...]:
    """Where models are looked for by id: the bundled ones first, so that no other can stand in for them."""
    return BUNDLED_MODELS, user_models()


def statement_of(model_id: str | None) -> str | None:
    """What the card of an installed model says of what it was trained on and is for; None where there is no such card.

    For showing only: cards are checked by `cacnet.weights` before a model is used.
    """
    for folder in model_folders():
        try:
            card = parse_json((folder / str(model_id) / "model.json").read_text("utf-8"))
        except (OSError, ValueError):
            continue
        statement = card.get("statement") if isinstance(card, dict) else None
        return statement if isinstance(statement, str) else None
    return None
