"""How long a correction in the scene takes: `python Testing/Benchmark/scene_review.py`.

Sixty lesions of about 30 mm³ spread over a heart of 13 cm in a volume of 512 × 512 × 400 voxels, with all that a step
does in Slicer: lesions, scores, segments, surfaces in 3-D, the text kept in the scene and the file saved for a crash.
Needs the package slicer-core. Prints a Markdown table: medians and longest of many repetitions, one thread.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "Python"), str(FOLDER.parents[1] / "CACNetSegmentation")]

from cacnet.anatomy import Vessel  # noqa: E402
from cacnet.edits.review import RejectReason  # noqa: E402
from cacnet.edits.stored_json import write_review  # noqa: E402
from cacnet.edits.stored_review import ModelIdentity, Rules, store_result  # noqa: E402
from cacnet.lesions import find_lesions  # noqa: E402
from cacnet.scoring import protocol_named, resolve  # noqa: E402
from cacnet.volume import Geometry, Volume  # noqa: E402
from rescore import LESIONS, SPACING_MM_ZYX, scan_of  # noqa: E402

SHAPE_ZYX = (400, 512, 512)
HEART_ZYX = (240, 360, 360)


def case() -> tuple[Volume, np.ndarray, np.ndarray]:
    """CT, labels, and the lesions' centres (z, y, x)."""
    labels, hu = np.zeros(SHAPE_ZYX, np.uint8), np.full(SHAPE_ZYX, 350, np.int16)
    corner = (np.array(SHAPE_ZYX) - HEART_ZYX) // 2
    box = tuple(slice(a, a + n) for a, n in zip(corner, HEART_ZYX, strict=True))
    labels[box], hu[box], centres = scan_of(HEART_ZYX, LESIONS)
    return Volume(hu, Geometry(SHAPE_ZYX, SPACING_MM_ZYX)), labels, centres + corner


def timed(work: Callable[[], object]) -> float:
    """Wall time in ms."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def start_review(scene, volume: Volume, labels: np.ndarray, folder: Path, rows: list[list[str]]):
    """The review, with what its start took in `rows`."""
    from CACNetSegmentationLib.scene import segmentations, volumes
    from CACNetSegmentationLib.scene.review import SceneReview

    resolved = resolve(protocol_named("ccta-adaptive"), 350.0, 25.0)
    lesions = find_lesions(labels, volume.hu, volume.geometry, resolved)
    write_review(
        folder / "review.json", store_result(volume, lesions, resolved, Rules("ccta-adaptive"), ModelIdentity("none"))
    )
    volume_node = volumes.node_from_volume(scene, volume, "CT")
    node = segmentations.create_segmentation(scene, labels, np.zeros_like(labels), volume_node, "none", "Calcium")
    made: list[SceneReview] = []
    start_ms = timed(lambda: made.append(SceneReview.start(scene, volume_node, node, folder, folder / "autosave")))
    rows.append(["Start", f"{start_ms:.0f}", f"{start_ms:.0f}"])
    show_ms = timed(made[0].show)
    rows.append(["Show in 3-D", f"{show_ms:.0f}", f"{show_ms:.0f}"])
    return made[0]


def corrections(review, centre: np.ndarray) -> dict[str, Callable[[], object]]:
    """What is timed, by name; each leaves the review as it was, but for its audit trail."""
    import slicer
    from CACNetSegmentationLib.scene import volumes

    logic, node = slicer.vtkSlicerSegmentationsModuleLogic, review.segmentation_node
    lesion_id = review.session.review.id_at(tuple(int(i) for i in centre))
    vessel = review.session.review.lesion(lesion_id).vessel
    other = Vessel.LM if vessel is not Vessel.LM else Vessel.RCA

    def draw(value: int) -> None:
        stroke = slicer.vtkOrientedImageData()
        stroke.ShallowCopy(volumes.image_data(np.full((5, 5, 5), value, np.uint8)))
        z, y, x = (int(i) for i in centre)
        stroke.SetExtent(x - 2, x + 2, y - 2, y + 2, z + 4, z + 8)
        stroke.SetImageToWorldMatrix(volumes.ijk_to_ras_matrix(review.session.live._geometry))
        mode = logic.MODE_MERGE_MASK if value else logic.MODE_MERGE_MIN
        logic.SetBinaryLabelmapToSegment(stroke, node, vessel.label, mode, stroke.GetExtent())

    label = node.GetSegmentation().GetSegment(vessel.label).GetLabelValue()
    return {
        "Accept": lambda: review.accept([lesion_id]),
        "Undo accept": review.undo,
        "Relabel": lambda: review.relabel([lesion_id], other),
        "Undo relabel": review.undo,
        "Reject": lambda: review.reject([lesion_id], RejectReason.NOISE),
        "Undo reject": review.undo,
        "Slicer's own part of a stroke": lambda: draw(label),
        "Absorb a stroke": review.absorb_strokes,
        "Undo a stroke": review.undo,
        "Jump": lambda: review.jump_to(lesion_id),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    from slicer_scene import _application

    scene = _application().scene
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        volume, labels, centres = case()
        review = start_review(scene, volume, labels, Path(folder), rows)
        times: dict[str, list[float]] = {}
        for repeat in range(arguments.repeats + 1):
            for name, work in corrections(review, centres[(7 * repeat) % LESIONS]).items():
                times.setdefault(name, []).append(timed(work))
        rows += [[name, f"{statistics.median(t[1:]):.1f}", f"{max(t[1:]):.1f}"] for name, t in times.items()]
        review.close()
    for row in (["Step", "Median, ms", "Longest, ms"], ["---"] * 3, *rows):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
