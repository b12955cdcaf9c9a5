"""Results become segmentations in which nothing is missing, and segmentations become label maps again."""

import math

import numpy as np
import pytest
from cacnet import segments
from cacnet.volume import Geometry, GeometryMismatchError, Volume
from product_paths import PRODUCT

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
import vtk  # noqa: E402
from CACNetSegmentationLib.scene import segmentations, volumes  # noqa: E402
from slicer.util import updateSegmentBinaryLabelmapFromArray  # noqa: E402

C, S = math.cos(0.4), math.sin(0.4)
OBLIQUE = (C, -S, 0.0, S * C, C * C, -S, S * S, C * S, C)
LEFT_HANDED = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
SHAPE = (4, 5, 6)


def _geometry(direction_lps=AXIAL):
    return Geometry(SHAPE, (0.5, 0.4, 0.3), (11.0, -22.0, 33.0), direction_lps)


@pytest.fixture(params=[AXIAL, LEFT_HANDED, OBLIQUE], ids=["axial", "left_handed", "oblique"])
def ct_node(scene, request):
    return volumes.node_from_volume(scene, Volume(np.zeros(SHAPE, np.int16), _geometry(request.param)), "CT")


@pytest.fixture
def calcium():
    labels = np.zeros(SHAPE, np.uint8)
    for z, y, x, label in ((0, 0, 0, 1), (1, 2, 3, 2), (1, 2, 4, 3), (2, 4, 5, 4), (3, 4, 5, 5)):
        labels[z, y, x] = label
    return labels


@pytest.fixture
def coronary():
    labels = np.zeros(SHAPE, np.uint8)
    labels[:, 2, :] = 2
    return labels


@pytest.fixture
def expected_coronary(calcium, coronary):
    return ((calcium > 0) | (coronary > 0)).astype(np.uint8)


@pytest.fixture(params=["created", "loaded"])
def segmentation_node(request, scene, ct_node, calcium, coronary, tmp_path):
    """The same result by both ways: from arrays, and from the file that `cacnet segment` writes."""
    if request.param == "created":
        return segmentations.create_segmentation(scene, calcium, coronary, ct_node, "cacnet-1", "Result")
    path = tmp_path / "segmentation.seg.nrrd"
    segments.write_seg_nrrd(path, calcium, coronary, volumes.geometry_of_node(ct_node), "cacnet-1")
    return segmentations.load_segmentation(scene, path, ct_node, "Result")


def _tag(segment, name):
    value = vtk.reference("")
    assert segment.GetTag(name, value)
    return str(value)


def test_every_segment_has_its_name_colour_terminology_and_dicom_tags(segmentation_node):
    segmentation = segmentation_node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == len(segments.SEGMENTS)
    for number, definition in enumerate(segments.SEGMENTS):
        segment = segmentation.GetNthSegment(number)
        assert segmentation.GetNthSegmentID(number) == definition.segment_id
        assert segment.GetName() == definition.name
        assert segment.GetColor() == pytest.approx(definition.color_rgb, abs=1e-5)
        assert segment.GetLabelValue() == definition.label_value
        assert segment.GetTerminology() == definition.terminology_entry
        assert _tag(segment, "DICOM.SegmentAlgorithmType") == "AUTOMATIC"
        assert _tag(segment, "DICOM.SegmentAlgorithmName") == "cacnet-1"


def test_calcium_shares_one_layer_and_the_arteries_have_their_own(segmentation_node):
    assert segmentation_node.GetSegmentation().GetNumberOfLayers("Binary labelmap") == 2


def test_labels_come_back_voxel_for_voxel(segmentation_node, ct_node, calcium, expected_coronary):
    calcium_back, coronary_back = segmentations.labels_from_segmentation(segmentation_node, ct_node)
    np.testing.assert_array_equal(calcium_back, calcium)
    np.testing.assert_array_equal(coronary_back, expected_coronary)


