"""The convolutional pieces that the encoder and the decoder are made of."""

from __future__ import annotations

import torch
from torch import nn

CHANNELS_IN_A_GROUP = 8


def normalisation(kind: str, channels: int) -> nn.Module:
    """The normalisation layer `kind` (see NetworkConfig.norm) of `channels` channels.

    Instance normalisation is written as group normalisation of single channels, which keeps the channels-last layout.
    """
    if kind == "none":
        return nn.Identity()
    if kind == "batch":
        return nn.BatchNorm3d(channels)
    in_a_group = CHANNELS_IN_A_GROUP if kind == "group" and channels % CHANNELS_IN_A_GROUP == 0 else 1
    return nn.GroupNorm(channels // in_a_group, channels)


class ConvBlock(nn.Sequential):
    """3×3×3 convolution, normalisation, leaky rectifier; `stride` 2 halves every axis."""

    def __init__(self, channels_in: int, channels_out: int, norm: str, stride: int = 1) -> None:
        super().__init__(
            nn.Conv3d(channels_in, channels_out, 3, stride=stride, padding=1, bias=norm == "none"),
            normalisation(norm, channels_out),
            nn.ReLU(inplace=True),
        )


class EncoderStage(nn.Module):
    """Halve the grid, then refine with a residual block."""

    def __init__(self, channels_in: int, channels_out: int, norm: str) -> None:
        super().__init__()
        self.down = ConvBlock(channels_in, channels_out, norm, stride=2)
        self.refine = ConvBlock(channels_out, channels_out, norm)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, channels_in, z, y, x) to (N, channels_out, z/2, y/2, x/2)."""
        features = self.down(features)
        return features + self.refine(features)


class DecoderStage(nn.Module):
    """Double the grid, add the encoder's features of that scale, then refine.

    Skip features are added, not concatenated: at full resolution that halves the cost of the decoder.
    """

    def __init__(self, channels_in: int, channels_out: int, norm: str) -> None:
        super().__init__()
        self.up = nn.ConvTranspose3d(channels_in, channels_out, 2, stride=2)
        self.refine = ConvBlock(channels_out, channels_out, norm)

    def forward(self, coarse: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """(N, channels_in, z/2, y/2, x/2) and a skip (N, channels_out, z, y, x) to the skip's shape."""
        return self.refine(self.up(coarse) + skip)
