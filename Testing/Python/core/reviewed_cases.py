"""A small reviewed scan for tests of what is exported: four calcifications, one of each artery, and corrections."""

from __future__ import annotations

import numpy as np
from cacnet.anatomy import Vessel
from cacnet.edits import operations
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import RejectReason, review_of
from cacnet.edits.session import Action, Session
from cacnet.edits.strokes import repaint
from cacnet.lesions import find_lesions
from cacnet.report import ModelStatement
from cacnet.reviewed_case import ReviewedCase
from cacnet.scoring import protocol_named, resolve
from cacnet.volume import Volume
from dataset_folders import GEOMETRY, SHAPE_ZYX, hu, spots

LITERATURE = resolve(protocol_named("literature"), kvp=120.0)
MODEL = ModelStatement("cacnet-simulated-v1", "ab" * 32, "Trained on simulated CCTA.")


def reviewed_case(
    volume: Volume | None = None, labels: np.ndarray | None = None, coronary: np.ndarray | None = None
) -> ReviewedCase:
    """Calcium of 400 HU and 1 × 2 × 2 voxels for each artery (ids 1 to 4), as the network left it."""
    volume = volume or Volume(hu(), GEOMETRY)
    labels = spots() if labels is None else labels
    found = find_lesions(labels, volume.hu, volume.geometry, LITERATURE)
    live = LiveScores(volume.hu, volume.geometry, LITERATURE)
    if coronary is None:
        coronary = np.zeros(SHAPE_ZYX, np.uint8)
        coronary[2:14, 8, 9] = 2
        coronary[9, 10:14, 11] = 5
    return ReviewedCase(volume, Session(review_of(found), live), coronary, LITERATURE, MODEL)


def correct(case: ReviewedCase) -> ReviewedCase:
    """LM accepted, LAD named LCx and grown by a voxel, LCx rejected as a stent, RCA erased whole."""
    session = case.session
    session.apply(Action.ACCEPT, operations.accept(session.review, [1]))
    session.apply(Action.RELABEL, operations.relabel(session.review, [2], Vessel.LCX), {"vessel": "LCx"})
    painted = np.ravel_multi_index((6, 8, 11), SHAPE_ZYX)
    session.apply(Action.PAINT, repaint(session.review, np.array([painted]), np.array([3])))
    rejection = operations.reject(session.review, [3], RejectReason.STENT)
    session.apply(Action.REJECT, rejection, {"reason": "stent", "note": "Secret^Name"})
    session.apply(Action.ERASE, operations.erase(session.review, session.review.lesion(4).index))
    return case


def approve(case: ReviewedCase, reviewer: str = "AB") -> ReviewedCase:
    """Everything left accepted, and closed."""
    session = case.session
    session.apply(Action.ACCEPT_ALL, operations.accept_all(session.review))
    session.approve(reviewer)
    return case
