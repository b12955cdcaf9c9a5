"""The networks of the comparison (table 1 of the CAC-Net paper), built by name, of four to six million parameters.

Every one maps (N, 1, z, y, x) to (N, classes, z, y, x) logits, sides multiples of 32 from 64 to 128, and begins with
the same answer everywhere (see prior.py), so that what is compared is the architecture. Deep supervision, auxiliary
losses and stochastic depth of the originals are left out: all are trained by one loss and one optimiser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from Benchmark.peers import from_monai
from Benchmark.peers.glia_net import GliaNet
from Benchmark.peers.nnformer import NnFormer
from Benchmark.peers.prior import set_output_prior
from Benchmark.peers.u_transformer import UTransformer
from cacnet.errors import CacnetError
from cacnet.network import CACNet, NetworkConfig
from torch import nn


class UnknownPeerError(CacnetError):
    """A network that the comparison does not have."""


class MonaiMissingError(CacnetError):
    """A network that MONAI has, where MONAI is not installed."""


@dataclass(frozen=True)
class Peer:
    """A network of the comparison: how it is made for a number of classes, and what it follows."""

    make: Callable[[int], nn.Module]
    source: str


PEERS: Mapping[str, Peer] = {
    "U-Net": Peer(from_monai.unet, "Çiçek et al., MICCAI 2016; MONAI's UNet with residual units"),
    "V-Net": Peer(from_monai.vnet, "Milletari et al., 3DV 2016; MONAI's blocks, 5 instead of 16 channels at first"),
    "GLIA-Net": Peer(GliaNet, "Bo et al., Patterns 2021; its global part sees the patch, not the whole scan"),
    "nnU-Net": Peer(from_monai.nnunet, "Isensee et al., Nature Methods 2021; MONAI's DynUNet"),
    "U-Transformer": Peer(UTransformer, "Petit et al., MLMI 2021; in 3-D, attention on at most 8 x 8 x 8 tokens"),
    "SwinUNETR": Peer(from_monai.swin_unetr, "Hatamizadeh et al., BrainLes 2021; MONAI's, feature size 12, window 4"),
    "nnFormer": Peer(NnFormer, "Zhou et al., IEEE TIP 2023; embedding of 36 instead of 192 channels"),
    "CAC-Net": Peer(
        lambda classes: CACNet(NetworkConfig(classes=classes)), "Jiang et al., MICCAI 2025; cacnet.network"
    ),
}

NOT_PUBLIC: Mapping[str, str] = {
    "CACer": "neither a description of its architecture nor its code could be found in public sources",
}
"""Networks of the paper's table that cannot be built without inventing them, and why."""


def build(name: str, classes: int) -> nn.Module:
    """The untrained network of that name; raises UnknownPeerError, MonaiMissingError."""
    if name not in PEERS:
        raise UnknownPeerError(f"the network '{name}'", f"one of {', '.join(PEERS)}", "Choose one of these")
    try:
        network = PEERS[name].make(classes)
    except ImportError as error:
        raise MonaiMissingError(
            f"{name} cannot be built ({error})", "MONAI with einops", "Run: pip install -e '.[benchmark]'"
        ) from error
    set_output_prior(network, classes)
    return network
