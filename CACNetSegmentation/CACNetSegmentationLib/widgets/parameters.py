"""What the panel keeps in the scene. Imported when the panel is first opened, not when Slicer starts."""

from __future__ import annotations

from typing import Annotated

from cacnet.scoring import DEFAULT_PROTOCOL, PROTOCOLS
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLTableNode
from slicer.parameterNodeWrapper import Choice, parameterNodeWrapper

from CACNetSegmentationLib.widgets.job import DEVICES, RunSettings


@parameterNodeWrapper
class PanelParameters:
    """The choices and results of the panel; the names are those of `SlicerParameterName` in the .ui file."""

    input_volume: vtkMRMLScalarVolumeNode
    protocol: Annotated[str, Choice(list(PROTOCOLS))] = DEFAULT_PROTOCOL.name
    device: Annotated[str, Choice(list(DEVICES))] = "auto"
    segmentation: vtkMRMLSegmentationNode
    lesion_table: vtkMRMLTableNode


def settings_from(parameters: PanelParameters) -> RunSettings:
    """The choices as they stand, once, when a run starts."""
    return RunSettings(protocol=parameters.protocol, device=parameters.device)


def protocol_description(name: str) -> tuple[str, str]:
    """One sentence on a protocol, and the publication that it comes from."""
    protocol = PROTOCOLS[name]
    return protocol.description, f"Source: {protocol.source}"
