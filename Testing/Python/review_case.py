"""A small result in a scene, with scores to be computed by hand, for tests of its review."""

import types
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from cacnet.anatomy import Vessel
from cacnet.edits.stored_json import write_review
from cacnet.edits.stored_review import ModelIdentity, Rules, StoredReview, store_result
from cacnet.findings import Finding, Severity
from cacnet.left_out import LeftOutLesion
from cacnet.lesions import find_lesions
from cacnet.scoring import protocol_named, resolve
from cacnet.vessels.places import Courses
from cacnet.volume import Geometry, Volume

SHAPE = (8, 24, 24)
GRID = Geometry(SHAPE, (3.0, 0.5, 0.5), (10.0, -20.0, 30.0), (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
"""Turned by a quarter about the z axis, so that a mix-up of axes shows."""
BLOOD_HU, BLOOD_SD_HU = 200.0, 50.0
LESION_AGATSTON = 16.0
"""Of 4 × 4 voxels of 0.25 mm² from 400 HU, at an increment of 3 mm."""
SECOND_LOOK = Finding("second-look", Severity.NOTE, "One lesion was found at a second look.")


def ct() -> np.ndarray:
    """Three plaques of 4 × 4 voxels: 1 and 2 (LAD) and 3 (RCA); a fourth at (6, 2..5, 2..5) that the network missed."""
    hu = np.full(SHAPE, 200, np.int16)
    for z, y, x in ((1, 2, 2), (1, 2, 12), (3, 12, 12), (6, 2, 2)):
        hu[z, y : y + 4, x : x + 4] = 500
    return hu


def labels() -> np.ndarray:
    """What the network found."""
    found = np.zeros(SHAPE, np.uint8)
    found[1, 2:6, 2:6] = found[1, 2:6, 12:16] = Vessel.LAD
    found[3, 12:16, 12:16] = Vessel.RCA
    return found


def stored_review(
    hu: np.ndarray | None = None,
    found: np.ndarray | None = None,
    grid: Geometry = GRID,
    left_out: Sequence[LeftOutLesion] = (),
) -> StoredReview:
    """Its review, not begun: 48 Agatston, a woman of 61; the centre line of the LCx passes the fourth plaque."""
    hu, found = ct() if hu is None else hu, labels() if found is None else found
    resolved = resolve(protocol_named("ccta-adaptive"), BLOOD_HU, BLOOD_SD_HU, 120.0)
    lesions = find_lesions(found, hu, grid, resolved, np.full(hu.shape, 0.8))
    line = grid.index_to_lps(np.array([(6.0, 3.5, x) for x in range(8)]))
    courses = Courses(line, np.full(8, Vessel.LCX, np.uint8), np.arange(8) * 0.5, np.full(8, 1.5))
    rules = Rules("ccta-adaptive", 61.0, "F")
    model = ModelIdentity("test-net", "ab")
    return store_result(Volume(hu, grid), lesions, resolved, rules, model, "right", courses, [SECOND_LOOK], left_out)


def result_in(scene, folder: Path, left_out: Sequence[LeftOutLesion] = ()):
    """CT node, segmentation node, and a folder with review.json, as a run leaves them."""
    from CACNetSegmentationLib.scene import segmentations, volumes

    volume_node = volumes.node_from_volume(scene, Volume(ct(), GRID), "CCTA")
    arteries = np.zeros(SHAPE, np.uint8)
    arteries[1:4, 1:20, 1:20] = 1
    node = segmentations.create_segmentation(scene, labels(), arteries, volume_node, "CACNet test-net", "CCTA calcium")
    write_review(folder / "review.json", stored_review(left_out=left_out))
    return types.SimpleNamespace(volume_node=volume_node, segmentation_node=node, folder=folder)


def ras_of(z: float, y: float, x: float) -> tuple[float, float, float]:
    """The position of a voxel."""
    left, posterior, superior = GRID.index_to_lps(np.array([z, y, x]))
    return -float(left), -float(posterior), float(superior)


def paint(node, segment_id: str, box: tuple[slice, slice, slice], erase: bool = False) -> None:
    """A stroke as the Segment Editor makes one: through Slicer's own logic, overwriting segments on the same layer."""
    import slicer
    from CACNetSegmentationLib.scene import volumes

    start = [side.start for side in box][::-1]
    size = [side.stop - side.start for side in box][::-1]
    stroke = slicer.vtkOrientedImageData()
    label = node.GetSegmentation().GetSegment(segment_id).GetLabelValue()
    stroke.ShallowCopy(volumes.image_data(np.full(size[::-1], 0 if erase else label, np.uint8)))
    extent = [bound for a, n in zip(start, size, strict=True) for bound in (a, a + n - 1)]
    stroke.SetExtent(*extent)
    stroke.SetImageToWorldMatrix(volumes.ijk_to_ras_matrix(GRID))
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    mode = logic.MODE_MERGE_MIN if erase else logic.MODE_MERGE_MASK
    others = [s for s in node.GetSegmentation().GetSegmentIDs() if s != segment_id]
    assert logic.SetBinaryLabelmapToSegment(stroke, node, segment_id, mode, extent, False, [] if erase else others)
