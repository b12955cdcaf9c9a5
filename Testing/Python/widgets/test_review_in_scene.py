"""The widgets on a real review in a real scene: keys change segments, strokes change the table."""

import pytest
from cacnet.anatomy import Vessel
from review_case import paint, ras_of, result_in

pytest_plugins = ("review_fixtures",)


@pytest.fixture
def reader(open_review, scene, tmp_path):
    from CACNetSegmentationLib.scene.review import SceneReview

    result = result_in(scene, tmp_path)
    review = SceneReview.start(scene, result.volume_node, result.segmentation_node, result.folder)
    yield open_review(service=review)
    review.close()


def shown(reader):
    from CACNetSegmentationLib.scene import segmentations

    return segmentations.labels_from_segmentation(reader.service.segmentation_node, reader.service.volume_node)[0]


def test_three_keys_review_three_lesions(reader):
    for _ in range(3):
        reader.press(reader.Key.Key_A)
    assert reader.service.summary.unreviewed == ()
    reader.ui.approveButton.click()
    assert reader.service.summary.locked


def test_a_digit_moves_the_voxels_to_the_other_segment(reader):
    reader.press(reader.Key.Key_4)
    assert (shown(reader)[1, 2:6, 2:6] == Vessel.RCA).all()
    reader.press(reader.Key.Key_U)
    assert (shown(reader)[1, 2:6, 2:6] == Vessel.LAD).all()


def test_a_rejected_lesion_leaves_score_and_segment_and_stays_in_the_table(reader):
    reader.press(reader.Key.Key_Delete)
    reader.choose_reason(reader.Key.Key_S)
    assert not (shown(reader)[1, 2:6, 2:6]).any()
    assert reader.visible == (1, 2, 3)
    assert "network 48.0, −16.0" in reader.ui.headlineLabel.text


def test_the_table_follows_a_stroke(reader, wait_until):
    reader.press(reader.Key.Key_A)
    paint(reader.service.segmentation_node, "LCx", (slice(6, 7), slice(2, 6), slice(2, 6)))
    wait_until(lambda: len(reader.visible) == 4)
    rows = {row.id: row for row in reader.service.summary.lesions}
    assert rows[4].vessel is Vessel.LCX
    assert rows[1].state.value == "accepted"
    assert "network 48.0, +16.0" in reader.ui.headlineLabel.text


def test_a_click_adds_the_plaque_that_the_network_missed(reader):
    reader.press(reader.Key.Key_C)
    reader.pick(ras_of(6, 3, 3))
    assert reader.selected == (4,)
    assert reader.service.summary.lesions[3].vessel is Vessel.LCX


def test_a_click_beside_calcium_is_explained(reader):
    reader.press(reader.Key.Key_C)
    reader.pick(ras_of(5, 20, 20))
    assert "no calcium" in reader.ui.messageLabel.text
    assert reader.visible == (1, 2, 3)


def test_a_stroke_on_an_approved_review_is_taken_back_with_a_sentence(reader, wait_until):
    reader.service.accept_all()
    reader.service.approve("AB")
    before = shown(reader)
    paint(reader.service.segmentation_node, "LCx", (slice(6, 7), slice(2, 6), slice(2, 6)))
    wait_until(lambda: reader.ui.messageLabel.text)
    assert "approved and locked" in reader.ui.messageLabel.text
    assert (shown(reader) == before).all()


def test_removing_the_segmentation_leaves_a_panel_that_still_answers(reader, scene):
    reader.service.on_close(lambda: reader.panel.show_review(None))
    scene.RemoveNode(reader.service.segmentation_node)
    assert reader.ui.nothingOpenLabel.visible


def test_the_editor_paints_on_the_review_s_own_segments(reader, wait_until):
    reader.ui.paintCollapsibleButton.collapsed = False
    editor = reader.panel.painting.editor
    assert editor.segmentationNode() is reader.service.segmentation_node
    paint(editor.segmentationNode(), "RCA", (slice(6, 7), slice(2, 6), slice(2, 6)))
    wait_until(lambda: len(reader.visible) == 4)
    # The arteries were hidden, so the stroke changed calcium only.
    assert not reader.service.segmentation_node.GetDisplayNode().GetSegmentVisibility("CoronaryArteries")
