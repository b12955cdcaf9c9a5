"""The border network on windows of a CT, on the processor or the graphics card."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch

from cacnet.inference import Device, precision_context
from cacnet.network.border import BorderNetwork

BATCH = 8
"""Windows computed at a time; each takes some 40 MB of activations."""


class BorderPredictor:
    """A border network on a device: called with windows (3, z, y, x), it answers calcium probabilities (z, y, x)."""

    def __init__(self, network: BorderNetwork, device: Device) -> None:
        self.device = device
        placed = copy.deepcopy(network).eval().to(device.name)  # the caller's network stays where it is
        self.network = placed.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def __call__(self, windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The answers (z, y, x) float32, in the windows' order."""
        waiting = iter(windows)
        while some := list(islice(waiting, BATCH)):
            batch = torch.from_numpy(np.stack(some))
            with torch.inference_mode(), precision_context(self.device):
                logits = self.network(batch.to(self.device.name).contiguous(memory_format=torch.channels_last_3d))
            yield from torch.sigmoid(logits[:, 0].float()).cpu().numpy()
