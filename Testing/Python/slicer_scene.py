"""A scene with Slicer's real logic, from the slicer-core package, for tests that run without the application."""

import atexit
import functools
import shutil
import tempfile
import types

import pytest


@functools.cache
def _application():
    slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
    pytest.importorskip("slicer.util")
    application, scene = slicer.vtkSlicerApplicationLogic(), slicer.vtkMRMLScene()
    application.SetMRMLScene(scene)
    application.GetColorLogic().SetMRMLScene(scene)
    application.GetColorLogic().AddDefaultColorNodes()
    application.SetModuleLogic("Colors", application.GetColorLogic())
    logics = _module_logics(slicer, application, scene)
    _allow_scene_files(slicer, scene)
    slicer.mrmlScene = scene
    slicer.modules = types.SimpleNamespace(
        **{name.lower(): types.SimpleNamespace(logic=lambda logic=logic: logic) for name, logic in logics.items()}
    )
    return types.SimpleNamespace(logic=application, scene=scene, logics=logics)


def _module_logics(slicer, application, scene):
    classes = {
        "Terminologies": slicer.vtkSlicerTerminologiesModuleLogic,
        "SubjectHierarchy": slicer.vtkSlicerSubjectHierarchyModuleLogic,
        "Segmentations": slicer.vtkSlicerSegmentationsModuleLogic,
        "Volumes": slicer.vtkSlicerVolumesLogic,
    }
    logics = {}
    for name, logic_class in classes.items():
        logics[name] = logic_class()
        logics[name].SetMRMLApplicationLogic(application)
        logics[name].SetMRMLScene(scene)
        application.SetModuleLogic(name, logics[name])
    return logics


def _allow_scene_files(slicer, scene):
    """Scenes (.mrb) are unpacked into the cache folder when they are read; the application has one from the start."""
    cache, data = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
    folder = tempfile.mkdtemp(prefix="cacnet-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    cache.SetRemoteCacheDirectory(folder)
    data.SetCacheManager(cache)
    scene.SetCacheManager(cache)
    scene.SetDataIOManager(data)


@pytest.fixture
def slicer_application():
    """Slicer's application logic and scene, with what `slicer.util` looks for put in its place.

    One for the whole session: the segmentations logic registers the converters when it is made, before any segment.
    """
    return _application()


@pytest.fixture
def scene(slicer_application):
    """The scene, emptied after the test. It is one for all tests, because `slicer.util` knows only one."""
    yield slicer_application.scene
    slicer_application.scene.Clear(0)
