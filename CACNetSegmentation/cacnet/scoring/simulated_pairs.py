"""The calibration of contrast CT against the calcium scan. Written by Testing/Benchmark/equivalent.py; do not edit."""

from __future__ import annotations

from cacnet.scoring.protocol import SimulatedPairs, VolumeCalibration

VOLUME_CALIBRATION = VolumeCalibration(
    factor=5.599,
    power=0.9305,
    right_masks=SimulatedPairs(52, "2300 to 2315 and 9885 to 9909 and 9944 to 9956", "true masks", 3.13),
    network_masks=SimulatedPairs(20, "10037 to 10056", "masks of cacnet-simulated-v9", 3.82),
)
