"""One click in a slice view, on the application's own nodes."""

import pytest


@pytest.fixture
def picked(qt_application, slicer_application, scene):
    """A picker at work, and the positions that it called back with."""
    from CACNetSegmentationLib.widgets.review.picking import PointPicker

    logic, calls = slicer_application.logic, []
    picker = PointPicker(scene, logic, calls.append)
    return picker, calls, logic, scene


def marks(scene):
    return scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode")


def test_the_mouse_places_one_point_that_is_not_saved(picked):
    _, _, logic, scene = picked
    interaction = logic.GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    assert not interaction.GetPlaceModePersistence()
    node = scene.GetFirstNodeByClass("vtkMRMLMarkupsFiducialNode")
    assert logic.GetSelectionNode().GetActivePlaceNodeID() == node.GetID()
    assert not node.GetSaveWithScene()


def test_a_click_gives_its_position_and_leaves_nothing(picked, wait_until):
    _, calls, _, scene = picked
    scene.GetFirstNodeByClass("vtkMRMLMarkupsFiducialNode").AddControlPoint(1.0, -2.0, 3.5)
    wait_until(lambda: calls)
    assert calls == [(1.0, -2.0, 3.5)]
    assert marks(scene) == 0


def test_leaving_the_mode_gives_none_and_leaves_nothing(picked, wait_until):
    _, calls, logic, scene = picked
    interaction = logic.GetInteractionNode()
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    wait_until(lambda: calls)
    assert calls == [None]
    assert marks(scene) == 0


def test_cancelling_calls_nobody_back(picked, qt_application):
    picker, calls, logic, scene = picked
    picker.cancel()
    picker.cancel()
    qt_application.processEvents()
    interaction = logic.GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert calls == []
    assert marks(scene) == 0


def test_a_slice_s_plane_goes_through_its_origin_along_its_third_axis(qt_application):
    import vtk
    from CACNetSegmentationLib.widgets.review.picking import plane_of

    matrix = vtk.vtkMatrix4x4()
    for row, (axis, origin) in enumerate(zip((0.0, 0.6, 0.8), (1.0, 2.0, 3.0), strict=True)):
        matrix.SetElement(row, 2, axis)
        matrix.SetElement(row, 3, origin)
    assert plane_of(matrix) == ((1.0, 2.0, 3.0), (0.0, 0.6, 0.8))
