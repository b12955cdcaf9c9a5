"""Corrections in a scene: lesions, scores, segments and the journal change together, and undo takes all of it back."""

import gc
import inspect
import weakref

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits.journal import labels_sha256
from cacnet.edits.names import UnknownNameError
from cacnet.edits.review import EditError, RejectReason, ReviewState
from cacnet.edits.session import Action, LockedError
from cacnet.edits.summary import Difference
from cacnet.scoring import InvalidPatientError, UnknownProtocolError
from cacnet.volume import GeometryMismatchError
from review_case import LESION_AGATSTON, SECOND_LOOK, SHAPE, ct, labels, paint, ras_of

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
import vtk  # noqa: E402
from CACNetSegmentationLib.scene import segmentations  # noqa: E402
from CACNetSegmentationLib.scene.live_review import ClosedReviewError  # noqa: E402
from CACNetSegmentationLib.scene.review import SceneReview  # noqa: E402
from CACNetSegmentationLib.scene.review_store import REVIEW_ROLE  # noqa: E402
from CACNetSegmentationLib.widgets.review.service import ReviewService  # noqa: E402


def shown(review) -> np.ndarray:
    return segmentations.labels_from_segmentation(review.segmentation_node, review.volume_node)[0]


def rejected_shown(review) -> np.ndarray:
    return slicer.util.arrayFromSegmentBinaryLabelmap(review.segmentation_node, "Rejected", review.volume_node) > 0


def tag(review, segment_id: str) -> str:
    value = vtk.reference("")
    review.segmentation_node.GetSegmentation().GetSegment(segment_id).GetTag("DICOM.SegmentAlgorithmType", value)
    return str(value)


def test_the_widgets_find_everything_that_they_ask_for():
    for name, asked in vars(ReviewService).items():
        if name.startswith("_"):
            continue
        offered = getattr(SceneReview, name)
        if callable(asked):
            assert list(inspect.signature(offered).parameters) == list(inspect.signature(asked).parameters), name


def test_a_result_starts_with_the_network_s_scores_and_untouched_segments(review):
    assert review.summary.totals.agatston == 3 * LESION_AGATSTON
    assert review.summary.percentile is not None
    assert [row.confidence for row in review.summary.lesions] == [0.8, 0.8, 0.8]
    np.testing.assert_array_equal(shown(review), labels())
    assert {tag(review, name) for name in ("LM", "LAD", "LCx", "RCA", "Unassigned")} == {"AUTOMATIC"}
    assert not review.summary.can_undo


def test_what_the_run_noticed_is_kept_with_the_review_when_it_is_resumed(scene, review):
    assert review.findings == (SECOND_LOOK,)
    node = review.segmentation_node
    review.close()
    assert SceneReview.resume(scene, node).findings == (SECOND_LOOK,)


def test_relabelling_moves_the_voxels_to_the_other_segment(review):
    review.relabel([1], Vessel.LCX)
    expected = labels()
    expected[1, 2:6, 2:6] = Vessel.LCX
    np.testing.assert_array_equal(shown(review), expected)
    assert review.summary.lesions[0].difference is Difference.RELABELLED
    assert review.summary.lesions[0].confidence == 0.8


def test_only_segments_that_changed_are_tagged_semiautomatic(review):
    review.relabel([1], Vessel.LCX)
    assert {name: tag(review, name) for name in ("LM", "LAD", "LCx", "RCA", "Unassigned")} == {
        "LM": "AUTOMATIC",
        "LAD": "SEMIAUTOMATIC",
        "LCx": "SEMIAUTOMATIC",
        "RCA": "AUTOMATIC",
        "Unassigned": "AUTOMATIC",
    }
    name = vtk.reference("")
    review.segmentation_node.GetSegmentation().GetSegment("LAD").GetTag("DICOM.SegmentAlgorithmName", name)
    assert str(name) == "CACNet test-net"


def test_accepting_changes_no_voxel_and_no_tag(review):
    review.accept([1])
    assert review.summary.lesions[0].state is ReviewState.ACCEPTED
    assert tag(review, "LAD") == "AUTOMATIC"


