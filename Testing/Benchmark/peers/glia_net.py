"""GLIA-Net (Bo et al., Patterns 2021, DOI 10.1016/j.patter.2020.100197): a local network guided by a global one.

The local part is an encoder–decoder of bottleneck residual blocks. The global part looks at a wider field coarsely and
multiplies every skip connection with an attention map. In the original that field is the whole scan; in this comparison
every network is given the same patch, so the global part sees the patch at half resolution, and cannot show what it was
made for. Its own classification loss is left out.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

WIDTHS = (16, 48, 144, 352)
"""16 at full resolution, as published; coarser scales are wider than 32, 64 and 128, to have the others' parameters."""

POOLED = 6
"""Side of the grid that the global features are pooled to."""


class GliaNet(nn.Module):
    """(N, 1, z, y, x) to (N, classes, z, y, x); sides multiples of 8."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        finer, coarser = WIDTHS[:-1], WIDTHS[1:]
        self.positioning = GlobalPositioning(2 * WIDTHS[0])
        self.gates = nn.ModuleList(nn.Conv3d(2 * WIDTHS[0], width, 1) for width in finer)
        self.stem = ResidualBlock(1, WIDTHS[0])
        self.down = nn.ModuleList(ResidualBlock(*pair) for pair in zip(finer, coarser, strict=True))
        self.up = nn.ModuleList(Up(*pair) for pair in zip(coarser[::-1], finer[::-1], strict=True))
        self.head = nn.Conv3d(WIDTHS[0], classes, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        wide = self.positioning(image)
        scales = [self.stem(image)]
        for stage in self.down:
            scales.append(stage(F.max_pool3d(scales[-1], 2)))
        features = scales.pop()
        for stage, gate in zip(self.up, reversed(self.gates), strict=True):
            skip = scales.pop()
            attention = torch.sigmoid(_resized(gate(wide), skip.shape[2:]))
            features = stage(features, attention * skip)
        return self.head(features)


class GlobalPositioning(nn.Module):
    """Features of the wider field, (N, channels, 6, 6, 6) whatever its size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fine = ResidualBlock(1, channels // 4)
        self.middle = ResidualBlock(channels // 4, channels // 2)
        self.coarse = nn.Sequential(ResidualBlock(channels // 2, channels), ResidualBlock(channels, 2 * channels))
        self.localise = ResidualBlock(2 * channels, channels)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.fine(F.max_pool3d(image, 2))
        features = self.coarse(F.max_pool3d(self.middle(F.max_pool3d(features, 2)), 2))
        return self.localise(_resized(features, torch.Size([POOLED] * 3)))


class ResidualBlock(nn.Module):
    """1 x 1 x 1 to half the channels, 3 x 3 x 3, 1 x 1 x 1 back, added to the input."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        half = channels_out // 2
        self.body = nn.Sequential(
            nn.Conv3d(channels_in, half, 1, bias=False),
            _norm(half),
            nn.LeakyReLU(inplace=True),
            nn.Conv3d(half, half, 3, padding=1, bias=False),
            _norm(half),
            nn.LeakyReLU(inplace=True),
            nn.Conv3d(half, channels_out, 1, bias=False),
        )
        self.shortcut = nn.Conv3d(channels_in, channels_out, 1, bias=False)
        self.norm = _norm(channels_out)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(self.norm(self.body(features) + self.shortcut(features)))


class Up(nn.Module):
    """Double the grid, join the skip features, refine."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose3d(channels_in, channels_in, 3, stride=2, padding=1, output_padding=1, bias=False)
        self.norm = _norm(channels_in + channels_out)
        self.refine = ResidualBlock(channels_in + channels_out, channels_out)

    def forward(self, coarse: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return self.refine(F.leaky_relu(self.norm(torch.cat([self.up(coarse), skip], dim=1))))


def _norm(channels: int) -> nn.Module:
    return nn.GroupNorm(math.gcd(8, channels), channels)


def _resized(features: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    return F.interpolate(features, size=shape, mode="trilinear", align_corners=False)
