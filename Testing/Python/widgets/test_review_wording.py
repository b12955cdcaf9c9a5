"""What the review says."""

from dataclasses import replace

import pytest
from cacnet.anatomy import Vessel
from cacnet.edits.review import RejectReason, ReviewState
from cacnet.edits.summary import Difference
from cacnet.scoring import HoffPercentile
from cacnet.vessels.places import Third
from CACNetSegmentationLib.widgets.review import wording
from review_service import FakeService


@pytest.fixture
def service():
    return FakeService(5)


@pytest.fixture
def row(service):
    return replace(service.summary.lesions[0], third=Third.PROXIMAL, from_ostium_mm=23.4)


@pytest.mark.parametrize(
    ("value", "network", "text"),
    [
        (312.0, 298.0, "network 298.0, +14.0"),
        (298.0, 312.0, "network 312.0, −14.0"),
        (298.21, 298.24, "network 298.2, unchanged"),
        (10.04, 5.06, "network 5.1, +4.9"),  # 10.0 − 5.1, as a reader subtracts
        (0.0, 8.5, "network 8.5, −8.5"),
        (0.0, 0.0, "network 0.0, unchanged"),
    ],
)
def test_the_change_from_the_network_has_a_sign(value, network, text):
    assert wording.difference(value, network) == text


def test_a_score_above_1000_is_flagged(service):
    summary = service.summary
    assert "above 1000" not in wording.headline_html(summary)
    flagged = replace(summary, totals=replace(summary.totals, agatston=1200.0, very_high=True))
    assert "above 1000" in wording.headline_html(flagged)


def test_what_the_program_left_out_is_said_where_a_review_ends():
    service = FakeService(4, left_out=1)
    assert wording.progress_text(service.summary) == "0 of 3 reviewed, 1 left out"
    assert "3 lesions not reviewed yet" in wording.finish_text(service.summary)
    service.accept_all()
    assert "1 lesion left out by the program (?) has not been judged" in wording.finish_text(service.summary)
    service.reject([4], RejectReason.VALVE)
    assert wording.finish_text(service.summary) == "All lesions are reviewed."
    service = FakeService(4, left_out=2)
    service.accept_all()
    assert "2 lesions left out by the program (?) have not been judged" in wording.finish_text(service.summary)


def test_a_left_out_lesion_says_what_it_may_be_and_what_to_do():
    row = FakeService(2, left_out=1).summary.lesions[1]
    assert "which takes it for: valve. It adds nothing; accept it if you see plaque" in wording.row_tooltip(row)
    other = replace(row, reason=RejectReason.OTHER)
    assert "does not believe that it is calcium of the artery. It adds nothing" in wording.row_tooltip(other)


def test_a_zero_that_is_no_finding_is_no_score(service):
    text = wording.headline_html(replace(service.summary, inconclusive="No coronary artery was recognised <here>."))
    assert "No score" in text
    assert "No coronary artery was recognised &lt;here&gt;." in text
    for part in ("A1/N4", "mild", "Agatston equivalent"):
        assert part not in text


def test_the_headline_doubts_a_zero_while_something_was_left_out_until_it_is_judged_or_approved():
    service = FakeService(2, left_out=1)
    assert "would make it" not in wording.headline_html(service.summary)
    service.reject([1], RejectReason.NOISE)
    assert "The score is 0, but one calcification that would make it 8.0" in wording.headline_html(service.summary)
    service.reject([2], RejectReason.VALVE)
    assert "would make it" not in wording.headline_html(service.summary)
    approved = replace(FakeService(1, left_out=1).summary, approved_by="AB")
    assert "would make it" not in wording.headline_html(approved)


def test_the_headline_names_equivalent_protocol_category_and_code(service):
    text = wording.headline_html(service.summary)
    for part in ("Agatston equivalent", "literature", "130 HU", "mild (11–100)", "A1/N4"):
        assert part in text


