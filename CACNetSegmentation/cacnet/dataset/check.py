"""What is to be said about a labelled scan before it is trained or evaluated on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cacnet.dataset.scan import LabelledScan, ReviewState
from cacnet.findings import Finding, Severity
from cacnet.validation import check

CALCIUM_ABOVE_HU = 100.0
"""Calcium is 130 HU or more without contrast and brighter than the blood with it; its blurred rim is darker."""
DARK_SHARE = 0.5


def check_scan(scan: LabelledScan) -> tuple[Finding, ...]:
    """All findings: on the CT (an error there means that it cannot be used), by the reader, and on the labels."""
    return (*check(scan.volume), *scan.findings, *_calcium(scan), *_unknown(scan), *_review(scan))


def _calcium(scan: LabelledScan) -> Iterator[Finding]:
    if scan.calcium is None:
        return
    values = scan.volume.hu[scan.calcium > 0]
    if not len(values):
        yield Finding("no-calcium", Severity.NOTE, "The labels hold no calcium: a case of score 0.")
        return
    dark = np.count_nonzero(values < CALCIUM_ABOVE_HU) / len(values)
    if dark > DARK_SHARE:
        message = (
            f"{dark:.0%} of the calcium labels lie on voxels below {CALCIUM_ABOVE_HU:.0f} HU: the labels may be "
            "shifted or of another scan. Look at the case before using it."
        )
        yield Finding("calcium-dark", Severity.WARNING, message)


def _unknown(scan: LabelledScan) -> Iterator[Finding]:
    for name, words in (("calcium", "calcium"), ("coronary", "the coronary arteries")):
        if name in scan.unknown:
            message = (
                f"The data set does not label {words}: unknown, not absent. Training leaves that channel out, and "
                "figures of it must leave this case out."
            )
            yield Finding(f"{name}-unknown", Severity.NOTE, message)
    if not scan.provenance.named_vessels:
        message = "The labels name no arteries; figures by artery must leave this case out."
        yield Finding("vessels-unknown", Severity.NOTE, message)
    merged = scan.provenance.left_main_counted_as
    if merged is not None:
        message = f"The labels count the left main as {merged.label}; compare the two only together."
        yield Finding("left-main-merged", Severity.NOTE, message)


def _review(scan: LabelledScan) -> Iterator[Finding]:
    review = scan.provenance.review
    if review is not None and review.state is not ReviewState.APPROVED:
        message = (
            f"The labels are {review.state.value.replace('partly', 'partly reviewed')}: what the model missed or "
            "invented is still in them. Approve the case before it is learned from."
        )
        yield Finding("not-approved", Severity.WARNING, message)
