"""The module file as the application uses it: panel, parameter node, worker process and results in one."""

import importlib.util
import re
import sys
import tempfile
from types import SimpleNamespace

import pytest
from cacnet.scoring import PROTOCOLS
from product_paths import PRODUCT, ROOT
from stand_in.fake_worker import make_worker

FINISH = """
    import pathlib, shutil
    say(event="finding", code="lesions-unassigned", severity="warning", message="1 lesion without an artery.")
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
    from CACNetSegmentationLib.scene.self_test import made_up_ct
    from CACNetSegmentationLib.scene.volumes import node_from_volume

    return node_from_volume(scene, made_up_ct()[0], "CCTA")


@pytest.fixture
def open_panel(module, ct_node, monkeypatch, tmp_path):
    """Opens the module with a worker of the test's own."""
    from CACNetSegmentationLib.widgets import worker_process

    opened = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def open_with(worker):
        monkeypatch.setattr(worker_process, "python_slicer", lambda slicer_home: sys.executable)
        monkeypatch.setattr(module, "MODULE_FOLDER", make_worker(tmp_path, worker))
        for name in ("ensureDependencies", "dependenciesInstalled"):
            monkeypatch.setattr(module.CACNetSegmentationLogic, name, lambda self, requirements: True)
        widget = module.CACNetSegmentationWidget()
        widget.setup()
        widget._frame.show()
        opened.append(widget)
        return widget

    yield open_with
    for widget in opened:
        widget.cleanup()


@pytest.fixture
def results(tmp_path):
    from CACNetSegmentationLib.scene.self_test import made_up_ct, write_made_up_result

    folder = tmp_path / "results"
    folder.mkdir()
    write_made_up_result(folder, *made_up_ct())
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


def test_the_ct_is_looked_at_before_any_run(open_panel, wait_until):
    widget = open_panel("pass")
    wait_until(lambda: "400 HU" in widget.ui.inputFindingsLabel.text)
    wait_until(lambda: widget.ui.deviceLabel.text == "Will use: CPU, 2 threads (no graphics processor was found)")


def test_run_brings_segmentation_scores_and_review(open_panel, results, wait_until):
    widget = open_panel(FINISH)
    widget.ui.runButton.click()
    assert widget.panel.running
    wait_until(lambda: not widget.panel.running)
    assert widget.ui.resultLabel.text.startswith("Agatston equivalent")
    assert "1 lesion without an artery" in widget.ui.findingsLabel.text
    segmentation = widget.ui.segmentationSelector.currentNode()
    assert segmentation.GetName() == "CCTA calcium"
    assert widget.ui.show3DButton.segmentationNode() is segmentation
    assert len(widget.controller.review_section.review.summary.lesions) == 2
    assert widget.controller.review_section.panel.ui.reviewFrame.visible


@pytest.fixture
def two_results(open_panel, results, wait_until, scene, ct_node):
    """The panel, and for each of two CTs its result; the second is chosen."""
    from CACNetSegmentationLib.scene.self_test import made_up_ct
    from CACNetSegmentationLib.scene.volumes import node_from_volume

    widget = open_panel(FINISH)
    second = node_from_volume(scene, made_up_ct()[0], "Second")
    for node in (ct_node, second):
        widget.ui.inputSelector.setCurrentNode(node)
        widget.ui.runButton.click()
        wait_until(lambda: not widget.panel.running)
    return SimpleNamespace(widget=widget, first=ct_node, second=second)


def test_each_of_two_volumes_keeps_its_own_result(two_results):
    ui = two_results.widget.ui
    assert ui.segmentationSelector.currentNode().GetName() == "Second calcium"
    ui.inputSelector.setCurrentNode(two_results.first)
    assert ui.segmentationSelector.currentNode().GetName() == "CCTA calcium"
    assert two_results.widget.controller.review_section.review.volume_node is two_results.first
    ui.inputSelector.setCurrentNode(two_results.second)
    assert ui.segmentationSelector.currentNode().GetName() == "Second calcium"


