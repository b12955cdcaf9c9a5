"""The classes that 3D Slicer looks for; glue only. The panel is in `CACNetSegmentationLib`, the science in `cacnet`."""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

MODULE_FOLDER = Path(__file__).resolve().parent


class CACNetSegmentation(ScriptedLoadableModule):
    """Name, help and place of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("CACNet Segmentation")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Cardiac")]
        parent.dependencies = ["Segmentations", "Terminologies"]
        parent.contributors = ["The CACNet contributors"]
        parent.helpText = _(
            "Finds calcium in the coronary arteries on contrast-enhanced CT (CCTA), says in which artery it lies, and "
            "scores it by a stated protocol. Choose a CT and press Run.<br><b>Research use, not for diagnosis.</b> "
            "The model was trained on simulated CT.<br>"
            '<a href="https://github.com/cacnet/CACNet">Documentation and source</a>'
        )
        parent.acknowledgementText = _(
            "The network follows the published CAC-Net. Built on 3D Slicer, PyTorch, SimpleITK, SciPy and scikit-image."
        )
        slicer.app.connect("startupCompleted()", onStartupCompleted)


def onStartupCompleted():
    """Tell Slicer's other modules what this one brings: terminology, sample data, a statistics plugin."""
    from CACNetSegmentationLib.scene.startup import register_all

    # The logic is kept by its method, and keeps what it makes until that is done.
    register_all(MODULE_FOLDER, CACNetSegmentationLogic().makeSampleData)


class CACNetSegmentationWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel; what it does is in `CACNetSegmentationLib.widgets.controller`."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = self.controller = None

    def setup(self):
        """Called once, when the module is first opened."""
        ScriptedLoadableModuleWidget.setup(self)
        from CACNetSegmentationLib.widgets.controller import Controller

        uiWidget = slicer.util.loadUI(self.resourcePath("UI/CACNetSegmentation.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = CACNetSegmentationLogic()
        self.controller = Controller(self.ui, self.logic, Path(self.resourcePath("requirements.txt")))
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndImport)
        self.controller.connect()

    @property
    def panel(self):
        """Input and run."""
        return self.controller.panel

    def cleanup(self):
        """Called when Slicer closes or the module is reloaded."""
        if self.controller:
            self.controller.shut_down()
        self.removeObservers()

    def enter(self):
        """Called whenever the module is opened."""
        self.controller.enter()

    def exit(self):
        """Called whenever another module is opened; a run goes on."""
        self.controller.leave()

    def onSceneStartClose(self, caller=None, event=None):
        self.controller.close()

    def onSceneEndClose(self, caller=None, event=None):
        if self.parent.isEntered:
            self.controller.connect()

    def onSceneStartImport(self, caller=None, event=None):
        """A scene's choices come before its nodes, and its nodes before their voxels: none of it is to be shown yet."""
        self.controller.disconnect()

    def onSceneEndImport(self, caller=None, event=None):
        if self.parent.isEntered:
            self.controller.connect()


class CACNetSegmentationLogic(ScriptedLoadableModuleLogic):
    """What scripts can use, with or without the panel: `segment`, `check`, `score` and `review`."""

    def segment(
        self, volumeNode, model=None, device="auto", protocol=None, refineBorders=True, useContext=True, wait=True
    ):
        """Segment and score a contrast CT (vtkMRMLScalarVolumeNode) with the worker process.

        Args: model: id of an installed model or a folder; None is the bundled one. device: auto, cpu, cuda or mps.
        protocol: None fits the contrast phase. refineBorders: whether the CT's values draw the lesions' borders.
        useContext: whether the look at the whole heart tells arteries from veins.
        wait: whether to come back with the results; the window stays alive meanwhile.

        Returns the results (`.segmentation_node`, `.totals`, `.protocol_name`); without `wait` a run whose `.results`,
        `.error`, `.findings` and `.status` tell how it goes: keep it. Raises cacnet.errors.CacnetError with a sentence.
        """
        from CACNetSegmentationLib.widgets.job import RunSettings
        from CACNetSegmentationLib.widgets.scripting import ScriptedRun

        settings = RunSettings(protocol, device, model, refine_borders=refineBorders, use_context=useContext)
        run = ScriptedRun(self.service(), self.startJob, volumeNode, settings)
        return run.wait(slicer.app.processEvents) if wait else run

    def check(self, volumeNode):
        """What is fine and what is not about a CT: a tuple of cacnet.findings.Finding."""
        from CACNetSegmentationLib.scene.scoring import check_volume

        return check_volume(volumeNode, self.service().acquisition(volumeNode))

    def score(self, segmentationNode, volumeNode, protocol=None):
        """Scores of the calcium segments as they are now: a cacnet.report.Scores (`.totals`, `.lesions.lesions`)."""
        from CACNetSegmentationLib.scene.scoring import score_segmentation

        acquisition = self.service().acquisition(volumeNode)
        return score_segmentation(segmentationNode, volumeNode, protocol, acquisition)

    def review(self, segmentationNode):
        """The review of a result, to accept, reject, relabel …: see scene.review.SceneReview. Close it when done."""
        from CACNetSegmentationLib.scene.review import SceneReview

        return SceneReview.resume(slicer.mrmlScene, segmentationNode)

    def getParameterNode(self):
        from CACNetSegmentationLib.widgets.parameters import PanelParameters

        return PanelParameters(super().getParameterNode())

    def service(self):
        """Input and results in the application's scene."""
        from CACNetSegmentationLib.scene.service import SceneService

        return SceneService(slicer.mrmlScene, getattr(slicer, "dicomDatabase", None))

    def startJob(self, listener, job):
        """Start the worker on a job file; it tells `listener` how it goes."""
        from CACNetSegmentationLib.widgets.worker_process import WorkerProcess, python_slicer

        process = WorkerProcess(listener)
        process.start(python_slicer(slicer.app.slicerHome), job, MODULE_FOLDER)
        return process

    def startTraining(self, listener, arguments):
        """Start Python with the arguments of `cacnet train`; it tells `listener` how it goes."""
        from CACNetSegmentationLib.widgets.training_process import TrainingProcess
        from CACNetSegmentationLib.widgets.worker_process import python_slicer

        process = TrainingProcess(listener)
        process.start_python(python_slicer(slicer.app.slicerHome), arguments, MODULE_FOLDER)
        return process

    def makeSampleData(self):
        """Make the simulated CCTA in the worker, with a dialog; it is added to the scene when it is done."""
        from CACNetSegmentationLib.widgets.sample_data import SimulatedPatient

        self.simulatedPatient = SimulatedPatient(slicer.mrmlScene, self.startJob)
        self.simulatedPatient.make()

    def dependenciesInstalled(self, requirements):
        """Whether a run could start without installing anything."""
        import slicer.packaging
        from CACNetSegmentationLib.widgets.installation import everything_installed

        return everything_installed(Path(requirements), slicer.packaging)

    def ensureDependencies(self, requirements):
        """Install what is missing, after asking; False where the user declined."""
        import slicer.packaging
        from CACNetSegmentationLib.widgets.installation import ensure_dependencies

        def torchInstaller():
            from PyTorchUtils import PyTorchUtilsLogic

            return PyTorchUtilsLogic()

        confirm = slicer.util.confirmOkCancelDisplay
        return ensure_dependencies(Path(requirements), slicer.packaging, torchInstaller, confirm)


class CACNetSegmentationTest(ScriptedLoadableModuleTest):
    """Runs inside Slicer; the tests that need no application are in Testing/Python."""

    def runTest(self):
        from CACNetSegmentationLib.scene import self_test

        self_test.run_all(CACNetSegmentationLogic())
