"""Deformable alignment of the two frequency bands (CAC-Net, eq. 4; deformable convolution: Dai et al., ICCV 2017)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

TAPS = 27


def _tap_positions(shape_zyx: torch.Size, device: torch.device) -> torch.Tensor:
    """Voxel coordinates that the taps of a plain 3×3×3 convolution read: (taps, z, y, x, 3), last axis (z, y, x)."""
    centres = torch.stack(torch.meshgrid(*[torch.arange(n, device=device) for n in shape_zyx], indexing="ij"), dim=-1)
    step = torch.arange(-1, 2, device=device)
    steps = torch.stack(torch.meshgrid(step, step, step, indexing="ij"), dim=-1).view(TAPS, 1, 1, 1, 3)
    return (centres + steps).float()


def sample_trilinear(features: torch.Tensor, positions_zyx: torch.Tensor) -> torch.Tensor:
    """Features (N, C, z, y, x) read at fractional voxel positions (N, z', y', x', 3); zero outside the grid."""
    size = torch.tensor(features.shape[2:], device=features.device, dtype=features.dtype)
    grid = ((2 * positions_zyx + 1) / size - 1).flip(-1)  # grid_sample takes (x, y, z) from -1 to 1
    if features.device.type == "mps":  # Metal has no 3-D grid_sample; the tokens are small enough to visit the CPU
        return F.grid_sample(features.cpu(), grid.cpu(), align_corners=False).to(features.device)
    return F.grid_sample(features, grid, align_corners=False)


class DeformableConv3d(nn.Module):
    """A 3×3×3 convolution whose 27 taps are read at offsets, in voxels, given for every position.

    With zero offsets it equals a zero-padded nn.Conv3d with the same weights.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        reference = nn.Conv3d(channels_in, channels_out, 3)
        self.weight = nn.Parameter(reference.weight.detach().clone())
        self.bias = nn.Parameter(torch.zeros(channels_out))

    def forward(self, features: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """(N, C, z, y, x) and offsets (N, 27·3, z, y, x), ordered (tap, axis zyx), to (N, channels_out, z, y, x)."""
        batch, channels, depth, height, width = features.shape
        moved = offsets.reshape(batch, TAPS, 3, depth, height, width).permute(0, 1, 3, 4, 5, 2)
        positions = _tap_positions(features.shape[2:], features.device) + moved
        read = sample_trilinear(features, positions.reshape(batch, TAPS * depth, height, width, 3))
        taps = read.reshape(batch, channels * TAPS, depth, height, width)
        return F.conv3d(taps, self.weight.reshape(self.weight.shape[0], -1, 1, 1, 1), self.bias)


class DeformableAlignment(nn.Module):
    """Eq. 4: Δ = Conv3×3×3(E_h^bod ⊗ E_l^edg); E'_f = DeConv3×3×3(De(Δ * E_h^bod) ⊕ E_l^edg ⊕ E).

    ⊗ is read as the element-wise product, ⊕ as concatenation, De as the deformable convolution of the body band by Δ.
    "DeConv" keeps the size of its input here; a transposed convolution of stride 1 is a convolution with its kernel
    mirrored, so a convolution it is. `deformable=False` fuses the bands where they are (ablation).
    """

    def __init__(self, channels: int, deformable: bool = True) -> None:
        super().__init__()
        self.deformable = deformable
        if deformable:
            self.offsets = nn.Conv3d(channels, 3 * TAPS, 3, padding=1)
            nn.init.zeros_(self.offsets.weight)
            nn.init.zeros_(self.offsets.bias)  # type: ignore[arg-type]
            self.align = DeformableConv3d(channels, channels)
        self.fuse = nn.Conv3d(3 * channels, channels, 3, padding=1)

    def forward(self, body: torch.Tensor, edge: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """E_h^bod, E_l^edg and E, all (N, C, z, y, x), to E'_f of the same shape."""
        aligned = self.align(body, self.offsets(body * edge)) if self.deformable else body
        return self.fuse(torch.cat([aligned, edge, tokens], dim=1))
