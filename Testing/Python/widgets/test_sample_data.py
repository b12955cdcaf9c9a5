"""The simulated CCTA is made by the worker while a dialog says so, and is marked as simulated."""

import json

import pytest
import SimpleITK as sitk
from cacnet.volume import to_sitk
from fake_panel_world import Starter


@pytest.fixture
def patient(qt_application, scene, monkeypatch):
    import slicer
    from CACNetSegmentationLib.widgets.sample_data import SimulatedPatient

    shown = []
    monkeypatch.setattr(slicer.util, "setSliceViewerLayers", lambda **layers: shown.append(layers["background"]))
    monkeypatch.setattr(slicer.util, "errorDisplay", shown.append)
    start = Starter()
    patient = SimulatedPatient(scene, start)
    patient.start, patient.shown = start, shown
    patient.make()
    return patient


def test_the_ct_is_added_marked_and_shown(patient, scene):
    from CACNetSegmentationLib.scene.self_test import GEOMETRY, made_up_ct

    [run] = patient.start.runs
    job = json.loads(run.job.read_text())
    assert job["task"] == "phantom"
    folder = run.job.parent / "patient"
    folder.mkdir()
    sitk.WriteImage(to_sitk(made_up_ct()[0].hu, GEOMETRY), folder / "ct.nii.gz")
    run.listener.on_result(folder)
    assert patient.shown == [patient.node]
    assert patient.node.GetName() == "Simulated CCTA"
    assert patient.node.GetAttribute("CACNet.simulated") == "9101"
    assert not folder.exists()


def test_a_failure_is_shown(patient, scene):
    patient.start.runs[0].listener.on_failed("No room.", "")
    assert patient.shown == ["No room."]
    assert patient.node is None


def test_cancelling_stops_the_worker_and_adds_nothing(patient, scene):
    patient.cancel()
    assert patient.start.runs[0].stopped
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
