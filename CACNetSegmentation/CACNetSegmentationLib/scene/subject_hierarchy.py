"""Where results appear in the Data module: in the study of the CT that they were made from."""

from __future__ import annotations

import slicer


def place_beside(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLNode, volume_node: slicer.vtkMRMLNode) -> None:
    """Move `node` to the study (or folder) of `volume_node`."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    top = hierarchy.GetSceneItemID()
    # The application makes an item for every node; a scene in a script has none until it is asked for.
    volume_item = hierarchy.GetItemByDataNode(volume_node) or hierarchy.CreateItem(top, volume_node)
    item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(top, node)
    hierarchy.SetItemParent(item, hierarchy.GetItemParent(volume_item))
