"""The calibration of contrast CT against the calcium scan. Written by Testing/Benchmark/equivalent.py; do not edit."""

from __future__ import annotations

from cacnet.scoring.protocol import SimulatedPairs, VolumeCalibration

VOLUME_CALIBRATION = VolumeCalibration(
    factor=15.8,
    power=0.7827,
    right_masks=SimulatedPairs(50, "2000 to 2049 and 2200 and 2300 to 2315", "true masks", 5.1),
    network_masks=SimulatedPairs(20, "9200 to 9219", "masks of cacnet-simulated-v3", 10),
)
