"""Approval, and the export buttons."""

import pytest
from cacnet.errors import CacnetError

pytest_plugins = ("review_fixtures",)


@pytest.fixture
def reader(open_review):
    return open_review(3)


def test_approval_waits_for_every_lesion_and_says_how_many_are_left(reader):
    assert not reader.ui.approveButton.enabled
    assert "3 lesions not reviewed" in reader.ui.finishLabel.text
    reader.service.accept([1, 2])
    assert "1 lesion not reviewed" in reader.ui.finishLabel.text
    reader.service.accept([3])
    assert reader.ui.approveButton.enabled
    assert not reader.ui.acceptAllButton.visible


def test_the_rest_can_be_accepted_at_once_and_undone(reader):
    reader.service.accept([1])
    assert reader.ui.acceptAllButton.text == "Accept the remaining 2"
    reader.ui.acceptAllButton.click()
    assert reader.service.summary.unreviewed == ()
    reader.press(reader.Key.Key_U)
    assert reader.service.summary.unreviewed == (2, 3)


def test_approving_locks_under_the_initials(reader):
    reader.service.accept_all()
    reader.write(reader.ui.initialsLineEdit, " AB ")
    reader.ui.approveButton.click()
    assert reader.service.session.approved_by == "AB"
    assert "Approved by AB and locked" in reader.ui.headlineLabel.text
    assert reader.ui.reopenButton.visible
    assert not reader.ui.approveButton.visible


def test_initials_are_optional(reader):
    reader.service.accept_all()
    reader.ui.approveButton.click()
    assert "Approved and locked" in reader.ui.finishLabel.text


def test_reopening_allows_changes_again(reader):
    reader.service.accept_all()
    reader.ui.approveButton.click()
    reader.ui.reopenButton.click()
    assert reader.service.session.approved_by is None
    assert reader.ui.approveButton.visible
    assert "Approved" not in reader.ui.headlineLabel.text


def test_a_refused_approval_is_explained(reader):
    def refuse(initials):
        raise CacnetError("the journal cannot be written", "a disk with room")

    reader.service.accept_all()
    reader.service.approve = refuse
    reader.ui.approveButton.click()
    assert "The journal cannot be written" in reader.ui.finishMessageLabel.text


def exports(results):
    from CACNetSegmentationLib.widgets.review.finishing import ExportAction

    def run(title):
        if isinstance(results[title], Exception):
            raise results[title]
        return results[title]

    return [ExportAction(title, f"Writes {title}", lambda title=title: run(title)) for title in results]


def export_buttons(reader):
    import qt

    return {button.text: button for button in reader.ui.exportFrame.findChildren(qt.QPushButton)}


def test_an_export_says_what_it_wrote_or_why_it_could_not(open_review):
    results = {"Report": "Written to report.pdf.", "DICOM": CacnetError("the CT has no study <UID>")}
    reader = open_review(3, exports=exports(results))
    buttons = export_buttons(reader)
    assert buttons["Report"].toolTip == "Writes Report"
    buttons["Report"].click()
    assert reader.ui.exportMessageLabel.text == "Written to report.pdf."
    buttons["DICOM"].click()
    assert "The CT has no study &lt;UID&gt;" in reader.ui.exportMessageLabel.text


def test_without_exports_there_is_no_such_section(reader):
    assert not reader.ui.exportCollapsibleButton.visible
