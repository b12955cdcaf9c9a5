"""The module's widget without Slicer's base class: connects panel, review and the scene's parameter node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk

from CACNetSegmentationLib.scene.results import volume_of
from CACNetSegmentationLib.widgets.exports import Exports
from CACNetSegmentationLib.widgets.panel import Hooks, Panel
from CACNetSegmentationLib.widgets.parameters import PanelParameters, protocol_description, settings_from, settle
from CACNetSegmentationLib.widgets.retraining import RetrainingHooks, RetrainingSection
from CACNetSegmentationLib.widgets.review_section import ReviewSection
from CACNetSegmentationLib.widgets.selection import Selection


class Controller:
    """Keeps what is shown and what is chosen the same.

    Args:
        ui: the named widgets of CACNetSegmentation.ui.
        logic: CACNetSegmentationLogic.
        requirements: requirements.txt of the module.
    """

    def __init__(self, ui: Any, logic: Any, requirements: Path) -> None:
        self._ui, self._logic = ui, logic
        self._parameters: PanelParameters | None = None
        self._tags: tuple[int, int] | None = None
        service = logic.service()
        self.selection = Selection(service.result_of, volume_of)
        exports = Exports(
            lambda: self.review_section.review,
            service.acquisition,
            getattr(slicer, "dicomDatabase", None),
            added=lambda folder: self._choose_data(str(folder)),
        )
        self.review_section = ReviewSection(
            ui,
            slicer.mrmlScene,
            exports.actions(),
            autosave_folder=Path(slicer.app.temporaryPath) / "CACNet-reviews",
            recovered=lambda segmentation: self._choose("segmentation", segmentation),
        )
        hooks = Hooks(
            settings=lambda: settings_from(logic.getParameterNode(), self.panel.model_chooser.selected),
            start_job=logic.startJob,
            ready=lambda: logic.ensureDependencies(requirements),
            installed=lambda: logic.dependenciesInstalled(requirements),
            show_results=lambda results: self._choose("segmentation", results.segmentation_node),
            choose_model=lambda model: self._choose("model", model),
        )
        self.panel = Panel(ui, service, hooks)
        self.retraining = self._retraining_section(requirements)

    def _retraining_section(self, requirements: Path) -> RetrainingSection:
        ui, logic = self._ui, self._logic
        hooks = RetrainingHooks(
            start=logic.startTraining,
            ready=lambda: logic.ensureDependencies(requirements),
            installed=lambda: logic.dependenciesInstalled(requirements),
            device=lambda: logic.getParameterNode().device,
            choose_data=self._choose_data,
            models_changed=self.panel.model_chooser.renew,
            use_model=lambda model: self._choose("model", model),
            confirm=slicer.util.confirmOkCancelDisplay,
        )
        section = RetrainingSection(ui.retrainPlaceholder, hooks, lambda: not ui.retrainCollapsibleButton.collapsed)
        ui.retrainCollapsibleButton.connect("contentsCollapsed(bool)", section.refresh)
        return section

    def connect(self) -> None:
        """Show the scene's choices, and keep to them; takes the first volume where none is chosen."""
        self.disconnect()
        self._parameters = self._logic.getParameterNode()
        settle(self._parameters)
        gui = self._parameters.connectGui(self._ui)
        observer = self._parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, self._refresh)
        self._tags = gui, observer
        if not self._parameters.input_volume:
            self._parameters.input_volume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
        self._refresh()
        self.panel.look_for_devices()

    def disconnect(self) -> None:
        """Let go of the parameter node; a run goes on."""
        if self._parameters is not None and self._tags is not None:
            gui, observer = self._tags
            self._parameters.disconnectGui(gui)
            self._parameters.RemoveObserver(observer)
        self._parameters = self._tags = None

    def enter(self) -> None:
        """The module is opened."""
        self.connect()
        self.review_section.panel.come_back()

    def leave(self) -> None:
        """Another module is opened: the views and the parameter node are let go; a run goes on."""
        self.review_section.panel.leave()
        self.disconnect()

    def close(self) -> None:
        """Stop all work on the scene, before it closes; a training goes on."""
        self.disconnect()
        self.panel.close()
        self.review_section.close()
        self.selection.forget()

    def shut_down(self) -> None:
        """Stop all work, before Slicer closes."""
        self.close()
        self.retraining.close()

    def _choose_data(self, folder: str) -> None:
        self._choose("training_data", folder)
        self.retraining.show_data(folder)  # even where it was chosen before: its cases have changed

    def _choose(self, name: str, value: Any) -> None:
        setattr(self._logic.getParameterNode(), name, value)

    def _refresh(self, caller: Any = None, event: Any = None) -> None:
        """Show what depends on the choices."""
        parameters = self._parameters
        self.selection.agree(parameters)
        self.panel.set_volume(parameters.input_volume)
        self.panel.show_choices(parameters.model, parameters.device)
        description, source = protocol_description(parameters.protocol)
        self._ui.protocolDescriptionLabel.text = description
        self._ui.protocolDescriptionLabel.toolTip = source
        self.retraining.remember_data(parameters.training_data)
        self.review_section.show(parameters.segmentation)
        self.review_section.offer_lost(parameters.input_volume if parameters.segmentation is None else None)