def test_a_rejected_lesion_leaves_scores_and_exports_and_stays_faintly_visible(review):
    review.reject([3], RejectReason.STENT)
    assert review.summary.totals.agatston == 2 * LESION_AGATSTON
    np.testing.assert_array_equal(shown(review), np.where(labels() == Vessel.RCA, 0, labels()))
    np.testing.assert_array_equal(rejected_shown(review), labels() == Vessel.RCA)
    display = review.segmentation_node.GetDisplayNode()
    assert display.GetSegmentOpacity2DFill("Rejected") < 0.5
    assert display.GetSegmentOpacity3D("Rejected") < 0.5


def test_a_zero_where_little_of_the_arteries_is_known_is_no_score_until_it_is_approved(review):
    """The result has blocks for arteries, and so no centre lines."""
    assert review.summary.inconclusive == ""
    review.reject(list(review.session.review.lesions), RejectReason.NOISE)
    assert review.summary.totals.agatston == 0
    assert "a score of 0 does not mean that there is none" in review.summary.inconclusive
    review.approve("AB")
    assert review.summary.inconclusive == ""


def test_a_script_names_reasons_and_arteries_in_words(review):
    review.reject([3], "stent")
    review.relabel([1], "lcx")
    rows = {row.id: row for row in review.summary.lesions}
    assert rows[3].reason is RejectReason.STENT
    assert rows[1].vessel is Vessel.LCX
    assert [dict(entry.details) for entry in review.session.audit] == [{"reason": "stent"}, {"vessel": "LCx"}]


def test_a_script_that_names_an_unknown_one_is_told_which_there_are(review):
    with pytest.raises(UnknownNameError, match="no reason 'stents'.*expected one of stent, clip, valve, aortic wall"):
        review.reject([3], "stents")
    with pytest.raises(UnknownNameError, match="no artery 'PDA'.*LM, LAD, LCx, RCA, Unassigned"):
        review.relabel([1], "PDA")
    with pytest.raises(UnknownNameError, match="no artery '9'"):
        review.add_at(ras_of(6, 3, 3), 9)
    assert not review.session.audit


def test_restoring_a_rejected_lesion_brings_its_voxels_back(review):
    review.reject([3], RejectReason.STENT)
    review.restore([3])
    np.testing.assert_array_equal(shown(review), labels())
    assert not rejected_shown(review).any()
    assert review.summary.lesions[2].state is ReviewState.UNREVIEWED


def test_splitting_by_a_plane_keeps_every_voxel_and_sum(review):
    axis = np.subtract(ras_of(1, 2, 3), ras_of(1, 2, 2))
    review.split_by_plane(1, ras_of(1, 3.5, 3.5), tuple(axis))
    rows = {row.id: row for row in review.summary.lesions}
    assert set(rows) == {1, 2, 3, 4}
    assert (rows[1].volume_mm3, rows[4].volume_mm3) == (6.0, 6.0)  # 8 voxels of 0.75 mm³ each
    assert rows[4].origin == (1,)
    assert review.summary.totals.agatston == 3 * LESION_AGATSTON
    np.testing.assert_array_equal(shown(review), labels())


def test_a_dumbbell_is_split_at_its_waist_and_a_point_has_none(review):
    paint(review.segmentation_node, "RCA", np.s_[5:8, 15:18, 2:5])
    paint(review.segmentation_node, "RCA", np.s_[6:7, 16:17, 5:8])
    paint(review.segmentation_node, "RCA", np.s_[5:8, 15:18, 8:11])
    paint(review.segmentation_node, "LM", np.s_[7:8, 22:23, 22:23])
    review.absorb_strokes()
    review.split(review.lesion_at(ras_of(6, 16, 3)))
    assert review.lesion_at(ras_of(6, 16, 3)) != review.lesion_at(ras_of(6, 16, 9))
    before = review.session.review
    with pytest.raises(EditError, match="waist"):
        review.split(review.lesion_at(ras_of(7, 22, 22)))
    assert review.session.review is before


def test_merging_makes_one_of_two(review):
    review.merge([1, 2])
    assert [row.id for row in review.summary.lesions] == [1, 3]
    assert review.summary.lesions[0].volume_mm3 == 24.0
    assert review.summary.network_lesions_removed == (2,)


