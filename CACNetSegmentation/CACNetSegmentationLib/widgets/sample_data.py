"""A simulated CCTA in Slicer's Sample Data module: made on this computer, named as what it is."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from cacnet.findings import Finding
from cacnet.jobs import SIMULATED_PATIENT
from cacnet.reading import read_ct

from CACNetSegmentationLib.scene.volumes import node_from_volume
from CACNetSegmentationLib.widgets.job import phantom_job
from CACNetSegmentationLib.widgets.question import Question, StartJob
from CACNetSegmentationLib.widgets.translation import _

NODE_NAME = "Simulated CCTA"
SIMULATED_ATTRIBUTE = "CACNet.simulated"
"""Marks the node, so that nobody takes it for a patient."""


class SimulatedPatient:
    """Makes the CCTA in the worker process while a dialog says so; it takes about half a minute.

    Args:
        scene: that the CT is added to.
        start: starts the worker.
    """

    def __init__(self, scene: slicer.vtkMRMLScene, start: StartJob) -> None:
        self.node: slicer.vtkMRMLScalarVolumeNode | None = None
        self._scene = scene
        self._question = Question(start, self._load, self._fail)
        # The dialog's own connections keep this object until the dialog is deleted.
        self._dialog = qt.QProgressDialog()
        self._dialog.labelText = _("A simulated CCTA is made on this computer, which takes about half a minute.")
        self._dialog.setRange(0, 0)
        self._dialog.setMinimumDuration(0)
        self._dialog.connect("canceled()", self.cancel)

    def make(self) -> None:
        """Start; the CT appears when it is done."""
        self._dialog.show()
        self._question.ask(lambda folder: phantom_job(folder / "patient"))

    def cancel(self) -> None:
        """Stop; nothing is added."""
        self._question.stop()
        self._close()

    def _load(self, folder: Path, findings: tuple[Finding, ...]) -> None:
        self._close()
        self.node = node_from_volume(self._scene, read_ct(folder / "ct.nii.gz"), NODE_NAME)
        self.node.SetAttribute(SIMULATED_ATTRIBUTE, str(SIMULATED_PATIENT))
        slicer.util.setSliceViewerLayers(background=self.node, fit=True)

    def _fail(self, message: str) -> None:
        self._close()
        slicer.util.errorDisplay(message)

    def _close(self) -> None:
        self._dialog.hide()
        self._dialog.deleteLater()
