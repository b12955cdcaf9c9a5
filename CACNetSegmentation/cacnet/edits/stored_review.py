"""A review at rest: what the network found, this scan's numbers, and everything a reader did since.

From it and the CT, a session comes back without running the network again; see `stored_json` for the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cacnet.edits import journal
from cacnet.edits.journal import JournalError
from cacnet.edits.live_scores import KnownConfidence, LiveScores
from cacnet.edits.review import Review, review_of
from cacnet.edits.session import Session
from cacnet.findings import Finding
from cacnet.left_out import LeftOutLesion
from cacnet.lesions import LesionSet
from cacnet.scoring import ResolvedProtocol, protocol_named, resolve
from cacnet.vessels.places import Courses
from cacnet.volume import Geometry, Volume


class ReviewFileError(JournalError):
    """A stored review that is damaged, of another version, or of another scan."""


@dataclass(frozen=True)
class Rules:
    """By what, and for whom, a review is scored; a reader may change it.

    Attributes:
        protocol: name of the scoring protocol.
        age_years, sex: of the patient, for the percentile; None where not known.
    """

    protocol: str
    age_years: float | None = None
    sex: str | None = None


@dataclass(frozen=True)
class ModelIdentity:
    """The network that made the result."""

    id: str | None = None
    weights_sha256: str | None = None


@dataclass(frozen=True, eq=False)
class StoredReview:
    """Everything that a review is started from, beside the CT.

    Attributes:
        geometry: the CT's grid.
        hu_sha256: fingerprint of the CT's values in the network's lesions (see `fingerprint`).
        rules: as last chosen.
        threshold_hu: that was used, for the record; scores are always resolved anew.
        blood_median_hu, blood_sd_hu, kvp: this scan's numbers; None where not known.
        model: what made the result.
        dominance: 'right', 'left', 'co' or None.
        confidence: of the network's lesions, those left out included, by id.
        courses: centre lines, or None.
        findings: what the run had to say on its result; only it knew. What is said of the scan, and of the lesions as
            they stand, is found out anew.
        journal: as `cacnet.edits.journal.document` gives it.
    """

    geometry: Geometry
    hu_sha256: str
    rules: Rules
    threshold_hu: float
    blood_median_hu: float | None
    blood_sd_hu: float | None
    kvp: float | None
    model: ModelIdentity
    dominance: str | None
    confidence: Mapping[int, float]
    courses: Courses | None
    findings: tuple[Finding, ...]
    journal: Mapping[str, Any] = field(repr=False)

    def resolve(self, protocol: str) -> ResolvedProtocol:
        """A protocol with this scan's numbers; raises as `cacnet.scoring.resolve`."""
        return resolve(protocol_named(protocol), self.blood_median_hu, self.blood_sd_hu, self.kvp)

    def original(self) -> Review:
        """The network's own lesions; raises JournalError."""
        return journal.read_original(self.journal, self.geometry.shape_zyx)

    def live_scores(self, hu_zyx: np.ndarray, resolved: ResolvedProtocol) -> LiveScores:
        """Scores on this scan by a protocol."""
        known = KnownConfidence(self.original(), self.confidence)
        return LiveScores(hu_zyx, self.geometry, resolved, courses=self.courses, confidence=known)

    def open(self, hu_zyx: np.ndarray) -> Session:
        """The session as it was left.

        Raises:
            ReviewFileError: the CT is another one; JournalError: the journal is damaged.
        """
        if hu_zyx.shape != self.geometry.shape_zyx:
            raise ReviewFileError(
                f"a CT of {hu_zyx.shape} voxels", f"{self.geometry.shape_zyx}, as reviewed", "Load its own CT"
            )
        if fingerprint(hu_zyx, self.original()) != self.hu_sha256:
            raise ReviewFileError(
                "the CT has other values than the one that was segmented", "the same CT", "Load the CT of this result"
            )
        live = self.live_scores(hu_zyx, self.resolve(self.rules.protocol))
        return journal.replay(self.journal, live, self.geometry.shape_zyx)

    def with_work(self, session: Session, rules: Rules) -> StoredReview:
        """The same review after more work."""
        return replace(self, rules=rules, journal=journal.document(session))


def store_result(
    volume: Volume,
    lesions: LesionSet,
    resolved: ResolvedProtocol,
    rules: Rules,
    model: ModelIdentity,
    dominance: str | None = None,
    courses: Courses | None = None,
    findings: Iterable[Finding] = (),
    left_out: Sequence[LeftOutLesion] = (),
) -> StoredReview:
    """A review that nobody has begun, of lesions as the network found them; for `findings` see StoredReview."""
    review = review_of(lesions, left_out)
    confidence = {x.id: x.confidence for x in lesions.lesions if x.confidence is not None}
    confidence |= {number: x.confidence for number, x in enumerate(left_out, start=len(lesions.lesions) + 1)}
    return StoredReview(
        geometry=volume.geometry,
        hu_sha256=fingerprint(volume.hu, review),
        rules=rules,
        threshold_hu=resolved.threshold_hu,
        blood_median_hu=resolved.blood_median_hu,
        blood_sd_hu=resolved.blood_sd_hu,
        kvp=resolved.kvp,
        model=model,
        dominance=dominance,
        confidence={number: round(value, 4) for number, value in confidence.items()},
        courses=courses,
        findings=tuple(findings),
        journal=journal.untouched_document(review),
    )


def fingerprint(hu_zyx: np.ndarray, review: Review) -> str:
    """SHA-256 of the HU in the lesions, as little-endian float32: the same whatever type an image is kept in."""
    digest = hashlib.sha256()
    for lesion in review.lesions.values():
        values = hu_zyx[np.unravel_index(lesion.index, hu_zyx.shape)]
        digest.update(values.astype("<f4").tobytes())
    return digest.hexdigest()
