"""Hard-negative mining: patches are also centred where the network in training sees calcium that is none.

What was mined at a step is used from MINING_DELAY_STEPS later on, whatever a worker has prepared ahead, so that a
resumed run draws the same patches as an uninterrupted one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from cacnet.files import replacing, writing_to
from cacnet.inference import Device, predict
from cacnet.prepare import normalise_hu
from cacnet.training.cases import read_case
from cacnet.weights import LoadedModel

MINING_DELAY_STEPS = 50
THRESHOLD = 0.5
MAX_FALSE_POSITIVES = 500


def mine(model: LoadedModel, case_folder: Path, device: Device) -> np.ndarray:
    """The surest voxel (n, 3) of every predicted calcium component that touches no true calcium, surest first.

    None where nobody labelled the calcium.
    """
    case = read_case(case_folder)
    if "calcium" in case.unknown_channels:
        return np.zeros((0, 3), np.int64)
    probability = predict(normalise_hu(np.asarray(case.hu)), model, device).calcium
    labels, count = ndimage.label(probability > THRESHOLD, np.ones((3, 3, 3)))
    touching = np.unique(labels[np.asarray(case.calcium) > 0])
    false = np.setdiff1d(np.arange(1, count + 1), touching)
    if not len(false):
        return np.zeros((0, 3), np.int64)
    positions = np.array(ndimage.maximum_position(probability, labels, false), np.int64)
    surest_first = np.argsort(-probability[tuple(positions.T)], kind="stable")
    return positions[surest_first][:MAX_FALSE_POSITIVES]


def store_mined(folder: Path, case_name: str, step: int, positions: np.ndarray) -> None:
    """Keep what was mined in a case at a step."""
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / f"{case_name}@{step:09d}.npy") as temporary, temporary.open("wb") as file:
        np.save(file, positions, allow_pickle=False)


def mined_positions(folder: Path, case_name: str, step: int) -> np.ndarray:
    """What a patch of that step may use of a case: the last mining at least MINING_DELAY_STEPS before; (n, 3)."""
    usable = [path for path in _mined(folder, f"{case_name}@*.npy") if _step_of(path) + MINING_DELAY_STEPS <= step]
    return np.load(usable[-1], allow_pickle=False) if usable else np.zeros((0, 3), np.int64)


def forget_mined_after(folder: Path, step: int) -> None:
    """Remove what was mined after a step, which a resumed run will mine again."""
    for path in _mined(folder, "*@*.npy"):
        if _step_of(path) > step:
            path.unlink()


def _mined(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))


def _step_of(path: Path) -> int:
    return int(path.stem.rpartition("@")[2])
