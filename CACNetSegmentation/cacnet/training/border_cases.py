"""What the border network learns from: windows of simulated CTs, with CAC-Net's answers and the true calcium.

A case is one patient. CAC-Net has not seen these patients, because on those that it has learned from it misses less
than it will in use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from cacnet.errors import CacnetError
from cacnet.files import replacing
from cacnet.inference import Device, predict
from cacnet.labelling import lumen_hu
from cacnet.phantom.simulate import label
from cacnet.prepare import normalise_hu, probability_on, remove_lungs, to_model_grid
from cacnet.refinement import NothingToRefineByError
from cacnet.refinement.by_network import bright_parts
from cacnet.refinement.evidence import measured_blood
from cacnet.refinement.windows import AIR_HU, cut
from cacnet.scoring.threshold import BloodPool
from cacnet.sparse_maps import SparseMap
from cacnet.training.make_cases import simulate_heart
from cacnet.volume import Geometry
from cacnet.weights import LoadedModel

CUT_VOXELS = (48, 72, 72)
"""What is kept around a centre: half as much again as a window, so that windows can be moved."""

KINDS = ("found", "lesion", "missed", "artery", "distractor", "missed plaque", "other bright part", "false")
"""What a window is centred on: calcium that CAC-Net marked; a true lesion that it marked, and one that it did not; any
artery; a distractor near one; bright parts of arteries that it did not mark, calcified and not; and what it marked
where no calcium is."""

FOUND, DOUBTFUL = 0.2, 0.1
"""A part with a voxel of the first probability counts as marked, as far as the second reaches."""
ARTERIES, DISTRACTORS, BRIGHT_PARTS = 12, 8, 60
"""Most windows of a kind in one case; of distractors, of each sort of them: few patients have any sort."""
VOXELS_FOR_A_WINDOW = 400
"""A large lesion has a window more for each of these."""
NEAR_AN_ARTERY_VOXELS = 8
TOUCHING = np.ones((3, 3, 3), dtype=bool)


class BorderCaseError(CacnetError):
    """A file that is no case of the border network."""


@dataclass(frozen=True)
class BorderCase:
    """Windows of one patient.

    Attributes:
        hu: (n, 48, 72, 72) int16.
        calcium_probability, coronary_probability: CAC-Net's, the same shape, uint8, 255 for 1.
        calcium: bool, the truth.
        kind: (n,) index into KINDS.
        blood_hu: median of the patient's blood.
    """

    hu: np.ndarray
    calcium_probability: np.ndarray
    coronary_probability: np.ndarray
    calcium: np.ndarray
    kind: np.ndarray
    blood_hu: float


def write_border_case(path: Path, case: BorderCase) -> None:
    """Write a case whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **vars(case))