def test_choosing_a_result_chooses_its_ct(two_results, scene):
    ui = two_results.widget.ui
    ui.segmentationSelector.setCurrentNode(scene.GetFirstNodeByName("CCTA calcium"))
    assert ui.inputSelector.currentNode() is two_results.first


def test_removing_the_ct_closes_its_review(two_results, scene):
    scene.RemoveNode(two_results.second)
    assert two_results.widget.controller.review_section.review is None
    assert not two_results.widget.controller.review_section.panel.ui.reviewFrame.visible


def test_a_segmentation_of_somebody_else_is_said_to_have_no_review(open_panel, scene, ct_node):
    widget = open_panel("pass")
    foreign = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Foreign")
    widget.ui.segmentationSelector.setCurrentNode(foreign)
    assert "not made by CACNet" in widget.ui.reviewMessageLabel.text
    assert widget.ui.inputSelector.currentNode() is ct_node


def test_choices_and_results_come_back_with_the_scene(open_panel, results, wait_until, scene, tmp_path):
    import slicer

    widget = open_panel(FINISH)
    widget.ui.deviceComboBox.currentIndex = 1
    widget.ui.refineCheckBox.checked = False
    widget.ui.contextCheckBox.checked = False
    widget.ui.runButton.click()
    wait_until(lambda: not widget.panel.running)
    slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    widget.enter()
    assert widget.ui.deviceComboBox.currentText == "cpu"
    assert not widget.ui.refineCheckBox.checked
    assert not widget.ui.contextCheckBox.checked
    assert widget.ui.inputSelector.currentNode().GetName() == "CCTA"
    assert len(widget.controller.review_section.review.summary.lesions) == 2


def test_a_scene_added_to_another_shows_its_own_ct_and_review(open_panel, results, wait_until, scene, tmp_path):
    """The nodes of the scene that is there have the ids that the added one's choices name."""
    import slicer
    from CACNetSegmentationLib.scene.self_test import made_up_ct
    from CACNetSegmentationLib.scene.volumes import node_from_volume

    widget = open_panel(FINISH)
    widget.ui.runButton.click()
    wait_until(lambda: not widget.panel.running)
    saved = tmp_path / "scene.mrb"
    slicer.util.saveScene(str(saved))
    scene.Clear(0)
    here = node_from_volume(scene, made_up_ct()[0], "Here before")
    widget.ui.inputSelector.setCurrentNode(here)
    slicer.util.loadNodeFromFile(str(saved), "SceneFile", {"clear": False})
    assert widget.ui.inputSelector.currentNode().GetName() == "CCTA"
    assert widget.ui.segmentationSelector.currentNode().GetName() == "CCTA calcium"
    review = widget.controller.review_section.review
    assert len(review.summary.lesions) == 2
    assert review.volume_node.GetName() == "CCTA"
    assert widget.ui.reviewMessageLabel.text == ""


def test_choices_of_another_version_become_the_defaults(open_panel, scene):
    widget = open_panel("pass")
    node = scene.GetSingletonNode("CACNetSegmentation", "vtkMRMLScriptedModuleNode")
    widget.exit()
    node.SetParameter("protocol", "ccta-of-the-future")
    node.SetParameter("device", "npu")
    widget.enter()
    assert widget.ui.protocolComboBox.currentText == "ccta-adaptive"
    assert widget.ui.deviceComboBox.currentText == "auto"
    assert node.GetParameter("protocol") == "ccta-adaptive"


