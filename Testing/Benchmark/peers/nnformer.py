"""nnFormer (Zhou et al., IEEE TIP 2023, arXiv 2109.03201): attention within volumes of tokens, between convolutions.

A stem of strided convolutions makes one token of 4 x 4 x 4 voxels (the authors' choice for isotropic voxels). The two
finer scales attend within volumes of 4 x 4 x 4 tokens, every second block with the volumes shifted by half; the two
coarser ones attend globally. The decoder joins the encoder by skip attention: upsampled features ask, the encoder's
features answer. Stochastic depth and deep supervision are left out.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

EMBEDDING = 36
HEADS = (3, 6, 12, 24)
WINDOWS = (4, 4, None, None)
"""Side of the volumes in tokens, finest scale first; None attends globally."""

LARGEST_GRID = 8
"""Side of the largest global grid: that of an input of 128 voxels."""


class NnFormer(nn.Module):
    """(N, 1, z, y, x) to (N, classes, z, y, x); sides multiples of 32, at most 128."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        widths = [EMBEDDING << scale for scale in range(4)]
        self.embed = nn.Sequential(_Embedding(1, EMBEDDING // 2), nn.GELU(), _Embedding(EMBEDDING // 2, EMBEDDING))
        self.encoder = nn.ModuleList(
            nn.ModuleList(Block(widths[i], HEADS[i], WINDOWS[i], shifted) for shifted in (False, True))
            for i in range(4)
        )
        self.down = nn.ModuleList(Down(width) for width in widths[:-1])
        self.up = nn.ModuleList(Up(width) for width in widths[1:])
        self.join = nn.ModuleList(SkipBlock(widths[i], HEADS[i], WINDOWS[i]) for i in range(3))
        self.decoder = nn.ModuleList(Block(widths[i], HEADS[i], WINDOWS[i], shifted=True) for i in range(3))
        self.head = nn.ConvTranspose3d(EMBEDDING, classes, 4, stride=4)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(image).movedim(1, -1)  # (N, z, y, x, C) from here on
        scales = []
        for scale, blocks in enumerate(self.encoder):
            for block in blocks:
                tokens = block(tokens)
            scales.append(tokens)
            if scale < 3:
                tokens = self.down[scale](tokens)
        tokens = scales.pop()
        for scale in (2, 1, 0):
            tokens = self.join[scale](self.up[scale](tokens), scales.pop())
            tokens = self.decoder[scale](tokens)
        return self.head(tokens.movedim(-1, 1))


class Attention(nn.Module):
    """Multi-head attention of queries on a context, (N, z, y, x, C) each, within volumes, with a bias by relative
    position."""

    def __init__(self, channels: int, heads: int, window: int | None, shifted: bool) -> None:
        super().__init__()
        self.heads, self.window, self.shifted = heads, window, shifted
        self.reach = window or LARGEST_GRID
        self.bias = nn.Parameter(torch.zeros(heads, (2 * self.reach - 1) ** 3))
        nn.init.trunc_normal_(self.bias, std=0.02)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.mix = nn.Linear(channels, channels)

    def forward(self, query: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        shape = query.shape[1:4]
        side = tuple(self.window or length for length in shape)
        shift = side[0] // 2 if self.shifted and max(shape) > max(side) else 0
        query, context = (_rolled(part, -shift) for part in (query, context))
        key, value = self.key_value(context).chunk(2, dim=-1)
        parts = (query.to(key.dtype), key, value)  # autocast leaves what comes from a normalisation in float32
        split = (_volumes(part, side).unflatten(-1, (self.heads, -1)).transpose(2, 3) for part in parts)
        bias = self._bias(side)
        if shift:
            bias = bias + _separation(shape, side, shift, query.device)[:, None]
        seen = F.scaled_dot_product_attention(*split, attn_mask=bias.to(key.dtype))
        return _rolled(self.mix(_joined(seen.transpose(2, 3).flatten(3), side, shape)), shift)

    def _bias(self, side: tuple[int, ...]) -> torch.Tensor:
        """(heads, tokens, tokens) for a volume."""
        axes = [torch.arange(length, device=self.bias.device) for length in side]
        position = torch.cartesian_prod(*axes).view(-1, 3)
        z, y, x = (position[:, None] - position[None] + self.reach - 1).unbind(-1)
        steps = 2 * self.reach - 1
        return self.bias[:, (z * steps + y) * steps + x]


class Block(nn.Module):
    """Self-attention, then a perceptron, both added to what they got."""

    def __init__(self, channels: int, heads: int, window: int | None, shifted: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels)
        self.attention = Attention(channels, heads, window, shifted)
        self.perceptron = Perceptron(channels)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        normed = self.norm(tokens)
        return self.perceptron(tokens + self.attention(self.query(normed), normed))


class SkipBlock(nn.Module):
    """Skip attention: the upsampled tokens are the queries, the encoder's give keys and values."""

    def __init__(self, channels: int, heads: int, window: int | None) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.attention = Attention(channels, heads, window, shifted=False)
        self.perceptron = Perceptron(channels)

    def forward(self, upsampled: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        seen = self.attention(self.norm(upsampled), self.norm(skip))
        return self.perceptron(upsampled + skip + seen)


class Perceptron(nn.Module):
    """Two layers, four times as wide in between, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(channels), nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens + self.layers(tokens)


class Down(nn.Module):
    """Halve the grid and double the channels by a strided convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.reduce = nn.Conv3d(channels, 2 * channels, 3, stride=2, padding=1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.reduce(self.norm(tokens).movedim(-1, 1)).movedim(1, -1)


class Up(nn.Module):
    """Double the grid and halve the channels by a transposed convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.expand = nn.ConvTranspose3d(channels, channels // 2, 2, stride=2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.expand(self.norm(tokens).movedim(-1, 1)).movedim(1, -1)


class _Embedding(nn.Sequential):
    """A strided convolution and another one: half the grid."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(
            nn.Conv3d(channels_in, channels_out, 3, stride=2, padding=1),
            nn.GELU(),
            nn.GroupNorm(1, channels_out),
            nn.Conv3d(channels_out, channels_out, 3, padding=1),
            nn.GroupNorm(1, channels_out),
        )


def _rolled(tokens: torch.Tensor, by: int) -> torch.Tensor:
    return torch.roll(tokens, (by, by, by), (1, 2, 3)) if by else tokens


def _volumes(tokens: torch.Tensor, side: tuple[int, ...]) -> torch.Tensor:
    """(N, z, y, x, C) to (N, volumes, tokens of a volume, C)."""
    split = tokens.unflatten(3, (-1, side[2])).unflatten(2, (-1, side[1])).unflatten(1, (-1, side[0]))
    return split.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4, 6).flatten(1, 3)


def _joined(volumes: torch.Tensor, side: tuple[int, ...], shape: torch.Size) -> torch.Tensor:
    """The inverse of `_volumes`."""
    counts = [length // edge for length, edge in zip(shape, side, strict=True)]
    split = volumes.unflatten(1, counts).unflatten(4, side)
    return split.permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(volumes.shape[0], *shape, -1)


def _separation(shape: torch.Size, side: tuple[int, ...], shift: int, device: torch.device) -> torch.Tensor:
    """(volumes, tokens, tokens): -inf between tokens that only the cyclic shift brought together, else 0."""
    region = torch.zeros(1, *shape, 1, device=device)
    for axis, (length, edge) in enumerate(zip(shape, side, strict=True)):
        index = torch.arange(length, device=device)
        part = (index >= length - edge).int() + (index >= length - shift).int()
        region = 3 * region + part.view([-1 if other == axis + 1 else 1 for other in range(5)])
    label = _volumes(region, side)[0, :, :, 0]
    apart = label[:, :, None] != label[:, None]
    return torch.zeros(apart.shape, device=device).masked_fill(apart, float("-inf"))
