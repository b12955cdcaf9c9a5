"""One reviewed case into a data set for training: image, labels, hard negatives, and a record of how they came about.

Nothing that is written says who the patient is: ids come from the CT's values, headers are not copied, free text and
dates are left out, times of corrections are relative to the first of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.dataset.corrections import write_corrected_case
from cacnet.dataset.nnunet_export import write_nnunet_case
from cacnet.dataset.scan import LabelledScan, Provenance, Review, ReviewState
from cacnet.edits import journal
from cacnet.edits.review import RejectReason
from cacnet.edits.review import ReviewState as LesionState
from cacnet.edits.session import Session
from cacnet.reviewed_case import ReviewedCase, initials

LABEL_RULE = "the model's labels, corrected by a reader; the arteries are the model's, with the calcium added"
JOURNAL_FILE = "journal.json"
HARD_NEGATIVES: Mapping[RejectReason, int] = {reason: number for number, reason in enumerate(RejectReason, start=1)}
"""Number in hard_negatives.nii.gz of each reason of a rejection."""
ERASED = len(HARD_NEGATIVES) + 1
"""Its number for lesions of the network that were erased whole, without a reason."""


class ExportLayout(StrEnum):
    """How a data set lies on disk."""

    OURS = "ours"
    NNUNET = "nnunet"


UNFINISHED = {
    ExportLayout.OURS: "training leaves it out until it is approved",
    ExportLayout.NNUNET: "nnU-Net takes it for truth all the same",
}
"""What becomes of a case that nobody has approved."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: of the case.
        replaced: whether the data set had the case before.
    """

    case_id: str
    path: Path
    state: ReviewState
    replaced: bool
    layout: ExportLayout = ExportLayout.OURS

    @property
    def sentence(self) -> str:
        """For the reader."""
        done = "Updated" if self.replaced else "Added"
        unfinished = "" if self.state is ReviewState.APPROVED else f"; {UNFINISHED[self.layout]}"
        return f"{done} {self.case_id} ({self.state.value}{unfinished})."


def export_case(
    dataset: Path, case: ReviewedCase, layout: ExportLayout = ExportLayout.OURS, any_state: bool = False
) -> Exported:
    """Add a case to a data set, or bring it up to date, whole or not at all.

    Args:
        any_state: take a case that nobody has approved into an nnU-Net data set, which knows no states.

    Raises:
        NotApprovedError, DatasetFileError, UnwritableOutputError: nothing was changed.
    """
    scan = labelled_scan(case)
    documents = {JOURNAL_FILE: anonymous_journal(case.session)}
    extra = _what_was_done(case)
    if layout is ExportLayout.NNUNET:
        known = (dataset / "labelsTr" / f"{scan.case_id}.nii.gz").exists()
        path = write_nnunet_case(dataset, scan, documents, extra, any_state)
    else:
        known = (dataset / "cases" / scan.case_id).exists()
        path = write_corrected_case(dataset, scan, extra, documents)
    return Exported(scan.case_id, path, case.state, known, layout)


def labelled_scan(case: ReviewedCase) -> LabelledScan:
    """The CT with the labels as reviewed: calcium that counts, arteries that cover it, hard negatives."""
    review = Review(
        case.state, case.resolved.protocol.name, case.model.id, case.model.weights_sha256, reviewer=case.reviewer
    )
    return LabelledScan(
        case.pseudonym(),
        case.volume,
        case.calcium,
        case.coronary_covering_calcium,
        hard_negatives(case.session),
        Provenance("cacnet", LABEL_RULE, review=review),
    )


def hard_negatives(session: Session) -> np.ndarray:
    """uint8 (z, y, x): what was rejected, by reason (HARD_NEGATIVES), and network lesions erased whole (ERASED).

    What the program left out and nobody has judged is neither.
    """
    review = session.review
    kinds = np.zeros(review.shape_zyx, np.uint8)
    flat = kinds.ravel()
    for lesion in review.lesions.values():
        if lesion.state is LesionState.REJECTED:
            flat[lesion.index] = HARD_NEGATIVES[lesion.reason or RejectReason.OTHER]
    known = (review.label_map() > 0).ravel() | (flat > 0)
    for lesion in session.original.lesions.values():
        if lesion.counts and not known[lesion.index].any():
            flat[lesion.index] = ERASED
    return kinds


def anonymous_journal(session: Session) -> dict[str, Any]:
    """The journal, from which `journal.replay` makes the same labels, without dates, names and free text."""
    content = journal.document(session)
    times = _relative_times([entry["when_utc"] for entry in content["entries"]])
    entries = [
        {**entry, "when_utc": when, "details": _known_details(entry["details"])}
        for entry, when in zip(content["entries"], times, strict=True)
    ]
    return {**content, "entries": entries}


def _relative_times(times: list[str]) -> list[str]:
    """The same intervals from the beginning of 1970 on; where a time cannot be read, only the order is kept."""
    epoch = datetime.fromtimestamp(0, UTC)
    try:
        read = [datetime.fromisoformat(time) for time in times]
        return [(epoch + (time - read[0])).isoformat(timespec="seconds") for time in read]
    except (ValueError, TypeError, OverflowError):
        return [epoch.isoformat(timespec="seconds")] * len(times)


def _known_details(details: Mapping[str, str]) -> dict[str, str]:
    kept = {}
    vocabulary = {"reason": {str(r) for r in RejectReason}, "vessel": {vessel.label for vessel in Vessel}}
    for name, value in details.items():
        if value in vocabulary.get(name, ()):
            kept[name] = value
        elif name == "reviewer" and initials(value):
            kept[name] = initials(value)
    return kept


def _what_was_done(case: ReviewedCase) -> dict[str, Any]:
    """Entries of the record beside those of every data set: the network's result, the reader's, and what changed."""
    session = case.session
    now, network = session.scores.totals, session.original_scores.totals
    return {
        "network": {"lesions": len(session.original.lesions), "agatston": round(network.agatston, 3)},
        "reviewed": {
            "lesions": sum(lesion.counts for lesion in session.review.lesions.values()),
            "agatston": round(now.agatston, 3),
        },
        "corrections": dict(sorted(Counter(entry.action.value for entry in session.audit).items())),
        "labels_sha256": journal.labels_sha256(session.review),
        "protocol": {"name": case.resolved.protocol.name, "threshold_hu": round(case.resolved.threshold_hu, 3)},
        "hard_negatives": {**{str(r): number for r, number in HARD_NEGATIVES.items()}, "erased": ERASED},
        "journal": JOURNAL_FILE,
    }
