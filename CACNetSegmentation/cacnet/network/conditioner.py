"""The cross-frequency conditioner: tokens of all encoder scales, split by frequency, each band conditioning the other.

Source: CAC-Net, eq. 1–3; the pooled token pyramid follows TopFormer (Zhang et al., CVPR 2022). Two things in these
equations can be read otherwise. The text calls the middle band low, which is so on a centred spectrum only; the names
E_h^bod and E_l^edg (body, edge) rather fit the spectrum as the transform returns it, where the middle is high:
`NetworkConfig.frequency_shifted=False`. And A_h is computed from E_h, which is zero wherever E_l is not, so in eq. 3
the factor 1 − A_h is one learned number for each channel there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from cacnet.network.alignment import DeformableAlignment
from cacnet.network.configuration import NetworkConfig


def low_frequency_band(shape_zyx: Sequence[int], device: torch.device | None = None) -> torch.Tensor:
    """Where eq. 1 keeps E_l: U/4 < u ≤ 3U/4 on every axis; bool (z, y, x).

    On a centred spectrum index U // 2 is the mean, so this is the low band. The mean is kept there for every size
    (eq. 1 alone would lose it on an axis of one token).
    """
    band = torch.ones(tuple(shape_zyx), dtype=torch.bool, device=device)
    for axis, size in enumerate(shape_zyx):
        index = torch.arange(size, device=device)
        kept = (index > size / 4) & (index <= 3 * size / 4) | (index == size // 2)
        band &= kept.view([-1 if other == axis else 1 for other in range(3)])
    return band


def split_frequencies(tokens: torch.Tensor, shifted: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    """Eq. 1: the complex spectra (E_l, E_h) of real tokens (N, C, z, y, x); they add up to the whole spectrum."""
    spectrum = torch.fft.fftn(tokens, dim=(2, 3, 4))
    if shifted:
        spectrum = torch.fft.fftshift(spectrum, dim=(2, 3, 4))
    band = low_frequency_band(tokens.shape[2:], tokens.device)
    return spectrum * band, spectrum * ~band


def from_spectrum(spectrum: torch.Tensor, shifted: bool = True) -> torch.Tensor:
    """F⁻¹, real part: attention need not be symmetric in frequency, so an imaginary rest may remain and is dropped."""
    if shifted:
        spectrum = torch.fft.ifftshift(spectrum, dim=(2, 3, 4))
    return torch.fft.ifftn(spectrum, dim=(2, 3, 4)).real


class BandAttention(nn.Module):
    """Eq. 2, A = σ(C1×1(E ‖ θ)): a gate in (0, 1) for every channel and frequency of one band.

    The complex spectrum enters as 2·C real channels (real, imaginary); θ is one learnable number for each of them,
    spread over all frequencies, so that any input size works. The gate is real, so it leaves phases as they are.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.zeros(2 * channels))
        self.mix = nn.Conv3d(4 * channels, channels, 1)
        nn.init.normal_(self.theta, std=0.02)

    def forward(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Complex (N, C, z, y, x) to real (N, C, z, y, x)."""
        # 'ortho' scaling: the magnitude of an unscaled spectrum grows with the number of tokens and saturates σ.
        scale = spectrum[0, 0].numel() ** -0.5
        parts = torch.cat([spectrum.real, spectrum.imag], dim=1) * scale
        theta = self.theta.view(1, -1, 1, 1, 1).expand(parts.shape)
        return torch.sigmoid(self.mix(torch.cat([parts, theta], dim=1)))


class CrossFrequencyConditioner(nn.Module):
    """Tokens in, conditioned tokens of the same shape out: E' = E + E'_f (eq. 1–4).

    Computed in float32: half precision overflows in the transform and few processors offer it (where speed asks for it,
    `arranged` rounds the two wide convolutions of the alignment).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.conditioner_width
        self.shifted = config.frequency_shifted
        self.high_attention = BandAttention(width)
        self.low_attention = BandAttention(width)
        self.fuse = DeformableAlignment(width, deformable=config.alignment)

    def interact(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Eq. 1–3: (E_h^bod, E_l^edg), real, of the tokens' shape."""
        low, high = split_frequencies(tokens, self.shifted)
        attention_high, attention_low = self.high_attention(high), self.low_attention(low)
        body = from_spectrum(attention_high * high, self.shifted)
        edge = from_spectrum((1 - attention_high) * attention_low * low, self.shifted)
        return body, edge

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """(N, C, z, y, x) to the same shape and type; any spatial size."""
        with torch.autocast(tokens.device.type, enabled=False):
            exact = tokens.float().contiguous()
            body, edge = self.interact(exact)
            return tokens + self.fuse(body, edge, exact).to(tokens.dtype)


class TokenPyramid(nn.Module):
    """Pool every encoder scale to the coarsest one, concatenate, mix; and later spread the tokens back."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        widths = config.widths[-config.token_scales :]
        self.mix = nn.Conv3d(sum(widths), config.conditioner_width, 1)
        self.inject = nn.ModuleList(nn.Conv3d(config.conditioner_width, width, 1) for width in widths)

    def gather(self, scales: Sequence[torch.Tensor]) -> torch.Tensor:
        """Encoder features, finest first, to tokens (N, conditioner_width, z/16, y/16, x/16)."""
        coarsest = scales[-1].shape[2:]
        pooled = [_pool(features, coarsest) for features in scales[-len(self.inject) :]]
        return self.mix(torch.cat(pooled, dim=1))

    def spread(self, tokens: torch.Tensor, scales: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Encoder features, finest first, with the tokens' share added to the `token_scales` coarsest."""
        untouched = len(scales) - len(self.inject)
        conditioned = list(scales[:untouched])
        for project, features in zip(self.inject, scales[untouched:], strict=True):
            share = F.interpolate(project(tokens), size=features.shape[2:], mode="trilinear", align_corners=False)
            conditioned.append(features + share)
        return conditioned


def _pool(features: torch.Tensor, shape_zyx: torch.Size) -> torch.Tensor:
    """The mean of every cube of features that falls on one token."""
    batch, channels, *_ = features.shape
    factor = features.shape[2] // shape_zyx[0]
    if features.device.type == "cpu":
        # avg_pool3d has no bfloat16 there, and a mean over three of eight axes takes forty times as long as this.
        kernel = features.new_full((channels, 1, factor, factor, factor), factor**-3)
        return F.conv3d(features, kernel, stride=factor, groups=channels)
    z, y, x = shape_zyx
    return features.reshape(batch, channels, z, factor, y, factor, x, factor).mean((3, 5, 7))
