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

BEFORE_RECORDED = {"brightest": 3.0, "context": 0}
"""What a network was whose record does not say so: up to cacnet-simulated-v4 none was shown anything brighter, and up
to v5 none had a context."""


@dataclass(frozen=True)
class BorderConfig:
    """The shape of a BorderNetwork.

    Attributes:
        widths: channels of each scale, of which the first is the CT's own; each further one halves every axis.
        context: channels of a further scale, from which the network sees the whole window at once: with three scales a
            voxel sees some 6 mm around it, too little to tell a plaque from the calcified annulus beside the artery.
            0 for none, as in models up to cacnet-simulated-v6.
        brightest: the CT's channel is no brighter than this; by default, everything that
            cacnet.refinement.windows shows differs.
    """

    widths: tuple[int, int, int] = (16, 48, 80)
    context: int = 64
    brightest: float = 5.0

    def __post_init__(self) -> None:
        if any(not 8 <= width <= 512 or width % 8 for width in self.widths):
            raise NetworkConfigError(f"border widths {self.widths}", "three multiples of 8, from 8 to 512")
        if not 0 <= self.context <= 512 or self.context % 8:
            raise NetworkConfigError(f"border context {self.context}", "a multiple of 8, from 0 to 512")
        if not self.brightest > 0:
            raise NetworkConfigError(f"brightest {self.brightest:g}", "a number above 0")


class BorderNetwork(nn.Module):
    """Calcium of a window (N, 3, z, y, x), sides multiples of 8, or 4 without context: logits (N, 1, z, y, x)."""

    def __init__(self, config: BorderConfig | None = None) -> None:
        super().__init__()
        self.config = config or BorderConfig()
        widths = self.config.widths
        self.stem = nn.Sequential(ConvBlock(INPUTS, widths[0], "group"), ConvBlock(widths[0], widths[0], "group"))
        self.encoder = nn.ModuleList(
            nn.Sequential(ConvBlock(fine, coarse, "group", stride=2), ConvBlock(coarse, coarse, "group"))
            for fine, coarse in pairwise(widths)
        )
        self.context = _context(widths[-1], self.config.context) if self.config.context else None
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
        if self.context is not None:
            features = features + self.context(features)
        for stage in reversed(self.decoder):
            features = stage(features, scales.pop())
        return self.head(features)

    @property
    def parameter_count(self) -> int:
        """Number of learnable numbers."""
        return sum(parameter.numel() for parameter in self.parameters())


def _context(width: int, channels: int) -> nn.Sequential:
    """What a coarser scale adds to the features of `width` channels; nothing before it has learned."""
    back = nn.ConvTranspose3d(channels, width, 2, stride=2)
    nn.init.zeros_(back.weight)
    if back.bias is not None:
        nn.init.zeros_(back.bias)
    return nn.Sequential(ConvBlock(width, channels, "group", stride=2), ConvBlock(channels, channels, "group"), back)


def grown(small: BorderNetwork, config: BorderConfig) -> BorderNetwork:
    """A wider network that answers as `small` does, to be trained further.

    Each new channel is a copy of an old one, whole groups of the normalisation at a time, and what both are read with
    adds up to what the old one was read with, in unequal parts so that they learn differently (Chen et al., Net2Net,
    arXiv 1511.05641). A context that `small` has not is new and adds nothing yet.

    Raises:
        NetworkConfigError: `config` is narrower, has another context than `small` has, or sees another range.
    """
    before = small.config
    if (
        any(new < old for new, old in zip(config.widths, before.widths, strict=True))
        or (before.context and config.context != before.context)
        or config.brightest != before.brightest
    ):
        raise NetworkConfigError(f"a border network of {config} from one of {before}", "one that is nowhere narrower")
    network = BorderNetwork(config)
    tensors, own = small.state_dict(), network.state_dict()
    for name, tensor in tensors.items():
        for axis, size in enumerate(own[name].shape[:2]):
            tensor = _copied(tensor, axis, size, is_input=axis == _input_axis(name, own[name]))
        own[name] = tensor
    network.load_state_dict(own)
    return network


def _input_axis(name: str, tensor: torch.Tensor) -> int | None:
    """The axis of a weight that reads channels; None for what only writes them."""
    if tensor.ndim == 1:
        return None
    transposed = name.endswith("up.weight") or (name.startswith("context") and tensor.shape[-1] == 2)
    return 0 if transposed else 1


def _copied(tensor: torch.Tensor, axis: int, size: int, is_input: bool) -> torch.Tensor:
    old = tensor.shape[axis]
    source = torch.arange(size) % old
    copies = tensor.index_select(axis, source)
    if not is_input or size == old:
        return copies
    parts = 1.0 + 0.5 * torch.rand(size, generator=torch.Generator().manual_seed(size))
    whole = torch.zeros(old).index_add(0, source, parts)
    return copies * (parts / whole[source]).view([-1 if i == axis else 1 for i in range(tensor.ndim)])
