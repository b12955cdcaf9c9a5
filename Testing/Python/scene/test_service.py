"""The scene's side of a run: an input file goes out, results come in, and a failure adds nothing."""

import json

import pytest
from cacnet.edits.stored_review import ReviewFileError

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
from CACNetSegmentationLib.scene import review_store, segmentations, service, volumes  # noqa: E402
from CACNetSegmentationLib.scene.segmentations import SegmentationReadError  # noqa: E402
from CACNetSegmentationLib.scene.self_test import GEOMETRY, made_up_ct, write_made_up_result  # noqa: E402

TOTALS = {"agatston": 40.1, "volume_mm3": 12.5, "mass_mg": 9.75, "lesions": 1}


@pytest.fixture
def ct_node(scene):
    return volumes.node_from_volume(scene, made_up_ct()[0], "CT 7")


@pytest.fixture
def scene_service(scene):
    return service.SceneService(scene)


@pytest.fixture
def results(tmp_path):
    """A folder as `cacnet segment` writes it."""
    write_made_up_result(tmp_path, *made_up_ct())
    return tmp_path


def _added(scene):
    return [scene.GetNumberOfNodesByClass(c) for c in ("vtkMRMLSegmentationNode", "vtkMRMLTextNode")]


def test_the_input_is_described_by_its_grid_and_what_dicom_says(scene, ct_node):
    class Database:
        def instanceValue(self, instance_uid, tag):  # noqa: N802
            return "80" if tag == "0018,0060" else ""

    ct_node.SetAttribute("DICOM.instanceUIDs", "1.2")
    geometry, acquisition = service.SceneService(scene, Database()).describe_input(ct_node)
    assert geometry.same_grid(GEOMETRY)
    assert acquisition.kvp == 80.0


def test_the_state_of_an_input_changes_with_its_values_its_place_and_its_transform(scene, scene_service, ct_node):
    states = [scene_service.input_state(ct_node)]
    assert scene_service.input_state(ct_node) == states[0]
    ct_node.GetImageData().Modified()
    states.append(scene_service.input_state(ct_node))
    ct_node.SetOrigin(1, 2, 3)
    states.append(scene_service.input_state(ct_node))
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    ct_node.SetAndObserveTransformNodeID(transform.GetID())
    states.append(scene_service.input_state(ct_node))
    assert len(set(states)) == 4


def test_results_become_nodes_named_after_the_ct_with_a_review(scene_service, ct_node, results):
    loaded = scene_service.load_results(ct_node, results)
    assert loaded.segmentation_node.GetName() == "CT 7 calcium"
    assert review_store.has_review(loaded.segmentation_node)
    assert loaded.totals["lesions"] == 2
    assert loaded.protocol_name == "literature"
    assert scene_service.result_of(ct_node) is loaded.segmentation_node


def test_of_several_results_the_one_chosen_before_stays_and_else_the_newest(scene, scene_service, ct_node, results):
    first = scene_service.load_results(ct_node, results).segmentation_node
    second = scene_service.load_results(ct_node, results).segmentation_node
    assert scene_service.result_of(ct_node) is second
    assert scene_service.result_of(ct_node, first) is first
    other_ct = volumes.node_from_volume(scene, made_up_ct()[0], "Other")
    other = segmentations.create_segmentation(scene, made_up_ct()[1], made_up_ct()[1], other_ct, "t", "Other")
    assert scene_service.result_of(ct_node, other) is second
    assert scene_service.result_of(None, other) is None


def test_a_protocol_given_by_name_alone_is_read(scene_service, ct_node, results):
    report = {"totals": TOTALS, "protocol": "ccta-adaptive"}
    (results / "report.json").write_text(json.dumps(report))
    assert scene_service.load_results(ct_node, results).protocol_name == "ccta-adaptive"


@pytest.mark.parametrize("content", [None, "{", "{}", '{"totals": 3, "protocol": "x"}'])
def test_a_missing_or_damaged_report_adds_nothing(scene, scene_service, ct_node, results, content):
    (results / "report.json").unlink()
    if content is not None:
        (results / "report.json").write_text(content)
    with pytest.raises(service.MissingResultError, match=r"report\.json is missing or damaged"):
        scene_service.load_results(ct_node, results)
    assert _added(scene) == [0, 0]


@pytest.mark.parametrize("key", ["agatston", "lesions", "protocol"])
def test_a_report_that_lacks_what_is_shown_says_so(scene, scene_service, ct_node, results, key):
    report = {"totals": {k: v for k, v in TOTALS.items() if k != key}, "protocol": "literature"}
    report = {k: v for k, v in report.items() if k != key}
    (results / "report.json").write_text(json.dumps(report))
    with pytest.raises(service.MissingResultError, match=f"lacks {key}"):
        scene_service.load_results(ct_node, results)
    assert _added(scene) == [0, 0]


def test_a_missing_review_adds_nothing(scene, scene_service, ct_node, results):
    (results / "review.json").unlink()
    with pytest.raises((ReviewFileError, OSError)):
        scene_service.load_results(ct_node, results)
    assert _added(scene) == [0, 0]


def test_a_damaged_review_adds_nothing(scene, scene_service, ct_node, results):
    (results / "review.json").write_text("{}")
    with pytest.raises(ReviewFileError):
        scene_service.load_results(ct_node, results)
    assert _added(scene) == [0, 0]


def test_a_missing_segmentation_adds_no_review_either(scene, scene_service, ct_node, results):
    (results / "segmentation.seg.nrrd").unlink()
    with pytest.raises(SegmentationReadError):
        scene_service.load_results(ct_node, results)
    assert _added(scene) == [0, 0]


def test_a_ct_that_was_removed_meanwhile_is_said(scene, scene_service, ct_node, results):
    scene.RemoveNode(ct_node)
    with pytest.raises(service.VolumeGoneError, match="removed from the scene"):
        scene_service.load_results(ct_node, results)
