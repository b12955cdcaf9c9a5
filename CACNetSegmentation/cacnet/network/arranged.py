"""CAC-Net arranged for inference on a processor: the same weights and layers, laid out as its convolutions like them.

Three things cost more than the multiplications of this network do, and are avoided here; the figures are in
Testing/Benchmark/speed-notes.md. Tensors keep one layout from the first layer to the last (channels last), as do the
weights, so that none is reordered. Passes over a feature map that only add or rectify change it in place. And at full
resolution, where a voxel has a few channels only, `fold` neighbours along x are taken as channels of one wider voxel:
in this layout that is the same memory under another shape, and matrix units, which multiply rows of 32 numbers, are
not fed rows of 8.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn

from cacnet.network.blocks import ConvBlock, DecoderStage, EncoderStage
from cacnet.network.cacnet import CACNet

STEM_FOLD, UP_FOLD, HEAD_FOLD = 4, 2, 8
"""How many voxels along x the first convolution, the last upsampling and the head take at once; measured."""

FOLDED_CHANNELS = 16
"""The last convolution at full resolution takes as many voxels at once as give it this many channels."""


def arranged(network: CACNet, dtype: torch.dtype) -> CACNet:
    """A copy of `network` for inference on the CPU in float32 or bfloat16, of the same answers but for rounding.

    It takes images of `dtype` and must not be trained: its layers overwrite what a gradient would need. Folding
    multiplies by zeros as well, which only matrix units in bfloat16 have the speed for; float32 does without.
    """
    result = copy.deepcopy(network).cpu().eval()
    for name, part in result.named_modules():
        # Norms keep the exact numbers, which costs nothing; the conditioner always computes in float32.
        if isinstance(part, nn.Conv3d | nn.ConvTranspose3d) and not name.startswith("conditioner"):
            part.to(dtype)
    result.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    fold = _fold_of(network.config.widths[0]) if dtype == torch.bfloat16 else 1
    stages: list[DecoderStage] = list(result.decoder)  # type: ignore[arg-type]
    result.encoder = nn.ModuleList(_InPlaceEncoderStage(stage) for stage in result.encoder)  # type: ignore[arg-type]
    result.decoder = nn.ModuleList(
        [*(_InPlaceDecoderStage(stage) for stage in stages[:-1]), _InPlaceDecoderStage(stages[-1], fold)]
    )
    if dtype == torch.bfloat16:
        result.head = FoldedConvolution(result.head, HEAD_FOLD)  # type: ignore[assignment]
    result.stem = _InPlaceBlock(result.stem, STEM_FOLD if dtype == torch.bfloat16 else 1)  # type: ignore[assignment]
    return result


def folded(features: torch.Tensor, fold: int) -> torch.Tensor:
    """(N, C, z, y, x) to (N, fold·C, z, y, x/fold): channel f·C + c is channel c of the f-th of `fold` neighbours."""
    batch, channels, depth, height, width = features.shape
    last = features.permute(0, 2, 3, 4, 1)
    return last.reshape(batch, depth, height, width // fold, fold * channels).permute(0, 4, 1, 2, 3)


def unfolded(features: torch.Tensor, fold: int) -> torch.Tensor:
    """What `folded` does, undone."""
    batch, channels, depth, height, width = features.shape
    last = features.permute(0, 2, 3, 4, 1)
    return last.reshape(batch, depth, height, width * fold, channels // fold).permute(0, 4, 1, 2, 3)


def folded_kernel(kernel: torch.Tensor, fold: int) -> torch.Tensor:
    """The kernel (out, in, z, y, x) of odd width that does to folded voxels what `kernel` does to single ones."""
    outputs, inputs, depth, height, width = kernel.shape
    wide = kernel.new_zeros(fold, outputs, fold, inputs, depth, height, width)
    middle = width // 2
    for to in range(fold):
        for step in range(width):
            for source in range(fold):
                tap = fold * (step - middle) + source - to + middle
                if 0 <= tap < width:
                    wide[to, :, source, :, :, :, step] = kernel[..., tap]
    return wide.reshape(fold * outputs, fold * inputs, depth, height, width)


def _fold_of(channels: int) -> int:
    """The largest power of two, of which every input's width is a multiple, that stays within FOLDED_CHANNELS."""
    return 1 << (max(1, FOLDED_CHANNELS // channels).bit_length() - 1)


class FoldedConvolution(nn.Module):
    """A convolution of stride 1 that keeps its input's size, computed on voxels folded along x."""

    weight: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, convolution: nn.Conv3d, fold: int) -> None:
        super().__init__()
        self.fold = fold
        self.padding = convolution.padding
        kernel = folded_kernel(convolution.weight.detach(), fold).contiguous(memory_format=torch.channels_last_3d)
        self.register_buffer("weight", kernel)
        self.register_buffer("bias", None if convolution.bias is None else convolution.bias.detach().repeat(fold))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, in, z, y, x) to (N, out, z, y, x); x a multiple of the fold."""
        wide = F.conv3d(folded(features, self.fold), self.weight, self.bias, padding=self.padding)
        return unfolded(wide, self.fold)


class FoldedUpsampling(nn.Module):
    """A transposed convolution of kernel and stride 2, its output computed as voxels folded in pairs along x."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, up: nn.ConvTranspose3d) -> None:
        super().__init__()
        bias = up.bias if up.bias is not None else up.weight.new_zeros(up.out_channels)
        kernel = up.weight.detach()  # (in, out, 2, 2, 2)
        wide = kernel.permute(0, 4, 1, 2, 3).flatten(1, 2).unsqueeze(-1)
        self.register_buffer("weight", wide.contiguous(memory_format=torch.channels_last_3d))
        self.register_buffer("bias", bias.detach().repeat(UP_FOLD))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, in, z, y, x) to (N, out, 2z, 2y, 2x)."""
        return unfolded(F.conv_transpose3d(features, self.weight, self.bias, stride=(2, 2, 1)), UP_FOLD)


class _InPlaceBlock(nn.Module):
    def __init__(self, block: ConvBlock, fold: int = 1) -> None:
        super().__init__()
        convolution, self.norm, _ = block
        self.convolution = FoldedConvolution(convolution, fold) if fold > 1 else convolution  # type: ignore[arg-type]

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return _rectify(self.norm(self.convolution(features)))


class _InPlaceEncoderStage(nn.Module):
    def __init__(self, stage: EncoderStage) -> None:
        super().__init__()
        self.down, self.refine = _InPlaceBlock(stage.down), _InPlaceBlock(stage.refine)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        coarse = self.down(features)
        return self.refine(coarse).add_(coarse)


class _InPlaceDecoderStage(nn.Module):
    def __init__(self, stage: DecoderStage, fold: int = 1) -> None:
        super().__init__()
        self.up = FoldedUpsampling(stage.up) if fold > 1 else stage.up
        self.refine = _InPlaceBlock(stage.refine, fold)

    def forward(self, coarse: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return self.refine(self.up(coarse).add_(skip))


def _rectify(features: torch.Tensor) -> torch.Tensor:
    if features.dtype == torch.bfloat16:
        # Its sign is an int16's sign and +0 is 0, so this is exact, at a third of the time of torch's own rectifier.
        features.view(torch.int16).clamp_(min=0)
        return features
    return features.relu_()
