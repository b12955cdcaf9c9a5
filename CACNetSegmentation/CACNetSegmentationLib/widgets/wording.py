"""Sentences of the panel, apart from Qt so that they can be read and tested on their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from cacnet.findings import Finding, Severity
from cacnet.installed_models import ModelSummary
from cacnet.reporting import figures
from cacnet.volume import Acquisition, Geometry

from CACNetSegmentationLib.widgets.translation import _

RESEARCH_USE = _("Research use, not for diagnosis. The model was trained on simulated CT.")
CHOOSE_A_CT = _("Choose a contrast CT of the heart.")
CHECKING = _("Looking at the CT …")
NOTHING_INSTALLED = _("Nothing was installed, so CACNet cannot run yet.")
LOOKING_FOR_DEVICES = _("Looking for graphics processors …")
NOT_INSTALLED_YET = _("PyTorch is not installed yet; the first run installs it.")
STOPPED = _("Stopped by an error")

FINDING_COLOURS = {Severity.ERROR: "#c62828", Severity.WARNING: "#b36b00", Severity.NOTE: "#2e7d32"}
"""Red stops the run, amber is to be known, green informs; dark enough to be read on white, and bright enough on dark
grey."""
FINDING_MARKS = {Severity.ERROR: "✖", Severity.WARNING: "▲", Severity.NOTE: "●"}
"""Shapes beside the colours, for readers who do not tell them apart."""

STAGE_TITLES = {
    "scan": _("Checking the files"),
    "read": _("Reading the CT"),
    "find the heart": _("Finding the heart"),
    "prepare": _("Preparing the image"),
    "network": _("Finding arteries and calcium"),
    "label": _("Assigning calcium to arteries"),
    "score": _("Scoring"),
    "write": _("Writing the results"),
}
"""What the user reads for the stages of `cacnet.worker`."""


def findings_html(findings: Iterable[Finding]) -> str:
    """One line per finding, the gravest first."""
    order = list(Severity)
    lines = (
        f'<p style="margin: 2px 0 2px 0"><span style="color:{FINDING_COLOURS[finding.severity]}">'
        f"{FINDING_MARKS[finding.severity]}</span> {escape(finding.message)}</p>"
        for finding in sorted(findings, key=lambda finding: order.index(finding.severity))
    )
    return "".join(lines)


def input_text(geometry: Geometry, acquisition: Acquisition) -> str:
    """Size and spacing of a CT and how it was made, as far as that is known; two lines, x first."""
    voxels = " × ".join(str(n) for n in geometry.shape_zyx[::-1])
    spacing = " × ".join(f"{mm:.3g}" for mm in geometry.spacing_mm_zyx[::-1])
    size = " × ".join(f"{mm:.0f}" for mm in geometry.extent_mm_zyx[::-1])
    grid = _("{voxels} voxels of {spacing} mm, {size} mm in all").format(voxels=voxels, spacing=spacing, size=size)
    return f"{grid}\n{acquisition_text(acquisition)}".rstrip()


def acquisition_text(acquisition: Acquisition) -> str:
    """'120 kVp · slices of 0.6 mm · kernel Bv40 · ACME · 61 years, F'; '' where nothing is known."""
    patient = []
    if acquisition.patient_age_years is not None:
        patient.append(_("{years:.0f} years").format(years=acquisition.patient_age_years))
    if acquisition.patient_sex is not None:
        patient.append(acquisition.patient_sex)
    parts = [
        f"{acquisition.kvp:g} kVp" if acquisition.kvp else "",
        _("slices of {mm:g} mm").format(mm=acquisition.slice_thickness_mm) if acquisition.slice_thickness_mm else "",
        _("kernel {name}").format(name=acquisition.kernel) if acquisition.kernel else "",
        acquisition.manufacturer or "",
        ", ".join(patient),
    ]
    return " · ".join(part for part in parts if part)


def devices_text(devices: Iterable[Mapping[str, str]], chosen: str) -> str:
    """What there is to compute on; a chosen device that is not there is named."""
    found = {device["name"]: device["hardware"] for device in devices}
    if chosen != "auto" and chosen not in found:
        return _("'{name}' is not available on this computer; choose 'auto'.").format(name=chosen)
    if chosen != "auto":
        return found[chosen]
    best = next(iter(found.values()))
    text = _("Will use: {hardware}").format(hardware=best)
    return text if len(found) > 1 else text + " " + _("(no graphics processor was found)")


def model_title(model: ModelSummary) -> str:
    """A model in the chooser; one that the user added is marked."""
    return f"{model.name} ({_('own')})" if model.own else model.name


def progress_text(stage: str, fraction: float, seconds_left: float | None) -> str:
    """'Finding arteries and calcium, 40 %, about 2 min left'; a stage without a title is shown as it is."""
    parts = [STAGE_TITLES.get(stage, stage), f"{round(100 * fraction)} %"]
    if seconds_left is not None:
        parts.append(time_left_text(seconds_left))
    return ", ".join(parts)


def time_left_text(seconds: float) -> str:
    """Remaining time, no finer than it is known."""
    if seconds < 10:
        return _("a few seconds left")
    if seconds < 90:
        return _("about {seconds} s left").format(seconds=5 * round(seconds / 5))
    return _("about {minutes} min left").format(minutes=round(seconds / 60))


def totals_text(totals: Mapping[str, Any], protocol: str) -> str:
    """The scores of a report in one line, as an equivalent that names its protocol. A missing mass is left out."""
    if totals.get("conclusive") is False:
        return _("No score: too little of the coronary arteries was recognised, so the sums of 0 are no finding")
    parts = [
        f"{_('Agatston equivalent')} {figures.AGATSTON.text(totals['agatston'])} ({protocol})",
        f"{_('volume')} {figures.VOLUME.text(totals['volume_mm3'])} mm³",
    ]
    if totals.get("mass_mg") is not None:
        parts.append(f"{_('mass')} {figures.MASS.text(totals['mass_mg'])} mg")
    lesions = totals["lesions"]
    parts.append(_("1 lesion") if lesions == 1 else _("{count} lesions").format(count=lesions))
    if totals.get("cac_drs"):
        parts.append(f"CAC-DRS {totals['cac_drs']}")
    return " · ".join(parts)
