"""The views come to a lesion and mark it, and are set up for a review; nothing of it stays behind."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits.review import EditError
from review_case import ras_of

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")


@pytest.fixture
def slices(scene):
    """The red and yellow slice, with their composite nodes."""
    made = []
    for name, orientation in (("Red", "Axial"), ("Yellow", "Sagittal")):
        node = slicer.vtkMRMLSliceNode()
        node.SetName(name)
        node.SetLayoutName(name)
        node = scene.AddNode(node)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
        node.SetOrientation(orientation)
        composite = slicer.vtkMRMLSliceCompositeNode()
        composite.SetLayoutName(name)
        composite = scene.AddNode(composite)
        made.append((node, composite))
    return made


def marks(scene) -> list:
    """The models in the scene but for those of Slicer's slice views."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLModelNode")
    models = [scene.GetNthNodeByClass(n, "vtkMRMLModelNode") for n in range(count)]
    return [model for model in models if not model.GetName().endswith("Volume Slice")]


def test_all_slices_are_centred_on_the_lesion(review, slices):
    review.jump_to(3)
    for node, _ in slices:
        matrix = node.GetSliceToRAS()
        centre = [matrix.GetElement(row, 3) for row in range(3)]
        assert centre == pytest.approx(ras_of(3, 13.5, 13.5))


def test_the_3d_view_looks_at_the_lesion_from_where_it_looked_before(scene, review):
    camera = scene.AddNewNodeByClass("vtkMRMLCameraNode", "Camera")
    camera.SetFocalPoint(1, 2, 3)
    camera.SetPosition(1, 102, 3)
    review.jump_to(3)
    expected = np.array(ras_of(3, 13.5, 13.5))
    np.testing.assert_allclose(camera.GetFocalPoint(), expected)
    np.testing.assert_allclose(camera.GetPosition(), expected + np.array([0, 100, 0]))


def test_exactly_one_lesion_is_marked_by_number_and_artery(scene, review):
    review.jump_to(1)
    review.jump_to(3)
    (mark,) = marks(scene)
    assert mark.GetName() == "3 · RCA"
    bounds = np.array(mark.GetPolyData().GetBounds()).reshape(3, 2)
    np.testing.assert_allclose(bounds.mean(axis=1), ras_of(3, 13.5, 13.5), atol=0.1)


def test_the_mark_is_neither_saved_nor_listed(scene, review):
    review.jump_to(1)
    (mark,) = marks(scene)
    for node in (mark, mark.GetDisplayNode()):
        assert not node.GetSaveWithScene()
        assert node.GetHideFromEditors()


def test_the_mark_follows_its_lesion_and_goes_with_it(scene, review):
    review.jump_to(1)
    review.relabel([1], Vessel.LM)
    assert marks(scene)[0].GetName() == "1 · LM"
    review.erase([1])
    assert marks(scene) == []
    review.undo()
    assert marks(scene) == []


def test_closing_takes_the_mark_away_with_its_display(scene, review):
    displays = scene.GetNumberOfNodesByClass("vtkMRMLModelDisplayNode")
    review.jump_to(1)
    review.close()
    assert marks(scene) == []
    assert scene.GetNumberOfNodesByClass("vtkMRMLModelDisplayNode") == displays


def test_a_mark_that_somebody_removed_is_made_again(scene, review):
    review.jump_to(1)
    scene.RemoveNode(marks(scene)[0])
    review.jump_to(2)
    assert [mark.GetName() for mark in marks(scene)] == ["2 · LAD"]


def test_there_is_no_jump_to_a_lesion_that_is_not(review):
    with pytest.raises(EditError, match="no lesion 9"):
        review.jump_to(9)


def test_the_views_are_set_up_for_contrast_ct(review, slices):
    review.show()
    display = review.volume_node.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel(), display.GetAutoWindowLevel()) == (1000, 300, 0)
    assert [composite.GetBackgroundVolumeID() for _, composite in slices] == [review.volume_node.GetID()] * 2
    segments = review.segmentation_node.GetDisplayNode()
    assert segments.GetSegmentOpacity3D("CoronaryArteries") < 0.5
    assert segments.GetSegmentOpacity3D("LAD") == 1.0
    assert segments.GetVisibility3D()
    surface = (
        review.segmentation_node.GetSegmentation().GetSegment("CoronaryArteries").GetRepresentation("Closed surface")
    )
    assert surface.GetNumberOfPoints() > 0


def test_the_application_s_own_logic_fits_the_slices(review, slices, slicer_application):
    review.show(slicer_application.logic)
    assert slicer_application.logic.GetSelectionNode().GetActiveVolumeID() == review.volume_node.GetID()
