"""Everything that is said of one case, as one frozen value: the scores, how they came about, and pictures.

`cacnet.report` holds the numbers of the pipeline's own outputs, which are a contract with programs; this is the same
case for a reader, corrections included. Nothing here names a patient: no name, number, date or path of the scan.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np

import cacnet
from cacnet.anatomy import NAMED_VESSELS, Vessel
from cacnet.edits.live_scores import LiveScores, counted
from cacnet.edits.review import Review, review_of
from cacnet.edits.session import Action, AuditEntry, Session
from cacnet.edits.summary import LesionRow, ReviewSummary, VesselRow, not_settled, row_of
from cacnet.findings import Finding
from cacnet.pipeline import Result
from cacnet.remarks import REMARKS, remarks_on_result
from cacnet.report import INCONCLUSIVE, ModelStatement
from cacnet.reporting.pictures import Pictures, draw_pictures
from cacnet.reporting.slices import LesionSlice, slices_of_review, slices_of_set
from cacnet.reviewed_case import initials
from cacnet.scoring import hoff_percentile, per_vessel
from cacnet.sparse_maps import SparseMap
from cacnet.vessels import Courses
from cacnet.volume import Acquisition, Geometry, Volume

LONGEST_LABEL = 120
"""Characters of a case label; more would be a story, not a label."""

OLDEST_STATED = 90


@dataclass(frozen=True)
class AuditLine:
    """One thing that a reader did, in plain values."""

    when_utc: str
    action: str
    lesions: tuple[int, ...]
    details: str
    agatston_before: float
    agatston_after: float


@dataclass(frozen=True)
class CaseReport:
    """What every format is written from.

    Attributes:
        summary: scores, lesions and review state, as the panel shows them.
        slices: of the lesions that count.
        geometry, acquisition: of the scan; the latter without age and sex.
        percentile_of: whom the percentile compares with, such as 'men of 62 years'; '' without a percentile.
        label: the reader's own words for the case; may be ''.
    """

    summary: ReviewSummary
    slices: tuple[LesionSlice, ...]
    geometry: Geometry
    acquisition: Acquisition
    model: ModelStatement
    findings: tuple[Finding, ...]
    audit: tuple[AuditLine, ...]
    pictures: Pictures
    dominance: str | None
    percentile_of: str
    label: str
    created_utc: str
    software: str

    @property
    def conclusive(self) -> bool:
        """Whether a score of 0 would mean that no calcium was found."""
        return all(finding.code not in INCONCLUSIVE for finding in self.findings)

    @property
    def corrections(self) -> Counter[str]:
        """How often the reader did what, in the order of the audit trail's actions."""
        done = Counter(line.action for line in self.audit)
        return Counter({action.value: done[action.value] for action in Action if done[action.value]})

    @property
    def approved_at_utc(self) -> str | None:
        """When the review was approved; None while it is open."""
        times = [line.when_utc for line in self.audit if line.action == Action.APPROVE]
        return times[-1] if self.summary.locked and times else None


@dataclass(frozen=True)
class CaseBackground:
    """What a report says beside a review: the scan and how the network's result came about.

    Attributes:
        coronary: uint8 label map of the arteries on the scan's grid.
        findings: on the scan and on the network's result; what is said of the lesions is said anew of a review.
        courses: the named centre lines; None without any.
    """

    volume: Volume
    coronary: np.ndarray
    model: ModelStatement
    findings: tuple[Finding, ...] = ()
    dominance: str | None = None
    age_years: float | None = None
    sex: str | None = None
    courses: Courses | None = None


def report_of_result(result: Result, label: str = "") -> CaseReport:
    """The report of a result as the network left it.

    Args:
        label: the user's words for the case; whoever writes a name there has named the patient.

    Raises:
        InvalidPatientError: an impossible age or sex.
    """
    scores, volume = result.scores, result.volume
    background = CaseBackground(
        volume, result.coronary, scores.model, scores.findings, scores.dominance, scores.age_years, scores.sex
    )
    slices = slices_of_set(scores.lesions, volume.hu, volume.geometry, scores.resolved)
    pictures = draw_pictures(volume, result.calcium, result.coronary, scores.lesions.lesions)
    return _report(background, _untouched(result), slices, (), pictures, label)


