"""Every choice that shapes the network; stored with the weights, so that a bundle rebuilds exactly its own network."""

from __future__ import annotations

from dataclasses import dataclass

from cacnet.errors import CacnetError

CHANNELS = ("calcium", "coronary")
"""What the output channels mean, in their order."""

NORMS = ("instance", "group", "batch")


class NetworkConfigError(CacnetError):
    """A network configuration that cannot be built."""


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of a CAC-Net.

    Attributes:
        widths: channels of the five encoder scales, 1/1 to 1/16 of the input.
        classes: 2 for calcium and coronary; 1 for calcium alone (the paper's ablation).
        conditioner: cross-frequency conditioner (eq. 1–3) between encoder and decoder.
        alignment: deformable alignment (eq. 4) of the two bands; without it they are fused as they are.
        frequency_shifted: whether the spectrum is centred before it is split, so that the middle band of eq. 1 is the
            low frequencies; False is the alternative reading of eq. 1, on the spectrum as the transform returns it.
        conditioner_width: channels of the tokens inside the conditioner.
        token_scales: how many of the coarsest scales give tokens and receive them conditioned. As in TopFormer, these
            are 1/4 and coarser; finer ones would add cost, hardly context.
        norm: 'instance', 'group' (of 8 channels) or 'batch'; full resolution is never normalised, where it would cost
            more than the convolutions do.

    Raises NetworkConfigError.
    """

    widths: tuple[int, int, int, int, int] = (16, 32, 64, 128, 256)
    classes: int = 2
    conditioner: bool = True
    alignment: bool = True
    frequency_shifted: bool = True
    conditioner_width: int = 64
    token_scales: int = 3
    norm: str = "group"

    def __post_init__(self) -> None:
        if len(self.widths) != 5 or any(width < 1 or width > 2048 for width in self.widths):
            raise NetworkConfigError(f"the widths are {self.widths}", "five channel counts from 1 to 2048")
        if self.classes not in (1, 2):
            raise NetworkConfigError(f"{self.classes} output classes", "1 (calcium) or 2 (calcium, coronary)")
        if not 1 <= self.conditioner_width <= 2048:
            raise NetworkConfigError(f"a conditioner of {self.conditioner_width} channels", "1 to 2048 channels")
        if not 1 <= self.token_scales <= 5:
            raise NetworkConfigError(f"tokens of {self.token_scales} scales", "1 to 5 scales")
        if self.norm not in NORMS:
            raise NetworkConfigError(f"the norm '{self.norm}'", f"one of {', '.join(NORMS)}")

    @property
    def channels(self) -> tuple[str, ...]:
        """The meaning of the output channels."""
        return CHANNELS[: self.classes]
