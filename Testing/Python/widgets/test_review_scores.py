"""Totals, vessels, patient."""

import pytest
from cacnet.edits.review import RejectReason
from cacnet.findings import Finding, Severity
from review_service import FakeService

pytest_plugins = ("review_fixtures",)


@pytest.fixture
def reader(open_review):
    return open_review(5)


def test_the_total_follows_every_correction_and_names_the_network_s(reader):
    # Five lesions of 8.0 each.
    assert ">40.0<" in reader.ui.headlineLabel.text
    assert "network 40.0, unchanged" in reader.ui.headlineLabel.text
    reader.service.reject([1, 2], RejectReason.STENT)
    assert ">24.0<" in reader.ui.headlineLabel.text
    assert "network 40.0, −16.0" in reader.ui.headlineLabel.text
    assert "Agatston equivalent" in reader.ui.headlineLabel.text


def test_protocol_and_research_use_stand_beside_the_score(reader):
    assert "literature" in reader.ui.headlineLabel.text
    assert "130 HU" in reader.ui.protocolSentenceLabel.text
    assert "not for diagnosis" in reader.ui.reviewResearchUseLabel.text
    assert "without contrast" in reader.ui.categoriesLabel.text


def test_every_artery_has_a_row_with_the_network_s_score(reader):
    for name in ("LM", "LAD", "LCx", "RCA", "Unassigned"):
        assert name in reader.ui.vesselsLabel.text


def test_age_and_sex_give_a_percentile(reader):
    assert reader.ui.percentileLabel.text == "Percentile: enter age and sex"
    reader.ui.ageSpinBox.value = 62
    reader.ui.sexComboBox.setCurrentIndex(2)
    assert reader.service.calls[-1] == ("patient", 62.0, "M")
    # Hoff 2001, men of 60 to 64: 13 at the 25th and 113 at the 50th percentile; 25 + 25 · 27 / 100 = 31.75.
    assert reader.ui.percentileLabel.text == "25th–50th percentile (about the 32nd)"
    assert "Hoff 2001" in reader.ui.percentileLabel.toolTip


def test_an_age_is_taken_back_by_the_dash(reader):
    reader.ui.ageSpinBox.value = 62
    reader.ui.ageSpinBox.value = 17
    assert reader.service.calls[-1] == ("patient", None, None)
    assert reader.ui.ageSpinBox.text == "–"


def test_what_is_known_of_the_patient_is_filled_in_without_telling_the_service(reader):
    reader.panel.show_review(reader.service, 55.0, "F")
    assert reader.ui.ageSpinBox.value == 55
    assert reader.ui.sexComboBox.currentText == "F"
    assert reader.service.calls == []


def test_what_the_run_noticed_stands_beside_the_scores_of_its_own_review_only(reader, open_review):
    assert not reader.ui.runFindingsLabel.visible
    service = FakeService(2)
    service.findings = (Finding("calcium-left-out", Severity.WARNING, "82 Agatston < 15 mm from the aorta left out."),)
    reader.panel.show_review(service)
    assert "82 Agatston &lt; 15 mm" in reader.ui.runFindingsLabel.text
    assert reader.ui.runFindingsLabel.visible
    reader.panel.show_review(reader.service)
    assert not reader.ui.runFindingsLabel.visible


def test_what_was_left_out_is_no_longer_said_once_all_of_it_is_judged(reader):
    service = FakeService(3, left_out=2)
    service.findings = (
        Finding("calcium-left-out", Severity.WARNING, "2 spots left out."),
        Finding("vessels", Severity.NOTE, "The right coronary artery was not found."),
    )
    reader.panel.show_review(service)
    said = reader.ui.runFindingsLabel
    assert "2 spots left out" in said.text
    service.accept([2])
    assert "2 spots left out" in said.text
    service.reject([3], RejectReason.VALVE)
    assert "2 spots left out" not in said.text
    assert "right coronary" in said.text
    service.restore([3])
    assert "2 spots left out" not in said.text


def test_a_refused_patient_is_explained(reader):
    from cacnet.scoring import InvalidPatientError

    def refuse(age_years, sex):
        raise InvalidPatientError("an age of 30 years", "40 years or more")

    reader.service.set_patient = refuse
    reader.ui.ageSpinBox.value = 30
    assert "An age of 30 years" in reader.ui.patientMessageLabel.text
