"""A network that answers at once and knows nothing, as a model bundle."""

from __future__ import annotations

from pathlib import Path

import torch
from cacnet.network import CACNet, NetworkConfig
from cacnet.weights import ModelCard, save_bundle


def write_tiny_bundle(folder: Path) -> Path:
    """Write a valid bundle with a few, untrained weights into a new folder inside `folder`; returns that folder."""
    torch.manual_seed(0)
    network = CACNet(NetworkConfig(widths=(2, 2, 4, 4, 8), conditioner_width=4, norm="instance"))
    return save_bundle(network, ModelCard(id="tiny", name="Tiny untrained network for tests"), folder).folder
