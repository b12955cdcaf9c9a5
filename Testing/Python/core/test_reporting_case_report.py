"""One value holds all that is said of a case, with and without a review, and names nobody."""

import dataclasses
import json
import pickle

import pytest
from cacnet.reporting.case_report import LONGEST_LABEL, printable, report_of_result
from cacnet.reporting.document import document_of
from cacnet.scoring import InvalidPatientError
from report_cases import NAME, empty_report, found_report, result, reviewed_report


def test_a_result_is_reported_as_unreviewed_with_the_networks_own_scores() -> None:
    report = found_report()
    assert report.summary.totals == report.summary.network_totals == result().scores.totals
    assert report.summary.totals.agatston == 28.0
    assert len(report.summary.unreviewed) == 3
    assert not report.audit


def test_a_review_is_reported_with_both_scores_and_what_was_done() -> None:
    report = reviewed_report()
    assert (report.summary.totals.agatston, report.summary.network_totals.agatston) == (12.0, 28.0)
    assert dict(report.corrections) == {"reject": 1, "relabel": 1, "accept all": 1, "approve": 1}
    assert report.approved_at_utc == "2026-01-02T03:04:03+00:00"
    assert [line.agatston_after for line in report.audit] == [12.0, 12.0, 12.0, 12.0]


def test_only_initials_of_the_reader_are_kept() -> None:
    report = reviewed_report()
    assert report.summary.approved_by == "AB"
    assert report.audit[-1].details == "reviewer: AB"


def test_nothing_says_the_patients_name_or_the_scans_folder() -> None:
    for report in (found_report(), reviewed_report()):
        content = json.dumps(document_of(report)) + repr(dataclasses.replace(report, pictures=None))
        assert "DOE" not in content
        assert NAME not in content
        assert "The slices of the scan are 3 mm apart." in content
        assert report.acquisition.patient_age_years is None


@pytest.mark.parametrize(
    ("age", "sex", "words"),
    [(62.4, "F", "women of 62 years"), (90.0, "M", "men of 90 years or more"), (97.0, "M", "men of 90 years or more")],
)
def test_a_very_high_age_is_not_told(age: float, sex: str, words: str) -> None:
    found = result()
    scores = dataclasses.replace(found.scores, age_years=age, sex=sex)
    assert report_of_result(dataclasses.replace(found, scores=scores)).percentile_of == words


def test_without_age_or_sex_there_is_no_percentile() -> None:
    found = result()
    report = report_of_result(dataclasses.replace(found, scores=dataclasses.replace(found.scores, sex=None)))
    assert report.summary.percentile is None
    assert report.percentile_of == ""


def test_an_impossible_age_is_refused() -> None:
    found = result()
    with pytest.raises(InvalidPatientError):
        report_of_result(dataclasses.replace(found, scores=dataclasses.replace(found.scores, age_years=7.0)))


def test_without_arteries_the_case_is_inconclusive_and_has_no_percentile() -> None:
    assert not empty_report().conclusive
    assert empty_report().summary.percentile is None


def test_a_label_becomes_one_short_line() -> None:
    assert printable("a\x00b\n\tc  d") == "a b c d"
    assert len(report_of_result(result(()), "x" * 500).label) == LONGEST_LABEL


def test_a_report_can_be_sent_to_another_process() -> None:
    again = pickle.loads(pickle.dumps(found_report()))
    assert document_of(again) == document_of(found_report())
