"""Networks that answer at once and know nothing, as a model bundle."""

from __future__ import annotations

from pathlib import Path

import torch
from cacnet.network import (
    BorderConfig,
    BorderNetwork,
    CACNet,
    Companions,
    ContextConfig,
    ContextNetwork,
    NetworkConfig,
    WallConfig,
    WallNetwork,
)
from cacnet.weights import ModelCard, save_bundle


def write_tiny_bundle(folder: Path) -> Path:
    """Write a valid bundle with a few, untrained weights into a new folder inside `folder`; returns that folder."""
    torch.manual_seed(0)
    network = CACNet(NetworkConfig(widths=(2, 2, 4, 4, 8), conditioner_width=4, norm="instance"))
    card = ModelCard(id="tiny", name="Tiny untrained network for tests")
    context = ContextNetwork(ContextConfig((8, 8, 8, 8)))
    torch.nn.init.constant_(context.head.bias, 10.0)  # believes that every artery is one
    companions = Companions(BorderNetwork(BorderConfig((8, 8, 8))), context, WallNetwork(WallConfig((4, 4))))
    return save_bundle(network, card, folder, companions).folder
