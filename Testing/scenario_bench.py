"""What scenarios are played on: the open module, a worker of the scenario's own, and an eye on hidden errors.

The same inside 3D Slicer (`run_in_slicer.py`) and on the stand-in (`Python/launched/test_scenarios.py`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import slicer

PIXEL_MM, SLICE_MM = 0.5, 3.0
CALCIUM_HU, TISSUE_HU = 500, 200
LESION_AGATSTON = 16.0
"""Of a square of 4 × 4 pixels of 0.25 mm² above 400 HU (factor 4), at an increment of 3 mm."""
SQUARE, PITCH, PER_ROW = 4, 8, 20

WORKER = """
import argparse, json, os, shutil, sys, threading, time
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument("--job")
parser.add_argument("--devices", action="store_true")
options = parser.parse_args()
job = json.loads(Path(options.job).read_text()) if options.job else {"task": "devices"}
RESULTS = Path(__file__).resolve().parents[1] / "results"

def say(**event):
    print(json.dumps(event), flush=True)

def finish():
    shutil.copytree(RESULTS, job["output"], dirs_exist_ok=True)
    say(event="result", output=job["output"])

def stop_when_input_closes():
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(130)), daemon=True).start()

if job["task"] == "devices":
    say(event="answer", content={"devices": [{"name": "cpu", "hardware": "test"}]})
    sys.exit()
if job["task"] == "check":
    say(event="answer", content={"exit_code": 0})
    sys.exit()
say(event="progress", stage=f"process {os.getpid()}", fraction=0.1)
"""


class HiddenErrors:
    """Qt and VTK print an exception in a slot or an observer and go on; here it is kept."""

    def __init__(self) -> None:
        self._found: list[str] = []

    @contextmanager
    def watched(self):
        before, sys.excepthook = sys.excepthook, self._keep
        _stand_in_errors().clear()
        try:
            yield
        finally:
            sys.excepthook = before
            self._found = self.all()
            _stand_in_errors().clear()

    def all(self) -> list[str]:
        """What was swallowed so far."""
        return self._found + ["".join(traceback.format_exception(error)) for error in _stand_in_errors()]

    def _keep(self, kind, error, trace):
        self._found.append("".join(traceback.format_exception(kind, error, trace)))


def _stand_in_errors() -> list:
    module = sys.modules.get("stand_in.pythonqt")
    return module.slot_errors if module else []


class Bench:
    """One scenario's world: an empty scene, the module's widget, and what is done with it.

    Args:
        widget: the open CACNetSegmentationWidget.
        slowness: how many times slower than a workstation this computer may be before a limit is missed.
    """

    def __init__(self, widget: Any, slowness: float) -> None:
        self.widget, self.logic, self.ui, self.slowness = widget, widget.logic, widget.ui, slowness
        self.scene = slicer.mrmlScene
        self.measured: list[str] = []
        self._folder = Path(tempfile.mkdtemp(prefix="cacnet-scenario-"))
        self._module = sys.modules[type(widget).__module__]
        self._module_folder = self._module.MODULE_FOLDER
        self.logic.ensureDependencies = lambda requirements: True

    def close(self) -> None:
        """Empty the scene and put everything back."""
        self.scene.Clear(0)
        self.process_events()
        del self.logic.ensureDependencies
        self._module.MODULE_FOLDER = self._module_folder
        shutil.rmtree(self._folder, ignore_errors=True)

    def path(self, name: str) -> Path:
        """A place for a file of the scenario."""
        return self._folder / name

    def use_worker(self, body: str, results: Callable[[Path], None] | None = None) -> None:
        """Let runs start a worker that does `body` in place of the real one.

        Args:
            body: Python; has `say(event=…)`, `finish()`, `stop_when_input_closes()` and `job`.
            results: fills the folder that `finish()` copies.
        """
        place = Path(tempfile.mkdtemp(dir=self._folder))
        (place / "cacnet").mkdir()
        (place / "cacnet" / "__init__.py").write_text("")
        (place / "cacnet" / "worker.py").write_text(WORKER + textwrap.dedent(body))
        if results is not None:
            (place / "results").mkdir()
            results(place / "results")
        self._module.MODULE_FOLDER = place

    def add_ct(self, name: str = "CCTA", lesions: int = 3) -> Any:
        """A CT with squares of calcium, chosen as the input."""
        from cacnet.volume import Volume
        from CACNetSegmentationLib.scene.volumes import node_from_volume

        hu, _, grid = calcified(lesions)
        node = node_from_volume(self.scene, Volume(hu, grid), name)
        self.choose(node)
        return node

    def use_the_real_worker(self) -> None:
        """Let runs start the worker that is shipped."""
        self._module.MODULE_FOLDER = self._module_folder

    def add_schematic(self) -> Any:
        """A small CT with a heart and two arteries, on which the whole chain runs."""
        from CACNetSegmentationLib.scene.volumes import node_from_volume
        from schematic import schematic_ccta

        return node_from_volume(self.scene, schematic_ccta().volume, "Schematic")

    def choose(self, volume_node: Any) -> None:
        """Choose the input; a CT that is not being run can then be."""
        self.ui.inputSelector.setCurrentNode(volume_node)
        self.wait_until(lambda: self.ui.runButton.enabled or self.running)

    def process_events(self) -> None:
        slicer.app.processEvents()

    def wait_until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Let the window work until a condition holds; fails where it does not."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited {seconds:.0f} s in vain; the panel says '{self.status}'"
            self.process_events()
            time.sleep(0.005)

    def wait(self, seconds: float) -> None:
        """Let the window work for a while."""
        end = time.monotonic() + seconds
        self.wait_until(lambda: time.monotonic() > end, seconds + 1)

    @property
    def status(self) -> str:
        return self.ui.stageLabel.text

    @property
    def running(self) -> bool:
        return self.widget.panel.running

    def start(self) -> int:
        """Press Run; returns the number of the worker's process once it works."""
        self.ui.runButton.click()
        self.wait_until(lambda: "process " in self.status or not self.running)
        assert self.running, f"the run ended at once: {self.ui.findingsLabel.text}"
        return int(self.status.split("process ")[1].split(",")[0])

    def run(self) -> None:
        """Press Run and wait for the end."""
        self.ui.runButton.click()
        self.wait_until(lambda: not self.running)
        self.process_events()

    @property
    def review(self) -> Any:
        """The review that is open."""
        return self.widget.controller.review_section.review

    @property
    def review_ui(self) -> Any:
        return self.widget.controller.review_section.panel.ui

    def rows(self) -> int:
        """How many lesions the table shows."""
        return self.review_ui.lesionTable.model().rowCount()

    def count(self, class_name: str) -> int:
        """How many nodes of a class the scene has."""
        return self.scene.GetNumberOfNodesByClass(class_name)

    def within(self, what: str, seconds: float, limit_s: float) -> None:
        """Note a time, and fail where it is beyond what a user accepts."""
        self.measured.append(f"{what} {1000 * seconds:.0f} ms")
        assert seconds <= limit_s * self.slowness, f"{what} took {seconds:.2f} s, more than {limit_s} s"


