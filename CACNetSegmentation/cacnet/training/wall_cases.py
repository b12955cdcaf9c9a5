"""What the wall network learns from: windows along the arteries of simulated CTs, with what a run answers there.

A case is one patient. Neither CAC-Net nor the context network has seen these patients: on those that they have learned
from, their answers are better than they will be in use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from cacnet.bounding_box import Box, box_of_nonzero
from cacnet.context_inference import look_at_heart
from cacnet.dense_resampling import linear_window
from cacnet.errors import CacnetError
from cacnet.files import replacing
from cacnet.heart_context import coarse_heart
from cacnet.inference import Device, predict
from cacnet.labelling import label
from cacnet.phantom.simulate import SimulatedScan, simulate
from cacnet.prepare import normalise_hu, prepare
from cacnet.refinement.evidence import measured_blood
from cacnet.refinement.walls import REACH_MM
from cacnet.refinement.windows import AIR_HU, cut
from cacnet.volume import Geometry
from cacnet.weights import LoadedModel
from cacnet.window_inference import WindowPredictor

CUT_VOXELS = (32, 56, 56)
"""What is kept around a centre: more than a window, so that windows can be moved."""

WINDOWS = 60
"""Of each patient."""


class WallCaseError(CacnetError):
    """A file that is no case of the wall network."""


@dataclass(frozen=True)
class WallCase:
    """Windows of one patient, each around a voxel of the surface of an artery as found.

    Attributes:
        hu: (n, 32, 56, 56) int16.
        probability: CAC-Net's of an artery, the same shape, uint8, 255 for 1.
        found: bool, the arteries of a run without the wall network.
        near: bool, within reach of their surface, which is where the wall network is asked.
        true: bool, the true arteries.
        blood_hu: median of the patient's blood.
    """

    hu: np.ndarray
    probability: np.ndarray
    found: np.ndarray
    near: np.ndarray
    true: np.ndarray
    blood_hu: float


def write_wall_case(path: Path, case: WallCase) -> None:
    """Write a case whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **vars(case))


def read_wall_case(path: Path) -> WallCase:
    """What `write_wall_case` wrote; raises WallCaseError."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        arrays["blood_hu"] = float(arrays["blood_hu"])
        return WallCase(**arrays)
    except Exception as error:  # numpy raises whatever its reader meets
        raise WallCaseError(f"'{path.name}' cannot be read ({error})", "a case of the wall network") from error


def make_wall_case(seed: int, model: LoadedModel, device: Device) -> WallCase:
    """Simulate a patient, segment it as a run does up to the walls, and cut windows.

    Raises:
        NothingToRefineByError: no lumen was found in it.
    """
    scan = simulate(seed)
    prepared = prepare(scan.volume)
    answer = predict(normalise_hu(prepared.hu), model, device)
    context = None
    if model.context is not None:
        context = look_at_heart(coarse_heart(prepared, answer.coronary, answer.calcium), model.context, device)
    border_model = None if model.borders is None else WindowPredictor(model.borders, device)
    labels = label(scan.volume, prepared, answer, border_model=border_model, context=context)
    blood_hu = measured_blood(labels.blood_hu).median_hu
    return cut_wall_windows(scan, labels.coronary > 0, answer.coronary, prepared.grid, blood_hu)


def cut_wall_windows(
    scan: SimulatedScan, found: np.ndarray, probability: np.ndarray, grid: Geometry, blood_hu: float
) -> WallCase:
    """Windows around voxels drawn from the surface of the arteries found (bool, z, y, x, on the scan's grid).

    Args:
        scan: the CT with its truth.
        found: what a run found.
        probability: CAC-Net's of an artery, (z, y, x) on `grid`.
        grid: the model's.
        blood_hu: median of the blood.
    """
    geometry, random = scan.volume.geometry, scan.truth.patient.rng("wall windows")
    surface = np.argwhere(found & ~ndimage.binary_erosion(found))
    near = within_reach_of_surface(found, geometry.spacing_mm_zyx)
    boxes = [_around(centre) for centre in surface[random.integers(len(surface), size=WINDOWS)]]
    answers = [linear_window(probability, grid, geometry.crop(box)) for box in boxes]
    return WallCase(
        hu=np.stack([cut(scan.volume.hu, box, AIR_HU).astype(np.int16) for box in boxes]),
        probability=np.stack([np.rint(255 * answer).astype(np.uint8) for answer in answers]),
        found=np.stack([cut(found, box, False) for box in boxes]),
        near=np.stack([cut(near, box, False) for box in boxes]),
        true=np.stack([cut(scan.coronary > 0, box, False) for box in boxes]),
        blood_hu=blood_hu,
    )


def within_reach_of_surface(mask_zyx: np.ndarray, spacing_mm_zyx: Sequence[float]) -> np.ndarray:
    """Voxels from which the other side of a mask's border is no farther than the border may move."""
    near = np.zeros(mask_zyx.shape, bool)
    box = box_of_nonzero(mask_zyx)
    if box is None:
        return near
    room = [math.ceil(REACH_MM / spacing) + 1 for spacing in spacing_mm_zyx]
    around = tuple(slice(max(0, side.start - more), side.stop + more) for side, more in zip(box, room, strict=True))
    inside = mask_zyx[around]
    depth_mm, away_mm = (ndimage.distance_transform_edt(part, sampling=spacing_mm_zyx) for part in (inside, ~inside))
    near[around] = np.where(inside, depth_mm, away_mm) <= REACH_MM
    return near


def _around(centre_zyx: np.ndarray) -> Box:
    z, y, x = (
        slice(int(at) - size // 2, int(at) - size // 2 + size) for at, size in zip(centre_zyx, CUT_VOXELS, strict=True)
    )
    return z, y, x
