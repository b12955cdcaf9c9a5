"""The network, top to bottom."""

from __future__ import annotations

import torch
from torch import nn

from cacnet.errors import CacnetError
from cacnet.network.blocks import ConvBlock, DecoderStage, EncoderStage
from cacnet.network.conditioner import CrossFrequencyConditioner, TokenPyramid
from cacnet.network.configuration import NetworkConfig

SIZE_MULTIPLE = 16
"""The coarsest scale is 1/16 of the input, so every side of the input is a multiple of this."""

INITIAL_PROBABILITY = (0.001, 0.01)
"""What an untrained network answers for calcium and coronary: about their share of a patch, so that training does not
begin by unlearning a flood of false positives (Lin et al., focal loss, ICCV 2017, section 3.3)."""


class InputSizeError(CacnetError):
    """An input that the network cannot halve four times, or that is not one channel of a volume."""


class CACNet(nn.Module):
    """Coronary calcium and coronary arteries from normalised CCTA (see cacnet.prepare.normalise_hu).

    Input (N, 1, z, y, x), sides multiples of 16; output (N, classes, z, y, x) logits: channel 0 calcium, channel 1
    coronary (lumen, wall and plaque, so calcium lies inside it). Raises InputSizeError.
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        config = config or NetworkConfig()
        widths, norm = config.widths, config.norm
        self.config = config
        self.stem = ConvBlock(1, widths[0], "none")
        self.encoder = nn.ModuleList(EncoderStage(widths[i], widths[i + 1], norm) for i in range(4))
        self.pyramid = TokenPyramid(config) if config.conditioner else None
        self.conditioner = CrossFrequencyConditioner(config) if config.conditioner else None
        self.decoder = nn.ModuleList(
            DecoderStage(widths[i + 1], widths[i], norm if i > 0 else "none") for i in reversed(range(4))
        )
        self.head = nn.Conv3d(widths[0], config.classes, 1)
        prior = torch.tensor(INITIAL_PROBABILITY[: config.classes])
        self.head.bias = nn.Parameter(torch.logit(prior))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of normalised volumes; shapes as in the class docstring."""
        _require_size(image)
        scales = [self.stem(image)]
        for stage in self.encoder:
            scales.append(stage(scales[-1]))
        if self.pyramid is not None and self.conditioner is not None:
            tokens = self.conditioner(self.pyramid.gather(scales))
            scales = self.pyramid.spread(tokens, scales)
        features = scales[-1]
        for stage, skip in zip(self.decoder, scales[-2::-1], strict=True):
            features = stage(features, skip)
        return self.head(features)

    @property
    def parameter_count(self) -> int:
        """Number of learnable numbers."""
        return sum(parameter.numel() for parameter in self.parameters())


def _require_size(image: torch.Tensor) -> None:
    sides = tuple(image.shape[2:])
    if image.dim() != 5 or image.shape[1] != 1 or any(side < 1 or side % SIZE_MULTIPLE for side in sides):
        raise InputSizeError(
            found=f"an input of shape {tuple(image.shape)}",
            expected=f"(N, 1, z, y, x) with z, y and x multiples of {SIZE_MULTIPLE}",
            action="Pad the volume; cacnet.inference.predict does so by itself",
        )
