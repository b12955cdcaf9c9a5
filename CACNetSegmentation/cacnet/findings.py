"""What is said about an input: a code for programs, a severity, and one sentence for the reader."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters: an error stops segmentation, a warning is shown beside the scores, a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing noticed about an input.

    Attributes:
        code: stable, lower-case, hyphenated, such as 'slice-increment-thick'.
        severity: see Severity.
        message: one or two sentences: what was found, what was expected, what to do.
    """

    code: str
    severity: Severity
    message: str


RUN_FINDINGS = frozenset(
    {
        "heart-not-found",
        "computing-reduced",
        "vessels",
        "calcium-left-out",
        "calcium-far-from-arteries",
        "second-look",
        "lesions-not-confirmed",
        "borders-not-refined",
        "arteries-not-judged",
    }
)
"""Codes of what only the run knows: a review keeps them, because neither the scan nor the lesions tell it again."""

OF_LEFT_OUT = frozenset({"calcium-left-out", "lesions-not-confirmed"})
"""Those of them that are settled once a reader has judged every lesion that was left out."""
