"""`_`, which translates what the user reads; as it is where Slicer's translation is not there, as in tests."""

from __future__ import annotations

try:
    from slicer.i18n import tr as _
except ImportError:

    def _(text: str) -> str:
        return text


__all__ = ["_"]
