"""Results appear in the study of their CT."""

import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
from CACNetSegmentationLib.scene.subject_hierarchy import place_beside  # noqa: E402


@pytest.fixture
def hierarchy(scene):
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


@pytest.fixture
def ct_node(scene):
    return scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")


@pytest.fixture
def table_node(scene):
    return scene.AddNewNodeByClass("vtkMRMLTableNode", "Lesions")


def test_a_node_moves_into_the_study_of_its_ct(scene, hierarchy, ct_node, table_node):
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.CreateItem(study, ct_node)
    hierarchy.CreateItem(hierarchy.GetSceneItemID(), table_node)
    place_beside(scene, table_node, ct_node)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(table_node)) == study


def test_without_a_study_both_lie_at_the_top(scene, hierarchy, ct_node, table_node):
    place_beside(scene, table_node, ct_node)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(table_node)) == hierarchy.GetSceneItemID()