def test_lesions_below_the_minimum_are_mentioned(service):
    totals = service.summary.totals
    assert "minimum" not in wording.sums_html(service.summary)
    summary = replace(service.summary, totals=replace(totals, lesions_below_rule=2))
    assert "2 lesions more below the protocol's minimum" in wording.sums_html(summary)


@pytest.mark.parametrize(
    ("percentile", "text"),
    [
        (None, "Percentile: enter age and sex"),
        (HoffPercentile("<25th", None), "<25th percentile"),
        (HoffPercentile("50th–75th", 61.2), "50th–75th percentile (about the 61st)"),
        (HoffPercentile("50th–75th", 62.0), "50th–75th percentile (about the 62nd)"),
        (HoffPercentile("50th–75th", 73.0), "50th–75th percentile (about the 73rd)"),
        (HoffPercentile("75th–90th", 80.0), "75th–90th percentile (about the 80th)"),
        (HoffPercentile("<25th", 12.0), "<25th percentile (about the 12th)"),
    ],
)
def test_percentiles_are_ordinals(percentile, text):
    assert wording.percentile_text(percentile) == text


def test_a_place_is_said_as_far_as_it_is_known(row):
    assert wording.place_text(row) == "prox 23\u00a0mm"
    assert wording.place_text(replace(row, third=None)) == "23\u00a0mm"
    assert wording.place_text(replace(row, third=None, from_ostium_mm=None)) == "–"


def test_the_tooltip_says_what_the_table_has_no_room_for(row):
    text = wording.row_tooltip(replace(row, origin=(2, 3)))
    assert "Lesion 1: LAD proximal, 23\u00a0mm from the ostium" in text
    assert "in 1 slice" in text
    assert "Made of lesion 2, 3" in text
    assert "Unreviewed" in text


def test_the_tooltip_of_a_rejected_lesion_names_the_reason(service):
    service.reject([1], RejectReason.AORTIC_WALL)
    assert "Rejected as aortic wall" in wording.row_tooltip(service.summary.lesions[0])


def test_a_lesion_below_the_rule_says_that_it_adds_nothing(row):
    assert "adds nothing" in wording.row_tooltip(replace(row, counts=False))
    assert "adds nothing" not in wording.row_tooltip(row)


def test_a_result_whose_lesions_were_all_removed_does_not_claim_that_none_were_found(service):
    service.erase([1, 2, 3, 4, 5])
    text = wording.no_lesions_text(service.summary)
    assert "5 lesions" in text
    assert "No coronary calcium" not in text


def test_approving_an_empty_result_is_explained():
    assert "you looked and agree" in wording.finish_text(FakeService(0).summary)


def test_every_vessel_has_the_colour_of_its_segment():
    assert set(wording.VESSEL_COLOURS) == set(Vessel)
    assert wording.VESSEL_COLOURS[Vessel.LAD] == "#e69f00"


def test_names_from_outside_are_escaped_in_rich_text(service):
    service.accept_all()
    service.approve("<b>")
    assert "&lt;b&gt;" in wording.headline_html(service.summary)


def test_an_estimate_without_contrast_stands_beside_the_raw_score_with_its_origin(service):
    assert wording.estimate_html(service.summary) == ""
    service.use_protocol("ccta-calibrated")
    text = wording.estimate_html(service.summary)
    assert f"<b>{service.summary.equivalent.estimate:.0f}</b>" in text
    assert wording.estimate_html(replace(service.summary, inconclusive="No artery was recognised.")) == ""
    assert "95 % interval" in text
    assert "Calibrated on simulation, not validated on patients" in text


def test_every_state_reason_and_difference_has_a_name():
    assert set(wording.STATE_NAMES) == set(ReviewState)
    assert set(wording.REASON_NAMES) == set(RejectReason)
    assert set(wording.DIFFERENCE_NAMES) == set(Difference)


def test_the_first_letter_of_a_reason_chooses_it():
    assert len({name[0] for name in wording.REASON_NAMES.values()}) == len(RejectReason)
