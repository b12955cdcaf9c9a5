"""Networks arranged for inference on a processor: the same weights and layers, laid out as its convolutions like them.

CAC-Net and the wall network, whose layers have few channels. Three things cost more than their multiplications do, and
are avoided here; the figures are in
Testing/Benchmark/speed-notes.md. Tensors keep one layout from the first layer to the last (channels last), as do the
weights, so that none is reordered. Passes over a feature map that only add or rectify change it in place. And at full
resolution, where a voxel has a few channels only, `fold` neighbours along x are taken as channels of one wider voxel:
in this layout that is the same memory under another shape, and vectors of 16 and rows of 32 numbers are not fed 8.

Folding multiplies by zeros as well. Rows that begin with the voxel of padding that a kernel of three needs keep most of
them out: two outputs need four inputs in a row, which then are two folded voxels instead of parts of three.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import nn

from cacnet.network.alignment import DeformableAlignment
from cacnet.network.blocks import ConvBlock, DecoderStage, EncoderStage
from cacnet.network.cacnet import CACNet
from cacnet.network.wall import WallNetwork

Network = TypeVar("Network", bound=nn.Module)

STEM_FOLD, UP_FOLD, HEAD_FOLD = 2, 2, 8
"""How many voxels along x the first convolution, the last upsampling and the head take at once; measured."""

FOLDED_CHANNELS = 16
"""The last convolution at full resolution takes as many voxels at once as give it this many channels."""


def arranged(network: CACNet, dtype: torch.dtype) -> CACNet:
    """A copy of `network` for inference on the CPU in float32 or bfloat16, of the same answers but for rounding.

    It takes images of `dtype` and must not be trained: its layers overwrite what a gradient would need. Folding
    multiplies by zeros as well, which only matrix units in bfloat16 have the speed for; float32 does without.
    """
    result = _in_layout(network, dtype)
    fold = _fold_of(network.config.widths[0]) if dtype == torch.bfloat16 else 1
    stages: list[DecoderStage] = list(result.decoder)  # type: ignore[arg-type]
    result.encoder = nn.ModuleList(_InPlaceEncoderStage(stage) for stage in result.encoder)  # type: ignore[arg-type]
    last = _FoldedDecoderStage(stages[-1], fold) if fold > 1 else _InPlaceDecoderStage(stages[-1])
    result.decoder = nn.ModuleList([*(_InPlaceDecoderStage(stage) for stage in stages[:-1]), last])
    if dtype == torch.bfloat16:
        result.head = FoldedConvolution(result.head, HEAD_FOLD)  # type: ignore[assignment]
        if result.conditioner is not None:
            _round_alignment(result.conditioner.fuse, dtype)
    result.stem = _InPlaceBlock(result.stem, STEM_FOLD if dtype == torch.bfloat16 else 1)  # type: ignore[assignment]
    return result


def arranged_walls(network: WallNetwork, dtype: torch.dtype) -> nn.Module:
    """As `arranged`, for a wall network; it takes windows of float32, of a width that is a multiple of HEAD_FOLD."""
    return _ArrangedWallNetwork(_in_layout(network, dtype), dtype)


def _in_layout(network: Network, dtype: torch.dtype) -> Network:
    result = copy.deepcopy(network).cpu().eval()
    for name, part in result.named_modules():
        # Norms keep the exact numbers, which costs nothing; the conditioner's spectra and gates stay in float32.
        if isinstance(part, nn.Conv3d | nn.ConvTranspose3d) and not name.startswith("conditioner"):
            part.to(dtype)
    return result.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]


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
    """The kernel that does to folded rows what `kernel` (out, in, z, y, x), of odd width, does to single voxels.

    The rows begin with the padding that `kernel` needs, see `Margins`; the folded kernel's own width may be even.
    """
    outputs, inputs, depth, height, width = kernel.shape
    steps = Margins.of(width, fold).folded_width
    wide = kernel.new_zeros(fold, outputs, fold, inputs, depth, height, steps)
    for to in range(fold):
        for source in range(fold):
            for step in range(steps):
                tap = fold * step + source - to
                if 0 <= tap < width:
                    wide[to, :, source, :, :, :, step] = kernel[..., tap]
    return wide.reshape(fold * outputs, fold * inputs, depth, height, steps)


@dataclass(frozen=True)
class Margins:
    """How many zeros a row of voxels has before and after it, for a folded convolution, and that kernel's width."""

    before: int
    after: int
    folded_width: int

    @classmethod
    def of(cls, width: int, fold: int) -> Margins:
        """For a kernel of the odd `width` on voxels folded `fold` at a time."""
        folded_width = -(-(fold + width - 1) // fold)
        before = width // 2
        return cls(before, fold * (folded_width - 1) - before, folded_width)


def _fold_of(channels: int) -> int:
    """The largest power of two, of which every input's width is a multiple, that stays within FOLDED_CHANNELS."""
    return 1 << (max(1, FOLDED_CHANNELS // channels).bit_length() - 1)


def _round_alignment(alignment: DeformableAlignment, dtype: torch.dtype) -> None:
    """Its wide convolutions in `dtype`: on one thread, torch has no fast float32 convolution for so few tokens."""
    alignment.fuse = _RoundedConvolution(alignment.fuse, dtype)  # type: ignore[assignment]
    if alignment.deformable:
        alignment.offsets = _RoundedConvolution(alignment.offsets, dtype)  # type: ignore[assignment]


class _RoundedConvolution(nn.Module):
    def __init__(self, convolution: nn.Conv3d, dtype: torch.dtype) -> None:
        super().__init__()
        self.convolution = convolution.to(dtype)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.convolution(features.to(self.convolution.weight.dtype)).to(features.dtype)


class FoldedConvolution(nn.Module):
    """A convolution of stride 1 that keeps its input's size, computed on voxels folded along x."""

    weight: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, convolution: nn.Conv3d, fold: int) -> None:
        super().__init__()
        self.fold = fold
        self.margins = Margins.of(convolution.kernel_size[2], fold)
        self.padding = (*convolution.padding[:2], 0)  # along x the rows bring their own
        kernel = folded_kernel(convolution.weight.detach(), fold).contiguous(memory_format=torch.channels_last_3d)
        self.register_buffer("weight", kernel)
        self.register_buffer("bias", None if convolution.bias is None else convolution.bias.detach().repeat(fold))

    def room_for(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Memory for an input like `features` with its margins, which are zero, and the view of it without them."""
        before, after = self.margins.before, self.margins.after
        *outer, width = features.shape
        rows = torch.empty((*outer, before + width + after), dtype=features.dtype, memory_format=torch.channels_last_3d)
        rows[..., :before] = 0
        rows[..., before + width :] = 0
        return rows, rows[..., before : before + width]

    def of_rows(self, rows: torch.Tensor) -> torch.Tensor:
        """(N, in, z, y, x + margins) to (N, out, z, y, x); x a multiple of the fold."""
        return unfolded(F.conv3d(folded(rows, self.fold), self.weight, self.bias, padding=self.padding), self.fold)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, in, z, y, x) to (N, out, z, y, x); x a multiple of the fold."""
        if not self.margins.before:
            return self.of_rows(features)
        rows, inner = self.room_for(features)
        inner.copy_(features)
        return self.of_rows(rows)


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
    def __init__(self, stage: DecoderStage) -> None:
        super().__init__()
        self.up, self.refine = stage.up, _InPlaceBlock(stage.refine)

    def forward(self, coarse: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return self.refine(self.up(coarse).add_(skip))


class _FoldedDecoderStage(nn.Module):
    """The last stage: its sum is written with the margins that the convolution after it needs."""

    def __init__(self, stage: DecoderStage, fold: int) -> None:
        super().__init__()
        convolution, self.norm, _ = stage.refine
        self.up = FoldedUpsampling(stage.up)
        self.convolution = FoldedConvolution(convolution, fold)  # type: ignore[arg-type]

    def forward(self, coarse: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        rows, inner = self.convolution.room_for(skip)
        torch.add(self.up(coarse), skip, out=inner)
        return _rectify(self.norm(self.convolution.of_rows(rows)))


class _ArrangedWallNetwork(nn.Module):
    def __init__(self, network: WallNetwork, dtype: torch.dtype) -> None:
        super().__init__()
        is_rounded = dtype == torch.bfloat16
        self.dtype = dtype
        fold = _fold_of(network.config.widths[0]) if is_rounded else 1
        stem: list[ConvBlock] = list(network.stem)  # type: ignore[arg-type]
        folds = (STEM_FOLD if is_rounded else 1, fold)
        self.stem = nn.Sequential(*map(_InPlaceBlock, stem, folds))
        self.encoder = nn.Sequential(*(_InPlaceBlock(block) for block in network.encoder))  # type: ignore[arg-type]
        self.decoder = _FoldedDecoderStage(network.decoder, fold) if fold > 1 else _InPlaceDecoderStage(network.decoder)
        self.head = FoldedConvolution(network.head, HEAD_FOLD) if is_rounded else network.head

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        fine = self.stem(window.to(self.dtype))
        return self.head(self.decoder(self.encoder(fine), fine))


def _rectify(features: torch.Tensor) -> torch.Tensor:
    if features.dtype == torch.bfloat16:
        # Its sign is an int16's sign and +0 is 0, so this is exact, at a third of the time of torch's own rectifier.
        features.view(torch.int16).clamp_(min=0)
        return features
    return features.relu_()
