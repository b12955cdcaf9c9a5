"""Slicer's Segment Statistics offers the same scores as the panel, for calcium segments only."""

import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
from cacnet.segments import CALCIUM_SEGMENTS, CORONARY_SEGMENT  # noqa: E402
from CACNetSegmentationLib.scene import segment_statistics, service, volumes  # noqa: E402
from CACNetSegmentationLib.scene.self_test import made_up_ct, write_made_up_result  # noqa: E402

LM, LAD = CALCIUM_SEGMENTS[0].segment_id, CALCIUM_SEGMENTS[1].segment_id


class Base:
    """What SegmentStatisticsPluginBase offers to a plugin."""

    def __init__(self):
        self.parameters = self.requested = None

    def getParameterNode(self):  # noqa: N802
        return self.parameters

    def getRequestedKeys(self):  # noqa: N802
        return self.keys if self.requested is None else self.requested

    @staticmethod
    def createCodedEntry(value, scheme, meaning, as_string):  # noqa: N802
        return f"{value}|{scheme}|{meaning}" if as_string else None

    @staticmethod
    def createMeasurementInfo(  # noqa: N802
        name,
        title,
        description,
        units,
        quantityDicomCode=None,  # noqa: N803
        unitsDicomCode=None,  # noqa: N803
        measurementMethodDicomCode=None,  # noqa: N803
        derivationDicomCode=None,  # noqa: N803
        componentNames=None,  # noqa: N803
    ):
        """The arguments are those of Slicer 5.12: one that it does not know, or lacks, is an error there, too."""
        info = {"name": name, "title": title, "description": description, "units": units}
        codes = {"DICOM.QuantityCode": quantityDicomCode, "DICOM.UnitsCode": unitsDicomCode}
        return info | {key: code for key, code in codes.items() if code}


@pytest.fixture
def plugin(scene, tmp_path):
    write_made_up_result(tmp_path, *made_up_ct())
    ct = volumes.node_from_volume(scene, made_up_ct()[0], "CT")
    result = service.SceneService(scene).load_results(ct, tmp_path)
    plugin = segment_statistics.plugin_class(Base)()
    plugin.parameters = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    plugin.parameters.SetParameter("Segmentation", result.segmentation_node.GetID())
    plugin.parameters.SetParameter("ScalarVolume", ct.GetID())
    return plugin


def test_a_calcium_segment_has_the_scores_of_its_artery(plugin):
    found = plugin.computeStatistics(LAD)
    assert (found["lesions"], found["max_hu"]) == (1, 600.0)
    assert found["volume_mm3"] == pytest.approx(4 * 5 * 5 * 0.5 * 0.4 * 0.3)
    assert found["agatston"] == pytest.approx(4 * (25 * 0.4 * 0.3) * 4 * 0.5 / 3)
    assert found["mass_mg"] > 0


def test_an_empty_segment_has_no_highest_value_rather_than_zero(plugin):
    found = plugin.computeStatistics(LM)
    assert found["lesions"] == 0
    assert "max_hu" not in found


def test_only_what_is_asked_for_is_answered(plugin):
    plugin.requested = ["agatston"]
    assert list(plugin.computeStatistics(LAD)) == ["agatston"]
    plugin.requested = []
    assert plugin.computeStatistics(LAD) == {}


def test_other_segments_are_left_to_other_plugins(plugin):
    assert plugin.computeStatistics(CORONARY_SEGMENT.segment_id) == {}
    assert plugin.computeStatistics("Liver") == {}


def test_without_a_volume_or_a_result_nothing_is_said(plugin, scene):
    foreign = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    plugin.parameters.SetParameter("Segmentation", foreign.GetID())
    assert plugin.computeStatistics(LAD) == {}
    plugin.parameters.SetParameter("ScalarVolume", "")
    assert plugin.computeStatistics(LAD) == {}


def test_one_scoring_serves_all_segments(plugin, monkeypatch):
    plugin.computeStatistics(LAD)
    monkeypatch.setattr(segment_statistics, "scores_by_segment", lambda *nodes: {})
    assert plugin.computeStatistics(LM)
    plugin.parameters.SetParameter("ScalarVolume", "")
    assert plugin.computeStatistics(LM) == {}


def test_measurements_have_names_units_and_codes(plugin):
    assert plugin.name == plugin.title
    assert all("." not in key for key in plugin.keys)
    info = plugin.getMeasurementInfo("mass_mg")
    assert (info["units"], info["DICOM.UnitsCode"]) == ("mg", "mg|UCUM|milligram")
    assert info["DICOM.QuantityCode"] == "112057|DCM|Mass score"
    assert info["title"] == info["name"] == "Calcium mass"
    assert "DICOM.QuantityCode" not in plugin.getMeasurementInfo("max_hu")
    assert plugin.getMeasurementInfo("hearts") is None
