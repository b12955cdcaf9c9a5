"""Sentences of the panel."""

import pytest
from cacnet.worker import STAGE_SHARES
from CACNetSegmentationLib.widgets.wording import STAGE_TITLES, progress_text, time_left_text, totals_text

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