def test_another_module_gets_the_views_and_the_arteries_back(open_panel, results, wait_until):
    widget = open_panel(FINISH)
    widget.ui.runButton.click()
    wait_until(lambda: not widget.panel.running)
    panel = widget.controller.review_section.panel
    panel.ui.paintCollapsibleButton.collapsed = False
    display = widget.controller.review_section.review.segmentation_node.GetDisplayNode()
    panel.painting.editor.setActiveEffectByName("Paint")
    panel.painting.editor.mrmlSegmentEditorNode().SetSourceVolumeIntensityMaskRange(180.0, 240.0)
    panel.ui.addButton.click()
    widget.exit()
    assert panel.painting.editor.activeEffect() is None
    assert display.GetSegmentVisibility("CoronaryArteries")
    assert not panel.ui.addButton.checked
    widget.enter()
    assert not display.GetSegmentVisibility("CoronaryArteries")
    node = panel.painting.editor.mrmlSegmentEditorNode()
    assert tuple(node.GetSourceVolumeIntensityMaskRange()) == (180.0, 240.0)


def test_a_review_opens_without_a_main_window(open_panel, results, wait_until, monkeypatch):
    import slicer

    widget = open_panel(FINISH)
    monkeypatch.setattr(type(slicer.app), "layoutManager", lambda self: None)
    widget.ui.runButton.click()
    wait_until(lambda: not widget.panel.running)
    assert widget.controller.review_section.panel.ui.reviewFrame.visible


def test_a_review_that_a_crash_has_left_is_offered_and_comes_back(open_panel, results, ct_node, scene, tmp_path):
    from cacnet.anatomy import Vessel
    from CACNetSegmentationLib.scene.review import SceneReview
    from CACNetSegmentationLib.scene.service import SceneService

    loaded = SceneService(scene).load_results(ct_node, results)
    autosave = tmp_path / "CACNet-reviews"
    autosave.mkdir()
    crashed = SceneReview.resume(scene, loaded.segmentation_node, autosave)
    crashed.relabel([1], Vessel.LM)
    [left] = list(autosave.iterdir())
    saved = left.read_bytes()
    crashed.close()
    scene.RemoveNode(loaded.segmentation_node)
    left.write_bytes(saved)
    widget = open_panel("pass")
    assert widget.ui.recoverButton.visible
    assert "1 steps" in widget.ui.recoverButton.text
    widget.ui.recoverButton.click()
    assert not widget.ui.recoverButton.visible
    review = widget.controller.review_section.review
    assert [row.vessel for row in review.summary.lesions] == [Vessel.LM, Vessel.RCA]
    assert widget.ui.segmentationSelector.currentNode() is review.segmentation_node


def test_a_script_segments_scores_and_reviews_without_the_panel(open_panel, module, results, ct_node):
    open_panel(FINISH).cleanup()
    logic = module.CACNetSegmentationLogic()
    found = logic.segment(ct_node, device="cpu", protocol="literature")
    assert found.totals["lesions"] == 2
    assert logic.score(found.segmentation_node, ct_node).totals.agatston == pytest.approx(found.totals["agatston"])
    review = logic.review(found.segmentation_node)
    assert review.summary.totals.agatston == pytest.approx(found.totals["agatston"])
    review.close()
    assert "field-of-view-too-small" in [finding.code for finding in logic.check(ct_node)]


def test_the_script_in_the_readme_runs_as_it_stands(open_panel, module, results, ct_node, capsys):
    open_panel(FINISH).cleanup()
    [script] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    import slicer

    exec(compile(script, "README.md", "exec"), {"slicer": slicer})
    *_, result, rejected = capsys.readouterr().out.splitlines()
    found, protocol = result.split()
    assert protocol == "literature"
    assert 0 < float(rejected) < float(found)


def test_a_script_gets_the_workers_sentence_as_an_error(open_panel, module, ct_node):
    from CACNetSegmentationLib.widgets.scripting import RunFailedError

    open_panel('say(event="error", name="OutOfMemoryError", message="It does not fit."); sys.exit(3)').cleanup()
    with pytest.raises(RunFailedError, match="It does not fit"):
        module.CACNetSegmentationLogic().segment(ct_node)


