"""From a CT to what the network sees, and exactly back: heart region, model grid, lungs removed, HU normalised."""

from __future__ import annotations

import numpy as np

MODEL_SPACING_MM = 0.5
"""Voxel edge of the model's isotropic, LPS-aligned grid (the paper's slice distance, §4.1)."""

HU_RANGE = (-250.0, 1300.0)
"""Below it is lung and air, which are removed; above it everything is dense calcium or metal."""


def normalise_hu(hu_zyx: np.ndarray) -> np.ndarray:
    """Network input from Hounsfield units: clipped to HU_RANGE, then 0 at 250 HU and 1 at 750 HU; float32."""
    return ((np.clip(hu_zyx, *HU_RANGE) - 250.0) / 500.0).astype(np.float32)
