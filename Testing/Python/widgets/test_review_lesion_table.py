"""The lesion table keeps selection, place and order while lesions change, and shows only what is asked for."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits.review import RejectReason
from cacnet.edits.summary import Difference

pytest_plugins = ("review_fixtures",)


@pytest.fixture
def reader(open_review):
    return open_review(12)


@pytest.fixture
def qt(qt_application):
    import qt

    return qt


def sort_by(reader, title, descending=False):
    import qt
    from CACNetSegmentationLib.widgets.review.columns import COLUMNS

    place = next(n for n, column in enumerate(COLUMNS) if column.title == title)
    reader.table.sortByColumn(place, qt.Qt.DescendingOrder if descending else qt.Qt.AscendingOrder)


def cell(reader, lesion_id, title):
    from CACNetSegmentationLib.widgets.review.columns import COLUMNS

    place = next(n for n, column in enumerate(COLUMNS) if column.title == title)
    return reader.table.model().index(reader.visible.index(lesion_id), place).data()


def test_numbers_are_sorted_as_numbers(reader):
    assert reader.visible == tuple(range(1, 13))
    sort_by(reader, "#", descending=True)
    assert reader.visible == tuple(range(12, 0, -1))


def test_vessels_are_sorted_from_lm_to_unassigned(reader):
    sort_by(reader, "Vessel")
    vessels = [reader.service.session.review.lesion(i).vessel for i in reader.visible]
    assert vessels == sorted(vessels)


def test_selection_and_order_stay_when_lesions_change(reader):
    sort_by(reader, "HU", descending=True)
    reader.click(4)
    reader.click(7, reader.CONTROL)
    before = reader.visible
    reader.service.accept([4, 7, 9])
    assert reader.visible == before
    assert set(reader.selected) == {4, 7}


def test_selection_stays_when_other_lesions_go_and_come(reader):
    reader.click(6)
    reader.service.erase([2])
    reader.service.add_at((2.0, 1.0, 1.0), Vessel.RCA)
    assert reader.selected == (6,)
    assert reader.visible == (1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)


def test_the_table_does_not_scroll_when_lesions_change(open_review):
    reader = open_review(60)
    reader.table.scrollTo(reader.table.model().index(59, 0))
    top = reader.table.rowAt(0)
    assert top > 0
    reader.service.accept([1, 30, 60])
    assert reader.table.rowAt(0) == top


def test_changes_do_not_move_the_views(reader):
    reader.click(6)
    reader.service.jumps.clear()
    reader.service.erase([6])
    assert reader.service.jumps == []


def test_a_row_moves_to_its_new_place_when_its_value_changes(reader):
    sort_by(reader, "Vessel")
    assert set(reader.visible[:2]) == {4, 9}
    reader.service.relabel([1], Vessel.LM)
    assert set(reader.visible[:3]) == {1, 4, 9}


@pytest.mark.parametrize(
    ("index", "shown"),
    [(0, 12), (1, 8), (2, 2), (3, 1), (4, 1)],
    ids=["all", "unreviewed", "accepted", "rejected", "left out"],
)
def test_the_filter_shows_one_state(open_review, index, shown):
    from review_service import FakeService

    reader = open_review(service=FakeService(12, left_out=1))
    reader.service.accept([1, 2])
    reader.service.reject([3], RejectReason.BONE)
    reader.ui.stateFilterComboBox.setCurrentIndex(index)
    assert len(reader.visible) == shown


def test_filters_by_vessel_and_number_work_together(reader):
    reader.ui.vesselFilterComboBox.setCurrentIndex(2)
    assert reader.visible == (1, 6, 11)
    reader.write(reader.ui.idFilterLineEdit, "1")
    assert reader.visible == (1, 11)
    reader.ui.vesselFilterComboBox.setCurrentIndex(0)
    assert reader.visible == (1, 10, 11, 12)


def test_accepting_under_the_filter_for_unreviewed_goes_on_down_the_list(reader):
    reader.ui.stateFilterComboBox.setCurrentIndex(1)
    reader.click(3)
    reader.press(reader.Key.Key_A)
    assert reader.visible == (1, 2, *range(4, 13))
    assert reader.selected == (4,)


def test_unreviewed_lesions_hidden_by_the_filter_are_mentioned(reader):
    reader.ui.vesselFilterComboBox.setCurrentIndex(1)
    reader.click(4)
    reader.press(reader.Key.Key_A)
    reader.press(reader.Key.Key_A)
    assert "hidden by the filter" in reader.ui.messageLabel.text


def test_unreviewed_is_bold_and_rejected_is_struck_and_faint(reader):
    from review_keyboard import font_and_colour

    reader.service.accept([1])
    reader.service.reject([2], RejectReason.NOISE)
    accepted, rejected, open_ = (font_and_colour(reader.table, i) for i in (1, 2, 3))
    assert (accepted.bold, accepted.struck, accepted.faint) == (False, False, False)
    assert (rejected.bold, rejected.struck, rejected.faint) == (False, True, True)
    assert (open_.bold, open_.struck, open_.faint) == (True, False, False)


def test_what_the_program_left_out_is_faint_and_asks_to_be_looked_at(open_review):
    from review_keyboard import font_and_colour
    from review_service import FakeService

    reader = open_review(service=FakeService(3, left_out=1))
    left_out = font_and_colour(reader.table, 3)
    assert (left_out.bold, left_out.struck, left_out.faint) == (False, False, True)
    assert (cell(reader, 3, ""), cell(reader, 3, "Change"), cell(reader, 3, "Conf.")) == ("?", "valve?", "–")
    reader.click(3)
    reader.press(reader.Key.Key_A)
    assert (cell(reader, 3, ""), cell(reader, 3, "Change")) == ("✓", "")
    assert reader.service.summary.totals.agatston == 24.0


def test_cells_say_what_a_lesion_is_and_how_it_changed(reader):
    reader.service.relabel([1], Vessel.RCA)
    reader.service.reject([2], RejectReason.AORTIC_WALL)
    assert cell(reader, 1, "Vessel") == "RCA"
    assert cell(reader, 1, "Change") == Difference.RELABELLED.value
    assert cell(reader, 2, "Change") == "aortic wall"
    # 16 pixels of 0.25 mm² at 250 HU (factor 2) in a slice of 3 mm.
    assert (cell(reader, 1, "Agatston"), cell(reader, 1, "mm³")) == ("8.0", "12.0")
    assert cell(reader, 1, "Conf.") == "–"


def test_the_confidence_is_shown_in_percent(open_review):
    from review_service import FakeService, scan

    service = FakeService(2, probability=np.full(scan(2)[1].shape, 0.874, np.float32))
    assert cell(open_review(service=service), 1, "Conf.") == "87 %"


def test_numbers_are_on_the_right(reader, qt):
    model = reader.table.model()
    assert int(model.index(0, 4).data(qt.Qt.TextAlignmentRole)) & int(qt.Qt.AlignRight)
    assert int(model.index(0, 2).data(qt.Qt.TextAlignmentRole)) & int(qt.Qt.AlignLeft)


def test_vessels_have_the_colours_of_their_segments(reader, qt):
    colour = reader.table.model().index(0, 2).data(qt.Qt.DecorationRole)
    assert colour.name() == "#e69f00"


def test_columns_explain_themselves(reader, qt):
    model = reader.table.model()
    tips = [model.headerData(n, qt.Qt.Horizontal, qt.Qt.ToolTipRole) for n in range(model.columnCount())]
    assert all(tips)
    assert model.headerData(0, qt.Qt.Vertical, qt.Qt.DisplayRole) is None


def test_two_hundred_lesions_can_be_reviewed(open_review):
    reader = open_review(200)
    assert len(reader.visible) == 200
    reader.service.use_protocol("orcascore")
    reader.service.accept(range(1, 201))
    assert reader.ui.progressLabel.text == "200 of 200 reviewed"
    reader.press(reader.Key.Key_U)
    assert len(reader.selected) == 200
    assert len(reader.service.summary.unreviewed) == 200
