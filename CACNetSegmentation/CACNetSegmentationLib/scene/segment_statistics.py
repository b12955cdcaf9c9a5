"""A plugin for Slicer's Segment Statistics module: calcium scores per segment, by the same code as the panel's.

It is registered when Slicer starts, so the scoring code is imported only when it is first asked.
"""

from __future__ import annotations

from typing import Any

import slicer

NAME = "CACNet calcium"
MEASUREMENTS = {
    "agatston": ("Agatston equivalent", "Agatston score by the protocol of the result", ""),
    "volume_mm3": ("Calcium volume", "Volume of the calcium that reaches the threshold", "mm3"),
    "mass_mg": ("Calcium mass", "Mass by the protocol's nominal calibration factor", "mg"),
    "max_hu": ("Highest CT value", "Highest CT value of the calcium", "HU"),
    "lesions": ("Lesions", "Number of lesions that count", ""),
}
"""Key: name, description, unit."""
CODES = {
    "agatston": ("112055", "DCM", "Agatston score"),
    "volume_mm3": ("112056", "DCM", "Volume score"),
    "mass_mg": ("112057", "DCM", "Mass score"),
}
"""DICOM PS3.16 codes of the quantities that have one."""
UNIT_CODES = {
    "volume_mm3": ("mm3", "UCUM", "cubic millimeter"),
    "mass_mg": ("mg", "UCUM", "milligram"),
}


def plugin_class(base: type) -> type:
    """The plugin as a subclass of `base`, SegmentStatisticsPlugins.SegmentStatisticsPluginBase.

    A function, because Slicer's scripted modules can be imported only once they are all there.
    """

    class CalciumSegmentStatisticsPlugin(base):
        """Scores of CACNet's calcium segments; says nothing of other segments."""

        def __init__(self) -> None:
            super().__init__()
            self.name = self.title = NAME
            self.keys = list(MEASUREMENTS)
            self.defaultKeys = self.keys
            self._known: tuple[Any, dict[str, dict[str, float]]] | None = None

        def computeStatistics(self, segmentID: str) -> dict[str, float]:
            requested = self.getRequestedKeys()
            found = self._all().get(segmentID, {}) if requested else {}
            return {key: found[key] for key in requested if key in found}

        def getMeasurementInfo(self, key: str) -> dict[str, Any] | None:
            if key not in MEASUREMENTS:
                return None
            name, description, unit = MEASUREMENTS[key]
            codes = [
                self.createCodedEntry(*table[key], True) if key in table else None for table in (CODES, UNIT_CODES)
            ]
            return self.createMeasurementInfo(
                name=name,
                title=name,
                description=description,
                units=unit,
                quantityDicomCode=codes[0],
                unitsDicomCode=codes[1],
            )

        def _all(self) -> dict[str, dict[str, float]]:
            """Scores by segment id; scored once for all segments, and again only after a change."""
            parameters = self.getParameterNode()
            segmentation_node, volume_node = (
                slicer.mrmlScene.GetNodeByID(parameters.GetParameter(name)) for name in ("Segmentation", "ScalarVolume")
            )
            if segmentation_node is None or volume_node is None or volume_node.GetImageData() is None:
                return {}
            state = (
                segmentation_node.GetID(),
                segmentation_node.GetSegmentation().GetMTime(),
                volume_node.GetID(),
                volume_node.GetImageData().GetMTime(),
            )
            if self._known is None or self._known[0] != state:
                self._known = (state, scores_by_segment(segmentation_node, volume_node))
            return self._known[1]

    return CalciumSegmentStatisticsPlugin


def scores_by_segment(
    segmentation_node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLScalarVolumeNode
) -> dict[str, dict[str, float]]:
    """Values by the keys of MEASUREMENTS for every calcium segment; nothing where the segmentation cannot be scored.

    A measurement that does not exist, such as the highest value of an empty segment, is left out: never 0.
    """
    from cacnet.anatomy import Vessel
    from cacnet.errors import CacnetError
    from cacnet.scoring import per_vessel
    from cacnet.segments import CALCIUM_SEGMENTS

    from CACNetSegmentationLib.scene.scoring import score_segmentation

    try:
        lesions = score_segmentation(segmentation_node, volume_node).lesions.lesions
    except CacnetError:
        return {}
    sums_of = per_vessel(lesions)
    found: dict[str, dict[str, float]] = {}
    for segment in CALCIUM_SEGMENTS:
        vessel = Vessel(segment.label_value)
        sums = sums_of[vessel]
        values = {"agatston": sums.agatston, "volume_mm3": sums.volume_mm3, "mass_mg": sums.mass_mg}
        highest = [lesion.max_hu for lesion in lesions if lesion.vessel is vessel]
        found[segment.segment_id] = {name: float(value) for name, value in values.items()}
        found[segment.segment_id] |= {"lesions": int(sums.lesions)} | ({"max_hu": max(highest)} if highest else {})
    return found
