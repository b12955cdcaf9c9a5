"""The classes that 3D Slicer looks for; glue only. The panel is in `CACNetSegmentationLib`, the science in `cacnet`."""

from __future__ import annotations

from pathlib import Path

import slicer
import vtk
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
        parent.dependencies = ["Segmentations", "Tables", "Terminologies"]
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
        slicer.app.connect("startupCompleted()", loadTerminology)


def loadTerminology():
    """Make Slicer's terminology selectors know coronary calcification."""
    path = MODULE_FOLDER / "Resources" / "Terminology" / "CACNet.term.json"
    slicer.modules.terminologies.logic().LoadTerminologyFromFile(str(path))


class CACNetSegmentationWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Connects the panel to the scene and to the parameter node."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None

    def setup(self):
        """Called once, when the module is first opened."""
        ScriptedLoadableModuleWidget.setup(self)
        from CACNetSegmentationLib.widgets.panel import Panel

        uiWidget = slicer.util.loadUI(self.resourcePath("UI/CACNetSegmentation.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = CACNetSegmentationLogic()
        self.panel = Panel(
            self.ui,
            self.logic.service(),
            settings=self._settings,
            start_run=self.logic.startRun,
            ready=lambda: self.logic.ensureDependencies(self.resourcePath("requirements.txt")),
            show_results=self._showResults,
        )
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.initializeParameterNode()

    def cleanup(self):
        """Called when Slicer closes or the module is reloaded."""
        if self.panel:
            self.panel.close()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self):
        """Called whenever the module is opened."""
        self.initializeParameterNode()

    def exit(self):
        """Called whenever another module is opened; a run goes on."""
        self.setParameterNode(None)

    def onSceneStartClose(self, caller=None, event=None):
        self.panel.close()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller=None, event=None):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Connect the panel to the scene's parameter node; takes the first volume where none is chosen."""
        self.setParameterNode(self.logic.getParameterNode())
        if not self._parameterNode.input_volume:
            self._parameterNode.input_volume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")

    def setParameterNode(self, parameterNode):
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
            self.onParametersChanged()

    def onParametersChanged(self, caller=None, event=None):
        """Show what depends on the choices."""
        from CACNetSegmentationLib.widgets.parameters import protocol_description

        self.panel.set_volume(self._parameterNode.input_volume)
        description, source = protocol_description(self._parameterNode.protocol)
        self.ui.protocolDescriptionLabel.text = description
        self.ui.protocolDescriptionLabel.toolTip = source
        self.ui.show3DButton.setSegmentationNode(self._parameterNode.segmentation)
        self.ui.lesionTableView.setMRMLTableNode(self._parameterNode.lesion_table)

    def _settings(self):
        from CACNetSegmentationLib.widgets.parameters import settings_from

        return settings_from(self.logic.getParameterNode())

    def _showResults(self, results):
        parameters = self.logic.getParameterNode()
        parameters.segmentation = results.segmentation_node
        parameters.lesion_table = results.table_node


class CACNetSegmentationLogic(ScriptedLoadableModuleLogic):
    """What scripts can use: `service()` for the scene, `startRun` for the worker."""

    def getParameterNode(self):
        from CACNetSegmentationLib.widgets.parameters import PanelParameters

        return PanelParameters(super().getParameterNode())

    def service(self):
        """Input and results in the application's scene."""
        from CACNetSegmentationLib.scene.service import SceneService

        return SceneService(slicer.mrmlScene)

    def startRun(self, listener, job):
        """Start the worker on a job file; it tells `listener` how it goes."""
        from CACNetSegmentationLib.widgets.worker_process import WorkerProcess, python_slicer

        process = WorkerProcess(listener)
        process.start(python_slicer(slicer.app.slicerHome), job, MODULE_FOLDER)
        return process

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
        slicer.mrmlScene.Clear()
        self.test_a_segmentation_comes_back_voxel_for_voxel()

    def test_a_segmentation_comes_back_voxel_for_voxel(self):
        import numpy as np
        from cacnet.volume import Geometry, Volume
        from CACNetSegmentationLib.scene import segmentations, volumes

        calcium = np.zeros((4, 5, 6), np.uint8)
        calcium[1, 2, 3] = 2
        geometry = Geometry(calcium.shape, (0.5, 0.4, 0.3), (1.0, 2.0, 3.0))
        ct = volumes.node_from_volume(slicer.mrmlScene, Volume(calcium.astype(np.int16), geometry), "CT")
        node = segmentations.create_segmentation(slicer.mrmlScene, calcium, calcium > 0, ct, "test", "Result")
        back, coronary = segmentations.labels_from_segmentation(node, ct)
        np.testing.assert_array_equal(back, calcium)
        np.testing.assert_array_equal(coronary, calcium > 0)
