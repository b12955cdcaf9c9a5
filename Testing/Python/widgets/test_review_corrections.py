"""Correcting lesions by key and mouse, on the shipped widgets."""

import pytest
from cacnet.anatomy import Vessel
from cacnet.edits.review import RejectReason, ReviewState
from review_service import FakeService

pytest_plugins = ("review_fixtures",)


@pytest.fixture
def reader(open_review):
    return open_review(5)


def states(service):
    return {i: lesion.state.value[0] for i, lesion in service.session.review.lesions.items()}


def test_the_first_unreviewed_lesion_is_chosen_without_moving_the_views(reader):
    assert reader.selected == (1,)
    assert reader.service.jumps == []


def test_a_accepts_and_goes_on_to_the_next_unreviewed_lesion(reader):
    reader.press(reader.Key.Key_A)
    assert states(reader.service) == {1: "a", 2: "u", 3: "u", 4: "u", 5: "u"}
    assert reader.selected == (2,)
    assert reader.service.jumps == [2]


def test_five_presses_of_a_review_five_lesions(reader):
    for _ in range(5):
        reader.press(reader.Key.Key_A)
    assert set(states(reader.service).values()) == {"a"}
    assert "All lesions are reviewed" in reader.ui.messageLabel.text
    assert reader.ui.progressLabel.text == "5 of 5 reviewed"


def test_accepting_skips_lesions_that_are_reviewed_already_and_goes_round(reader):
    reader.service.accept([4, 5])
    reader.click(3)
    reader.press(reader.Key.Key_A)
    assert reader.selected == (1,)


@pytest.mark.parametrize("vessel", Vessel)
def test_a_digit_gives_the_lesion_to_its_vessel(reader, vessel):
    reader.press(getattr(reader.Key, f"Key_{int(vessel)}"))
    assert reader.service.session.review.lesion(1).vessel is vessel
    assert reader.selected == (1,)


def test_delete_asks_for_a_reason_and_a_letter_gives_it(reader):
    reader.press(reader.Key.Key_Delete)
    reader.choose_reason(reader.Key.Key_V)
    lesion = reader.service.session.review.lesion(1)
    assert (lesion.state, lesion.reason) == (ReviewState.REJECTED, RejectReason.VALVE)
    assert reader.selected == (2,)


def test_return_takes_the_reason_used_last(reader):
    reader.press(reader.Key.Key_Delete)
    reader.choose_reason(reader.Key.Key_S)
    reader.press(reader.Key.Key_Delete)
    reader.choose_reason(reader.Key.Key_Return)
    assert reader.service.session.review.lesion(2).reason is RejectReason.STENT


def test_shift_delete_rejects_with_the_reason_used_last(reader):
    reader.press(reader.Key.Key_Delete)
    reader.choose_reason(reader.Key.Key_C)
    reader.press(reader.Key.Key_Delete, reader.SHIFT)
    assert reader.service.session.review.lesion(2).reason is RejectReason.CLIP


def test_u_and_r_undo_and_redo_and_show_what_changed(reader):
    reader.press(reader.Key.Key_A)
    reader.press(reader.Key.Key_U)
    assert states(reader.service)[1] == "u"
    assert reader.selected == (1,)
    reader.press(reader.Key.Key_R)
    assert states(reader.service)[1] == "a"


def test_control_z_and_y_do_the_same(reader):
    reader.press(reader.Key.Key_4)
    reader.press(reader.Key.Key_Z, reader.CONTROL)
    assert reader.service.session.review.lesion(1).vessel is Vessel.LAD
    reader.press(reader.Key.Key_Y, reader.CONTROL)
    assert reader.service.session.review.lesion(1).vessel is Vessel.RCA


def test_several_selected_lesions_are_merged(reader):
    reader.click(1)
    reader.click(3, reader.CONTROL)
    assert reader.selected == (1, 3)
    reader.press(reader.Key.Key_M)
    assert sorted(reader.service.session.review.lesions) == [1, 2, 4, 5]
    assert reader.selected == (1,)


def test_merging_a_rejected_lesion_is_refused_in_a_sentence(reader):
    reader.service.reject([3], RejectReason.NOISE)
    reader.click(1)
    reader.click(3, reader.CONTROL)
    reader.press(reader.Key.Key_M)
    assert "Restore it first" in reader.ui.messageLabel.text
    assert reader.ui.messageLabel.visible
    assert len(reader.service.session.review.lesions) == 5


def test_a_split_leaves_both_parts_selected(reader):
    from CACNetSegmentationLib.widgets.review.commands import Name

    # Lesion 1 has pixels 3 to 6; the plane lies between 4 and 5, at 2.25 mm.
    reader.plane = ((-2.25, 0.0, 0.0), (-1.0, 0.0, 0.0))
    reader.panel.corrections.actions[Name.SPLIT_BY_PLANE].trigger()
    assert len(reader.service.session.review.lesions) == 6
    assert reader.selected == (1, 6)


def test_erased_voxels_come_back_by_undo(reader):
    reader.press(reader.Key.Key_E)
    assert 1 not in reader.service.session.review.lesions
    reader.press(reader.Key.Key_U)
    assert 1 in reader.service.session.review.lesions


def test_restoring_takes_a_rejection_back(reader):
    reader.service.reject([1], RejectReason.NOISE)
    reader.press(reader.Key.Key_O)
    assert states(reader.service)[1] == "u"


def test_n_and_p_go_through_the_unreviewed_lesions_in_the_order_shown(reader):
    reader.service.accept([2])
    reader.press(reader.Key.Key_N)
    assert reader.selected == (3,)
    reader.press(reader.Key.Key_P)
    assert reader.selected == (1,)
    reader.press(reader.Key.Key_P)
    assert reader.selected == (5,)