def test_slicers_own_export_finds_the_same_voxels(segmentation_node, ct_node, calcium):
    from slicer.util import arrayFromSegmentBinaryLabelmap

    for definition in segments.CALCIUM_SEGMENTS:
        mask = arrayFromSegmentBinaryLabelmap(segmentation_node, definition.segment_id, ct_node)
        np.testing.assert_array_equal(mask > 0, calcium == definition.label_value)


def test_a_segment_lies_where_its_voxel_lies_in_the_patient(segmentation_node, ct_node):
    image = segmentation_node.GetSegmentation().GetSegment("LAD").GetRepresentation("Binary labelmap")
    found, expected = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(found)
    ct_node.GetIJKToRASMatrix(expected)
    for row in range(4):
        for column in range(4):
            assert found.GetElement(row, column) == pytest.approx(expected.GetElement(row, column), abs=1e-9)


def test_calcium_is_filled_and_the_arteries_are_only_outlined_in_slices(segmentation_node):
    display = segmentation_node.GetDisplayNode()
    for definition in segments.CALCIUM_SEGMENTS:
        assert display.GetSegmentOpacity2DFill(definition.segment_id) == 1
    assert display.GetSegmentOpacity2DFill("CoronaryArteries") == 0
    assert display.GetSegmentOpacity2DOutline("CoronaryArteries") == 1
    assert display.GetSegmentOpacity3D("CoronaryArteries") < 0.5


def test_painting_continues_on_the_grid_of_the_ct(segmentation_node, ct_node):
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    assert segmentation_node.GetNodeReference(role) is ct_node


def test_the_result_lies_under_the_study_of_the_ct(scene, ct_node, calcium, coronary):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.CreateItem(study, ct_node)
    node = segmentations.create_segmentation(scene, calcium, coronary, ct_node, "cacnet-1", "Result")
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study


def test_a_brush_stroke_is_in_the_labels_at_once(segmentation_node, ct_node, calcium):
    stroke = (calcium == 2).astype(np.uint8)
    stroke[3, 0, 0] = 1
    updateSegmentBinaryLabelmapFromArray(stroke, segmentation_node, "LAD", ct_node)
    calcium_back, _ = segmentations.labels_from_segmentation(segmentation_node, ct_node)
    assert calcium_back[3, 0, 0] == 2
    assert (calcium_back > 0).sum() == (calcium > 0).sum() + 1


def test_a_named_artery_wins_over_unassigned_where_segments_overlap(segmentation_node, ct_node, calcium):
    both = ((calcium == 5) | (calcium == 3)).astype(np.uint8)
    updateSegmentBinaryLabelmapFromArray(both, segmentation_node, "Unassigned", ct_node)
    updateSegmentBinaryLabelmapFromArray(both, segmentation_node, "LCx", ct_node)
    calcium_back, _ = segmentations.labels_from_segmentation(segmentation_node, ct_node)
    assert (calcium_back[both > 0] == 3).all()


def test_a_renamed_segment_is_still_known_and_a_deleted_one_is_empty(segmentation_node, ct_node, calcium):
    segmentation_node.GetSegmentation().GetSegment("RCA").SetName("Right")
    segmentation_node.GetSegmentation().RemoveSegment("LM")
    calcium_back, _ = segmentations.labels_from_segmentation(segmentation_node, ct_node)
    np.testing.assert_array_equal(calcium_back, np.where(calcium == 1, 0, calcium))


def test_a_foreign_segmentation_is_refused(scene, ct_node):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Liver")
    with pytest.raises(segmentations.ForeignSegmentationError, match="'Liver' has none of CACNet's segments"):
        segmentations.labels_from_segmentation(node, ct_node)


def test_an_empty_result_keeps_its_segments_so_that_they_can_be_painted(scene, ct_node):
    nothing = np.zeros(SHAPE, np.uint8)
    node = segmentations.create_segmentation(scene, nothing, nothing, ct_node, "cacnet-1", "Result")
    assert node.GetSegmentation().GetNumberOfSegments() == len(segments.SEGMENTS)
    calcium_back, coronary_back = segmentations.labels_from_segmentation(node, ct_node)
    assert not calcium_back.any()
    assert not coronary_back.any()


