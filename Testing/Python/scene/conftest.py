"""Fixtures of the scene tests."""

import pytest
from review_case import result_in
from slicer_scene import scene, slicer_application

__all__ = ["scene", "slicer_application"]


@pytest.fixture
def result(scene, tmp_path):
    """The nodes and the folder of `review_case.result_in`."""
    (tmp_path / "result").mkdir()
    return result_in(scene, tmp_path / "result")


@pytest.fixture
def review(scene, result):
    """The review of that result, just begun."""
    from CACNetSegmentationLib.scene.review import SceneReview

    review = SceneReview.start(scene, result.volume_node, result.segmentation_node, result.folder)
    yield review
    review.close()
