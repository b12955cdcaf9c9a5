"""A result and what a reader made of it: the one value that labels for training and DICOM objects are written from."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from cacnet.anatomy import Vessel
from cacnet.dataset.scan import ReviewState
from cacnet.edits.session import Session
from cacnet.report import ModelStatement
from cacnet.scoring import ResolvedProtocol
from cacnet.segments import coronary_with_calcium
from cacnet.vessels.places import Courses
from cacnet.volume import Geometry, GeometryMismatchError, Volume

PSEUDONYM_DIGITS = 12
MOST_INITIALS = 4
FARTHEST_MM = 6.0
"""Wider than any coronary artery with its plaque is thick."""


@dataclass(frozen=True, eq=False)
class ReviewedCase:
    """One scan under review.

    Attributes:
        volume: the CT.
        session: the network's own lesions, and the reader's.
        coronary: uint8 (z, y, x), 0 or the number of the artery, as the network found it.
        resolved: the scoring protocol with this scan's numbers.
        model: which network made the labels.

    Raises:
        GeometryMismatchError: the labels or the review are not of this CT.
    """

    volume: Volume
    session: Session
    coronary: np.ndarray
    resolved: ResolvedProtocol
    model: ModelStatement = field(default_factory=ModelStatement)

    def __post_init__(self) -> None:
        shapes = {"arteries": self.coronary.shape, "review": self.session.review.shape_zyx}
        for name, shape in shapes.items():
            if tuple(shape) != self.volume.hu.shape:
                raise GeometryMismatchError(f"the {name} are of {shape} voxels", f"the CT's, {self.volume.hu.shape}")

    @cached_property
    def calcium(self) -> np.ndarray:
        """uint8 (z, y, x), 0 or the number of the artery, of every lesion that counts."""
        return self.session.review.label_map()

    @cached_property
    def coronary_covering_calcium(self) -> np.ndarray:
        """uint8 (z, y, x): the arteries, and the calcium in them with the number of its artery."""
        covering = coronary_with_calcium(self.calcium, self.coronary)
        return np.where(covering & (self.coronary == 0), self.calcium, self.coronary).astype(np.uint8)

    @property
    def state(self) -> ReviewState:
        """Approved where it is locked; unreviewed where nothing was said of any lesion and nothing was changed."""
        if self.session.locked:
            return ReviewState.APPROVED
        review, original = self.session.review, self.session.original
        same = review.lesions.keys() == original.lesions.keys() and all(
            lesion.same_as(original.lesions[i]) for i, lesion in review.lesions.items()
        )
        return ReviewState.UNREVIEWED if same else ReviewState.PARTLY

    @property
    def reviewer(self) -> str | None:
        """Initials of who approved it, where they were given."""
        return initials(self.session.approved_by or "") or None

    def pseudonym(self) -> str:
        """A name from the CT's values: the same for the same scan however it was read, and no patient's."""
        digest = hashlib.sha256(repr(self.volume.geometry.shape_zyx).encode())
        for plane in self.volume.hu:
            digest.update(np.rint(np.clip(plane, -32768, 32767)).astype("<i2").tobytes())
        return f"case-{digest.hexdigest()[:PSEUDONYM_DIGITS]}"


def named_arteries(mask_zyx: np.ndarray, geometry: Geometry, courses: Courses | None) -> np.ndarray:
    """uint8 (z, y, x): each voxel of the arteries with the number of the artery whose centre line is nearest.

    For arteries that were kept without their names, as segments are. Farther than FARTHEST_MM from every centre line,
    and where there are none, the artery is not known.
    """
    labels = np.where(mask_zyx, np.uint8(Vessel.UNASSIGNED), np.uint8(0))
    voxels = np.argwhere(mask_zyx)
    if courses is None or not len(courses.points_mm_lps) or not len(voxels):
        return labels
    distance_mm, nearest = cKDTree(courses.points_mm_lps).query(
        geometry.index_to_lps(voxels), distance_upper_bound=FARTHEST_MM
    )
    near = np.isfinite(distance_mm)
    vessel = np.asarray(courses.vessel, np.uint8)[nearest[near]]
    labels[tuple(voxels[near].T)] = np.where(vessel > 0, vessel, Vessel.UNASSIGNED)
    return labels


def initials(name: str) -> str:
    """The initials of a reader, of whom no more is kept: 'AB' of 'AB', 'A. B.' or 'Anna Berg'."""
    words = re.findall(r"[^\W\d_]+", name)
    if len(words) == 1 and len(words[0]) <= MOST_INITIALS:
        return words[0].upper()
    return "".join(word[0] for word in words)[:MOST_INITIALS].upper()