def test_n_comes_to_what_the_program_left_out_after_all_else_and_accepting_does_not(open_review):
    reader = open_review(service=FakeService(4, left_out=2))
    reader.press(reader.Key.Key_A)
    reader.press(reader.Key.Key_A)
    assert reader.selected == (2,)
    assert "Next (N) goes to what the program left out (?): 2 not judged" in reader.ui.messageLabel.text
    reader.press(reader.Key.Key_N)
    assert reader.selected == (3,)
    reader.press(reader.Key.Key_N)
    assert reader.selected == (4,)
    reader.service.reject([3, 4], RejectReason.VALVE)
    reader.press(reader.Key.Key_N)
    assert "can be approved below" in reader.ui.messageLabel.text


def test_arrow_keys_and_clicks_bring_the_views_along(reader):
    reader.press(reader.Key.Key_Down)
    reader.press(reader.Key.Key_Down)
    assert reader.service.jumps == [2, 3]
    reader.click(5)
    assert reader.service.jumps[-1] == 5


def test_a_click_on_the_current_row_brings_the_views_back(reader):
    reader.click(1)
    reader.service.jumps.clear()
    reader.click(1)
    assert reader.service.jumps == [1]


def test_keys_in_a_text_field_correct_nothing(reader):
    reader.write(reader.ui.initialsLineEdit, "AUR1")
    assert reader.ui.initialsLineEdit.text == "AUR1"
    reader.press(reader.Key.Key_Delete, widget=reader.ui.initialsLineEdit)
    assert set(states(reader.service).values()) == {"u"}
    assert not reader.service.session.audit


def test_buttons_do_the_same_and_name_their_keys(reader):
    assert "(A)" in reader.ui.acceptButton.toolTip
    assert "(Del or Backspace)" in reader.ui.rejectButton.toolTip
    assert "(N or F)" in reader.ui.nextButton.toolTip
    reader.ui.acceptButton.click()
    reader.ui.relabelRCAButton.click()
    assert states(reader.service)[1] == "a"
    assert reader.service.session.review.lesion(2).vessel is Vessel.RCA


def test_only_what_can_be_done_is_offered(reader):
    assert not reader.ui.mergeButton.enabled
    assert reader.ui.splitButton.enabled
    assert not reader.ui.undoButton.enabled
    reader.click(2, reader.CONTROL)
    assert reader.ui.mergeButton.enabled
    assert not reader.ui.splitButton.enabled
    reader.ui.acceptButton.click()
    assert reader.ui.undoButton.enabled


def test_the_context_menu_lists_every_correction_with_its_key(reader):
    menu = reader.panel.corrections.actions.context_menu
    texts = [action.text for action in reader.menu_actions(menu)]
    assert {"Accept\tA", "Reject as", "Artery", "Split by the red slice's plane", "Merge\tM"} <= set(texts)


def test_letters_in_the_menu_of_reasons_correct_nothing_else(reader):
    reader.press(reader.Key.Key_Delete)
    reader.choose_reason(reader.Key.Key_A)
    assert states(reader.service) == {1: "r", 2: "u", 3: "u", 4: "u", 5: "u"}
    reader.press(reader.Key.Key_A)
    assert states(reader.service)[2] == "a"


def test_a_locked_review_answers_with_a_sentence(reader):
    reader.service.accept_all()
    reader.service.approve("AB")
    reader.press(reader.Key.Key_4)
    assert "approved and locked" in reader.ui.messageLabel.text
    assert "Reopen it" in reader.ui.messageLabel.text


def test_an_error_goes_away_with_the_next_thing_that_works(reader):
    reader.service.accept_all()
    reader.service.approve("")
    reader.press(reader.Key.Key_4)
    reader.service.reopen()
    reader.press(reader.Key.Key_4)
    assert not reader.ui.messageLabel.visible


def test_an_error_that_nobody_foresaw_is_said_and_not_swallowed(reader, slot_errors):
    def fail(ids):
        raise RuntimeError("a bug")

    reader.service.accept = fail
    reader.press(reader.Key.Key_A)
    assert "error in the program" in reader.ui.messageLabel.text
    assert isinstance(slot_errors.pop(), RuntimeError)


def test_a_click_in_a_slice_adds_a_lesion_to_the_chosen_artery(reader):
    reader.ui.addVesselComboBox.setCurrentIndex(3)
    reader.press(reader.Key.Key_C)
    assert reader.ui.addButton.checked
    assert "Click on the calcium" in reader.ui.messageLabel.text
    reader.pick((2.0, 1.0, 1.0))
    assert reader.service.calls[-1] == ("add", (2.0, 1.0, 1.0), Vessel.LCX)
    assert reader.selected == (6,)
    assert not reader.ui.addButton.checked


def test_a_click_beside_calcium_says_why_nothing_was_added(reader):
    from cacnet.edits.review import EditError

    def refuse(point_ras, vessel):
        raise EditError("there is no calcium at the click: at most 40 HU")

    reader.service.add_at = refuse
    reader.press(reader.Key.Key_C)
    reader.pick((2.0, 1.0, 1.0))
    assert "There is no calcium at the click" in reader.ui.messageLabel.text


def test_the_button_ends_the_placing_mode(reader):
    reader.ui.addButton.click()
    reader.ui.addButton.click()
    assert reader.cancelled == 1
    assert not reader.ui.addButton.checked
    assert not reader.ui.messageLabel.visible


def test_leaving_the_placing_mode_adds_nothing(reader):
    reader.press(reader.Key.Key_C)
    reader.pick(None)
    assert len(reader.service.session.review.lesions) == 5
    assert not reader.ui.addButton.checked
