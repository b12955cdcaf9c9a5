"""Fixtures of the widget tests: Qt without a screen, and the stand-in for the application's Python side."""

import gc
import os
import sys
import time

import pytest
from slicer_scene import scene, slicer_application

__all__ = ["scene", "slicer_application"]

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_unconfigure() -> None:
    """Let Qt end while all that it knows is there: left to the interpreter's end, PySide6 crashed in a run of four."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    application = widgets.QApplication.instance() if widgets else None
    if application is not None:
        gc.collect()
        application.shutdown()


@pytest.fixture
def qt_application(slicer_application):
    """The Qt application; fails the test where a slot raised, which PythonQt would only print."""
    widgets = pytest.importorskip("PySide6.QtWidgets", reason="PySide6 is not installed", exc_type=ImportError)
    import stand_in
    from stand_in import dialogs
    from stand_in.pythonqt import slot_errors

    stand_in.install()
    slot_errors.clear()
    dialogs.forget()
    yield widgets.QApplication.instance() or widgets.QApplication([])
    assert not slot_errors


@pytest.fixture
def wait_until(qt_application):
    """Processes events until a condition holds; fails after half a minute."""

    def wait(condition):
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            qt_application.processEvents()
            time.sleep(0.005)

    return wait
