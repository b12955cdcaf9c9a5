"""The module's own test, for Slicer's "Reload and Test": a small made-up result through load, correction, save, load.

It needs neither torch nor a network; the tests that need no application are in Testing/Python.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from cacnet.anatomy import Vessel
from cacnet.edits.review import RejectReason
from cacnet.edits.stored_json import write_review
from cacnet.errors import CacnetError
from cacnet.lesions import find_lesions
from cacnet.outputs import REPORT, REVIEW, SEGMENTATION, unbegun_review, write_tables
from cacnet.pipeline import Result
from cacnet.report import Scores
from cacnet.scoring import protocol_named, resolve
from cacnet.segments import write_seg_nrrd
from cacnet.volume import Acquisition, Geometry, Volume

from CACNetSegmentationLib.scene import segmentations, volumes

GEOMETRY = Geometry((12, 16, 20), (0.5, 0.4, 0.3), (1.0, 2.0, 3.0))


class SelfTestError(CacnetError):
    """Something came out other than it must."""


def run_all(logic: Any) -> None:
    """Raises SelfTestError, or what the tested code raises, at the first thing that is not as it should be."""
    tests: tuple[Callable[[Any], None], ...] = (voxels_come_back, corrections_change_scores_and_are_saved)
    for test in tests:
        slicer.mrmlScene.Clear()
        test(logic)
    slicer.mrmlScene.Clear()


def voxels_come_back(logic: Any) -> None:
    """A segmentation holds the labels that it was made from, voxel for voxel."""
    volume, calcium = made_up_ct()
    ct = volumes.node_from_volume(slicer.mrmlScene, volume, "CT")
    node = segmentations.create_segmentation(slicer.mrmlScene, calcium, calcium > 0, ct, "test", "Result")
    back, coronary = segmentations.labels_from_segmentation(node, ct)
    _require(np.array_equal(back, calcium), "calcium labels that are not those that were put in")
    _require(np.array_equal(coronary, calcium > 0), "arteries that are not those that were put in")


def corrections_change_scores_and_are_saved(logic: Any) -> None:
    """A rejected lesion no longer counts, undo brings it back, and the review is there after saving and loading."""
    volume, calcium = made_up_ct()
    ct = volumes.node_from_volume(slicer.mrmlScene, volume, "CT")
    with tempfile.TemporaryDirectory(prefix="cacnet-") as name:
        folder = Path(name)
        write_made_up_result(folder, volume, calcium)
        results = logic.service().load_results(ct, folder)
        _require(results.totals["lesions"] == 2, f"{results.totals['lesions']} lesions")
        review = logic.review(results.segmentation_node)
        before = review.summary.totals.agatston
        review.reject([1], RejectReason.STENT)
        _require(review.summary.totals.lesions == 1, "a rejected lesion that still counts")
        review.undo()
        _require(review.summary.totals.agatston == before, "another score after undo")
        review.relabel([2], Vessel.LCX)
        review.close()
        _require(slicer.util.saveScene(str(folder / "scene.mrb")), "a scene that was not saved")
        slicer.mrmlScene.Clear()
        slicer.util.loadScene(str(folder / "scene.mrb"))
    saved = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    review = logic.review(saved)
    vessels = [row.vessel for row in review.summary.lesions]
    review.close()
    _require(vessels == [Vessel.LAD, Vessel.LCX], f"lesions of {', '.join(v.label for v in vessels)} after loading")
    scores = logic.score(saved, slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode"))
    _require(len(scores.lesions.lesions) == 2, "another number of lesions when scored anew")


def made_up_ct() -> tuple[Volume, np.ndarray]:
    """A tiny CT of 40 HU with two calcifications of 600 HU, and their labels (2 LAD, 4 RCA)."""
    calcium = np.zeros(GEOMETRY.shape_zyx, np.uint8)
    calcium[2:6, 3:8, 3:8] = Vessel.LAD
    calcium[7:10, 9:14, 12:18] = Vessel.RCA
    hu = np.where(calcium > 0, 600, 40).astype(np.int16)
    return Volume(hu, GEOMETRY, Acquisition(modality="CT", kvp=120.0), "made up"), calcium


def write_made_up_result(folder: Path, volume: Volume, calcium: np.ndarray) -> None:
    """The files of a run that the module loads, as a run would write them."""
    resolved = resolve(protocol_named("literature"), 40.0, 10.0, 120.0)
    lesions = find_lesions(calcium, volume.hu, volume.geometry, resolved)
    result = Result(volume, calcium, calcium, Scores(lesions, resolved))
    write_seg_nrrd(folder / SEGMENTATION, calcium, calcium, volume.geometry, "CACNet test")
    write_tables(folder, volume, result.scores)
    write_review(folder / REVIEW, unbegun_review(result))
    _require((folder / REPORT).is_file(), "no report")


def _require(holds: bool, found: str) -> None:
    if not holds:
        raise SelfTestError(f"the self test found {found}")
