"""A segmentation in the scene is scored by the rules of its own result."""

import pytest
from cacnet.scoring import protocol_named, resolve

pytest.importorskip("slicer", reason="slicer-core is not installed")
from CACNetSegmentationLib.scene import scoring, segmentations, service, volumes
from CACNetSegmentationLib.scene.self_test import made_up_ct, write_made_up_result


@pytest.fixture
def ct(scene):
    return volumes.node_from_volume(scene, made_up_ct()[0], "CT")


@pytest.fixture
def result(scene, ct, tmp_path):
    write_made_up_result(tmp_path, *made_up_ct())
    return service.SceneService(scene).load_results(ct, tmp_path)


def test_a_result_is_scored_as_its_run_scored_it(ct, result):
    scores = scoring.score_segmentation(result.segmentation_node, ct)
    assert scores.resolved.protocol.name == "literature"
    assert scores.totals.agatston == pytest.approx(result.totals["agatston"])
    assert [lesion.vessel.label for lesion in scores.lesions.lesions] == ["LAD", "RCA"]


def test_another_protocol_takes_the_blood_of_the_result(ct, result):
    scores = scoring.score_segmentation(result.segmentation_node, ct, "ccta-adaptive")
    assert scores.resolved == resolve(protocol_named("ccta-adaptive"), 40.0, 10.0, 120.0)


def test_a_segmentation_without_a_run_is_scored_by_the_scans_own_contrast(scene, ct):
    _, calcium = made_up_ct()
    node = segmentations.create_segmentation(scene, calcium, calcium, ct, "test", "Drawn")
    assert scoring.score_segmentation(node, ct).resolved.protocol.name == "literature"


def test_a_ct_is_checked_with_what_is_known(ct):
    volume, _ = made_up_ct()
    codes = [finding.code for finding in scoring.check_volume(ct, volume.acquisition)]
    assert "field-of-view-too-small" in codes
    assert "kvp-unknown" not in codes
