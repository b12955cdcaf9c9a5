"""The network that draws a lesion's border on the CT's own grid, after CAC-Net has found the lesion.

CAC-Net sees half-millimetre voxels of a resampled CT; a lesion of a few cubic millimetres is there a handful of voxels,
most of them at its border. This small U-Net looks at a window around each lesion in the CT's own voxels, unresampled,
and knows what CAC-Net answered. It is no part of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from cacnet.network.blocks import ConvBlock, DecoderStage
from cacnet.network.configuration import NetworkConfigError

INPUTS = 3
"""Channels of the input, see cacnet.refinement.windows."""

INITIAL_LOGIT = -4.0
"""An untrained network answers about 0.02: the share of calcium in a window."""


@dataclass(frozen=True)
class BorderConfig:
    """The shape of a BorderNetwork.

    Attributes:
        widths: channels of each scale, of which the first is the CT's own; each further one halves every axis.
        brightest: the CT's channel is no brighter than this; by default, everything that
            cacnet.refinement.windows shows differs.
    """

    widths: tuple[int, int, int] = (16, 32, 64)
    brightest: float = 5.0

    def __post_init__(self) -> None:
        if any(not 8 <= width <= 512 or width % 8 for width in self.widths):
            raise NetworkConfigError(f"border widths {self.widths}", "three multiples of 8, from 8 to 512")
        if not self.brightest > 0:
            raise NetworkConfigError(f"brightest {self.brightest:g}", "a number above 0")


class BorderNetwork(nn.Module):
    """Calcium of a window (N, 3, z, y, x), sides multiples of 4: logits (N, 1, z, y, x)."""

    def __init__(self, config: BorderConfig | None = None) -> None:
        super().__init__()
        self.config = config or BorderConfig()
        widths = self.config.widths
        self.stem = nn.Sequential(ConvBlock(INPUTS, widths[0], "group"), ConvBlock(widths[0], widths[0], "group"))
        self.encoder = nn.ModuleList(
            nn.Sequential(ConvBlock(fine, coarse, "group", stride=2), ConvBlock(coarse, coarse, "group"))
            for fine, coarse in pairwise(widths)
        )
        self.decoder = nn.ModuleList(DecoderStage(coarse, fine, "group") for fine, coarse in pairwise(widths))
        self.head = nn.Conv3d(widths[0], 1, 1)
        self.head.bias = nn.Parameter(torch.full((1,), INITIAL_LOGIT))

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of windows; shapes as in the class docstring."""
        ct, answers = window[:, :1], window[:, 1:]
        scales = [self.stem(torch.cat([ct.clamp(max=self.config.brightest), answers], dim=1))]
        for stage in self.encoder:
            scales.append(stage(scales[-1]))
        features = scales.pop()
        for stage in reversed(self.decoder):
            features = stage(features, scales.pop())
        return self.head(features)

    @property
    def parameter_count(self) -> int:
        """Number of learnable numbers."""
        return sum(parameter.numel() for parameter in self.parameters())
