"""What the context network learns from: simulated hearts in voxels of 1 mm, with CAC-Net's answers and the truth.

A case is one patient. CAC-Net has not seen these patients, because on those that it has learned from it mistakes less
than it will in use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cacnet.errors import CacnetError
from cacnet.files import replacing
from cacnet.heart_context import CoarseHeart, blood_of, coarse_heart, in_blocks
from cacnet.inference import Device, predict
from cacnet.phantom.simulate import SimulatedScan, simulate
from cacnet.prepare import Prepared, normalise_hu, prepare
from cacnet.resampling import nearest
from cacnet.weights import LoadedModel


class ContextCaseError(CacnetError):
    """A file that is no case of the context network."""


@dataclass(frozen=True)
class ContextCase:
    """One patient; all arrays are (z, y, x) in voxels of 1 mm.

    Attributes:
        mean_hu, highest_hu: int16, of the eight voxels of the model's grid in each.
        coronary_probability, calcium_probability: CAC-Net's, the largest of the eight, uint8, 255 for 1.
        coronary, calcium: bool, whether any of the eight truly is.
        distractor: phantom.devices.Distractor, the largest number of the eight.
    """

    mean_hu: np.ndarray
    highest_hu: np.ndarray
    coronary_probability: np.ndarray
    calcium_probability: np.ndarray
    coronary: np.ndarray
    calcium: np.ndarray
    distractor: np.ndarray

    @property
    def blood_hu(self) -> float:
        """Median HU where CAC-Net is sure of an artery."""
        return blood_of(self.mean_hu, self.coronary_probability / np.float32(255))


def make_context_case(seed: int, model: LoadedModel, device: Device) -> ContextCase:
    """Simulate a patient, prepare the scan as a run does, and let CAC-Net answer."""
    scan = simulate(seed)
    prepared = prepare(scan.volume)
    answer = predict(normalise_hu(prepared.hu), model, device)
    return case_of(scan, prepared, coarse_heart(prepared, answer.coronary, answer.calcium))


def case_of(scan: SimulatedScan, prepared: Prepared, heart: CoarseHeart) -> ContextCase:
    """A scan with what CAC-Net answered on its prepared grid."""

    def truth(labels: np.ndarray) -> np.ndarray:
        return in_blocks(nearest(labels.astype(np.uint8), scan.volume.geometry, prepared.grid), np.maximum)

    return ContextCase(
        mean_hu=np.rint(heart.mean_hu).astype(np.int16),
        highest_hu=heart.highest_hu.astype(np.int16),
        coronary_probability=np.rint(255 * heart.coronary_probability).astype(np.uint8),
        calcium_probability=np.rint(255 * heart.calcium_probability).astype(np.uint8),
        coronary=truth(scan.coronary) > 0,
        calcium=truth(scan.calcium) > 0,
        distractor=truth(scan.distractor),
    )


def write_context_case(path: Path, case: ContextCase) -> None:
    """Write a case whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **vars(case))


def read_context_case(path: Path) -> ContextCase:
    """What `write_context_case` wrote; raises ContextCaseError."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return ContextCase(**{name: stored[name] for name in stored.files})
    except Exception as error:  # numpy raises whatever its reader meets
        raise ContextCaseError(f"'{path.name}' cannot be read ({error})", "a case of the context network") from error
