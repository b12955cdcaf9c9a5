"""How a training window of a CT is varied: as another bolus, tube voltage or dose would have shown it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cacnet.training.companion import CompanionConfig


@dataclass(frozen=True)
class WindowTrainingConfig(CompanionConfig):
    """How a network that sees windows of a CT is trained.

    Attributes:
        batch: windows of a step.
        contrast, contrast_range: how often, and by what, all contrast is multiplied: another bolus, another kVp.
        blood_hu: standard deviation of an error of the measured blood, for as many windows.
        noise, noise_hu: how often noise is added, and its standard deviation.
    """

    batch: int = 8
    contrast: float = 0.6
    contrast_range: tuple[float, float] = (0.85, 1.18)
    blood_hu: float = 12.0
    noise: float = 0.25
    noise_hu: tuple[float, float] = (3.0, 30.0)


def varied(
    hu: np.ndarray, blood_hu: float, random: np.random.Generator, config: WindowTrainingConfig
) -> tuple[np.ndarray, float]:
    """A window (z, y, x) of HU, float32, and the HU of its blood, both varied."""
    if random.random() < config.contrast:
        gain = random.uniform(*config.contrast_range)
        hu, blood_hu = hu * np.float32(gain), blood_hu * gain
    if random.random() < config.contrast:
        blood_hu += random.normal(0, config.blood_hu)
    if random.random() < config.noise:
        noise = ndimage.gaussian_filter(random.standard_normal(hu.shape, np.float32), random.uniform(0.3, 0.9))
        hu = hu + noise * np.float32(random.uniform(*config.noise_hu) / noise.std())
    return hu, blood_hu
