"""The module file as the application uses it: panel, parameter node, worker process and results in one."""

import importlib.util
import json
import sys

import numpy as np
import pytest
from cacnet import segments
from cacnet.scoring import PROTOCOLS
from cacnet.volume import Geometry, Volume
from product_paths import PRODUCT, ROOT
from stand_in.fake_worker import make_worker

GEOMETRY = Geometry((20, 24, 28), (0.5, 0.4, 0.4))
LESIONS = (
    "id,vessel,volume_mm3,agatston,mass_mg,max_hu,mean_hu,slices,r,a,s,confidence,counts\n"
    "1,LAD,12.5,40.1,9.75,981,700.5,4,-10.5,20.25,33,0.93,yes\n2,RCA,3.0,8.2,2.1,655,610,1,30,5,1,0.71,yes\n"
)
FINISH = """
    import pathlib, shutil
    say(event="finding", code="slice-increment-thick", severity="warning",
        message="Slices are 3 mm apart; small calcifications may be missed.")
    say(event="progress", stage="Finding calcium", fraction=0.6, seconds_left=42)
    shutil.copytree(pathlib.Path(__file__).parents[1] / "results", job["output"], dirs_exist_ok=True)
    say(event="result", output=job["output"])
"""


@pytest.fixture
def module(qt_application, scene):
    """CACNetSegmentation.py, imported as the application does, from its file."""
    specification = importlib.util.spec_from_file_location("CACNetSegmentation", PRODUCT / "CACNetSegmentation.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules["CACNetSegmentation"] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules["CACNetSegmentation"]


@pytest.fixture
def ct_node(scene, module):
    from CACNetSegmentationLib.scene.volumes import node_from_volume

    return node_from_volume(scene, Volume(np.zeros(GEOMETRY.shape_zyx, np.int16), GEOMETRY), "CCTA")


@pytest.fixture
def open_panel(module, ct_node, monkeypatch, tmp_path):
    """Opens the module with a worker of the test's own."""
    from CACNetSegmentationLib.widgets import worker_process

    opened = []

    def open_with(worker):
        monkeypatch.setattr(worker_process, "python_slicer", lambda slicer_home: sys.executable)
        monkeypatch.setattr(module, "MODULE_FOLDER", make_worker(tmp_path, worker))
        monkeypatch.setattr(module.CACNetSegmentationLogic, "ensureDependencies", lambda self, requirements: True)
        widget = module.CACNetSegmentationWidget()
        widget.setup()
        opened.append(widget)
        return widget

    yield open_with
    for widget in opened:
        widget.cleanup()


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    labels = np.zeros(GEOMETRY.shape_zyx, np.uint8)
    labels[5:8, 5:8, 5:8] = 2
    segments.write_seg_nrrd(folder / "segmentation.seg.nrrd", labels, labels, GEOMETRY, "cacnet-1")
    (folder / "lesions.csv").write_text(LESIONS)
    totals = {"agatston": 48.3, "volume_mm3": 15.5, "mass_mg": 11.85, "lesions": 2, "cac_drs": "A1/N2"}
    (folder / "report.json").write_text(json.dumps({"totals": totals, "protocol": {"name": "ccta-adaptive"}}))
    return folder


def test_the_first_volume_is_chosen_and_the_default_protocol_explained(open_panel, ct_node):
    widget = open_panel("pass")
    assert widget.ui.inputSelector.currentNode() is ct_node
    assert widget.ui.runButton.enabled
    assert widget.ui.protocolComboBox.currentText == "ccta-adaptive"
    assert "blood-pool" in widget.ui.protocolDescriptionLabel.text
    assert widget.ui.deviceComboBox.currentText == "auto"


def test_choosing_a_protocol_changes_its_explanation_and_the_job(open_panel, results, wait_until):
    widget = open_panel("print(json.dumps(job), file=sys.stderr); sys.exit(1)")
    widget.ui.protocolComboBox.currentIndex = list(PROTOCOLS).index("literature")
    assert "non-contrast" in widget.ui.protocolDescriptionLabel.text
    widget.ui.runButton.click()
    wait_until(lambda: not widget.panel.running)
    assert '"protocol": "literature"' in widget.ui.findingsLabel.toolTip


def test_run_brings_segmentation_table_and_scores(open_panel, results, wait_until, ct_node):
    widget = open_panel(FINISH)
    widget.ui.runButton.click()
    assert widget.panel.running
    wait_until(lambda: not widget.panel.running)
    assert widget.ui.resultLabel.text.startswith("Agatston equivalent 48.3 (ccta-adaptive)")
    assert "Slices are 3 mm apart" in widget.ui.findingsLabel.text
    segmentation = widget.ui.segmentationSelector.currentNode()
    assert segmentation.GetName() == "CCTA calcium"
    assert widget.ui.show3DButton.segmentationNode() is segmentation
    assert widget.ui.lesionTableView.mrmlTableNode().GetNumberOfRows() == 2


def test_cancel_ends_the_run_and_adds_nothing(open_panel, scene, wait_until):
    widget = open_panel('stop_when_input_closes(); say(event="progress", stage="Go", fraction=0.1); time.sleep(60)')
    widget.ui.runButton.click()
    wait_until(lambda: widget.ui.stageLabel.text.startswith("Go"))
    widget.ui.cancelButton.click()
    wait_until(lambda: not widget.panel.running)
    assert widget.ui.stageLabel.text == "Cancelled"
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_closing_the_scene_stops_the_run(open_panel, scene):
    widget = open_panel("stop_when_input_closes(); time.sleep(60)")
    widget.ui.runButton.click()
    widget.onSceneStartClose(scene, None)
    assert not widget.panel.running


def test_the_choices_come_back_when_the_module_is_opened_again(open_panel):
    widget = open_panel("pass")
    widget.ui.deviceComboBox.currentIndex = 1
    widget.exit()
    widget.enter()
    assert widget.ui.deviceComboBox.currentText == "cpu"


def test_nothing_heavy_is_imported_when_slicer_starts():
    import subprocess

    code = (
        f"import sys; sys.path[:0] = [{str(ROOT / 'Testing')!r}]\n"
        "import os; os.environ['QT_QPA_PLATFORM'] = 'offscreen'\n"
        "import stand_in; stand_in.install(); before = set(sys.modules)\n"
        f"sys.path.insert(0, {str(PRODUCT)!r}); import CACNetSegmentation\n"
        "print([m for m in ('torch', 'scipy', 'skimage', 'SimpleITK', 'cacnet') if m in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_module_describes_itself(module):
    from types import SimpleNamespace

    parent = SimpleNamespace()
    module.CACNetSegmentation(parent)
    assert parent.title == "CACNet Segmentation"
    assert "Research use, not for diagnosis" in parent.helpText
    assert "Segmentations" in parent.dependencies


def test_the_modules_own_test_passes(module, scene):
    module.CACNetSegmentationTest().runTest()


def test_slicer_learns_the_terminology(module, slicer_application):
    module.loadTerminology()
    assert slicer_application.logics["Terminologies"].IsTerminologyContextLoaded(segments.TERMINOLOGY_CONTEXT)


def test_a_picture_of_the_panel_can_be_taken(open_panel, results, wait_until, tmp_path):
    widget = open_panel(FINISH)
    widget.ui.runButton.click()
    wait_until(lambda: not widget.panel.running)
    widget._frame.resize(460, 760)
    widget._frame.show()
    picture = widget._frame.grab()
    assert picture.save(str(tmp_path / "panel.png"))
    assert picture.width() >= 460
