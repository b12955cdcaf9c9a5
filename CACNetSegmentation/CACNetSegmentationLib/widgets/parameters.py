"""What the panel keeps in the scene. Imported when the panel is first opened, not when Slicer starts."""

from __future__ import annotations

from typing import Annotated

from cacnet.scoring import DEFAULT_PROTOCOL, PROTOCOLS
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import Choice, parameterNodeWrapper

from CACNetSegmentationLib.widgets.job import DEVICES, RunSettings


@parameterNodeWrapper
class PanelParameters:
    """The choices of the panel, saved with the scene; the names are those of `SlicerParameterName` in the .ui file.

    `model` is the id of an installed model; '' is the first, so that a scene opens where its model is not installed.
    """

    input_volume: vtkMRMLScalarVolumeNode
    model: str = ""
    protocol: Annotated[str, Choice(list(PROTOCOLS))] = DEFAULT_PROTOCOL.name
    device: Annotated[str, Choice(list(DEVICES))] = "auto"
    refine_borders: bool = True
    use_context: bool = True
    segmentation: vtkMRMLSegmentationNode
    training_data: str = ""


def settle(parameters: PanelParameters) -> None:
    """Let choices that this version does not know, as in a scene of another one, be the defaults."""
    if parameters.protocol not in PROTOCOLS:
        parameters.protocol = DEFAULT_PROTOCOL.name
    if parameters.device not in DEVICES:
        parameters.device = DEVICES[0]


def settings_from(parameters: PanelParameters, model: str | None) -> RunSettings:
    """The choices as they stand, once, when a run starts; `model` is the one that the chooser shows."""
    return RunSettings(
        protocol=parameters.protocol,
        device=parameters.device,
        model=model,
        refine_borders=parameters.refine_borders,
        use_context=parameters.use_context,
    )


def protocol_description(name: str) -> tuple[str, str]:
    """One sentence on a protocol, and the publication that it comes from."""
    protocol = PROTOCOLS[name]
    return protocol.description, f"Source: {protocol.source}"
