"""What this extension adds to Slicer's other modules when the application has started. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer

SAMPLE_CATEGORY = "CACNet"
SAMPLE_NAME = "CACNet simulated CCTA"


def register_all(module_folder: Path, make_sample: Callable[[], Any]) -> None:
    """Terminology, sample data and a statistics plugin; a module of Slicer's that is switched off is passed over."""
    load_terminology(module_folder)
    try:
        from SampleData import SampleDataLogic

        register_sample_data(SampleDataLogic, module_folder, make_sample)
    except ImportError:
        pass
    try:
        from SegmentStatistics import SegmentStatisticsLogic
        from SegmentStatisticsPlugins import SegmentStatisticsPluginBase

        register_segment_statistics(SegmentStatisticsLogic, SegmentStatisticsPluginBase)
    except ImportError:
        pass


def load_terminology(module_folder: Path) -> None:
    """Make Slicer's terminology selectors know coronary calcification."""
    path = module_folder / "Resources" / "Terminology" / "CACNet.term.json"
    slicer.modules.terminologies.logic().LoadTerminologyFromFile(str(path))


def register_sample_data(sample_data_logic: Any, module_folder: Path, make_sample: Callable[[], Any]) -> None:
    """Offer a simulated CCTA, which is made on this computer and downloaded from nowhere."""
    sample_data_logic.registerCustomSampleDataSource(
        category=SAMPLE_CATEGORY,
        sampleName=SAMPLE_NAME,
        uris="cacnet:simulated-ccta",
        fileNames="simulated_ccta.nii.gz",
        nodeNames="Simulated CCTA",
        thumbnailFileName=str(module_folder / "Resources" / "Icons" / "SimulatedCCTA.png"),
        customDownloader=lambda source: make_sample(),
    )


def register_segment_statistics(statistics_logic: Any, plugin_base: type) -> None:
    """Offer calcium scores per segment."""
    from CACNetSegmentationLib.scene.segment_statistics import plugin_class

    statistics_logic.registerPlugin(plugin_class(plugin_base)())
