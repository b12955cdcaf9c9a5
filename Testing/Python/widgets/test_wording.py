"""Sentences of the panel."""

import ast
import re

import pytest
from cacnet.findings import Finding, Severity
from cacnet.volume import Acquisition, Geometry
from cacnet.worker import STAGE_SHARES
from CACNetSegmentationLib.widgets.wording import (
    STAGE_TITLES,
    acquisition_text,
    findings_html,
    input_text,
    progress_text,
    time_left_text,
    totals_text,
)
from product_paths import PRODUCT

TOTALS = {"agatston": 123.456, "volume_mm3": 98.76, "mass_mg": 21.0, "lesions": 3, "vessels": 2, "cac_drs": "A2/N2"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3, "a few seconds left"),
        (12, "about 10 s left"),
        (88, "about 90 s left"),
        (95, "about 2 min left"),
        (600, "about 10 min left"),
    ],
)
def test_time_left_is_no_finer_than_it_is_known(seconds, text):
    assert time_left_text(seconds) == text


def test_progress_names_stage_percent_and_time():
    assert progress_text("network", 0.404, 125) == "Finding arteries and calcium, 40 %, about 2 min left"
    assert progress_text("Reading", 0, None) == "Reading, 0 %"


def test_every_stage_of_the_worker_has_a_title():
    assert set(STAGE_TITLES) == set(STAGE_SHARES)


def test_totals_say_equivalent_and_protocol():
    assert totals_text(TOTALS, "ccta-adaptive") == (
        "Agatston equivalent 123.5 (ccta-adaptive) · volume 98.8 mm³ · mass 21.0 mg · 3 lesions · CAC-DRS A2/N2"
    )


def test_one_lesion_is_singular_and_an_unknown_mass_is_left_out():
    text = totals_text(TOTALS | {"lesions": 1, "mass_mg": None, "cac_drs": None}, "literature")
    assert text == "Agatston equivalent 123.5 (literature) · volume 98.8 mm³ · 1 lesion"


def test_a_zero_for_want_of_arteries_is_not_shown_as_a_score():
    text = totals_text({"agatston": 0.0, "volume_mm3": 0.0, "lesions": 0, "conclusive": False}, "ccta-adaptive")
    assert text.startswith("No score")
    assert "Agatston" not in text


def test_findings_are_listed_by_gravity_with_a_shape_each_and_no_markup_of_their_own():
    findings = [Finding("n", Severity.NOTE, "fine"), Finding("e", Severity.ERROR, "a < b")]
    html = findings_html(findings)
    assert html.index("a &lt; b") < html.index("fine")
    assert "✖" in html
    assert "●" in html
    assert findings_html([]) == ""


def test_what_is_not_known_of_a_scan_is_left_out():
    known = Acquisition(kvp=100.0, slice_thickness_mm=0.6, kernel="Bv40", manufacturer="ACME", patient_age_years=61.4)
    assert acquisition_text(known) == "100 kVp · slices of 0.6 mm · kernel Bv40 · ACME · 61 years"
    assert acquisition_text(Acquisition(patient_sex="F")) == "F"
    assert acquisition_text(Acquisition()) == ""


def test_a_ct_is_described_by_voxels_spacing_and_size_x_first():
    text = input_text(Geometry((300, 400, 500), (0.5, 0.4, 0.35)), Acquisition())
    assert text == "500 × 400 × 300 voxels of 0.35 × 0.4 × 0.5 mm, 175 × 160 × 150 mm in all"


CALLED_BY_THE_PANEL = [
    path
    for name in ("dataset", "dicom", "edits", "reporting", "scoring", "training")
    for path in (PRODUCT / "cacnet" / name).glob("*.py")
]
COMMAND_LINE_ONLY = ("cli.py", "command.py", "_command.py", "train.py", "make_cases.py")
"""Files whose sentences only somebody who has typed a command can meet."""


def test_the_panel_and_what_it_calls_speak_of_no_command_line_option():
    """Error sentences of `cacnet` are shown in the panel, too; an option there would send the reader nowhere."""
    found = []
    for path in [*(PRODUCT / "CACNetSegmentationLib").rglob("*.py"), *CALLED_BY_THE_PANEL]:
        if path.name.endswith(COMMAND_LINE_ONLY):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
                texts = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
                found += [f"{path.name}: {text}" for text in texts if re.search(r"(^|\s)--[a-z]", text)]
    assert found == []
