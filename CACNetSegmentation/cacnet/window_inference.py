"""A network on windows of a CT, such as the border network, on the processor or the graphics card."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import nn

from cacnet.inference import Device, choose_device, in_order, or_on_cpu, precision_context
from cacnet.network import WallNetwork
from cacnet.network.arranged import arranged_walls
from cacnet.progress import Progress, silent

STAGE = "label"
GPU_BATCH = 8
"""Windows computed at a time on an accelerator. A processor takes one for each thread: what it works on then stays in
its cache, which halves the time of a window."""


class WindowPredictor:
    """A network of one output on a device: called with windows (channels, z, y, x), it answers probabilities (z, y, x).

    Where an accelerator fails, it goes on on the CPU.

    Attributes:
        notes: what failed, in words; empty if nothing.
    """

    def __init__(self, network: nn.Module, device: Device, progress: Progress = silent) -> None:
        """`progress` is called after every window, or some of them, and may raise Cancelled."""
        self.device, self.progress = device, progress
        self.notes: tuple[str, ...] = ()
        placed = copy.deepcopy(network).train(False)  # the caller's network stays where it is
        self.network = placed.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        # The one on the CPU stays there: nothing can be fetched from an accelerator that has failed.
        self._on_cpu = _for_processor(self.network, device if device.name == "cpu" else choose_device("cpu"))
        self._on_device: nn.Module | None = None

    def __call__(self, windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The answers (z, y, x) float32, in the windows' order."""
        on_cpu = self.device.name == "cpu"
        batches = _batches(windows, 1 if on_cpu else GPU_BATCH)
        for answers in in_order(self._answer, batches, torch.get_num_threads() if on_cpu else 1):
            self.progress(STAGE, 0.0)  # how many windows there are is not known here
            yield from answers

    def _answer(self, batch: list[np.ndarray]) -> np.ndarray:
        answer, failed = or_on_cpu(partial(self._answer_on, batch), self.device)
        if failed:
            self.device, self.notes = choose_device("cpu"), failed
        return answer

    def _answer_on(self, batch: list[np.ndarray], device: Device) -> np.ndarray:
        network = self._network_on(device)
        image = torch.from_numpy(np.stack(batch)).to(device.name)
        with torch.inference_mode(), precision_context(device):
            logits = network(image.contiguous(memory_format=torch.channels_last_3d))
        return torch.sigmoid(logits[:, 0].float()).cpu().numpy()

    def _network_on(self, device: Device) -> nn.Module:
        if device.name == "cpu":
            return self._on_cpu
        if self._on_device is None:
            self._on_device = copy.deepcopy(self.network).to(device.name)
        return self._on_device


def _for_processor(network: nn.Module, device: Device) -> nn.Module:
    return arranged_walls(network, getattr(torch, device.precision)) if isinstance(network, WallNetwork) else network


def _batches(windows: Iterable[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    waiting = iter(windows)
    while batch := list(islice(waiting, size)):
        yield batch
