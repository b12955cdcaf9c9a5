"""What a reader sees of a review: one value with every number on screen, from which reports are written as well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.edits.review import RejectReason, Review, ReviewedLesion, ReviewState
from cacnet.edits.session import Session
from cacnet.findings import OF_LEFT_OUT, Finding
from cacnet.lesions import Lesion
from cacnet.scoring import (
    Equivalent,
    HoffPercentile,
    ResolvedProtocol,
    RiskCategory,
    Totals,
    VesselTotals,
    hoff_percentile,
)
from cacnet.vessels.places import Third


class Difference(StrEnum):
    """How a lesion differs from what the network found."""

    NONE = ""
    NEW = "new"
    RELABELLED = "relabelled"
    REDRAWN = "redrawn"


@dataclass(frozen=True)
class LesionRow:
    """One lesion as the table shows it.

    Attributes:
        counts: whether it is part of the score: not rejected or left out, and reaching threshold and minimum area.
        agatston, volume_mm3, mass_mg: what it adds; for a rejected or left-out lesion what it would add.
        centroid_mm_ras: where views jump to.
        origin: ids of lesions that it was split from or merged of.
    """

    id: int
    vessel: Vessel
    third: Third | None
    from_ostium_mm: float | None
    volume_mm3: float
    agatston: float
    mass_mg: float
    max_hu: float
    mean_hu: float
    slices: int
    confidence: float | None
    state: ReviewState
    reason: RejectReason | None
    counts: bool
    difference: Difference
    centroid_mm_ras: tuple[float, float, float]
    origin: tuple[int, ...] = ()


@dataclass(frozen=True)
class VesselRow:
    """One artery's sums, and what the network's own result had."""

    vessel: Vessel
    now: VesselTotals
    network: VesselTotals


@dataclass(frozen=True)
class ReviewSummary:
    """Everything on screen.

    Attributes:
        totals, network_totals: now, and as the network left it.
        percentile: None where age or sex is not known.
        vessels: LM, LAD, LCx, RCA, unassigned; all five.
        lesions: by id, rejected and left-out ones included.
        network_lesions_removed: lesions of the network that no longer exist (erased or merged).
        approved_by: None while open; may be '' where no initials were given.
        inconclusive: why a score of 0 would be no finding; '' where it would be one.
        network_left_out: how many lesions the program had left out.
    """

    totals: Totals
    network_totals: Totals
    percentile: HoffPercentile | None
    vessels: tuple[VesselRow, ...]
    lesions: tuple[LesionRow, ...]
    network_lesions_removed: tuple[int, ...]
    resolved: ResolvedProtocol
    can_undo: bool
    can_redo: bool
    approved_by: str | None
    inconclusive: str = ""
    network_left_out: int = 0

    @property
    def category(self) -> RiskCategory:
        """Risk category of the total."""
        return self.totals.category

    @property
    def equivalent(self) -> Equivalent | None:
        """The estimated score without contrast, calibrated on simulation; None unless the protocol has one and there
        is a score."""
        return None if self.inconclusive else self.totals.equivalent

    @property
    def locked(self) -> bool:
        """Whether the review has been approved."""
        return self.approved_by is not None

    @property
    def unreviewed(self) -> tuple[int, ...]:
        """Ids of what counts although nobody has accepted it."""
        return tuple(row.id for row in self.lesions if row.state is ReviewState.UNREVIEWED)

    @property
    def left_out(self) -> tuple[int, ...]:
        """Ids of what the program found and left out, and nobody has judged."""
        return tuple(row.id for row in self.lesions if row.state is ReviewState.LEFT_OUT)

    @property
    def left_out_agatston(self) -> tuple[float, ...]:
        """What each of these would add to the score."""
        return tuple(row.agatston for row in self.lesions if row.state is ReviewState.LEFT_OUT)

    @property
    def to_judge(self) -> int:
        """How many lesions there are beside those that the program left out."""
        return len(self.lesions) - len(self.left_out)


def summarize(
    session: Session, resolved: ResolvedProtocol, age_years: float | None = None, sex: str | None = None
) -> ReviewSummary:
    """The session as it stands; raises InvalidPatientError for an impossible age or sex."""
    scores, original = session.scores, session.original_scores
    percentile = None
    if age_years is not None and sex is not None:
        percentile = hoff_percentile(scores.totals.agatston, age_years, sex)
    return ReviewSummary(
        totals=scores.totals,
        network_totals=original.totals,
        percentile=percentile,
        vessels=tuple(VesselRow(v, scores.vessels[v], original.vessels[v]) for v in Vessel),
        lesions=tuple(
            _row(reviewed, scores.lesions[i], session.original) for i, reviewed in session.review.lesions.items()
        ),
        network_lesions_removed=tuple(i for i in session.original.lesions if i not in session.review.lesions),
        resolved=resolved,
        can_undo=session.can_undo,
        can_redo=session.can_redo,
        approved_by=session.approved_by,
        network_left_out=sum(lesion.state is ReviewState.LEFT_OUT for lesion in session.original.lesions.values()),
    )


def not_settled(findings: Iterable[Finding], summary: ReviewSummary) -> tuple[Finding, ...]:
    """What a run said of its result, without what was left out where a reader has judged all of that."""
    settled = summary.network_left_out > 0 and not summary.left_out
    return tuple(finding for finding in findings if not (settled and finding.code in OF_LEFT_OUT))


def row_of(lesion: Lesion) -> LesionRow:
    """The row of a lesion that nobody has looked at or altered."""
    return LesionRow(
        id=lesion.id,
        vessel=lesion.vessel,
        third=lesion.place.third,
        from_ostium_mm=lesion.place.from_ostium_mm,
        volume_mm3=lesion.volume_mm3,
        agatston=lesion.agatston,
        mass_mg=lesion.mass_mg,
        max_hu=lesion.max_hu,
        mean_hu=lesion.mean_hu,
        slices=lesion.slices,
        confidence=lesion.confidence,
        state=ReviewState.UNREVIEWED,
        reason=None,
        counts=lesion.counts,
        difference=Difference.NONE,
        centroid_mm_ras=lesion.centroid_mm_ras,
    )


def _row(reviewed: ReviewedLesion, lesion: Lesion, original: Review) -> LesionRow:
    return replace(
        row_of(lesion),
        state=reviewed.state,
        reason=reviewed.reason,
        counts=reviewed.counts and lesion.counts,
        difference=_difference(reviewed, original),
        origin=reviewed.origin,
    )


def _difference(lesion: ReviewedLesion, original: Review) -> Difference:
    found = original.lesions.get(lesion.id)
    if found is None:
        return Difference.NEW
    if not np.array_equal(found.index, lesion.index):
        return Difference.REDRAWN
    return Difference.NONE if found.vessel == lesion.vessel else Difference.RELABELLED
