"""CAC-Net: an encoder–decoder whose coarsest features pass a cross-frequency conditioner and a deformable alignment.

Start at `cacnet.py`, which is the network top to bottom; `configuration.py` names every part that can be switched off.
`border.py` is a second, small network that draws the lesions' borders on the CT's own grid; it is no part of the paper.
Source: Jiang et al., "Coronary Artery Calcification segmentation by using cross-frequency conditioner and geometric
priors Learning", MICCAI 2025. Where the paper is silent or inconsistent, the docstring says how it is read here.
"""

from cacnet.network.border import BorderConfig, BorderNetwork
from cacnet.network.cacnet import CACNet, InputSizeError
from cacnet.network.configuration import NetworkConfig, NetworkConfigError
from cacnet.network.loss import LossConfig, LossParts, SegmentationLoss

__all__ = [
    "BorderConfig",
    "BorderNetwork",
    "CACNet",
    "InputSizeError",
    "LossConfig",
    "LossParts",
    "NetworkConfig",
    "NetworkConfigError",
    "SegmentationLoss",
]
