"""Small cases for tests of the reports: two lesions of the LAD and one of the RCA, as found and after a review."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from cacnet.anatomy import Vessel
from cacnet.edits import operations
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import RejectReason, review_of
from cacnet.edits.session import Action, Session
from cacnet.edits.summary import summarize
from cacnet.findings import Finding, Severity
from cacnet.lesions import find_lesions
from cacnet.pipeline import Result
from cacnet.report import NO_ARTERIES, ModelStatement, Scores
from cacnet.reporting.case_report import CaseBackground, CaseReport, report_of_result, report_of_review
from cacnet.scoring import protocol_named, resolve
from cacnet.volume import Acquisition, Geometry, Volume

SHAPE = (8, 40, 40)
GRID = Geometry(SHAPE, (3.0, 0.5, 0.5), (-10.0, -10.0, 50.0))
LITERATURE = resolve(protocol_named("literature"), kvp=120.0)
NAME = "DOE^JANE 19700101"
"""What a folder of DICOM files is often called, and no report may say."""
MODEL = ModelStatement("tiny", "0123456789abcdef" * 4, "Trained on simulated CCTA.")


def result(boxes=((1, 10, 250.0, 2), (4, 10, 450.0, 2), (4, 25, 150.0, 4))) -> Result:
    """4 × 4 pixels of calcium for each (slice, row and column, HU, vessel): 8 + 16 + 4 Agatston."""
    hu, calcium = np.full(SHAPE, 40, np.int16), np.zeros(SHAPE, np.uint8)
    coronary = np.zeros(SHAPE, np.uint8)
    for z, at, value, vessel in boxes:
        hu[z, at : at + 4, at : at + 4], calcium[z, at : at + 4, at : at + 4] = value, vessel
        coronary[:, at - 2 : at + 6, at - 2 : at + 6] = vessel
    volume = Volume(hu, GRID, Acquisition("CT", 120.0, 3.0, patient_age_years=62.0, patient_sex="M"), NAME)
    findings = (
        Finding("slice-increment-thick", Severity.WARNING, f"The slices of '{NAME}' are 3 mm apart."),
        Finding("contrast", Severity.NOTE, "The blood has 40 HU."),
    )
    scores = Scores(find_lesions(calcium, hu, GRID, LITERATURE), LITERATURE, findings, MODEL, age_years=62.0, sex="M")
    return Result(volume, calcium, coronary, scores)


def without_arteries() -> Result:
    """A result in which nothing was recognised."""
    empty = result(())
    finding = Finding(NO_ARTERIES, Severity.WARNING, "No coronary artery was recognised.")
    return replace(empty, scores=replace(empty.scores, findings=(finding,)))


def reviewed_session(found: Result, approve: bool = True) -> Session:
    """The second lesion (4 × 4 pixels of 450 HU) rejected, the first relabelled, the rest accepted."""
    times = iter(f"2026-01-02T03:04:{second:02d}+00:00" for second in range(60))
    live = LiveScores(found.volume.hu, GRID, LITERATURE)
    session = Session(review_of(found.scores.lesions), live, clock=lambda: next(times))
    session.apply(
        Action.REJECT, operations.reject(session.review, [2], RejectReason.STENT), {"reason": RejectReason.STENT.value}
    )
    session.apply(Action.RELABEL, operations.relabel(session.review, [1], Vessel.LCX))
    session.apply(Action.ACCEPT_ALL, operations.accept_all(session.review))
    if approve:
        session.approve("Anna Berg")
    return session


def background(found: Result) -> CaseBackground:
    """What the report says beside the review."""
    return CaseBackground(found.volume, found.coronary, MODEL, found.scores.findings, "right", 62.0, "M")


@cache
def found_report() -> CaseReport:
    """The case as the network left it."""
    return report_of_result(result(), "Case 7")


@cache
def reviewed_report() -> CaseReport:
    """The case after an approved review."""
    found = result()
    session = reviewed_session(found)
    return report_of_review(session, summarize(session, LITERATURE, 62.0, "M"), background(found), "=1+1")


@cache
def empty_report() -> CaseReport:
    """The case in which no artery was recognised."""
    return report_of_result(without_arteries())
