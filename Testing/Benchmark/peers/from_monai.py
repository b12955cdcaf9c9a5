"""The networks that MONAI has, made small enough to be compared. MONAI is imported when one is built."""

from __future__ import annotations

from torch import nn

WIDTHS = (16, 32, 64, 128, 256)
"""Channels of the five scales, those of CAC-Net."""

VNET_WIDTH = 5
"""V-Net's filters are 5 x 5 x 5: with its 16 channels at full resolution it has 46 million parameters."""


def unet(classes: int) -> nn.Module:
    """3-D U-Net with two convolutions a scale, bridged by a residual connection."""
    from monai.networks.nets import UNet

    return UNet(3, 1, classes, WIDTHS, strides=(2, 2, 2, 2), num_res_units=2, norm="INSTANCE")


def vnet(classes: int) -> nn.Module:
    """V-Net, from MONAI's blocks, because its class has fixed widths.

    It ends in a 1 x 1 x 1 convolution, as in the paper. MONAI normalises the few output channels before that, which
    keeps rare voxels from standing out of a low prior: it hardly learned.
    """
    return _VNet(VNET_WIDTH, classes)


def nnunet(classes: int) -> nn.Module:
    """The plain network that nnU-Net plans for isotropic voxels: two convolutions a scale, leaky rectifiers."""
    from monai.networks.nets import DynUNet

    twice = [2] * (len(WIDTHS) - 1)
    return DynUNet(3, 1, classes, [3] * len(WIDTHS), [1, *twice], twice, filters=WIDTHS)


def swin_unetr(classes: int) -> nn.Module:
    """SwinUNETR with the smallest feature size that its layout allows; sides of at least 64.

    Windows of 4 tokens instead of 7: they fill a patch of 64 or 96 without padding, at a fifth of the cost.
    """
    from monai.networks.nets import SwinUNETR

    return SwinUNETR(1, classes, feature_size=12, window_size=4)


class _VNet(nn.Module):
    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        from monai.networks.nets.vnet import DownTransition, InputTransition, UpTransition

        act = ("elu", {"inplace": True})
        no_dropout = (None, 0.0)
        self.stem = InputTransition(3, 1, width, act)
        self.down = nn.ModuleList(
            DownTransition(3, width << scale, convolutions, act) for scale, convolutions in enumerate((1, 2, 3, 2))
        )
        plan = ((16, 16, 2), (16, 8, 2), (8, 4, 1), (4, 2, 1))
        self.up = nn.ModuleList(
            UpTransition(3, coarse * width, fine * width, convolutions, act, no_dropout)
            for coarse, fine, convolutions in plan
        )
        self.out = nn.Conv3d(2 * width, classes, 1)

    def forward(self, image):
        scales = [self.stem(image)]
        for stage in self.down:
            scales.append(stage(scales[-1]))
        features = scales.pop()
        for stage in self.up:
            features = stage(features, scales.pop())
        return self.out(features)
