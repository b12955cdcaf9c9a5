"""One CT with its labels, and what is known about them: what every reader of a data set makes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from cacnet.anatomy import NAMED_VESSELS, Vessel
from cacnet.dataset.errors import LabelError
from cacnet.findings import Finding
from cacnet.volume import GeometryMismatchError, Volume


class ReviewState(StrEnum):
    """How far somebody has looked through the labels."""

    UNREVIEWED = "unreviewed"
    PARTLY = "partly"
    APPROVED = "approved"


@dataclass(frozen=True)
class Review:
    """How labels that a model proposed were corrected.

    Attributes:
        state: see ReviewState; only approved labels are truth.
        protocol: scoring protocol under which they were reviewed.
        model_id, model_sha256: the model that proposed them, and the hash of its weights.
        reviewer: initials of who approved them, where they were given.
    """

    state: ReviewState
    protocol: str | None = None
    model_id: str | None = None
    model_sha256: str | None = None
    reviewer: str | None = None


@dataclass(frozen=True)
class Provenance:
    """Where labels come from and what they can tell.

    Attributes:
        layout: 'nnunet', 'orcascore', 'coca' or 'cacnet'.
        label_rule: in words, how the labels were made from the data set's own.
        named_vessels: the arteries that the labels tell apart; empty where they name none, and number 5 says nothing.
        left_main_counted_as: the artery that holds the left main's calcium, where the data set does not name it.
        review: the review of our own corrections; None for the data sets of others.
    """

    layout: str
    label_rule: str
    named_vessels: tuple[Vessel, ...] = NAMED_VESSELS
    left_main_counted_as: Vessel | None = None
    review: Review | None = None


@dataclass(frozen=True, eq=False)
class LabelledScan:
    """A CT and its labels, all (z, y, x) on the CT's own grid. None is unknown: nobody labelled it.

    Attributes:
        case_id: a pseudonym, fit to be a folder name.
        volume: the CT.
        calcium: uint8, 0 or the number of the artery (cacnet.anatomy.Vessel), or None.
        coronary: uint8, 0 or the number of the artery (lumen, wall and plaque), or None.
        distractor: uint8, 0 or the kind of what looks like calcium and is not (hard negatives), or None.
        provenance: where the labels come from.
        findings: what the reader noticed about the labels.

    Raises:
        GeometryMismatchError: a label map of another shape than the CT.
        LabelError: a label map of another type, or with numbers that stand for no artery; neither calcium nor arteries.
    """

    case_id: str
    volume: Volume
    calcium: np.ndarray | None
    coronary: np.ndarray | None
    distractor: np.ndarray | None
    provenance: Provenance
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if self.calcium is None and self.coronary is None:
            raise LabelError("neither calcium nor coronary arteries are labelled", "at least one of them")
        for name in ("calcium", "coronary", "distractor"):
            labels = getattr(self, name)
            if labels is None:
                continue
            if labels.shape != self.volume.hu.shape:
                raise GeometryMismatchError(
                    f"the {name} labels have the shape {labels.shape} (z, y, x)",
                    f"the shape of the CT, {self.volume.hu.shape}",
                )
            if labels.dtype != np.uint8:
                raise LabelError(f"the {name} labels are of type {labels.dtype}", "uint8")
            if name != "distractor" and labels.max(initial=0) > max(Vessel):
                raise LabelError(f"the {name} labels go up to {labels.max()}", f"0 to {max(Vessel):d}")

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the data set does not say: of 'calcium', 'coronary', 'distractor' and 'vessels'."""
        absent = {
            "calcium": self.calcium is None,
            "coronary": self.coronary is None,
            "distractor": self.distractor is None,
            "vessels": not self.provenance.named_vessels,
        }
        return tuple(name for name, missing in absent.items() if missing)