def report_of_review(
    session: Session, summary: ReviewSummary, background: CaseBackground, label: str = ""
) -> CaseReport:
    """The report of a review as it stands.

    Args:
        summary: of this session, as `cacnet.edits.summary.summarize` makes it and the panel shows it.
        label: as for `report_of_result`.
    """
    volume = background.volume
    slices = slices_of_review(session.review, volume.hu, volume.geometry, summary.resolved)
    counting = counted(session.review, session.scores.lesions.values())
    pictures = draw_pictures(volume, session.review.label_map(), background.coronary, counting)
    any_artery = bool(np.isin(SparseMap.of(background.coronary).values, NAMED_VESSELS).any())
    said = remarks_on_result(
        counting, background.courses, any_artery, summary.approved_by is not None, summary.left_out_agatston
    )
    kept = (finding for finding in not_settled(background.findings, summary) if finding.code not in REMARKS)
    background = replace(background, findings=(*kept, *said))
    return _report(background, summary, slices, tuple(map(_line, session.audit)), pictures, label)


def _report(
    background: CaseBackground,
    summary: ReviewSummary,
    slices: tuple[LesionSlice, ...],
    audit: tuple[AuditLine, ...],
    pictures: Pictures,
    label: str,
) -> CaseReport:
    volume = background.volume
    if summary.approved_by:
        summary = replace(summary, approved_by=initials(summary.approved_by))
    return CaseReport(
        summary=summary,
        slices=slices,
        geometry=volume.geometry,
        acquisition=replace(volume.acquisition, patient_age_years=None, patient_sex=None),
        model=background.model,
        findings=tuple(_unnamed(finding, volume.source) for finding in background.findings),
        audit=audit,
        pictures=pictures,
        dominance=background.dominance,
        percentile_of=_patient(background.age_years, background.sex) if summary.percentile else "",
        label=printable(label)[:LONGEST_LABEL],
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        software=f"CACNet {cacnet.__version__}",
    )


def printable(text: str) -> str:
    """Text on one line without control characters, which some formats cannot hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _unnamed(finding: Finding, source: str) -> Finding:
    """A finding without the scan's file or folder name, which is often the patient's."""
    name = rf"'?(?<!\w){re.escape(source)}(?!\w)'?"
    return replace(finding, message=re.sub(name, "the scan", finding.message))


def _patient(age_years: float | None, sex: str | None) -> str:
    """In words; ages from OLDEST_STATED on are not told apart, because they identify (45 CFR 164.514)."""
    if age_years is None or sex is None:
        return ""
    years = f"{age_years:.0f} years" if age_years < OLDEST_STATED else f"{OLDEST_STATED} years or more"
    return f"{'men' if sex == 'M' else 'women'} of {years}"


def _line(entry: AuditEntry) -> AuditLine:
    return AuditLine(
        when_utc=entry.when_utc,
        action=entry.action.value,
        lesions=entry.lesions,
        details=printable(", ".join(f"{name}: {_detail(name, value)}" for name, value in entry.details.items())),
        agatston_before=entry.agatston_before,
        agatston_after=entry.agatston_after,
    )


def _detail(name: str, value: str) -> str:
    """Of readers no more is kept than their initials."""
    return initials(value) if name == "reviewer" else value


def _untouched(result: Result) -> ReviewSummary:
    scores = result.scores
    lesions = scores.lesions.lesions
    totals, vessels = scores.totals, per_vessel(lesions)
    percentile = None
    if scores.conclusive and scores.age_years is not None and scores.sex is not None:
        percentile = hoff_percentile(totals.agatston, scores.age_years, scores.sex)
    return ReviewSummary(
        totals=totals,
        network_totals=totals,
        percentile=percentile,
        vessels=tuple(VesselRow(vessel, vessels[vessel], vessels[vessel]) for vessel in Vessel),
        lesions=(*map(row_of, lesions), *_left_out(result)),
        network_lesions_removed=(),
        resolved=scores.resolved,
        can_undo=False,
        can_redo=False,
        approved_by=None,
    )


def _left_out(result: Result) -> tuple[LesionRow, ...]:
    """What was found and does not count, numbered as in a review of this result."""
    if not result.left_out:
        return ()
    volume, whole = result.volume, review_of(result.scores.lesions, result.left_out)
    others = {number: lesion for number, lesion in whole.lesions.items() if not lesion.counts}
    live = LiveScores(volume.hu, volume.geometry, result.scores.resolved, courses=result.courses)
    described = live.of(Review(whole.shape_zyx, MappingProxyType(others), whole.next_id)).lesions
    confidence = {number: lesion.confidence for number, lesion in zip(others, result.left_out, strict=True)}
    return tuple(
        replace(
            row_of(described[number]),
            state=lesion.state,
            reason=lesion.reason,
            counts=False,
            confidence=confidence[number],
        )
        for number, lesion in others.items()
    )
