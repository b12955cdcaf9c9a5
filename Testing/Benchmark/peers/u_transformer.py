"""U-Transformer (Petit et al., "U-Net Transformer", MLMI 2021, arXiv 2103.06104), written for volumes.

A U-Net whose coarsest features attend to each other (self-attention), and whose skip features pass a gate: decoder
features ask and answer where to look, skip features are what is looked at (cross-attention). The paper is 2-D. In 3-D
attention between all voxels of the finer scales does not fit any memory, so they are pooled to LARGEST_GRID a side for
it; normalisation is by instance, because a batch has two patches.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

WIDTHS = (16, 32, 64, 128, 256)
HEADS = 4
LARGEST_GRID = 8


class UTransformer(nn.Module):
    """(N, 1, z, y, x) to (N, classes, z, y, x); sides multiples of 16, at least 32."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = DoubleConv(1, WIDTHS[0])
        self.down = nn.ModuleList(DoubleConv(WIDTHS[i], WIDTHS[i + 1]) for i in range(4))
        self.attention = Attention(WIDTHS[-1])
        self.up = nn.ModuleList(GatedUp(WIDTHS[i + 1], WIDTHS[i]) for i in reversed(range(4)))
        self.head = nn.Conv3d(WIDTHS[0], classes, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        scales = [self.stem(image)]
        for stage in self.down:
            scales.append(stage(F.max_pool3d(scales[-1], 2)))
        coarsest = with_positions(scales.pop())
        features = self.attention(coarsest, coarsest)
        for stage in self.up:
            features = stage(features, scales.pop())
        return self.head(features)


class DoubleConv(nn.Sequential):
    """Two 3 x 3 x 3 convolutions, each normalised and rectified."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(*_conv(channels_in, channels_out, 3), *_conv(channels_out, channels_out, 3))


class Attention(nn.Module):
    """Multi-head attention between all positions: `where` gives queries and keys, `what` the values; same shapes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query_key = nn.Linear(channels, 2 * channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.mix = nn.Linear(channels, channels)

    def forward(self, where: torch.Tensor, what: torch.Tensor) -> torch.Tensor:
        query, key = self.query_key(_tokens(where)).chunk(2, dim=-1)
        value = self.value(_tokens(what))
        heads = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (query, key, value))
        seen = F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
        return self.mix(seen).transpose(1, 2).unflatten(2, where.shape[2:])


class GatedUp(nn.Module):
    """Double the grid of `coarse`, join the skip features as far as the gate lets them through, refine."""

    def __init__(self, coarse_channels: int, skip_channels: int) -> None:
        super().__init__()
        self.where = nn.Sequential(*_conv(coarse_channels, skip_channels, 1))
        self.what = nn.Sequential(*_conv(skip_channels, skip_channels, 1))
        self.attention = Attention(skip_channels)
        self.gate = nn.Conv3d(skip_channels, skip_channels, 1)
        self.narrow = nn.Sequential(*_conv(coarse_channels, skip_channels, 1))
        self.refine = DoubleConv(2 * skip_channels, skip_channels)

    def forward(self, coarse: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        factor = math.ceil(max(coarse.shape[2:]) / LARGEST_GRID)
        where = self.where(F.max_pool3d(with_positions(coarse), factor))
        what = self.what(F.max_pool3d(with_positions(skip), 2 * factor))
        gate = torch.sigmoid(_resized(self.gate(self.attention(where, what)), skip.shape[2:]))
        upsampled = _resized(self.narrow(coarse), skip.shape[2:])
        return self.refine(torch.cat([gate * skip, upsampled], dim=1))


def with_positions(features: torch.Tensor) -> torch.Tensor:
    """Features plus sines and cosines of their position (Vaswani et al. 2017), a third of the channels an axis."""
    channels, shape = features.shape[1], features.shape[2:]
    pairs = math.ceil(channels / 6)
    rates = 10000 ** (-torch.arange(pairs, device=features.device) / pairs)
    encoded = []
    for axis, side in enumerate(shape):
        angles = rates[:, None] * torch.arange(side, device=features.device)
        along = torch.cat([angles.sin(), angles.cos()])
        view = [2 * pairs] + [side if other == axis else 1 for other in range(3)]
        encoded.append(along.view(view).expand(-1, *shape))
    return features + torch.cat(encoded)[:channels].to(features.dtype)


def _conv(channels_in: int, channels_out: int, kernel: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv3d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False)
    return convolution, nn.InstanceNorm3d(channels_out, affine=True), nn.ReLU(inplace=True)


def _tokens(features: torch.Tensor) -> torch.Tensor:
    return features.flatten(2).transpose(1, 2)


def _resized(features: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    return F.interpolate(features, size=shape, mode="trilinear", align_corners=False)
