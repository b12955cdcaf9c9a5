"""Painting: strokes become lesions after a pause, and only calcium above the threshold is touched."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.volume import Volume

pytest_plugins = ("review_fixtures",)


@pytest.fixture
def in_scene(scene, open_review):
    """A review whose CT and segments are in the scene."""
    from CACNetSegmentationLib.scene import segmentations, volumes
    from review_service import FakeService

    service = FakeService(3)
    service.volume_node = volumes.node_from_volume(scene, Volume(service.hu, service.grid), "CT")
    calcium = service.session.review.label_map()
    service.segmentation_node = segmentations.create_segmentation(
        scene, calcium, calcium > 0, service.volume_node, "test", "Result"
    )
    return open_review(service=service)


def open_section(reader):
    reader.ui.paintCollapsibleButton.collapsed = False
    return reader.panel.painting.editor


def editor_node(editor):
    return editor.mrmlSegmentEditorNode()


def artery_visible(reader):
    return reader.service.segmentation_node.GetDisplayNode().GetSegmentVisibility("CoronaryArteries")


# --- strokes -------------------------------------------------------------------------------------------------------


def test_strokes_without_a_pause_are_absorbed_once(open_review, wait_until):
    reader = open_review(3)
    for x in range(3, 7):
        reader.service.paint([(0, 3, x)], Vessel.LAD)
    assert reader.service.calls == []
    wait_until(lambda: reader.service.calls)
    assert reader.service.calls == [("absorb", 4)]


def test_a_painted_lesion_keeps_number_and_state(open_review, wait_until):
    reader = open_review(3)
    reader.service.accept([1])
    reader.service.paint([(0, 3, 3)], Vessel.LAD)
    wait_until(lambda: reader.service.calls)
    row = reader.service.summary.lesions[0]
    assert (row.id, row.state.value, row.difference.value) == (1, "accepted", "redrawn")
    assert reader.visible == (1, 2, 3)


def test_a_correction_comes_after_the_strokes_before_it(open_review):
    reader = open_review(3)
    reader.service.paint([(2, 10, 1)], Vessel.RCA)
    reader.press(reader.Key.Key_A)
    assert [entry.action.value for entry in reader.service.session.audit] == ["paint", "accept"]


def test_refused_strokes_are_explained(open_review, wait_until):
    reader = open_review(3)
    reader.service.accept_all()
    reader.service.approve("")
    reader.service.paint([(2, 10, 1)], Vessel.RCA)
    wait_until(lambda: reader.ui.messageLabel.text)
    assert "approved and locked" in reader.ui.messageLabel.text


def test_refused_strokes_are_explained_beside_the_open_editor(in_scene, wait_until):
    in_scene.service.accept_all()
    in_scene.service.approve("")
    open_section(in_scene)
    in_scene.service.paint([(2, 10, 1)], Vessel.RCA)
    wait_until(lambda: in_scene.ui.paintMessageLabel.text)
    assert "approved and locked" in in_scene.ui.paintMessageLabel.text


def test_strokes_on_a_review_that_was_closed_are_forgotten(open_review):
    reader = open_review(3)
    reader.service.paint([(2, 10, 1)], Vessel.RCA)
    reader.panel.show_review(None)
    reader.panel.strokes.flush()
    assert reader.service.calls == []


# --- the Segment Editor ---------------------------------------------------------------------------------------------


def test_the_editor_is_made_when_its_section_is_first_opened(in_scene):
    assert in_scene.panel.painting.editor is None
    editor = open_section(in_scene)
    assert editor.segmentationNode() is in_scene.service.segmentation_node
    assert editor.sourceVolumeNode() is in_scene.service.volume_node
    assert set(editor.effectNameOrder()) == {"Paint", "Erase", "Draw", "Scissors", "Islands", "Threshold"}
    assert not editor.unorderedEffectsVisible


def test_the_editor_has_a_parameter_node_of_its_own(in_scene, scene):
    editor = open_section(in_scene)
    assert editor_node(editor).GetSingletonTag() == "CACNetSegmentEditor"
    assert editor_node(editor) is scene.GetSingletonNode("CACNetSegmentEditor", "vtkMRMLSegmentEditorNode")


def test_painting_is_limited_to_the_protocol_s_threshold(in_scene):
    node = editor_node(open_section(in_scene))
    assert node.GetSourceVolumeIntensityMask()
    # The brightest of three lesions has 252 HU.
    assert tuple(node.GetSourceVolumeIntensityMaskRange()) == (130.0, 252.0)
    assert in_scene.ui.thresholdMaskCheckBox.text == "Paint only from 130 HU on"


def test_the_limit_follows_the_protocol(in_scene):
    node = editor_node(open_section(in_scene))
    in_scene.service.use_protocol("ccta-adaptive")
    threshold_hu = in_scene.service.resolved.threshold_hu
    assert node.GetSourceVolumeIntensityMaskRange()[0] == pytest.approx(threshold_hu)


def test_a_limit_that_the_reader_chose_stays_through_corrections(in_scene):
    node = editor_node(open_section(in_scene))
    node.SetSourceVolumeIntensityMaskRange(180.0, 240.0)
    in_scene.service.accept([1])
    assert tuple(node.GetSourceVolumeIntensityMaskRange()) == (180.0, 240.0)


def test_the_limit_can_be_turned_off(in_scene):
    node = editor_node(open_section(in_scene))
    in_scene.ui.thresholdMaskCheckBox.checked = False
    assert not node.GetSourceVolumeIntensityMask()


def test_only_calcium_is_overwritten_because_arteries_are_hidden_meanwhile(in_scene):
    assert artery_visible(in_scene)
    node = editor_node(open_section(in_scene))
    assert node.GetOverwriteMode() == node.OverwriteVisibleSegments
    assert not artery_visible(in_scene)
    assert in_scene.service.segmentation_node.GetDisplayNode().GetSegmentVisibility("LAD")
    in_scene.ui.paintCollapsibleButton.collapsed = True
    assert artery_visible(in_scene)


def test_arteries_that_the_reader_had_hidden_stay_hidden(in_scene):
    in_scene.service.segmentation_node.GetDisplayNode().SetSegmentVisibility("CoronaryArteries", False)
    open_section(in_scene)
    in_scene.ui.paintCollapsibleButton.collapsed = True
    assert not artery_visible(in_scene)


def test_closing_the_review_lets_go_of_its_nodes(in_scene):
    editor = open_section(in_scene)
    in_scene.panel.show_review(None)
    assert editor.segmentationNode() is None
    assert editor.sourceVolumeNode() is None
    assert artery_visible(in_scene)


def test_the_editor_works_on_after_its_parameter_node_was_removed_with_the_scene(in_scene, scene):
    editor = open_section(in_scene)
    in_scene.ui.paintCollapsibleButton.collapsed = True
    scene.RemoveNode(editor_node(editor))
    assert open_section(in_scene) is editor
    node = editor_node(editor)
    assert scene.IsNodePresent(node)
    assert node.GetOverwriteMode() == node.OverwriteVisibleSegments
    assert tuple(node.GetSourceVolumeIntensityMaskRange()) == (130.0, 252.0)


def test_an_approved_review_cannot_be_painted_on(in_scene):
    editor = open_section(in_scene)
    assert not editor.readOnly
    in_scene.service.accept_all()
    in_scene.service.approve("")
    assert editor.readOnly
    in_scene.service.reopen()
    assert not editor.readOnly


def test_the_limit_reaches_from_the_threshold_even_in_a_scan_below_it(in_scene):
    import slicer

    slicer.util.arrayFromVolume(in_scene.service.volume_node)[:] = np.int16(0)
    node = editor_node(open_section(in_scene))
    assert tuple(node.GetSourceVolumeIntensityMaskRange()) == (130.0, 130.0)
