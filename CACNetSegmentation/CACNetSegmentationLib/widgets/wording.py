"""Sentences of the panel, apart from Qt so that they can be read and tested on their own."""

from __future__ import annotations

from collections.abc import Mapping

RESEARCH_USE = "Research use, not for diagnosis. The model was trained on simulated CT."


STAGE_TITLES = {
    "scan": "Checking the files",
    "read": "Reading the CT",
    "find the heart": "Finding the heart",
    "prepare": "Preparing the image",
    "network": "Finding arteries and calcium",
    "label": "Assigning calcium to arteries",
    "score": "Scoring",
    "write": "Writing the results",
}
"""What the user reads for the stages of `cacnet.worker`."""


def progress_text(stage: str, fraction: float, seconds_left: float | None) -> str:
    """'Finding arteries and calcium, 40 %, about 2 min left'; a stage without a title is shown as it is."""
    parts = [STAGE_TITLES.get(stage, stage), f"{round(100 * fraction)} %"]
    if seconds_left is not None:
        parts.append(time_left_text(seconds_left))
    return ", ".join(parts)


def time_left_text(seconds: float) -> str:
    """Remaining time, no finer than it is known."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"about {5 * round(seconds / 5)} s left"
    return f"about {round(seconds / 60)} min left"


def totals_text(totals: Mapping[str, object], protocol: str) -> str:
    """The scores of a report in one line, as an equivalent that names its protocol. A missing mass is left out."""
    if totals.get("conclusive") is False:
        return "No score: no coronary artery was recognised, so the sums of 0 are no finding"
    parts = [
        f"Agatston equivalent {_number(totals['agatston'])} ({protocol})",
        f"volume {_number(totals['volume_mm3'])} mm³",
    ]
    if totals.get("mass_mg") is not None:
        parts.append(f"mass {_number(totals['mass_mg'])} mg")
    lesions = totals["lesions"]
    parts.append("1 lesion" if lesions == 1 else f"{lesions} lesions")
    if totals.get("cac_drs"):
        parts.append(f"CAC-DRS {totals['cac_drs']}")
    return " · ".join(parts)


def _number(value: object) -> str:
    return f"{float(str(value)):.1f}"
