"""What is painted with the Segment Editor becomes part of the review, whatever was done to the segments."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits.review import RejectReason, ReviewState
from cacnet.edits.session import Action, LockedError
from cacnet.left_out import LeftOutLesion
from cacnet.segments import SEGMENTS
from cacnet.volume import Geometry
from review_case import GRID, LESION_AGATSTON, SHAPE, labels, paint, ras_of, result_in

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
import vtk  # noqa: E402
from CACNetSegmentationLib.scene import review_layers, segmentations, volumes  # noqa: E402
from slicer.util import arrayFromSegmentBinaryLabelmap, updateSegmentBinaryLabelmapFromArray  # noqa: E402


@pytest.fixture
def node(review):
    return review.segmentation_node


def shown(review) -> np.ndarray:
    return segmentations.labels_from_segmentation(review.segmentation_node, review.volume_node)[0]


def mask(review, segment_id: str) -> np.ndarray:
    return arrayFromSegmentBinaryLabelmap(review.segmentation_node, segment_id, review.volume_node) > 0


def actions(review) -> list[Action]:
    return [entry.action for entry in review.session.audit]


def agree(review) -> None:
    np.testing.assert_array_equal(shown(review), review.session.review.label_map())


def test_a_stroke_is_told_at_once_and_changes_nothing_until_it_is_absorbed(review, node):
    heard = []
    review.on_pending_strokes(lambda: heard.append(True))
    paint(node, "LAD", np.s_[6:7, 2:6, 2:6])
    assert heard
    assert review.summary.totals.agatston == 3 * LESION_AGATSTON
    review.absorb_strokes()
    assert review.summary.totals.agatston == 4 * LESION_AGATSTON
    assert actions(review) == [Action.PAINT]


def test_the_review_s_own_writing_is_no_stroke(review):
    heard = []
    review.on_pending_strokes(lambda: heard.append(True))
    review.relabel([1], Vessel.LCX)
    review.reject([2], RejectReason.CLIP)
    review.undo()
    assert heard == []


def test_absorbing_without_a_stroke_changes_nothing(review):
    changes = []
    review.on_change(changes.append)
    review.absorb_strokes()
    assert changes == []
    assert actions(review) == []


def test_a_stroke_on_a_lesion_keeps_its_id_and_state(review, node):
    review.accept([1])
    paint(node, "LAD", np.s_[1:2, 6:7, 2:6])
    review.absorb_strokes()
    row = review.summary.lesions[0]
    assert (row.id, row.state, row.volume_mm3, row.confidence) == (1, ReviewState.ACCEPTED, 12.0, None)
    assert review.session.scores.lesions[1].voxels == 20  # 16 and a row of 4, which is no brighter than blood
    agree(review)


def test_painting_and_erasing_tag_what_was_drawn_on_as_semiautomatic(review, node):
    paint(node, "LM", np.s_[6:7, 2:6, 2:6])
    paint(node, "RCA", np.s_[3:4, 12:13, 12:13], erase=True)
    review.absorb_strokes()
    kinds = {}
    for name in ("LM", "LAD", "LCx", "RCA"):
        value = vtk.reference("")
        node.GetSegmentation().GetSegment(name).GetTag("DICOM.SegmentAlgorithmType", value)
        kinds[name] = str(value)
    assert kinds == {"LM": "SEMIAUTOMATIC", "LAD": "AUTOMATIC", "LCx": "AUTOMATIC", "RCA": "SEMIAUTOMATIC"}


def test_an_erased_lesion_is_gone_and_undo_shows_it_again(review, node):
    paint(node, "RCA", np.s_[3:4, 10:18, 10:18], erase=True)
    review.absorb_strokes()
    assert [row.id for row in review.summary.lesions] == [1, 2]
    review.undo()
    np.testing.assert_array_equal(shown(review), labels())


def test_a_correction_made_before_absorbing_takes_the_stroke_in_first(review, node):
    paint(node, "LAD", np.s_[6:7, 2:6, 2:6])
    review.accept([1])
    assert actions(review) == [Action.PAINT, Action.ACCEPT]
    agree(review)


def test_painting_another_artery_over_a_lesion_relabels_it(review, node):
    paint(node, "LCx", np.s_[3:4, 12:16, 12:16])
    review.absorb_strokes()
    assert review.summary.lesions[2].vessel is Vessel.LCX
    assert not mask(review, "RCA").any()


def test_where_segments_overlap_the_newer_one_was_meant_and_the_overlap_is_resolved(review, node):
    both = labels() == Vessel.RCA
    updateSegmentBinaryLabelmapFromArray(both.astype(np.uint8), node, "LM", review.volume_node)
    assert (mask(review, "RCA") & mask(review, "LM")).sum() == 16
    review.absorb_strokes()
    assert review.summary.lesions[2].vessel is Vessel.LM
    assert not mask(review, "RCA").any()
    agree(review)


def test_painting_an_artery_over_rejected_calcium_takes_it_back_into_the_score(review, node):
    review.reject([3], RejectReason.STENT)
    paint(node, "LCx", np.s_[3:4, 12:14, 12:16])
    review.absorb_strokes()
    assert mask(review, "LCx").sum() == 8
    assert mask(review, "Rejected").sum() == 8
    assert review.summary.totals.agatston == 2 * LESION_AGATSTON + LESION_AGATSTON / 2
    agree(review)


def test_erasing_rejected_calcium_is_taken_back(review, node):
    review.reject([3], RejectReason.STENT)
    paint(node, "Rejected", np.s_[3:4, 12:14, 12:16], erase=True)
    review.absorb_strokes()
    assert mask(review, "Rejected").sum() == 16
    assert actions(review) == [Action.REJECT]


def test_painting_rejected_on_nothing_is_taken_back_and_over_calcium_erases_it(review, node):
    review.reject([3], RejectReason.STENT)
    paint(node, "Rejected", np.s_[6:7, 20:22, 20:22])
    paint(node, "Rejected", np.s_[1:2, 2:4, 2:6])
    review.absorb_strokes()
    assert mask(review, "Rejected").sum() == 16
    assert mask(review, "LAD").sum() == 24  # of 32
    assert review.summary.lesions[0].volume_mm3 == 6.0


def test_a_deleted_rejected_segment_comes_back(review, node):
    review.reject([3], RejectReason.STENT)
    node.GetSegmentation().RemoveSegment("Rejected")
    review.absorb_strokes()
    np.testing.assert_array_equal(mask(review, "Rejected"), labels() == Vessel.RCA)


def test_a_deleted_artery_erases_its_lesions_and_undo_restores_segment_and_lesions(review, node):
    node.GetSegmentation().RemoveSegment("LAD")
    review.absorb_strokes()
    assert [row.id for row in review.summary.lesions] == [3]
    review.undo()
    np.testing.assert_array_equal(shown(review), labels())
    ids = node.GetSegmentation().GetSegmentIDs()
    assert ids == tuple(definition.segment_id for definition in SEGMENTS)
    assert node.GetSegmentation().GetSegment("LAD").GetName() == "LAD"


def test_a_deleted_empty_artery_comes_back_so_that_it_can_be_painted(review, node):
    node.GetSegmentation().RemoveSegment("LM")
    review.absorb_strokes()
    assert actions(review) == []
    paint(node, "LM", np.s_[6:7, 2:6, 2:6])
    review.absorb_strokes()
    assert review.summary.lesions[-1].vessel is Vessel.LM


def test_all_segments_deleted_and_brought_back(review, node):
    node.GetSegmentation().RemoveAllSegments()
    review.absorb_strokes()
    assert review.summary.lesions == ()
    review.undo()
    np.testing.assert_array_equal(shown(review), labels())


def test_a_renamed_artery_is_still_that_artery(review, node):
    node.GetSegmentation().GetSegment("RCA").SetName("Right coronary")
    paint(node, "RCA", np.s_[6:7, 2:6, 2:6])
    review.absorb_strokes()
    assert review.summary.lesions[-1].vessel is Vessel.RCA


def test_a_segment_of_the_reader_s_own_is_left_alone(review, node):
    own = node.GetSegmentation().AddEmptySegment("Mine", "Mine")
    paint(node, own, np.s_[6:8, 18:22, 18:22])
    review.absorb_strokes()
    review.relabel([1], Vessel.LCX)
    assert actions(review) == [Action.RELABEL]
    assert mask(review, "Mine").sum() == 32


def test_a_segment_painted_on_a_grid_of_its_own_is_taken_over_to_the_ct(review, node):
    fine = Geometry(
        (2, 16, 16), (1.5, 0.25, 0.25), tuple(GRID.index_to_lps(np.array([5.75, 1.75, 1.75]))), GRID.direction_lps
    )
    image = slicer.vtkOrientedImageData()
    image.ShallowCopy(volumes.image_data(np.pad(np.ones((2, 8, 8), np.uint8), ((0, 0), (0, 8), (0, 8)))))
    image.SetImageToWorldMatrix(volumes.ijk_to_ras_matrix(fine))
    segment = node.GetSegmentation().GetSegment("LM")
    segment.SetLabelValue(1)
    segment.AddRepresentation("Binary labelmap", image)
    review._on_painted()
    review.absorb_strokes()
    assert review.summary.lesions[-1].vessel is Vessel.LM
    assert review.session.scores.lesions[4].voxels == 16  # 2 × 8 × 8 fine voxels are 1 × 4 × 4 of the CT
    agree(review)


def test_the_segment_editor_s_own_undo_is_a_stroke_too(review, node):
    history = slicer.vtkSegmentationHistory()
    history.SetSegmentation(node.GetSegmentation())
    heard = []
    review.on_pending_strokes(lambda: heard.append(True))
    history.SaveState()
    review.relabel([1], Vessel.LCX)
    history.RestorePreviousState()
    assert heard
    np.testing.assert_array_equal(shown(review), labels())
    review.absorb_strokes()
    assert review.summary.lesions[0].vessel is Vessel.LAD
    assert actions(review) == [Action.RELABEL, Action.PAINT]


def test_a_new_colour_changes_no_lesion(review, node):
    node.GetSegmentation().GetSegment("LAD").SetColor(0.1, 0.2, 0.3)
    review.absorb_strokes()
    assert actions(review) == []


def test_a_stroke_far_from_all_calcium_makes_the_layer_grow(review, node):
    paint(node, "LM", np.s_[7:8, 22:24, 0:2])
    review.absorb_strokes()
    paint(node, "LM", np.s_[7:8, 22:24, 0:2], erase=True)
    review.absorb_strokes()
    review.undo()
    assert mask(review, "LM").sum() == 4
    agree(review)


def test_a_locked_review_takes_strokes_back_and_says_so(review, node):
    review.accept_all()
    review.approve("")
    paint(node, "LAD", np.s_[6:7, 2:6, 2:6])
    paint(node, "RCA", np.s_[3:4, 12:14, 12:16], erase=True)
    with pytest.raises(LockedError, match="taken back"):
        review.absorb_strokes()
    np.testing.assert_array_equal(shown(review), labels())
    review.absorb_strokes()
    assert review.summary.locked


def test_a_segment_deleted_from_a_locked_review_comes_back(review, node):
    review.accept_all()
    review.approve("")
    node.GetSegmentation().RemoveSegment("LAD")
    with pytest.raises(LockedError):
        review.absorb_strokes()
    np.testing.assert_array_equal(shown(review), labels())


def test_a_stroke_pending_when_reopening_is_taken_back_first(review, node):
    review.accept_all()
    review.approve("")
    paint(node, "LAD", np.s_[6:7, 2:6, 2:6])
    with pytest.raises(LockedError):
        review.reopen()
    review.reopen()
    np.testing.assert_array_equal(shown(review), labels())


def test_surfaces_of_other_segments_survive_a_correction(review, node):
    review.show()
    kept = node.GetSegmentation().GetSegment("CoronaryArteries").GetRepresentation("Closed surface")
    review.relabel([1], Vessel.LCX)
    assert node.GetSegmentation().GetSegment("CoronaryArteries").GetRepresentation("Closed surface") is kept


def test_every_lesion_has_its_surface_in_its_place_and_loses_it_with_its_voxels(review, node):
    review.show()
    review.relabel([3], Vessel.LM)
    surface = node.GetSegmentation().GetSegment("LM").GetRepresentation("Closed surface")
    corners = np.array([ras_of(z, y, x) for z in (2.5, 3.5) for y in (11.5, 15.5) for x in (11.5, 15.5)])
    bounds = np.array(surface.GetBounds()).reshape(3, 2).T
    # Between the voxels' centres and a little beyond their faces.
    np.testing.assert_allclose(bounds, [corners.min(axis=0), corners.max(axis=0)], atol=0.8)
    assert node.GetSegmentation().GetSegment("RCA").GetRepresentation("Closed surface").GetNumberOfPoints() == 0


def test_surfaces_are_there_again_after_a_stroke(review, node):
    review.show()
    both = labels() == Vessel.LAD
    both[6, 2:6, 2:6] = True
    updateSegmentBinaryLabelmapFromArray(both.astype(np.uint8), node, "LAD", review.volume_node)
    review.absorb_strokes()
    surface = node.GetSegmentation().GetSegment("LAD").GetRepresentation("Closed surface")
    parts = vtk.vtkPolyDataConnectivityFilter()
    parts.SetInputData(surface)
    parts.SetExtractionModeToAllRegions()
    parts.Update()
    assert parts.GetNumberOfExtractedRegions() == 3


def test_a_layer_shrinks_to_what_is_in_it_and_an_empty_one_to_nothing():
    large = Geometry((60, 60, 60), (1.0, 1.0, 1.0))
    voxels = np.zeros(large.shape_zyx, np.uint8)
    voxels[30, 20, 10] = 3
    image = slicer.vtkOrientedImageData()
    image.ShallowCopy(volumes.image_data(voxels))
    image.SetImageToWorldMatrix(volumes.ijk_to_ras_matrix(large))
    review_layers.shrink(image, large)
    part, start = review_layers.view(image, large)
    assert (part.shape, part[tuple(np.subtract((30, 20, 10), start))]) == ((17, 17, 17), 3)
    part[:] = 0
    review_layers.shrink(image, large)
    assert review_layers.view(image, large)[0].size == 0


def test_an_empty_layer_takes_its_first_voxel():
    image = slicer.vtkOrientedImageData()
    review_layers.make_room(image, GRID, np.array([2, 3, 4]), np.array([3, 4, 5]))
    part, start = review_layers.view(image, GRID)
    assert ((start <= [2, 3, 4]) & (start + part.shape >= [3, 4, 5])).all()
    assert part.any() == np.False_


def test_a_layer_shifted_by_whole_voxels_is_read_where_it_lies():
    moved = Geometry((2, 2, 2), GRID.spacing_mm_zyx, tuple(GRID.index_to_lps(np.array([3, 4, 5]))), GRID.direction_lps)
    image = slicer.vtkOrientedImageData()
    image.ShallowCopy(volumes.image_data(np.ones((2, 2, 2), np.uint8)))
    image.SetImageToWorldMatrix(volumes.ijk_to_ras_matrix(moved))
    part, start = review_layers.view(image, GRID)
    assert (part.sum(), start.tolist()) == (8, [3, 4, 5])


def test_what_a_layer_holds_outside_the_ct_is_left_out():
    image = slicer.vtkOrientedImageData()
    image.ShallowCopy(volumes.image_data(np.ones((3, 3, 3), np.uint8)))
    image.SetExtent(-1, 1, 22, 24, 6, 8)
    image.SetImageToWorldMatrix(volumes.ijk_to_ras_matrix(GRID))
    part, start = review_layers.view(image, GRID)
    assert (part.shape, start.tolist()) == ((2, 2, 2), [6, 22, 0])


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("size", [0, 5, 8, 27])
def test_occupied_voxels_are_found_whatever_the_layer_s_type_and_size(kind, size):
    voxels = np.zeros(size, kind)
    voxels[[i for i in (0, 4, 7, 15, 26) if i < size]] = 3
    assert review_layers.occupied(voxels.reshape(1, 1, size)).tolist() == np.flatnonzero(voxels).tolist()


def test_what_the_program_left_out_is_shown_faintly_and_joins_its_artery_once_accepted(scene, tmp_path):
    from CACNetSegmentationLib.scene.review import SceneReview

    fourth = np.zeros(SHAPE, bool)
    fourth[6, 2:6, 2:6] = True
    other = LeftOutLesion(Vessel.LCX, np.flatnonzero(fourth), RejectReason.VALVE, 0.4)
    nodes = result_in(scene, tmp_path, [other])
    review = SceneReview.start(scene, nodes.volume_node, nodes.segmentation_node, nodes.folder)
    try:
        assert review.summary.totals.agatston == 3 * LESION_AGATSTON
        assert review.lesion_at(ras_of(6, 3, 3)) == 4
        np.testing.assert_array_equal(mask(review, "Rejected"), fourth)
        agree(review)
        assert actions(review) == []
        review.accept([4])
        assert review.summary.totals.agatston == 4 * LESION_AGATSTON
        assert not mask(review, "Rejected").any()
        np.testing.assert_array_equal(mask(review, "LCx"), fourth)
    finally:
        review.close()