def calcified(lesions: int):
    """HU, labels and grid of a CT with that many squares of calcium, two thirds in the LAD and a third in the RCA."""
    from cacnet.volume import Geometry

    rows = -(-lesions // PER_ROW)
    shape = (4, max(PITCH * rows + SQUARE, 16), max(PITCH * min(lesions, PER_ROW) + SQUARE, 16))
    hu, labels = np.full(shape, TISSUE_HU, np.int16), np.zeros(shape, np.uint8)
    for number in range(lesions):
        y, x = 2 + PITCH * (number // PER_ROW), 2 + PITCH * (number % PER_ROW)
        at = (1, slice(y, y + SQUARE), slice(x, x + SQUARE))
        hu[at], labels[at] = CALCIUM_HU, 4 if number % 3 == 2 else 2
    return hu, labels, Geometry(shape, (SLICE_MM, PIXEL_MM, PIXEL_MM))


def results(lesions: int) -> Callable[[Path], None]:
    """Writes what a run on `calcified(lesions)` leaves."""
    return lambda folder: write_results(folder, *calcified(lesions))


def write_results(folder: Path, hu: np.ndarray, labels: np.ndarray, grid: Any) -> None:
    """Write what a run leaves that found `labels`; the totals are those of squares as in `calcified`."""
    from cacnet import segments
    from cacnet.edits.stored_json import write_review
    from review_case import stored_review

    stored = stored_review(hu, labels, grid)
    segments.write_seg_nrrd(folder / "segmentation.seg.nrrd", labels, labels, grid, "test-net")
    write_review(folder / "review.json", stored)
    lesions = len(stored.confidence)
    totals = {"agatston": LESION_AGATSTON * lesions, "volume_mm3": 12.0 * lesions, "lesions": lesions}
    report = {"schema_version": 1, "totals": totals, "protocol": {"name": "ccta-adaptive"}}
    (folder / "report.json").write_text(json.dumps(report))


def alive(process: int) -> bool:
    """Whether a process still runs."""
    if sys.platform == "win32":
        # os.kill with signal 0 would end it there.
        listed = subprocess.run(["tasklist", "/FI", f"PID eq {process}"], capture_output=True, text=True, check=False)
        return str(process) in listed.stdout
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
