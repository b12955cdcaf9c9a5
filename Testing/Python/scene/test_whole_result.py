"""A result as the command line writes it, loaded into Slicer: everything lies where it lies in the patient."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.lesions import find_lesions
from cacnet.outputs import write_result
from cacnet.pipeline import Result, resolve_for
from cacnet.report import ModelStatement, Scores
from schematic import schematic_ccta
from scipy.spatial.transform import Rotation

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
from CACNetSegmentationLib.scene import segmentations, service, volumes  # noqa: E402
from CACNetSegmentationLib.scene.review import SceneReview  # noqa: E402

OBLIQUE = Rotation.from_euler("xyz", [25, -10, 40], degrees=True).as_matrix()
LEFT_HANDED = np.diag([1.0, 1.0, -1.0])


@pytest.fixture(params=[OBLIQUE, LEFT_HANDED], ids=["oblique", "left_handed"])
def result(request):
    """A simulated heart with its true labels; all calcium is given to the LAD."""
    scan = schematic_ccta(request.param)
    calcium = np.where(scan.calcium, np.uint8(Vessel.LAD), np.uint8(0))
    resolved = resolve_for(scan.volume, "ccta-adaptive", np.full(100, 400.0))
    lesions = find_lesions(calcium, scan.volume.hu, scan.volume.geometry, resolved)
    scores = Scores(lesions, resolved, model=ModelStatement(id="cacnet-test"))
    return Result(scan.volume, calcium, (calcium > 0).astype(np.uint8), scores)


@pytest.fixture
def loaded(scene, result, tmp_path):
    ct_node = volumes.node_from_volume(scene, result.volume, "CCTA")
    write_result(tmp_path, result)
    return ct_node, service.SceneService(scene).load_results(ct_node, tmp_path)


def test_the_segmentation_is_the_label_map(loaded, result):
    ct_node, results = loaded
    calcium, coronary = segmentations.labels_from_segmentation(results.segmentation_node, ct_node)
    np.testing.assert_array_equal(calcium, result.calcium)
    np.testing.assert_array_equal(coronary, result.coronary)


def test_the_centre_of_every_lesion_under_review_lies_in_the_lad_segment(scene, loaded):
    ct_node, results = loaded
    calcium, _ = segmentations.labels_from_segmentation(results.segmentation_node, ct_node)
    geometry = volumes.geometry_of_node(ct_node)
    review = SceneReview.resume(scene, results.segmentation_node)
    assert review.summary.lesions
    for row in review.summary.lesions:
        r, a, s = row.centroid_mm_ras
        z, y, x = np.round(geometry.lps_to_index(np.array([-r, -a, s]))).astype(int)
        assert calcium[z, y, x] == Vessel.LAD
        assert review.lesion_at((r, a, s)) == row.id
    review.close()


def test_a_review_begins_with_the_scores_of_the_run(scene, loaded, result):
    _, results = loaded
    review = SceneReview.resume(scene, results.segmentation_node)
    assert review.summary.totals == result.scores.totals
    assert review.session.audit == ()
    review.close()


def test_totals_and_protocol_are_those_of_the_result(loaded, result):
    _, results = loaded
    assert results.totals["agatston"] == pytest.approx(result.scores.totals.agatston)
    assert results.totals["lesions"] == result.scores.totals.lesions
    assert results.protocol_name == "ccta-adaptive"
