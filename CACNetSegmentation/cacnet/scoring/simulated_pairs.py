"""The calibration of contrast CT against the calcium scan. Written by Testing/Benchmark/equivalent.py; do not edit."""

from __future__ import annotations

from cacnet.scoring.protocol import SimulatedPairs, VolumeCalibration

VOLUME_CALIBRATION = VolumeCalibration(
    factor=9.957,
    power=0.8652,
    right_masks=SimulatedPairs(62, "2300 to 2315 and 9885 to 9919 and 9944 to 9956", "true masks", 4.67),
    network_masks=SimulatedPairs(36, "9850 to 9869 and 9920 to 9935", "masks of cacnet-simulated-v7", 6.24),
)
