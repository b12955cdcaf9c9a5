"""Hard-negative mining: patches are also centred where the network in training sees calcium or an artery that is none.

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
OUTLINE_VOXELS = 3
"""An artery this much too wide is a matter of its outline, which every patch of it teaches."""
LEAST_ARTERY_VOXELS, VOXELS_FOR_A_POSITION = 30, 150
"""A smaller part of false artery is no vein and no graft; a longer one has a position for each of these."""
TOUCHING = np.ones((3, 3, 3), dtype=bool)


def mine(model: LoadedModel, case_folder: Path, device: Device) -> np.ndarray:
    """Voxels (n, 3) where the network is wrong: of false calcium, surest first, then of false arteries.

    False calcium is every predicted component that touches no true calcium, by its surest voxel. None of what nobody
    labelled.
    """
    case = read_case(case_folder)
    answer = predict(normalise_hu(np.asarray(case.hu)), model, device)
    calcium = arteries = np.zeros((0, 3), np.int64)
    if "calcium" not in case.unknown_channels:
        calcium = _false_calcium(answer.calcium, np.asarray(case.calcium) > 0)
    if "coronary" not in case.unknown_channels:
        arteries = _false_arteries(answer.coronary, np.asarray(case.coronary) > 0)
    return np.concatenate([calcium[:MAX_FALSE_POSITIVES], arteries[:MAX_FALSE_POSITIVES]])


def _false_calcium(probability: np.ndarray, true: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(probability > THRESHOLD, TOUCHING)
    false = np.setdiff1d(np.arange(1, count + 1), np.unique(labels[true]))
    if not len(false):
        return np.zeros((0, 3), np.int64)
    positions = np.array(ndimage.maximum_position(probability, labels, false), np.int64)
    surest_first = np.argsort(-probability[tuple(positions.T)], kind="stable")
    return positions[surest_first]


def _false_arteries(probability: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Evenly many voxels of each part, in the order of the array, so that a long vein is seen along its course."""
    near = ndimage.binary_dilation(true, TOUCHING, iterations=OUTLINE_VOXELS)
    labels, count = ndimage.label((probability > THRESHOLD) & ~near, TOUCHING)
    positions = [np.zeros((0, 3), np.int64)]
    for number, box in enumerate(ndimage.find_objects(labels)[:count], 1):
        voxels = np.argwhere(labels[box] == number) + [side.start for side in box]
        if len(voxels) >= LEAST_ARTERY_VOXELS:
            positions.append(voxels[VOXELS_FOR_A_POSITION // 2 :: VOXELS_FOR_A_POSITION])
            if len(voxels) <= VOXELS_FOR_A_POSITION // 2:
                positions.append(voxels[len(voxels) // 2][None])
    return np.concatenate(positions)


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
