"""The small networks that a model may have beside CAC-Net, by their names in its card and in its weights file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from torch import nn

from cacnet.network.border import BEFORE_RECORDED, BorderConfig, BorderNetwork
from cacnet.network.context import ContextConfig, ContextNetwork
from cacnet.network.wall import WallConfig, WallNetwork

CompanionConfig = BorderConfig | ContextConfig | WallConfig


@dataclass(frozen=True)
class CompanionKind:
    """A sort of companion.

    Attributes:
        name: of its entry in a card; its tensors' names begin with it and a point.
        config: the type of its shape.
        network: its type, made from a shape.
        before_recorded: what a shape was that does not say so.
    """

    name: str
    config: type
    network: type[nn.Module]
    before_recorded: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def prefix(self) -> str:
        """Begins the names of its tensors."""
        return f"{self.name}."


COMPANIONS = (
    CompanionKind("borders", BorderConfig, BorderNetwork, MappingProxyType(BEFORE_RECORDED)),
    CompanionKind("context", ContextConfig, ContextNetwork),
    CompanionKind("walls", WallConfig, WallNetwork),
)


@dataclass(frozen=True, eq=False)
class Companions:
    """The companions of one model; None for those that it has not. The fields' names are those of COMPANIONS."""

    borders: BorderNetwork | None = None
    context: ContextNetwork | None = None
    walls: WallNetwork | None = None

    def each(self) -> tuple[tuple[CompanionKind, nn.Module], ...]:
        """Those that there are."""
        found = ((kind, getattr(self, kind.name)) for kind in COMPANIONS)
        return tuple((kind, network) for kind, network in found if network is not None)
