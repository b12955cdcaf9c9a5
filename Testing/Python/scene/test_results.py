"""Every CT has its own results, found by the references between nodes."""

import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
from CACNetSegmentationLib.scene import results, segmentations, volumes  # noqa: E402
from CACNetSegmentationLib.scene.self_test import made_up_ct  # noqa: E402


@pytest.fixture
def two(scene):
    """Two CTs; the first with two results, the second with one."""
    volume, calcium = made_up_ct()
    cts = [volumes.node_from_volume(scene, volume, name) for name in ("A", "B")]
    nodes = [
        segmentations.create_segmentation(scene, calcium, calcium, ct, "test", name)
        for ct, name in ((cts[0], "A1"), (cts[1], "B1"), (cts[0], "A2"))
    ]
    return cts, nodes


def test_results_are_those_made_on_the_ct_the_newest_last(scene, two):
    (first, second), (a1, b1, a2) = two
    assert results.results_of(scene, first) == (a1, a2)
    assert results.results_of(scene, second) == (b1,)
    assert results.results_of(scene, None) == ()


def test_a_segmentation_of_something_else_is_no_result(scene, two):
    (first, _), (a1, _, a2) = two
    foreign = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Liver")
    foreign.SetReferenceImageGeometryParameterFromVolumeNode(first)
    assert not results.is_result(foreign)
    assert results.results_of(scene, first) == (a1, a2)


def test_a_result_names_its_ct_until_that_is_removed(scene, two):
    (first, _), (a1, _, _) = two
    assert results.volume_of(a1) is first
    scene.RemoveNode(first)
    assert results.volume_of(a1) is None
