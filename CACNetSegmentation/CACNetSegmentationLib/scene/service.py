"""What the panel asks of the scene: describe and write an input, and load the results of a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from cacnet.errors import CacnetError
from cacnet.volume import Acquisition, Geometry

from CACNetSegmentationLib.scene import review_store, segmentations, volumes
from CACNetSegmentationLib.scene.dicom_acquisition import Database, acquisition_of_node
from CACNetSegmentationLib.scene.input_file import write_ct
from CACNetSegmentationLib.scene.results import results_of, volume_of

TOTALS_SHOWN = ("agatston", "volume_mm3", "lesions")
RUN_AGAIN = "Run again; if it stays so, reinstall the extension"


class MissingResultError(CacnetError):
    """A run ended well but what it should have written is not there, or is not readable."""


class VolumeGoneError(CacnetError):
    """The volume was removed from the scene while it was being segmented."""


@dataclass(frozen=True)
class Results:
    """What a run added to the scene, and what its report says.

    Attributes:
        segmentation_node: keeps its CT and its review by references.
        totals, protocol_name: as in report.json.
    """

    segmentation_node: slicer.vtkMRMLSegmentationNode
    totals: dict[str, Any]
    protocol_name: str


class SceneService:
    """Reads from and writes to one scene.

    Args:
        scene: the scene.
        dicom_database: knows how volumes that were loaded from DICOM were made; None where there is none.
    """

    def __init__(self, scene: slicer.vtkMRMLScene, dicom_database: Database | None = None) -> None:
        self._scene, self._dicom_database = scene, dicom_database

    def describe_input(self, volume_node: slicer.vtkMRMLScalarVolumeNode) -> tuple[Geometry, Acquisition]:
        """Grid of a volume and how it was made; raises the errors of `volumes.geometry_of_node`."""
        return volumes.geometry_of_node(volume_node), self.acquisition(volume_node)

    def acquisition(self, volume_node: slicer.vtkMRMLScalarVolumeNode) -> Acquisition:
        """What DICOM says of the scan; nothing where the volume is from another file. Never who the patient is."""
        return acquisition_of_node(volume_node, self._dicom_database)

    def input_state(self, volume_node: slicer.vtkMRMLScalarVolumeNode) -> tuple[str, int, str, str]:
        """Changes whenever the CT, its place or its transform does, so that it must be looked at again."""
        transform = volume_node.GetParentTransformNode()
        matrix = str(volumes.world_from_local(volume_node).tolist()) if transform is not None else ""
        image = volume_node.GetImageData()
        return volume_node.GetID(), image.GetMTime(), str(volumes.ijk_to_ras(volume_node).tolist()), matrix

    def write_input(self, volume_node: slicer.vtkMRMLScalarVolumeNode, path: Path) -> None:
        """Write the CT as NRRD for the worker; raises InputWriteError and the errors of `volumes.geometry_of_node`."""
        write_ct(volume_node, path)

    def result_of(
        self,
        volume_node: slicer.vtkMRMLScalarVolumeNode | None,
        preferred: slicer.vtkMRMLSegmentationNode | None = None,
    ) -> slicer.vtkMRMLSegmentationNode | None:
        """The newest result on this CT, or `preferred` where that is one of them."""
        if preferred is not None and volume_node is not None and volume_of(preferred) is volume_node:
            return preferred
        return next(reversed(results_of(self._scene, volume_node)), None)

    def load_results(self, volume_node: slicer.vtkMRMLScalarVolumeNode, folder: Path) -> Results:
        """Add the segmentation of a run, with the review that it begins, to the scene; on an error, nothing.

        Raises:
            VolumeGoneError, MissingResultError, SegmentationReadError, ReviewFileError.
        """
        if not self._scene.IsNodePresent(volume_node):
            raise VolumeGoneError("the CT was removed from the scene during the run", action="Load it and run again")
        report = _read_report(folder / "report.json")
        node = segmentations.load_segmentation(
            self._scene, folder / "segmentation.seg.nrrd", volume_node, f"{volume_node.GetName()} calcium"
        )
        try:
            review_store.attach_result(volume_node, node, folder)
        except (CacnetError, OSError):
            self._scene.RemoveNode(node)
            raise
        return Results(node, report["totals"], _protocol_name(report["protocol"]))


def _read_report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in TOTALS_SHOWN if key not in report["totals"]]
        missing += [key for key in ("protocol",) if key not in report]
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise MissingResultError(
            f"the run's {path.name} is missing or damaged ({error})", "a report as a run writes it", RUN_AGAIN
        ) from error
    if missing:
        raise MissingResultError(
            f"the run's {path.name} lacks {', '.join(missing)}", "a report of this version", RUN_AGAIN
        )
    return report


def _protocol_name(protocol: str | dict[str, Any]) -> str:
    return protocol if isinstance(protocol, str) else str(protocol["name"])
