"""Draws the pictures of the tutorial: the panel on real Qt widgets, and Slicer's views by its own display code.

`python Testing/pictures.py CT RESULTS --output Resources/Screenshots`: a CT, and the folder that `cacnet segment` wrote
for it. Needs no screen and no installed Slicer; fonts and frames differ a little from the application's.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from pathlib import Path

TESTING = Path(__file__).resolve().parent
PRODUCT = TESTING.parent / "CACNetSegmentation"
PANEL_WIDTH, VIEW = 460, 400
MAX_BYTES = 300_000
SEGMENTING = """
say(event="progress", stage="network", fraction=0.44, seconds_left=38)
while not Path(job["output"]).with_name("go").exists():
    time.sleep(0.01)
finish()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ct", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path[:0] = [str(p) for p in (PRODUCT, TESTING, TESTING / "Python", TESTING / "Python" / "core")]
    draw(options.ct, options.results, options.output)


def draw(ct: Path, results: Path, output: Path) -> None:
    """Go through the tutorial and take a picture at each step."""
    qt_application = _qt_application()  # Qt is gone with it
    application_logic, widget = _open_module()
    from scenario_bench import Bench

    bench = Bench(widget, slowness=1.0)
    volume_node = _load(bench.scene, ct)
    bench.choose(volume_node)
    bench.wait_until(lambda: widget.panel.input.findings, 300)
    _save(output / "tutorial_1_input.png", _panel(widget))
    bench.use_worker(SEGMENTING, lambda folder: shutil.copytree(results, folder, dirs_exist_ok=True))
    bench.ui.runButton.click()
    bench.wait_until(lambda: "process" not in bench.status and "Starting" not in bench.status)
    _save(output / "tutorial_2_run.png", _panel(widget))
    (Path(widget.panel._folder.name) / "go").touch()
    bench.wait_until(lambda: not bench.running, 300)
    bench.review.show(application_logic)
    bench.ui.inputsCollapsibleButton.collapsed = bench.ui.runCollapsibleButton.collapsed = True
    views = Views(bench.scene, application_logic)
    largest = max(bench.review.summary.lesions, key=lambda lesion: lesion.agatston)
    bench.review.jump_to(largest.id)
    _save(output / "tutorial_3_review.png", _beside(_panel(widget), views))
    _correct(bench)
    _save(output / "tutorial_4_corrected.png", _beside(_panel(widget), views))
    bench.close()
    widget.cleanup()
    qt_application.processEvents()


def _correct(bench) -> None:
    """What a reader does next: agree with the largest, reject the smallest, give another its right artery."""
    from cacnet.anatomy import Vessel
    from cacnet.edits.review import RejectReason

    by_score = sorted(bench.review.summary.lesions, key=lambda lesion: -lesion.agatston)
    smallest = 2 if len(by_score) > 3 else 1
    *largest, other = by_score[:-smallest]
    bench.review.accept([lesion.id for lesion in largest])
    bench.review.reject([lesion.id for lesion in by_score[-smallest:]], RejectReason.NOISE)
    bench.review.relabel([other.id], Vessel.LAD if other.vessel is Vessel.LCX else Vessel.LCX)
    bench.review.jump_to(by_score[1].id)
    bench.process_events()


class Views:
    """The four-up layout: axial, 3-D, coronal, sagittal."""

    def __init__(self, scene, application_logic) -> None:
        import slicer
        from mrml_views import SliceView, ThreeDView

        manager = slicer.app.layoutManager()
        self._slices = {}
        for name, orientation in (("Red", "Axial"), ("Green", "Coronal"), ("Yellow", "Sagittal")):
            logic = manager.sliceWidget(name).sliceLogic()
            logic.GetSliceNode().SetOrientation(orientation)
            self._slices[name] = SliceView(logic, (VIEW, VIEW), application_logic)
            self._slices[name].zoom(85)
        self._three_d = ThreeDView(scene, (VIEW, VIEW), application_logic)
        self._three_d.look_from_front(0.6)

    def picture(self, height: int):
        """All four, `height` pixels tall in all."""
        import numpy as np

        upper, lower = height // 2, height - height // 2
        for view, rows in ((self._slices["Red"], upper), (self._three_d, upper)):
            view.resize((VIEW, rows))
        for name in ("Green", "Yellow"):
            self._slices[name].resize((VIEW, lower))
        red, green, yellow = (self._slices[name].picture() for name in ("Red", "Green", "Yellow"))
        return np.vstack([np.hstack([red, self._three_d.picture()]), np.hstack([green, yellow])])


def _qt_application():
    from PySide6.QtWidgets import QApplication

    return QApplication.instance() or QApplication([])


def _open_module():
    from slicer_scene import _application

    application = _application()
    import stand_in

    stand_in.install()
    specification = importlib.util.spec_from_file_location("CACNetSegmentation", PRODUCT / "CACNetSegmentation.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules["CACNetSegmentation"] = module
    specification.loader.exec_module(module)
    from CACNetSegmentationLib.widgets import worker_process

    worker_process.python_slicer = lambda slicer_home: sys.executable
    import slicer

    slicer.app.layoutManager()
    widget = module.CACNetSegmentationWidget()
    widget.setup()
    widget._frame.show()
    return application.logic, widget


def _load(scene, path: Path):
    from cacnet.reading import read_ct
    from CACNetSegmentationLib.scene.volumes import node_from_volume

    return node_from_volume(scene, read_ct(path), "Simulated CCTA")


def _panel(widget):
    """The panel as an array, as tall as what it shows."""
    import numpy as np
    from PySide6 import QtGui
    from PySide6.QtWidgets import QApplication, QWidget

    frame = widget._frame
    for _ in range(20):
        # Labels that wrap tell their height only after a round of events.
        QWidget.resize(frame, PANEL_WIDTH, QWidget.heightForWidth(frame, PANEL_WIDTH))
        QApplication.processEvents()
    image = QWidget.grab(frame).toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def _beside(panel, views: Views):
    """Panel left, views right."""
    import numpy as np

    return np.hstack([panel, views.picture(panel.shape[0])])


def _save(path: Path, pixels) -> None:
    """Write a PNG; with coarser shades where it would be too large for a page. A palette would spoil the colours."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    for step in (1, 4, 8, 16):
        Image.fromarray(pixels // step * step).save(path, optimize=True)
        if path.stat().st_size <= MAX_BYTES:
            break
    print(f"{path}: {pixels.shape[1]} × {pixels.shape[0]}, {path.stat().st_size // 1000} kB, shades in steps of {step}")


if __name__ == "__main__":
    main()