def test_an_edited_segment_is_tagged_semiautomatic(segmentation_node):
    segment = segmentation_node.GetSegmentation().GetSegment("LM")
    segmentations.tag_algorithm(segment, "cacnet-1", segments.SEMIAUTOMATIC)
    assert _tag(segment, "DICOM.SegmentAlgorithmType") == "SEMIAUTOMATIC"


def test_a_turned_volume_gets_its_segments_turned(scene, calcium, coronary, expected_coronary):
    ct_node = volumes.node_from_volume(scene, Volume(np.zeros(SHAPE, np.int16), _geometry()), "CT")
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Table")
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy([0.0, -1, 0, 10, 1, 0, 0, 0, 0, 0, 1, 5, 0, 0, 0, 1])
    transform.SetMatrixTransformToParent(matrix)
    ct_node.SetAndObserveTransformNodeID(transform.GetID())
    node = segmentations.create_segmentation(scene, calcium, coronary, ct_node, "cacnet-1", "Result")
    bounds = [0.0] * 6
    node.GetRASBounds(bounds)
    assert bounds[4] >= 33 + 5 - 0.5
    calcium_back, coronary_back = segmentations.labels_from_segmentation(node, ct_node)
    np.testing.assert_array_equal(calcium_back, calcium)
    np.testing.assert_array_equal(coronary_back, expected_coronary)


def test_labels_of_another_shape_leave_the_scene_alone(scene, ct_node):
    with pytest.raises(GeometryMismatchError, match="calcium label map"):
        segmentations.create_segmentation(scene, np.zeros((1, 1, 1)), np.zeros(SHAPE), ct_node, "m", "Result")
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


@pytest.mark.parametrize("content", [None, b"no nrrd"], ids=["missing", "damaged"])
def test_an_unreadable_file_leaves_the_scene_alone(scene, ct_node, tmp_path, content):
    path = tmp_path / "segmentation.seg.nrrd"
    if content:
        path.write_bytes(content)
    with pytest.raises(segmentations.SegmentationReadError, match=r"segmentation\.seg\.nrrd"):
        segmentations.load_segmentation(scene, path, ct_node, "Result")
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_the_terminology_is_known_to_slicer(slicer_application):
    terminology = PRODUCT / "Resources" / "Terminology" / "CACNet.term.json"
    logic = slicer_application.logics["Terminologies"]
    context = logic.LoadTerminologyFromFile(str(terminology))
    assert context == segments.TERMINOLOGY_CONTEXT
    known = set()
    category, kind = slicer.vtkSlicerTerminologyCategory(), slicer.vtkSlicerTerminologyType()
    for n in range(logic.GetNumberOfCategoriesInTerminology(context)):
        assert logic.GetNthCategoryInTerminology(context, n, category)
        for m in range(logic.GetNumberOfTypesInTerminologyCategory(context, category)):
            assert logic.GetNthTypeInTerminologyCategory(context, category, m, kind)
            known.add((category.GetCodeValue(), category.GetCodeMeaning(), kind.GetCodeValue(), kind.GetCodeMeaning()))
    used = {(s.category.value, s.category.meaning, s.type.value, s.type.meaning) for s in segments.SEGMENTS}
    assert used == known


def test_slicer_understands_the_terminology_of_every_segment(slicer_application):
    for definition in segments.SEGMENTS:
        entry = slicer.vtkSlicerTerminologyEntry()
        logic = slicer_application.logics["Terminologies"]
        assert logic.DeserializeTerminologyEntry(definition.terminology_entry, entry)
        assert entry.GetTypeObject().GetCodeValue() == definition.type.value
        assert entry.GetRegionObject().GetCodeValue() == definition.region.value
