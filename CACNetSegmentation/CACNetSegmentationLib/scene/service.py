"""What the panel asks of the scene: check and write an input, and load the results of a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk
import slicer
from cacnet.errors import CacnetError
from cacnet.volume import to_sitk

from CACNetSegmentationLib.scene import lesion_table, segmentations, volumes
from CACNetSegmentationLib.scene.subject_hierarchy import place_beside

TOTALS_SHOWN = ("agatston", "volume_mm3", "lesions")


class InputWriteError(CacnetError):
    """The CT could not be written for the worker."""


class MissingResultError(CacnetError):
    """A run ended well but what it should have written is not there, or is not readable."""


class VolumeGoneError(CacnetError):
    """The volume was removed from the scene while it was being segmented."""


@dataclass(frozen=True)
class Results:
    """What a run added to the scene, and what its report says.

    Attributes:
        totals, protocol_name: as in report.json.
    """

    segmentation_node: slicer.vtkMRMLSegmentationNode
    table_node: slicer.vtkMRMLTableNode
    totals: dict[str, Any]
    protocol_name: str


class SceneService:
    """Reads from and writes to one scene."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene

    def describe_input(self, volume_node: slicer.vtkMRMLScalarVolumeNode) -> str:
        """The grid of the volume in words; raises the errors of `volumes.geometry_of_node`."""
        return volumes.geometry_of_node(volume_node).describe()

    def write_input(self, volume_node: slicer.vtkMRMLScalarVolumeNode, path: Path) -> None:
        """Write the CT as NRRD for the worker; raises InputWriteError and the errors of `volumes.volume_from_node`."""
        volume = volumes.volume_from_node(volume_node)
        try:
            sitk.WriteImage(to_sitk(volume.hu, volume.geometry), path)
        except RuntimeError as error:
            raise InputWriteError(
                found=f"the CT could not be written to '{path.parent}'",
                expected=f"about {volume.hu.nbytes / 1e6:.0f} MB of room on that disk",
            ) from error

    def load_results(self, volume_node: slicer.vtkMRMLScalarVolumeNode, folder: Path) -> Results:
        """Add the segmentation and the lesion table of a run to the scene; on an error, neither.

        Raises:
            VolumeGoneError, MissingResultError, SegmentationReadError, LesionTableError.
        """
        if not self._scene.IsNodePresent(volume_node):
            raise VolumeGoneError("the CT was removed from the scene during the run", action="Load it and run again")
        report = _read_report(folder / "report.json")
        lesions_path = folder / "lesions.csv"
        if not lesions_path.is_file():
            raise MissingResultError(f"the run wrote no {lesions_path.name}")
        rows = lesion_table.read_lesions(lesions_path)
        name = volume_node.GetName()
        table_node = lesion_table.create_lesion_table(self._scene, rows, f"{name} lesions")
        try:
            segmentation_node = segmentations.load_segmentation(
                self._scene, folder / "segmentation.seg.nrrd", volume_node, f"{name} calcium"
            )
        except CacnetError:
            self._scene.RemoveNode(table_node)
            raise
        place_beside(self._scene, table_node, volume_node)
        return Results(segmentation_node, table_node, report["totals"], _protocol_name(report["protocol"]))


def _read_report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in TOTALS_SHOWN if key not in report["totals"]]
        missing += [key for key in ("protocol",) if key not in report]
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise MissingResultError(f"the run's {path.name} is missing or damaged ({error})") from error
    if missing:
        raise MissingResultError(f"the run's {path.name} lacks {', '.join(missing)}", "a report of this version")
    return report


def _protocol_name(protocol: str | dict[str, Any]) -> str:
    return protocol if isinstance(protocol, str) else str(protocol["name"])
