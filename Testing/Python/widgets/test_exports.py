"""The export buttons: they ask where to, write the review as it stands, and say what was written."""

import json

import pytest
from cacnet.anatomy import Vessel
from cacnet.dataset.errors import NotApprovedError
from cacnet.dataset.export import ExportLayout
from cacnet.dicom.errors import SourceImagesError
from cacnet.edits.review import RejectReason
from cacnet.reporting import figures
from cacnet.volume import Acquisition
from review_case import SECOND_LOOK, result_in

pytest.importorskip("slicer", reason="slicer-core is not installed")


@pytest.fixture
def review(qt_application, scene, tmp_path):
    from CACNetSegmentationLib.scene.review import SceneReview

    folder = tmp_path / "result"
    folder.mkdir()
    result = result_in(scene, folder)
    review = SceneReview.start(scene, result.volume_node, result.segmentation_node, result.folder)
    yield review
    review.close()


@pytest.fixture
def exports(review, tmp_path):
    """Exports that go into the folder `out`, and remember what was asked."""
    from CACNetSegmentationLib.widgets.exports import Exports

    asked = []

    def ask(title):
        asked.append(title)
        return tmp_path / "out"

    exports = Exports(lambda: review, lambda node: Acquisition(kvp=100.0), None, ask)
    exports.asked = asked
    return exports


def test_the_report_states_the_corrected_score(exports, review, tmp_path):
    review.reject([1], RejectReason.VALVE)
    sentence = exports.report()
    [folder] = (tmp_path / "out").iterdir()
    assert "case_report.pdf" in sentence
    assert {path.suffix for path in folder.iterdir()} == {".pdf", ".html", ".xlsx", ".csv", ".json"}
    written = json.loads((folder / "case_report.json").read_text("utf-8"))
    stated = figures.AGATSTON.rounded(review.summary.totals.agatston)
    assert str(stated) in json.dumps(written)
    assert "CCTA" not in json.dumps(written.get("acquisition", {}))
    assert SECOND_LOOK.message in json.dumps(written["findings"], ensure_ascii=False)


def test_the_case_joins_a_data_set_for_training(exports, review, tmp_path):
    review.relabel([1], Vessel.RCA)
    assert exports.labels(ExportLayout.OURS, "Where").startswith("Added case-")
    assert exports.asked == ["Where"]
    assert len(list((tmp_path / "out" / "cases").iterdir())) == 1


def test_nnunet_takes_no_case_that_nobody_approved(exports):
    with pytest.raises(NotApprovedError):
        exports.labels(ExportLayout.NNUNET, "Where")


def test_dicom_needs_a_ct_from_dicom_and_says_so_before_it_asks_where_to(exports):
    with pytest.raises(SourceImagesError):
        exports.dicom()
    assert exports.asked == []


def test_closing_the_dialog_writes_nothing(review):
    from CACNetSegmentationLib.widgets.exports import NOTHING_CHOSEN, Exports

    exports = Exports(lambda: review, lambda node: Acquisition(), None, lambda title: None)
    assert exports.report() == NOTHING_CHOSEN
    assert exports.labels(ExportLayout.OURS, "Where") == NOTHING_CHOSEN


def test_without_a_review_there_is_nothing_to_export(qt_application):
    from CACNetSegmentationLib.widgets.exports import Exports, NoReviewOpenError

    exports = Exports(lambda: None, lambda node: Acquisition(), None, lambda title: None)
    for action in exports.actions():
        with pytest.raises(NoReviewOpenError):
            action.run()


def test_the_folder_is_asked_for_with_the_applications_dialog(qt_application, tmp_path):
    from CACNetSegmentationLib.widgets.exports import ask_for_folder
    from stand_in import dialogs

    dialogs.answers.extend([str(tmp_path), None])
    assert ask_for_folder("Where") == tmp_path
    assert ask_for_folder("Where") is None
