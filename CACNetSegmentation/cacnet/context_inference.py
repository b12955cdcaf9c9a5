"""The context network on a whole heart, on the processor or the graphics card."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import torch

from cacnet.heart_context import NOTHING, CoarseHeart, HeartContext
from cacnet.inference import Device, precision_context
from cacnet.network.context import OUTPUTS, ContextNetwork, padded_sides
from cacnet.progress import Progress, silent

STAGE = "network"

PART_VOXELS = 192
"""No adult heart's region is larger (cacnet.heart_region), so it is answered in one go. Where no heart was found, a
whole scan is, in parts."""

MARGIN_VOXELS = 32
"""Seen around a part."""


def look_at_heart(
    heart: CoarseHeart, network: ContextNetwork, device: Device, progress: Progress = silent
) -> HeartContext:
    """What the network answers of every coarse voxel; `progress` is called after each part and may raise Cancelled."""
    placed = copy.deepcopy(network).eval().to(device.name)  # the caller's network stays where it is
    placed = placed.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    image = heart.channels()
    answer = np.zeros((len(OUTPUTS), *image.shape[1:]), np.float32)
    for part in itertools.product(*(range(0, side, PART_VOXELS) for side in image.shape[1:])):
        seen = tuple(
            slice(max(0, start - MARGIN_VOXELS), min(side, start + PART_VOXELS + MARGIN_VOXELS))
            for start, side in zip(part, image.shape[1:], strict=True)
        )
        kept = tuple(slice(start, start + PART_VOXELS) for start in part)
        own = tuple(
            slice(start - around.start, start - around.start + PART_VOXELS)
            for start, around in zip(part, seen, strict=True)
        )
        answer[(slice(None), *kept)] = _answer(image[(slice(None), *seen)], placed, device)[(slice(None), *own)]
        progress(STAGE, 1.0)
    return HeartContext(answer[OUTPUTS.index("artery")], answer[OUTPUTS.index("plaque")], heart.grid)


def _answer(image: np.ndarray, network: ContextNetwork, device: Device) -> np.ndarray:
    """Probabilities (outputs, z, y, x) of channels (inputs, z, y, x); beyond them lies what is nothing."""
    sides = image.shape[1:]
    padded = padded_sides(sides, network.config.size_multiple)
    missing = [(0, more - side) for side, more in zip(sides, padded, strict=True)]
    whole = np.stack(
        [np.pad(channel, missing, constant_values=value) for channel, value in zip(image, NOTHING, strict=True)]
    )
    with torch.inference_mode(), precision_context(device):
        logits = network(torch.from_numpy(whole)[None].to(device.name))[0]
    z, y, x = sides
    answer: np.ndarray = torch.sigmoid(logits.float())[:, :z, :y, :x].cpu().numpy()
    return answer
