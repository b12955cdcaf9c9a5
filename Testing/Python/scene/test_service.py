"""The scene's side of a run: an input file goes out, results come in, and a failure adds nothing."""

import json

import numpy as np
import pytest
from cacnet import segments
from cacnet.volume import Geometry, Volume, geometry_of

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
import SimpleITK as sitk  # noqa: E402
from CACNetSegmentationLib.scene import service, volumes  # noqa: E402
from CACNetSegmentationLib.scene.lesion_table import LesionTableError  # noqa: E402
from CACNetSegmentationLib.scene.segmentations import SegmentationReadError  # noqa: E402

GEOMETRY = Geometry((3, 4, 5), (0.5, 0.4, 0.3), (11.0, -22.0, 33.0), (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
CSV = (
    "id,vessel,volume_mm3,agatston,mass_mg,max_hu,mean_hu,slices,r,a,s,confidence,counts\n"
    "1,LAD,12.5,40.1,9.75,981,700.5,4,1,2,3,0.9,yes\n"
)


TOTALS = {"agatston": 40.1, "volume_mm3": 12.5, "mass_mg": 9.75, "lesions": 1}


@pytest.fixture
def ct_node(scene):
    hu = np.arange(60, dtype=np.int16).reshape(GEOMETRY.shape_zyx)
    return volumes.node_from_volume(scene, Volume(hu, GEOMETRY), "CT 7")


@pytest.fixture
def scene_service(scene):
    return service.SceneService(scene)


@pytest.fixture
def results(tmp_path):
    """A folder as `cacnet segment` writes it."""
    labels = np.zeros(GEOMETRY.shape_zyx, np.uint8)
    labels[1, 1, 1] = 2
    segments.write_seg_nrrd(tmp_path / "segmentation.seg.nrrd", labels, labels, GEOMETRY, "cacnet-1")
    (tmp_path / "lesions.csv").write_text(CSV, encoding="utf-8")
    report = {"schema_version": 1, "totals": TOTALS, "protocol": {"name": "ccta-adaptive"}}
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return tmp_path


def _added(scene):
    return [scene.GetNumberOfNodesByClass(c) for c in ("vtkMRMLSegmentationNode", "vtkMRMLTableNode")]


def test_the_input_file_holds_the_ct_exactly(scene_service, ct_node, tmp_path):
    scene_service.write_input(ct_node, tmp_path / "ct.nrrd")
    image = sitk.ReadImage(tmp_path / "ct.nrrd")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).ravel(), np.arange(60))
    assert geometry_of(image).same_grid(GEOMETRY)


def test_an_input_that_cannot_be_written_is_a_sentence(scene_service, ct_node, tmp_path):
    with pytest.raises(service.InputWriteError, match="disk"):
        scene_service.write_input(ct_node, tmp_path / "absent" / "ct.nrrd")


def test_the_input_is_described(scene_service, ct_node):
    assert scene_service.describe_input(ct_node).startswith("5 × 4 × 3 voxels of 0.3 × 0.4 × 0.5 mm")


def test_results_become_nodes_named_after_the_ct(scene_service, ct_node, results):
    loaded = scene_service.load_results(ct_node, results)
    assert loaded.segmentation_node.GetName() == "CT 7 calcium"
    assert loaded.table_node.GetName() == "CT 7 lesions"
    assert loaded.table_node.GetNumberOfRows() == 1
    assert loaded.totals["agatston"] == 40.1
    assert loaded.protocol_name == "ccta-adaptive"


def test_a_protocol_given_by_name_alone_is_read(scene_service, ct_node, results):
    report = {"totals": TOTALS, "protocol": "literature"}
    (results / "report.json").write_text(json.dumps(report))
    assert scene_service.load_results(ct_node, results).protocol_name == "literature"


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


def test_a_missing_lesion_list_is_not_an_empty_one(scene, scene_service, ct_node, results):
    (results / "lesions.csv").unlink()
    with pytest.raises(service.MissingResultError, match=r"no lesions\.csv"):
        scene_service.load_results(ct_node, results)
    assert _added(scene) == [0, 0]


def test_a_missing_segmentation_adds_no_table_either(scene, scene_service, ct_node, results):
    (results / "segmentation.seg.nrrd").unlink()
    with pytest.raises(SegmentationReadError):
        scene_service.load_results(ct_node, results)
    assert _added(scene) == [0, 0]


def test_a_damaged_lesion_list_adds_nothing(scene, scene_service, ct_node, results):
    (results / "lesions.csv").write_text("id,vessel\n1,LAD\n")
    with pytest.raises(LesionTableError):
        scene_service.load_results(ct_node, results)
    assert _added(scene) == [0, 0]


def test_a_ct_that_was_removed_meanwhile_is_said(scene, scene_service, ct_node, results):
    scene.RemoveNode(ct_node)
    with pytest.raises(service.VolumeGoneError, match="removed from the scene"):
        scene_service.load_results(ct_node, results)
