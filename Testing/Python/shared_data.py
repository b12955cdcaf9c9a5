"""Real CT that may lie beside the checkout; it is not part of the project, so its tests skip where it is absent."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared_data(name: str) -> Path:
    """The folder or file `name` of the shared data; skips the calling test, with the reason, where it is absent."""
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"the real data '{name}' is not beside this checkout")
    return path
