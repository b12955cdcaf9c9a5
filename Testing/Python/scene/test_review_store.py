"""A review comes back after the scene was saved and loaded, and after a crash; damage and strangers are named."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits.autosave import recoverable
from cacnet.edits.journal import JournalError, document, labels_sha256
from cacnet.edits.review import RejectReason
from cacnet.edits.session import Action
from cacnet.edits.stored_review import ReviewFileError
from cacnet.volume import Volume
from review_case import GRID, ct, labels, paint, ras_of, result_in

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
from CACNetSegmentationLib.scene import review_store, segmentations, volumes  # noqa: E402
from CACNetSegmentationLib.scene.review import SceneReview  # noqa: E402


@pytest.fixture
def review(scene, result, tmp_path):
    review = SceneReview.start(
        scene, result.volume_node, result.segmentation_node, result.folder, tmp_path / "autosave"
    )
    yield review
    review.close()


def work(review) -> None:
    review.relabel([1], Vessel.LCX)
    review.reject([3], RejectReason.STENT)
    review.add_at(ras_of(6, 3, 3), Vessel.RCA)
    review.undo()
    review.use_protocol("literature")
    review.set_patient(55.0, "M")


def shown(review) -> np.ndarray:
    return segmentations.labels_from_segmentation(review.segmentation_node, review.volume_node)[0]


def saved_and_loaded(scene, folder):
    """The scene through Slicer's own saving, in a folder as a bundle holds it; returns the segmentation."""
    folder.mkdir()
    assert scene.SaveSceneToSlicerDataBundleDirectory(str(folder))
    (file,) = folder.rglob("*.mrml")
    scene.Clear(0)
    scene.SetURL(str(file))
    assert scene.Connect()
    return scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")


def test_the_whole_review_comes_back_from_a_saved_scene(scene, review, tmp_path):
    work(review)
    review.jump_to(1)
    before, journal, labels_before = review.summary, document(review.session), shown(review)
    review = SceneReview.resume(scene, saved_and_loaded(scene, tmp_path / "saved"))
    assert review.summary == before
    assert document(review.session) == journal
    np.testing.assert_array_equal(shown(review), labels_before)
    review.redo()
    assert (review.session.review.label_map()[6, 2:6, 2:6] == Vessel.RCA).all()
    review.close()


def test_the_mark_is_not_saved_and_the_text_needs_no_file(scene, review, tmp_path):
    review.jump_to(1)
    saved_and_loaded(scene, tmp_path / "saved")
    models = [
        scene.GetNthNodeByClass(n, "vtkMRMLModelNode") for n in range(scene.GetNumberOfNodesByClass("vtkMRMLModelNode"))
    ]
    assert all(model.GetName().endswith("Volume Slice") for model in models)  # those of Slicer's slice views
    assert list((tmp_path / "saved").rglob("*.txt")) == []


def test_an_approved_review_comes_back_locked(scene, review, tmp_path):
    review.accept_all()
    review.approve("AB")
    review = SceneReview.resume(scene, saved_and_loaded(scene, tmp_path / "saved"))
    assert review.summary.approved_by == "AB"
    review.close()


def test_replaying_the_kept_journal_gives_the_labels_bit_by_bit(review):
    work(review)
    stored, _ = review_store.kept_review(review.segmentation_node)
    again = stored.open(ct())
    assert labels_sha256(again.review) == labels_sha256(review.session.review)
    np.testing.assert_array_equal(again.review.label_map(), shown(review))


def test_what_was_painted_while_the_review_was_closed_is_taken_in_when_it_is_resumed(scene, review):
    review.close()
    paint(review.segmentation_node, "LM", np.s_[6:7, 2:6, 2:6])
    again = SceneReview.resume(scene, review.segmentation_node)
    assert [entry.action for entry in again.session.audit] == [Action.PAINT]
    again.undo()
    np.testing.assert_array_equal(shown(again), labels())
    again.close()


def test_what_was_painted_on_an_approved_review_while_it_was_closed_is_taken_back(scene, review):
    review.accept_all()
    review.approve("AB")
    review.close()
    paint(review.segmentation_node, "LM", np.s_[6:7, 2:6, 2:6])
    again = SceneReview.resume(scene, review.segmentation_node)
    np.testing.assert_array_equal(shown(again), labels())
    again.close()


