"""Three simulated patients, kept small: the coronary arteries and their calcium as the simulator drew them.

`python Testing/Python/core/golden_scans.py` simulates them anew (minutes) and writes core/golden/scans.npz. Near
calcium and arteries the values are the simulator's, to 4 HU; elsewhere there is plain blood or tissue, because noise
does not compress. So these are no scans to look at; `probabilities` stands for a network and gives the truth with soft
borders. Everything after the network can be run on them, always with the same numbers.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from cacnet.inference import Probabilities
    from cacnet.prepare import Prepared
    from cacnet.volume import Volume

FILE = Path(__file__).parent / "golden" / "scans.npz"
SEEDS = {"four arteries": 9203, "co-dominant": 9208, "few voxels": 9217}
ROOM_MM = 15.0
"""Kept around the arteries: the aortic root, by which they are named, lies within."""
NEAR_CALCIUM_MM, NEAR_ARTERY_MM = 3.0, 0.8
BLOOD_HU, TISSUE_HU = 400, -40
HU_STEP = 4


@dataclass(frozen=True)
class StoredScan:
    """A CT on a small grid, and its truth by artery (uint8)."""

    volume: Volume
    calcium: np.ndarray
    coronary: np.ndarray


def stored_scan(name: str) -> StoredScan:
    """One of SEEDS."""
    from cacnet.volume import Acquisition, Geometry, Volume

    with np.load(FILE, allow_pickle=False) as content:
        hu = content[f"{name} hu"].astype(np.int16) * HU_STEP
        geometry = Geometry(hu.shape, tuple(content[f"{name} spacing"]), tuple(content[f"{name} origin"]))
        calcium, coronary = content[f"{name} calcium"], content[f"{name} coronary"]
    return StoredScan(Volume(hu, geometry, Acquisition("CT", 120.0), name), calcium, coronary)


def probabilities(scan: StoredScan, prepared: Prepared) -> Probabilities:
    """What a good network could answer: the truth with soft borders, on the model's grid."""
    import SimpleITK as sitk
    from cacnet.inference import Device, Probabilities
    from cacnet.resampling import resampled

    soft = (ndimage.gaussian_filter((labels > 0).astype(np.float32), 0.5) for labels in (scan.calcium, scan.coronary))
    maps = (resampled(part, scan.volume.geometry, prepared.grid, sitk.sitkLinear, 0.0) for part in soft)
    return Probabilities(*maps, Device("cpu", "float32", "stored truth, no network"), 96)


def small(
    hu: np.ndarray, calcium: np.ndarray, coronary: np.ndarray, spacing_mm_zyx: np.ndarray
) -> tuple[np.ndarray, tuple]:
    """HU in steps of HU_STEP with plain surroundings, and the box around the arteries that is worth keeping."""
    near = _within(calcium > 0, NEAR_CALCIUM_MM, spacing_mm_zyx) | _within(coronary > 0, NEAR_ARTERY_MM, spacing_mm_zyx)
    smooth = ndimage.gaussian_filter(hu.astype(np.float32), 2.0 / np.asarray(spacing_mm_zyx))
    plain = np.where(smooth > (BLOOD_HU + TISSUE_HU) / 2, BLOOD_HU, TISSUE_HU)
    kept = np.round(np.where(near, hu, plain) / HU_STEP).astype(np.int16)
    room = np.ceil(ROOM_MM / np.asarray(spacing_mm_zyx)).astype(int)
    at = np.argwhere(coronary > 0)
    low, high = np.maximum(at.min(axis=0) - room, 0), np.minimum(at.max(axis=0) + 1 + room, hu.shape)
    return kept, tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _within(mask: np.ndarray, distance_mm: float, spacing_mm_zyx: np.ndarray) -> np.ndarray:
    return ndimage.distance_transform_edt(~mask, spacing_mm_zyx) <= distance_mm


def main() -> None:
    """Simulate and store."""
    from cacnet.phantom.simulate import simulate

    content = {}
    for name, seed in SEEDS.items():
        scan = simulate(seed, size="fast")
        geometry = scan.volume.geometry
        hu, box = small(scan.volume.hu, scan.calcium, scan.coronary, geometry.spacing_mm_zyx)
        content |= {
            f"{name} hu": hu[box],
            f"{name} calcium": scan.calcium[box],
            f"{name} coronary": scan.coronary[box],
            f"{name} spacing": np.array(geometry.spacing_mm_zyx),
            f"{name} origin": np.array(geometry.crop(box).origin_mm_lps),
        }
    np.savez_compressed(FILE, **content)


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[3] / "CACNetSegmentation")]
    main()
