"""Choosing a scoring protocol."""

import pytest
from cacnet.scoring import PROTOCOLS

pytest_plugins = ("review_fixtures",)


@pytest.fixture
def reader(open_review):
    return open_review(5)


def test_all_protocols_are_offered_and_the_one_in_use_is_chosen(reader):
    assert reader.ui.reviewProtocolComboBox.count == len(PROTOCOLS)
    assert reader.ui.reviewProtocolComboBox.currentText == "literature"


def test_the_details_state_source_threshold_minimum_and_bands(reader):
    text = reader.ui.protocolDetailsLabel.text
    for part in ("10.1016/0735-1097(90)90282-T", "130 HU", "at least 1 mm²", "1 from 130 · 2 from 200"):
        assert part in text


def test_another_protocol_scores_anew_at_once(reader):
    reader.ui.reviewProtocolComboBox.setCurrentText("pavitt-2014")
    # 8.0 · 5 · (1.183 + 0.002 · 130)
    assert reader.service.summary.totals.agatston == pytest.approx(40 * 1.443)
    assert ">57.7<" in reader.ui.headlineLabel.text
    assert "raw score × 1.443" in reader.ui.protocolDetailsLabel.text
    assert "pavitt-2014" in reader.ui.headlineLabel.text


def test_a_protocol_that_cannot_be_used_is_explained_and_the_old_one_stays(reader):
    # The scan's tube voltage is not known.
    reader.ui.reviewProtocolComboBox.setCurrentText("kvp-adjusted")
    assert reader.ui.protocolMessageLabel.visible
    assert "tube voltage" in reader.ui.protocolMessageLabel.text
    assert reader.ui.reviewProtocolComboBox.currentText == "literature"
    assert ">40.0<" in reader.ui.headlineLabel.text


def test_slices_that_are_averaged_are_mentioned(reader):
    reader.ui.reviewProtocolComboBox.setCurrentText("ccta-adaptive-3mm")
    assert "averaged to 3 mm" in reader.ui.protocolDetailsLabel.text
