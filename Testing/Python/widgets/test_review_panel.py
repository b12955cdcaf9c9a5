"""The review as a whole: what is shown without one, and how one takes the place of another."""

import pytest

pytest_plugins = ("review_fixtures",)


@pytest.fixture
def reader(open_review):
    return open_review(5)


def test_without_a_review_it_says_how_to_get_one(reader):
    reader.panel.show_review(None)
    assert not reader.ui.reviewFrame.visible
    assert reader.ui.nothingOpenLabel.visible
    assert "No result is open" in reader.ui.nothingOpenLabel.text


def test_a_review_takes_the_place_of_the_explanation(reader):
    assert reader.ui.reviewFrame.visible
    assert not reader.ui.nothingOpenLabel.visible


def test_another_review_takes_over_and_the_first_is_no_longer_listened_to(reader):
    from review_service import FakeService

    other = FakeService(2)
    reader.panel.show_review(other)
    assert reader.visible == (1, 2)
    reader.service.accept([1])
    assert reader.ui.progressLabel.text == "0 of 2 reviewed"


def test_filters_and_messages_of_the_review_before_are_gone(reader):
    from review_service import FakeService

    reader.ui.stateFilterComboBox.setCurrentIndex(2)
    reader.write(reader.ui.idFilterLineEdit, "9")
    reader.ui.reviewProtocolComboBox.setCurrentText("kvp-adjusted")
    reader.panel.show_review(FakeService(3))
    assert reader.visible == (1, 2, 3)
    assert reader.selected == (1,)
    assert not reader.ui.protocolMessageLabel.visible


def test_a_result_without_calcium_says_what_that_means(open_review):
    reader = open_review(0)
    assert not reader.table.visible
    assert reader.ui.noLesionsLabel.visible
    assert "No coronary calcium was found" in reader.ui.noLesionsLabel.text
    assert "no proof of absence" in reader.ui.noLesionsLabel.text


def test_a_lesion_added_to_an_empty_result_appears(open_review):
    from cacnet.anatomy import Vessel

    reader = open_review(0)
    reader.service.add_at((1.0, 3.0, 3.0), Vessel.LAD)
    assert reader.table.visible
    assert reader.visible == (1,)
    assert not reader.ui.noLesionsLabel.visible


def test_closing_twice_changes_nothing(reader):
    reader.panel.close()
    reader.panel.close()
    reader.ui.acceptButton.click()
    assert not reader.service.session.audit


def test_closing_ends_the_placing_of_a_point(reader):
    reader.press(reader.Key.Key_C)
    reader.panel.close()
    assert reader.cancelled == 1


def test_the_panel_goes_into_the_layout_that_it_is_given(qt_application, scene):
    import qt
    from CACNetSegmentationLib.widgets.review.panel import ReviewPanel

    parent = qt.QWidget()
    layout = qt.QVBoxLayout(parent)
    panel = ReviewPanel(parent, lambda callback: lambda: None)
    assert layout.count() == 1
    panel.close()
