"""How a scan was made, where its file does not say but the caller knows."""

from __future__ import annotations

from dataclasses import fields, replace

from cacnet.volume import Acquisition, Volume


def completed(volume: Volume, known: Acquisition) -> Volume:
    """The volume with what `known` adds; where its own headers say something, they are believed."""
    own = volume.acquisition
    missing = {
        entry.name: getattr(known, entry.name) for entry in fields(Acquisition) if getattr(own, entry.name) is None
    }
    return replace(volume, acquisition=replace(own, **missing))
