"""What the reader of the page is told, in words."""

from dataclasses import replace

import pytest
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import review_of
from cacnet.edits.session import Session
from cacnet.edits.summary import summarize
from cacnet.findings import Finding, Severity
from cacnet.reporting.case_report import report_of_review
from cacnet.reporting.page import LESIONS_LISTED, page_of
from report_cases import (
    GRID,
    LITERATURE,
    background,
    empty_report,
    found_report,
    result,
    reviewed_report,
    reviewed_session,
    without_arteries,
)


def test_the_headline_is_the_total_of_the_tables() -> None:
    page = page_of(reviewed_report())
    assert page.headline == "12.0"
    assert page.vessels.rows[-1][:2] == ("Total", "12.0")
    assert page.vessels.rows[-1][-1] == "28.0"


def test_the_facts_tell_how_many_of_the_lesions_listed_are_too_small_to_score() -> None:
    report = found_report()
    totals = replace(report.summary.totals, lesions=3, lesions_below_rule=2)
    facts = dict(page_of(replace(report, summary=replace(report.summary, totals=totals))).facts)
    assert facts["Lesions"] == "3, 2 more below the protocol's minimum"


def test_without_corrections_the_networks_own_column_is_left_out() -> None:
    assert "Agatston, network alone" not in page_of(found_report()).vessels.titles


def test_the_badge_says_how_far_the_review_has_come() -> None:
    found = result()
    started = reviewed_session(found, approve=False)
    report = report_of_review(started, summarize(started, LITERATURE), background(found))
    lesions = report.summary.lesions
    unreviewed = replace(lesions[0], state=type(lesions[0].state)("unreviewed"))
    partly = replace(report, summary=replace(report.summary, lesions=(unreviewed, *lesions[1:])))
    assert page_of(found_report()).badge.text == "Not reviewed"
    assert page_of(partly).badge.text == "Partly reviewed: 2 of 3 lesions"
    assert page_of(report).badge.text == "Reviewed, not approved"
    assert page_of(reviewed_report()).badge.text == "Approved by AB on 2026-01-02 03:04 UTC"


def test_without_arteries_there_is_no_score_and_no_zero() -> None:
    page = page_of(empty_report())
    assert page.headline == "No score"
    assert {text for row in page.vessels.rows for text in row[1:]} == {"–"}
    assert page.lesions.rows == ()
    assert "Too little of the coronary arteries" in page.facts[0][1]


def test_a_review_without_arteries_has_no_score_until_it_is_signed() -> None:
    """Whatever was told of the scan; a panel knows of the scan only."""
    found = without_arteries()
    session = Session(review_of(found.scores.lesions), LiveScores(found.volume.hu, GRID, LITERATURE))
    told = replace(background(found), findings=())
    report = report_of_review(session, summarize(session, LITERATURE), told)
    assert page_of(report).headline == "No score"
    session.approve("Anna Berg")
    assert page_of(report_of_review(session, summarize(session, LITERATURE), told)).headline == "0.0"


def test_remarks_on_lesions_follow_the_corrections() -> None:
    found = result()
    session = reviewed_session(found, approve=False)
    stale = Finding("lesions-unassigned", Severity.WARNING, "1 of 3 lesions (number 2) …")
    told = replace(background(found), findings=(*background(found).findings, stale))
    report = report_of_review(session, summarize(session, LITERATURE), told)
    assert "lesions-unassigned" not in {finding.code for finding in report.findings}
    assert "slice-increment-thick" in {finding.code for finding in report.findings}


def test_a_long_list_is_cut_and_the_remainder_summed_up() -> None:
    report = found_report()
    one = report.summary.lesions[0]
    many = tuple(replace(one, id=number, agatston=float(number)) for number in range(1, LESIONS_LISTED + 3))
    page = page_of(replace(report, summary=replace(report.summary, lesions=many)))
    assert [row[0] for row in page.lesions.rows] == [str(n) for n in range(3, LESIONS_LISTED + 3)]
    assert page.remainder.startswith("2 further lesions with the smallest scores add 3.0 to the total")


def test_a_rejected_lesion_is_muted_and_says_why() -> None:
    page = page_of(reviewed_report())
    assert page.lesions.muted == frozenset({1})
    assert [row[-1] for row in page.lesions.rows] == ["accepted, relabelled", "rejected: stent", "accepted"]


def test_corrections_are_counted_and_their_effect_is_stated() -> None:
    [section] = [section for section in page_of(reviewed_report()).sections if section.heading == "Corrections"]
    facts = dict(section.facts)
    assert facts["Made"] == "reject 1×, relabel 1×, accept all 1×, approve 1×"
    assert facts["Agatston"] == "28.0 by the network, 12.0 now (-16.0)"


def test_warnings_and_notes_are_kept_apart() -> None:
    page = page_of(found_report())
    assert page.warnings == ("The slices of the scan are 3 mm apart.",)
    assert page.notes == ("The blood has 40 HU.",)


@pytest.mark.parametrize("report", [found_report, reviewed_report, empty_report])
def test_method_model_and_purpose_are_always_stated(report) -> None:
    page = page_of(report())
    text = " ".join(value for section in page.sections for _, value in section.facts)
    assert "calcium from 130 HU" in text
    assert "tiny, sha256 0123456789abcdef" in text
    assert "simulated" in text
    assert page.footer == "Research use only, not for diagnosis."