def test_erasing_removes_lesions_even_rejected_ones_and_undo_brings_them_back(review):
    review.reject([3], RejectReason.NOISE)
    review.erase([1, 3])
    assert [row.id for row in review.summary.lesions] == [2]
    assert not rejected_shown(review).any()
    review.undo()
    assert rejected_shown(review).sum() == 16
    review.undo()
    np.testing.assert_array_equal(shown(review), labels())


def test_a_click_grows_the_missed_plaque_in_the_nearest_artery(review):
    review.add_at(ras_of(6, 3, 3), Vessel.UNASSIGNED)
    row = review.summary.lesions[3]
    assert (row.vessel, row.agatston, row.difference, row.confidence) == (
        Vessel.LCX,
        LESION_AGATSTON,
        Difference.NEW,
        None,
    )
    assert (shown(review)[6, 2:6, 2:6] == Vessel.LCX).all()


def test_a_click_takes_the_artery_asked_for_and_refuses_where_nothing_is(review):
    review.add_at(ras_of(6, 3, 3), Vessel.RCA)
    assert review.summary.lesions[3].vessel is Vessel.RCA
    with pytest.raises(EditError, match="no calcium"):
        review.add_at(ras_of(6, 20, 20), Vessel.RCA)
    with pytest.raises(EditError, match="outside"):
        review.add_at(ras_of(90, 3, 3), Vessel.RCA)
    with pytest.raises(EditError, match="already"):
        review.add_at(ras_of(6, 3, 3), Vessel.LAD)


def test_a_click_far_from_any_centre_line_stays_unassigned(review):
    review.erase([3])
    review.add_at(ras_of(3, 13, 13), Vessel.UNASSIGNED)  # 9 mm below the line, and 5 mm aside
    assert review.summary.lesions[-1].vessel is Vessel.UNASSIGNED


def test_undo_to_the_start_and_redo_to_the_end_of_everything(review):
    states = [labels_sha256(review.session.review)]
    for step in (
        lambda: review.relabel([1], Vessel.LM),
        lambda: review.reject([2], RejectReason.BONE),
        lambda: review.add_at(ras_of(6, 3, 3), Vessel.RCA),
        lambda: review.merge([3, 4]),
        lambda: review.accept_all(),
        lambda: review.erase([1]),
    ):
        step()
        states.append(labels_sha256(review.session.review))
    for state in states[-2::-1]:
        review.undo()
        assert labels_sha256(review.session.review) == state
        np.testing.assert_array_equal(shown(review), review.session.review.label_map())
    for state in states[1:]:
        review.redo()
        assert labels_sha256(review.session.review) == state
        np.testing.assert_array_equal(shown(review), review.session.review.label_map())
    with pytest.raises(EditError, match="nothing to redo"):
        review.redo()


def test_listeners_hear_of_every_change_and_of_nothing_else(review):
    heard = []
    review.on_change(lambda summary: heard.append(summary.totals.agatston))
    review.reject([1], RejectReason.CLIP)
    review.reject([1], RejectReason.CLIP)
    review.undo()
    assert heard == [32.0, 48.0]


def test_what_cannot_be_done_changes_nothing(review):
    heard = []
    review.on_change(heard.append)
    with pytest.raises(EditError, match="no lesion 9"):
        review.accept([9])
    with pytest.raises(EditError):
        review.merge([1])
    with pytest.raises(EditError, match="nothing to undo"):
        review.undo()
    assert heard == []


def test_another_protocol_scores_anew_with_this_scan_s_numbers(review):
    assert review.summary.resolved.threshold_hu == 300.0  # blood 200 + 2 × 50
    review.use_protocol("literature")
    assert review.summary.resolved.threshold_hu == 130.0
    assert review.summary.network_totals.agatston == 48.0
    with pytest.raises(UnknownProtocolError):
        review.use_protocol("none")
    assert review.summary.resolved.protocol.name == "literature"


def test_age_and_sex_give_a_percentile(review):
    review.set_patient(None, None)
    assert review.summary.percentile is None
    review.set_patient(62.0, "M")
    assert review.summary.percentile.bracket == "25th–50th"  # men of 60 to 64: 25th at 13, 50th at 113
    for age, sex in ((7.0, None), (None, "X"), (200.0, "F")):
        with pytest.raises(InvalidPatientError):
            review.set_patient(age, sex)
    assert review.summary.percentile.bracket == "25th–50th"


