"""Lesions found, missed and invented, by orCaScore's rules (Wolterink 2016, 10.1118/1.4945696).

A lesion is a 6-connected component of one label's voxels above 130 HU. A true lesion is found if any voxel of a found
lesion lies in it, and a found lesion is right if any of its voxels lies in a true one; so one found lesion may find
two true ones and is then counted once as right. Volumes count the voxels that both share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cacnet.bounding_box import box_of_nonzero

LESION_HU = 130.0
"""Voxels of a lesion exceed this."""


@dataclass(frozen=True)
class LesionCounts:
    """One case's lesions of one label, from a least volume on; lesions of any volume may be the partner.

    Attributes:
        true, true_found: true lesions, and those of them that the result found.
        found, found_right: found lesions, and those of them that lie on a true one.
        true_mm3, true_found_mm3: volume of the true lesions, and the part of it that the result shares.
        found_mm3, found_right_mm3: volume of the found lesions, and the part of it that the truth shares.
    """

    true: int
    true_found: int
    found: int
    found_right: int
    true_mm3: float
    true_found_mm3: float
    found_mm3: float
    found_right_mm3: float

    @property
    def false_positives(self) -> int:
        """Found lesions that touch no true one."""
        return self.found - self.found_right


@dataclass(frozen=True, eq=False)
class Side:
    """The lesions of the truth or of the result; lesion i is at index i − 1.

    Attributes:
        labels: int32 lesion numbers on the box that `Matching.box` names.
        volume_mm3, shared_mm3: of each lesion, and the part of it inside the other side's lesions.
        partners: numbers of the other side's lesions that it touches.
    """

    labels: np.ndarray
    volume_mm3: np.ndarray
    shared_mm3: np.ndarray
    partners: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class Matching:
    """Two sets of lesions and who touches whom.

    Attributes:
        box: the part of the volume around all lesions that the labels cover; None where there are none at all.
    """

    true: Side
    found: Side
    box: tuple[slice, ...] | None

    def counts(self, minimum_mm3: float = 0.0) -> LesionCounts:
        """Counts over the lesions of at least `minimum_mm3`, on either side."""
        true, found = (side.volume_mm3 >= minimum_mm3 for side in (self.true, self.found))
        return LesionCounts(
            true=int(true.sum()),
            true_found=int((true & (self.true.shared_mm3 > 0)).sum()),
            found=int(found.sum()),
            found_right=int((found & (self.found.shared_mm3 > 0)).sum()),
            true_mm3=float(self.true.volume_mm3[true].sum()),
            true_found_mm3=float(self.true.shared_mm3[true].sum()),
            found_mm3=float(self.found.volume_mm3[found].sum()),
            found_right_mm3=float(self.found.shared_mm3[found].sum()),
        )


def match_lesions(result: np.ndarray, truth: np.ndarray, voxel_volume_mm3: float) -> Matching:
    """Match the lesions of two bool masks (z, y, x), which hold only voxels above LESION_HU."""
    box = box_of_nonzero(result | truth)
    around = (slice(0, 0),) * 3 if box is None else box
    true_labels, true_count = ndimage.label(truth[around])
    found_labels, found_count = ndimage.label(result[around])
    both = (true_labels > 0) & (found_labels > 0)
    pairs, voxels = np.unique(np.stack([true_labels[both], found_labels[both]]), axis=1, return_counts=True)
    shared_mm3 = voxels * voxel_volume_mm3
    return Matching(
        true=_side(true_labels, true_count, pairs[0], pairs[1], shared_mm3, voxel_volume_mm3),
        found=_side(found_labels, found_count, pairs[1], pairs[0], shared_mm3, voxel_volume_mm3),
        box=box,
    )


def _side(
    labels: np.ndarray, count: int, own: np.ndarray, other: np.ndarray, shared_mm3: np.ndarray, voxel_volume_mm3: float
) -> Side:
    """One side, from the pairs of touching lesions (own[i], other[i]) and the volume that each pair shares."""
    return Side(
        labels=labels,
        volume_mm3=np.bincount(labels.ravel(), minlength=count + 1)[1:] * voxel_volume_mm3,
        shared_mm3=np.bincount(own, shared_mm3, count + 1)[1:],
        partners=tuple(tuple(int(n) for n in other[own == number]) for number in range(1, count + 1)),
    )
