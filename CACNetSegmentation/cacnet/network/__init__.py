"""CAC-Net: an encoder–decoder whose coarsest features pass a cross-frequency conditioner and a deformable alignment.

Start at `cacnet.py`, which is the network top to bottom; `configuration.py` names every part that can be switched off.
Three small networks beside it are no part of the paper, see `companions.py`: `context.py` sees the whole heart and says
what of CAC-Net's answer belongs to the coronary arteries; `border.py` draws the lesions' borders, and `wall.py` the
arteries' walls, on the CT's own grid.
Source: Jiang et al., "Coronary Artery Calcification segmentation by using cross-frequency conditioner and geometric
priors Learning", MICCAI 2025. Where the paper is silent or inconsistent, the docstring says how it is read here.
"""

from cacnet.network.border import BorderConfig, BorderNetwork
from cacnet.network.cacnet import CACNet, InputSizeError
from cacnet.network.companions import COMPANIONS, CompanionKind, Companions
from cacnet.network.configuration import NetworkConfig, NetworkConfigError
from cacnet.network.context import ContextConfig, ContextNetwork
from cacnet.network.loss import LossConfig, LossParts, SegmentationLoss
from cacnet.network.wall import WallConfig, WallNetwork

__all__ = [
    "COMPANIONS",
    "BorderConfig",
    "BorderNetwork",
    "CACNet",
    "CompanionKind",
    "Companions",
    "ContextConfig",
    "ContextNetwork",
    "InputSizeError",
    "LossConfig",
    "LossParts",
    "NetworkConfig",
    "NetworkConfigError",
    "SegmentationLoss",
    "WallConfig",
    "WallNetwork",
]
