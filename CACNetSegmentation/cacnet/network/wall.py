"""The network that draws the arteries' outer walls on the CT's own grid, after CAC-Net has found the arteries.

CAC-Net sees half-millimetre voxels of a resampled CT; an artery of two millimetres is there four voxels wide, and half
of what it is made of lies at its border. This network looks at windows along the arteries in the CT's own voxels. It
is as small as a border needs: it decides where the wall lies, not what is an artery. It is no part of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from cacnet.network.blocks import ConvBlock, DecoderStage
from cacnet.network.configuration import NetworkConfigError

INPUTS = 3
"""Channels of the input, see cacnet.refinement.walls."""

SIZE_MULTIPLE = 2
"""Sides of a window are multiples of this."""


@dataclass(frozen=True)
class WallConfig:
    """The shape of a WallNetwork.

    Attributes:
        widths: channels of the CT's own scale, and of the one with half as many voxels along each axis.
    """

    widths: tuple[int, int] = (8, 12)

    def __post_init__(self) -> None:
        if any(not 4 <= width <= 256 or width % 4 for width in self.widths):
            raise NetworkConfigError(f"wall widths {self.widths}", "two multiples of 4, from 4 to 256")


class WallNetwork(nn.Module):
    """Artery, with wall and plaque, of a window (N, 3, z, y, x) with even sides: logits (N, 1, z, y, x).

    Nothing is normalised within: a voxel is answered as it is in any other window that shows as much around it.
    """

    def __init__(self, config: WallConfig | None = None) -> None:
        super().__init__()
        self.config = config or WallConfig()
        fine, coarse = self.config.widths
        self.stem = nn.Sequential(ConvBlock(INPUTS, fine, "none"), ConvBlock(fine, fine, "none"))
        self.encoder = nn.Sequential(ConvBlock(fine, coarse, "none", stride=2), ConvBlock(coarse, coarse, "none"))
        self.decoder = DecoderStage(coarse, fine, "none")
        self.head = nn.Conv3d(fine, 1, 1)

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of windows; shapes as in the class docstring."""
        fine = self.stem(window)
        return self.head(self.decoder(self.encoder(fine), fine))