def test_a_script_that_does_not_wait_can_follow_and_cancel(open_panel, module, ct_node, wait_until):
    from cacnet.errors import Cancelled

    open_panel('stop_when_input_closes(); say(event="progress", stage="Go", fraction=0.1); time.sleep(60)').cleanup()
    run = module.CACNetSegmentationLogic().segment(ct_node, wait=False)
    wait_until(lambda: run.status.startswith("Go"))
    run.cancel()
    wait_until(lambda: run.ended)
    assert isinstance(run.error, Cancelled)


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


TRAINER = """
import json, os, sys, threading, time
def say(**event):
    print(json.dumps(event), flush=True)
if "--plan" in sys.argv:
    say(event="answer", content={"device": "CPU", "seconds_per_step": 1.0})
    sys.exit()
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(130)), daemon=True).start()
say(event="progress", stage="train", fraction=0.1)
time.sleep(60)
"""


@pytest.fixture
def training(open_panel, module, scene, tmp_path, monkeypatch, wait_until):
    """The panel, whose section 'Retrain' is at work on a data set of the open review."""
    from cacnet.dataset.export import export_case
    from clinic_exports import clinic_case
    from reviewed_cases import approve

    monkeypatch.setenv("CACNET_MODELS", str(tmp_path / "cacnet" / "models"))
    export_case(tmp_path / "exports", approve(clinic_case(0)))
    widget = open_panel("pass")
    (module.MODULE_FOLDER / "cacnet" / "__main__.py").write_text(TRAINER)
    widget.ui.retrainCollapsibleButton.collapsed = False
    widget.logic.getParameterNode().training_data = str(tmp_path / "exports")
    section = widget.controller.retraining
    wait_until(lambda: section.ui.planLabel.text.startswith("CPU: about 50 minutes"))
    section.ui.trainButton.click()
    wait_until(lambda: section.ui.trainingStageLabel.text == "Learning")
    return SimpleNamespace(widget=widget, section=section)


def test_closing_the_scene_leaves_a_training_alone_and_closing_the_module_stops_it(training, scene):
    training.widget.onSceneStartClose(scene, None)
    scene.Clear(0)
    training.widget.onSceneEndClose(scene, None)
    assert training.section.running
    training.widget.cleanup()
    assert not training.section.running


def test_a_case_that_is_added_to_a_data_set_offers_it_for_training(open_panel, results, wait_until, tmp_path):
    import qt
    from stand_in import dialogs

    widget = open_panel(FINISH)
    widget.ui.runButton.click()
    wait_until(lambda: not widget.panel.running)
    dialogs.answers.append(str(tmp_path / "exports"))
    frame = widget.controller.review_section.panel.ui.exportFrame
    [button] = [child for child in frame.findChildren(qt.QPushButton) if child.text == "Training labels …"]
    button.click()
    assert widget.logic.getParameterNode().training_data == str(tmp_path / "exports")
    assert widget.controller.retraining.ui.dataLabel.text.startswith("1 case: 1 unreviewed")


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
        "import CACNetSegmentationLib.scene.startup, CACNetSegmentationLib.scene.segment_statistics\n"
        "print([m for m in ('torch', 'scipy', 'skimage', 'SimpleITK', 'cacnet') if m in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_module_describes_itself(module):
    parent = SimpleNamespace()
    module.CACNetSegmentation(parent)
    assert parent.title == "CACNet Segmentation"
    assert "Research use, not for diagnosis" in parent.helpText
    assert "Segmentations" in parent.dependencies


def test_the_modules_own_test_passes(module, scene):
    module.CACNetSegmentationTest().runTest()


def test_a_picture_of_the_panel_can_be_taken(open_panel, results, wait_until, tmp_path):
    widget = open_panel(FINISH)
    widget.ui.runButton.click()
    wait_until(lambda: not widget.panel.running)
    widget._frame.resize(480, 1500)
    picture = widget._frame.grab()
    assert picture.save(str(tmp_path / "panel.png"))
    assert picture.width() >= 460
