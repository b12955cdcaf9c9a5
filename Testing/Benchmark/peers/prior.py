"""What an untrained network answers: the same for every network of the comparison as for CAC-Net."""

from __future__ import annotations

import torch
from cacnet.errors import CacnetError
from cacnet.network.cacnet import INITIAL_PROBABILITY
from torch import nn


class NoOutputLayerError(CacnetError):
    """A network whose last convolution does not give the classes."""


def set_output_prior(network: nn.Module, classes: int) -> None:
    """Set the bias of the last convolution to the classes' usual share of a patch; raises NoOutputLayerError.

    Without it most of a short training is spent on unlearning false positives, and networks would be compared by how
    they happen to be initialised.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d)]
    last = layers[-1] if layers else None
    if last is None or last.out_channels != classes or last.bias is None:
        raise NoOutputLayerError(
            found=f"a network that does not end in a convolution with a bias to {classes} channels",
            expected="one that does",
            action="Register the output layer last",
        )
    with torch.no_grad():
        last.bias.copy_(torch.logit(torch.tensor(INITIAL_PROBABILITY[:classes])))