def test_an_approved_review_is_locked_until_it_is_reopened(review):
    with pytest.raises(EditError, match="3 of 3"):
        review.approve("AB")
    review.accept_all()
    review.approve("AB")
    assert review.summary.approved_by == "AB"
    for attempt in (
        lambda: review.reject([1], RejectReason.CLIP),
        lambda: review.undo(),
        lambda: review.use_protocol("literature"),
        lambda: review.set_patient(50.0, "M"),
    ):
        with pytest.raises(LockedError):
            attempt()
    review.reopen()
    review.undo()
    assert [entry.action for entry in review.session.audit] == [
        Action.ACCEPT_ALL,
        Action.APPROVE,
        Action.REOPEN,
        Action.UNDO,
    ]


def test_the_lesion_at_a_position_is_found_also_when_rejected(review):
    review.reject([3], RejectReason.STENT)
    assert review.lesion_at(ras_of(1, 3, 13)) == 2
    assert review.lesion_at(ras_of(3, 13, 13)) == 3
    assert review.lesion_at(ras_of(7, 20, 20)) is None
    assert review.lesion_at(ras_of(-3, 0, 0)) is None


def test_a_ct_that_was_moved_is_refused(scene, result):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 5.0)
    transform.SetMatrixTransformToParent(matrix)
    result.volume_node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(GeometryMismatchError, match="CT in the scene"):
        SceneReview.start(scene, result.volume_node, result.segmentation_node, result.folder)


@pytest.mark.parametrize("name", ["volume_node", "segmentation_node"])
def test_removing_a_node_closes_the_review(scene, review, name):
    ended = []
    review.on_close(lambda: ended.append(True))
    scene.RemoveNode(getattr(review, name))
    assert review.closed
    assert ended == [True]
    with pytest.raises(ClosedReviewError):
        review.accept([1])


def test_removing_another_node_does_not(scene, review):
    scene.RemoveNode(scene.AddNewNodeByClass("vtkMRMLTextNode", "Notes"))
    assert not review.closed


def test_closing_the_scene_closes_the_review(scene, review):
    review.jump_to(1)
    scene.Clear(0)
    assert review.closed


def test_a_closed_review_hears_nothing_and_can_be_closed_again(review):
    heard = []
    review.on_pending_strokes(lambda: heard.append(True))
    review.close()
    review.close()
    paint(review.segmentation_node, "LAD", np.s_[6:7, 2:4, 2:4])
    assert heard == []


def test_twenty_reviews_leave_no_observer_node_or_review_behind(scene, result):
    node = result.segmentation_node
    # Slicer's own display code may watch the segmentation as well, but never calls Python.
    watched = observers_of(node)
    first = SceneReview.start(scene, result.volume_node, node, result.folder)
    assert observers_of(node) > watched
    first.close()
    nodes = scene.GetNumberOfNodes()
    alive = []
    for _ in range(20):
        review = SceneReview.resume(scene, node)
        review.show()
        review.jump_to(1)
        alive.append(weakref.ref(review))
        review.close()
        del review
    gc.collect()
    assert not [one for one in alive if one() is not None]
    assert scene.GetNumberOfNodes() == nodes
    assert observers_of(node) == watched


def observers_of(node) -> int:
    """How many observers a node has."""
    return sum(node.GetCommand(tag) is not None for tag in range(1, 3000))


def test_the_kept_text_follows_every_step(review):
    kept = review.segmentation_node.GetNodeReference(REVIEW_ROLE)
    review.reject([1], RejectReason.CLIP)
    first = kept.GetText()
    review.use_protocol("literature")
    assert '"reason":"clip"' in first
    assert '"protocol":"ccta-adaptive"' in first
    assert '"protocol":"literature"' in kept.GetText()


def test_the_ct_is_not_copied(review):
    assert review.hu_zyx.shape == SHAPE
    assert np.shares_memory(review.hu_zyx, slicer.util.arrayFromVolume(review.volume_node))
    np.testing.assert_array_equal(review.hu_zyx, ct())