def test_two_results_in_one_scene_keep_their_own_reviews(scene, review, tmp_path):
    other = result_in(scene, tmp_path)
    review_store.attach_result(other.volume_node, other.segmentation_node, other.folder)
    review.erase([1])
    second = SceneReview.resume(scene, other.segmentation_node)
    assert len(second.summary.lesions) == 3
    assert second.volume_node is other.volume_node
    second.close()


def test_a_segmentation_without_a_review_is_named(scene):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Liver")
    assert not review_store.has_review(node)
    assert not review_store.has_review(None)
    with pytest.raises(review_store.NoReviewError, match="'Liver' has no review"):
        SceneReview.resume(scene, node)


def test_a_review_without_its_ct_is_named(scene, review):
    scene.RemoveNode(review.volume_node)
    with pytest.raises(review_store.NoReviewError, match="CT"):
        SceneReview.resume(scene, review.segmentation_node)


@pytest.mark.parametrize("text", ["", "{}", "x"])
def test_a_damaged_text_is_named_and_the_segments_stay(scene, review, text):
    review.close()
    review.segmentation_node.GetNodeReference(review_store.REVIEW_ROLE).SetText(text)
    with pytest.raises(ReviewFileError):
        SceneReview.resume(scene, review.segmentation_node)
    np.testing.assert_array_equal(shown(review), labels())


def test_an_altered_journal_is_named(scene, review):
    review.reject([1], RejectReason.CLIP)
    review.close()
    node = review.segmentation_node.GetNodeReference(review_store.REVIEW_ROLE)
    node.SetText(node.GetText().replace('"removed":[1]', '"removed":[2]'))
    with pytest.raises(JournalError):
        SceneReview.resume(scene, review.segmentation_node)


def test_a_result_without_its_review_file_is_named(scene, result):
    (result.folder / "review.json").unlink()
    with pytest.raises(ReviewFileError, match=r"review\.json"):
        SceneReview.start(scene, result.volume_node, result.segmentation_node, result.folder)


def test_a_crash_leaves_a_review_that_is_recovered_on_the_same_ct(scene, review, tmp_path):
    work(review)
    expected, lesions = shown(review), review.summary.lesions
    review._observer.remove()  # as a crash: nothing is closed
    scene.Clear(0)
    (offered,) = recoverable(tmp_path / "autosave")
    assert offered.steps == 4
    ct_node = volumes.node_from_volume(scene, Volume(ct(), GRID), "CCTA")
    again = SceneReview.recover(scene, ct_node, offered.path)
    np.testing.assert_array_equal(shown(again), expected)
    assert again.summary.lesions == lesions
    rejected = slicer.util.arrayFromSegmentBinaryLabelmap(again.segmentation_node, "Rejected", ct_node)
    assert rejected.sum() == 16
    assert not offered.path.exists()
    assert len(recoverable(tmp_path / "autosave")) == 1
    again.close()


def test_a_review_that_is_not_of_this_ct_is_not_recovered(scene, review, tmp_path):
    work(review)
    (offered,) = recoverable(tmp_path / "autosave")
    other = volumes.node_from_volume(scene, Volume(ct() + np.int16(1), GRID), "Other")
    with pytest.raises(ReviewFileError, match="other values"):
        SceneReview.recover(scene, other, offered.path)
    assert offered.path.exists()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


def test_closing_leaves_nothing_to_recover(review, tmp_path):
    work(review)
    review.close()
    assert list((tmp_path / "autosave").iterdir()) == []


def test_an_untouched_review_writes_no_file(review, tmp_path):
    assert not (tmp_path / "autosave").exists()


def test_a_full_disk_stops_no_correction_and_is_told(scene, result, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    review = SceneReview.start(
        scene, result.volume_node, result.segmentation_node, result.folder, tmp_path / "file" / "folder"
    )
    review.reject([1], RejectReason.CLIP)
    assert review.summary.can_undo
    assert "cannot be made" in review.autosave_problem
    review.close()


def test_a_text_node_that_was_removed_is_made_anew(scene, review):
    scene.RemoveNode(review.segmentation_node.GetNodeReference(review_store.REVIEW_ROLE))
    review.reject([1], RejectReason.CLIP)
    stored, _ = review_store.kept_review(review.segmentation_node)
    assert len(stored.journal["entries"]) == 1
