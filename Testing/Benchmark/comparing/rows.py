"""What each table compares: the rows of the CAC-Net paper's tables 1 and 2, and the readings of its equations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from Benchmark.peers import NOT_PUBLIC, PEERS, build
from cacnet.network import CACNet, LossConfig, NetworkConfig
from cacnet.training.configuration import PRESETS
from torch import nn

SAME_LOSS = PRESETS["bundled"].loss
"""Of every row of table 1, so that networks are compared and not losses; it has the geometric prior."""


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        title: in the table.
        peer: name of a network of Benchmark.peers; None for CAC-Net as `network` describes it.
        missing: why there can be no such run; empty if there can.
    """

    title: str
    peer: str | None = None
    network: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = SAME_LOSS
    missing: str = ""

    @property
    def run(self) -> str:
        """Folder name of its runs; rows of several tables that are the same network share them."""
        if self.peer is not None:
            return re.sub(r"[^a-z0-9]+", "-", self.peer.lower())
        parts = [f"cac-net-{self.network.classes}-class"]
        parts += ["cfc"] * self.network.conditioner + ["gp"] * (self.loss.geometric_prior_weight > 0)
        parts += ["unaligned"] * (self.network.conditioner and not self.network.alignment)
        parts += ["uncentred"] * (self.network.conditioner and not self.network.frequency_shifted)
        return "-".join(parts)

    @property
    def classes(self) -> int:
        """1: calcium; 2: calcium and coronary."""
        return self.network.classes

    def build(self) -> nn.Module:
        """The untrained network."""
        return CACNet(self.network) if self.peer is None else build(self.peer, self.classes)


CAC_NET = Row("CAC-Net")
"""The row that all others are compared with: two classes, conditioner and geometric prior."""


def _ablation(title: str, classes: int, conditioner: bool, prior: bool) -> Row:
    # The alignment (eq. 4) fuses what the conditioner has split, so there is none without it.
    network = NetworkConfig(classes=classes, conditioner=conditioner, alignment=conditioner)
    return Row(title, network=network, loss=replace(SAME_LOSS, geometric_prior_weight=float(prior)))


def _peers() -> Sequence[Row]:
    names = ("U-Net", "V-Net", "GLIA-Net", "nnU-Net", "U-Transformer", "SwinUNETR", "nnFormer", "CACer")
    return [Row(name, peer=name, missing=NOT_PUBLIC.get(name, "")) for name in names]


TABLES: Mapping[int, Sequence[Row]] = {
    1: (*_peers(), CAC_NET),
    # The geometric prior relates the two classes to each other, so it needs both; that leaves six of eight.
    2: (
        _ablation("one class", 1, conditioner=False, prior=False),
        _ablation("one class, CFC", 1, conditioner=True, prior=False),
        _ablation("two classes", 2, conditioner=False, prior=False),
        _ablation("two classes, CFC", 2, conditioner=True, prior=False),
        _ablation("two classes, GP loss", 2, conditioner=False, prior=True),
        _ablation("two classes, CFC, GP loss (CAC-Net)", 2, conditioner=True, prior=True),
    ),
    3: (
        CAC_NET,
        Row("bands fused as they are, without alignment", network=NetworkConfig(alignment=False)),
        Row("eq. 1 on the spectrum as it is, not centred", network=NetworkConfig(frequency_shifted=False)),
    ),
}

TITLES: Mapping[int, str] = {
    1: "Comparison of networks (table 1 of the paper)",
    2: "Ablation (table 2 of the paper)",
    3: "Readings of the paper's equations",
}


def sources() -> Sequence[str]:
    """What each network of table 1 follows, for the table's notes."""
    return [f"{name}: {peer.source}" for name, peer in PEERS.items()]


def distinct(tables: Sequence[int]) -> Sequence[Row]:
    """Every run of these tables once, in order, without those that cannot be."""
    runs = {row.run: row for table in tables for row in TABLES[table] if not row.missing}
    return tuple(runs.values())