def read_border_case(path: Path) -> BorderCase:
    """What `write_border_case` wrote; raises BorderCaseError."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        arrays["blood_hu"] = float(arrays["blood_hu"])
        return BorderCase(**arrays)
    except Exception as error:  # numpy raises whatever its reader meets
        raise BorderCaseError(f"'{path.name}' cannot be read ({error})", "a case of the border network") from error


def make_border_case(seed: int, model: LoadedModel, device: Device, canvas_spacing_mm: float = 0.5) -> BorderCase:
    """Simulate a patient, let CAC-Net answer, and cut the windows.

    Raises:
        NothingToRefineByError: CAC-Net found no lumen in it.
    """
    heart = simulate_heart(seed, canvas_spacing_mm)
    volume, grid = heart.volume, heart.grid
    calcium, _, distractor = label(heart.anatomy, heart.settings, volume.geometry)
    answer = predict(normalise_hu(remove_lungs(to_model_grid(volume, grid))), model, device)
    found_calcium, found_coronary = (
        probability_on(volume.geometry, probability, grid, at_least=0.02)
        for probability in (answer.calcium, answer.coronary)
    )
    return cut_windows(
        volume.hu,
        calcium > 0,
        distractor,
        found_calcium,
        found_coronary,
        volume.geometry,
        heart.anatomy.patient.rng("border windows"),
    )


def cut_windows(
    hu_zyx: np.ndarray,
    calcium_zyx: np.ndarray,
    distractor_zyx: np.ndarray,
    calcium_probability_zyx: np.ndarray,
    coronary_probability_zyx: np.ndarray,
    geometry: Geometry,
    random: np.random.Generator,
) -> BorderCase:
    """The windows of one CT; all arrays are (z, y, x) on `geometry`.

    The true calcium is bool, distractors are phantom.devices.Distractor, the probabilities are CAC-Net's.

    Raises:
        NothingToRefineByError: no lumen is found in it, or no contrast agent.
    """
    marked, artery = calcium_probability_zyx >= 0.5, coronary_probability_zyx >= 0.5
    blood = measured_blood(lumen_hu(hu_zyx, artery, marked, geometry))
    centres = [
        *_marked(calcium_zyx, calcium_probability_zyx, random),
        *_true_lesions(calcium_zyx, calcium_probability_zyx, random),
        *((KINDS.index("artery"), at) for at in _some(artery, ARTERIES, random)),
        *_distractors(distractor_zyx * ndimage.binary_dilation(artery, iterations=NEAR_AN_ARTERY_VOXELS), random),
        *_bright(hu_zyx, calcium_zyx, marked, artery, geometry, blood, random),
    ]
    boxes = [
        tuple(slice(int(c) - size // 2, int(c) - size // 2 + size) for c, size in zip(at, CUT_VOXELS, strict=True))
        for _, at in centres
    ]

    def windows(array: np.ndarray, outside: float) -> np.ndarray:
        return np.stack([cut(array, box, outside) for box in boxes])  # type: ignore[arg-type]

    return BorderCase(
        hu=windows(hu_zyx.astype(np.int16, copy=False), AIR_HU),
        calcium_probability=_bytes(windows(calcium_probability_zyx, 0)),
        coronary_probability=_bytes(windows(coronary_probability_zyx, 0)),
        calcium=windows(calcium_zyx, False),
        kind=np.array([kind for kind, _ in centres], np.int64),
        blood_hu=blood.median_hu,
    )


Centres = Iterator[tuple[int, np.ndarray]]


def _parts(mask: np.ndarray) -> Iterator[np.ndarray]:
    """The voxels (n, 3) of each component of more than one voxel."""
    labels, _ = ndimage.label(mask, TOUCHING)
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        voxels = np.argwhere(labels[box] == number) + [side.start for side in box]
        if len(voxels) > 1:
            yield voxels


def _marked(calcium: np.ndarray, probability: np.ndarray, random: np.random.Generator) -> Centres:
    for voxels in _parts(probability >= DOUBTFUL):
        at = tuple(voxels.T)
        if probability[at].max() >= FOUND:
            kind = "found" if calcium[at].any() else "false"
            yield from ((KINDS.index(kind), centre) for centre in _picked(voxels, random))


def _distractors(distractor: np.ndarray, random: np.random.Generator) -> Centres:
    for sort in np.unique(distractor[distractor > 0]):
        yield from ((KINDS.index("distractor"), at) for at in _some(distractor == sort, DISTRACTORS, random))


def _true_lesions(calcium: np.ndarray, probability: np.ndarray, random: np.random.Generator) -> Centres:
    for voxels in _parts(calcium):
        kind = "lesion" if probability[tuple(voxels.T)].max() >= DOUBTFUL else "missed"
        yield from ((KINDS.index(kind), at) for at in _picked(voxels, random))


def _bright(
    hu: np.ndarray,
    calcium: np.ndarray,
    marked: np.ndarray,
    artery: np.ndarray,
    geometry: Geometry,
    blood: BloodPool,
    random: np.random.Generator,
) -> Centres:
    centres = []
    for voxels in _parts(bright_parts(SparseMap.of(artery), hu, geometry, blood).dense()):
        at = tuple(voxels.T)
        if marked[at].mean() <= 0.2:
            kind = "missed plaque" if calcium[at].mean() >= 0.1 else "other bright part"
            centres += [(KINDS.index(kind), centre) for centre in _picked(voxels, random)]
    yield from centres[:BRIGHT_PARTS]


def _picked(voxels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    count = 1 + min(len(voxels) // VOXELS_FOR_A_WINDOW, 6)
    return voxels[random.integers(len(voxels), size=count)]


def _some(mask: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    voxels = np.argwhere(mask)
    return voxels[random.integers(len(voxels), size=count)] if len(voxels) else voxels


def _bytes(probability: np.ndarray) -> np.ndarray:
    return np.rint(255 * probability).astype(np.uint8)


__all__ = [
    "CUT_VOXELS",
    "KINDS",
    "BorderCase",
    "BorderCaseError",
    "NothingToRefineByError",
    "cut_windows",
    "make_border_case",
    "read_border_case",
    "write_border_case",
]
