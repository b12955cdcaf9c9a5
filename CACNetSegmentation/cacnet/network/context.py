"""The network that sees the whole heart at once, and says what of CAC-Net's answer belongs to the coronary arteries.

CAC-Net sees 48 mm at a time. A cardiac vein of nearly the arteries' brightness looks there as they do, and so does the
calcified mitral annulus beside the left circumflex; where each runs in the heart tells them apart. This small U-Net
looks at all of the heart in voxels of a millimetre, with CAC-Net's answer. It is no part of the paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from cacnet.network.blocks import ConvBlock, DecoderStage
from cacnet.network.configuration import NetworkConfigError

INPUTS = 4
"""Channels of the input, see cacnet.heart_context."""

OUTPUTS = ("artery", "vein", "plaque", "other calcium")
"""What the output's channels are: whether a voxel belongs to a coronary artery or touches one; to a cardiac vein; to
calcium of a coronary artery or touches it; to any other calcium or metal. Use is made of the first and the third."""

FOLD = 2
"""Voxels along each edge of the blocks that become channels: what is computed has voxels of 2 mm."""

INITIAL_LOGIT = -2.0


@dataclass(frozen=True)
class ContextConfig:
    """The shape of a ContextNetwork.

    Attributes:
        widths: channels of each scale, of which the first has voxels of 2 mm; each further one halves every axis.
    """

    widths: tuple[int, int, int, int] = (24, 40, 48, 64)

    def __post_init__(self) -> None:
        if any(not 8 <= width <= 512 or width % 8 for width in self.widths):
            raise NetworkConfigError(f"context widths {self.widths}", "four multiples of 8, from 8 to 512")

    @property
    def size_multiple(self) -> int:
        """Sides of the input are multiples of this."""
        return FOLD * 2 ** (len(self.widths) - 1)


class ContextNetwork(nn.Module):
    """A heart (N, 4, z, y, x) in voxels of 1 mm to logits (N, 4, z, y, x) in the order of OUTPUTS.

    Normalisation is by running statistics: a part of a heart is answered as it is within the whole.
    """

    def __init__(self, config: ContextConfig | None = None) -> None:
        super().__init__()
        self.config = config or ContextConfig()
        widths = self.config.widths
        self.stem = nn.Sequential(
            ConvBlock(INPUTS * FOLD**3, widths[0], "batch"), ConvBlock(widths[0], widths[0], "batch")
        )
        self.encoder = nn.ModuleList(
            nn.Sequential(ConvBlock(fine, coarse, "batch", stride=2), ConvBlock(coarse, coarse, "batch"))
            for fine, coarse in pairwise(widths)
        )
        self.decoder = nn.ModuleList(DecoderStage(coarse, fine, "batch") for fine, coarse in pairwise(widths))
        self.head = nn.Conv3d(widths[0], len(OUTPUTS) * FOLD**3, 1)
        self.head.bias = nn.Parameter(torch.full((len(OUTPUTS) * FOLD**3,), INITIAL_LOGIT))

    def forward(self, heart: torch.Tensor) -> torch.Tensor:
        """Logits; shapes as in the class docstring."""
        scales = [self.stem(folded(heart))]
        for stage in self.encoder:
            scales.append(stage(scales[-1]))
        features = scales.pop()
        for stage in reversed(self.decoder):
            features = stage(features, scales.pop())
        return unfolded(self.head(features))

    @property
    def parameter_count(self) -> int:
        """Number of learnable numbers."""
        return sum(parameter.numel() for parameter in self.parameters())


def folded(image: torch.Tensor) -> torch.Tensor:
    """Each block of FOLD³ voxels as one voxel of FOLD³ times the channels: (N, C, z, y, x) to
    (N, 8 C, z/2, y/2, x/2)."""
    count, channels, *sides = image.shape
    z, y, x = (side // FOLD for side in sides)
    blocks = image.view(count, channels, z, FOLD, y, FOLD, x, FOLD).permute(0, 1, 3, 5, 7, 2, 4, 6)
    return blocks.reshape(count, channels * FOLD**3, z, y, x).contiguous(memory_format=torch.channels_last_3d)


def unfolded(image: torch.Tensor) -> torch.Tensor:
    """What `folded` made, back: (N, 8 C, z, y, x) to (N, C, 2 z, 2 y, 2 x)."""
    count, channels, *sides = image.shape
    blocks = image.reshape(count, channels // FOLD**3, FOLD, FOLD, FOLD, *sides).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return blocks.reshape(count, channels // FOLD**3, *(FOLD * side for side in sides))


def padded_sides(sides_zyx: tuple[int, ...], multiple: int) -> tuple[int, ...]:
    """The smallest sides from `sides_zyx` on that are multiples of `multiple`."""
    return tuple(math.ceil(side / multiple) * multiple for side in sides_zyx)
