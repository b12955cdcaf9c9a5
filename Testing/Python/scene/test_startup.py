"""What other modules of Slicer learn of this one when the application has started."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
from cacnet import segments
from product_paths import PRODUCT

pytest.importorskip("slicer", reason="slicer-core is not installed")


@pytest.fixture
def startup(slicer_application):
    from CACNetSegmentationLib.scene import startup

    return startup


def sample_data_logic(sources):
    """SampleDataLogic with the arguments that Slicer 5.12 knows."""

    def register(
        category="Custom",
        sampleName=None,  # noqa: N803
        uris=None,
        fileNames=None,  # noqa: N803
        nodeNames=None,  # noqa: N803
        customDownloader=None,  # noqa: N803
        thumbnailFileName=None,  # noqa: N803
        loadFileTypes=None,  # noqa: N803
        loadFiles=None,  # noqa: N803
        loadFileProperties=None,  # noqa: N803
        checksums=None,
    ):
        sources.append(dict(locals()))

    return SimpleNamespace(registerCustomSampleDataSource=register)


def test_slicer_learns_the_terminology(startup, slicer_application):
    startup.load_terminology(PRODUCT)
    assert slicer_application.logics["Terminologies"].IsTerminologyContextLoaded(segments.TERMINOLOGY_CONTEXT)


def test_the_sample_is_offered_as_simulated_with_a_picture_and_is_made_not_downloaded(startup):
    sources, made = [], []
    logic = sample_data_logic(sources)
    startup.register_sample_data(logic, PRODUCT, lambda: made.append("CCTA"))
    [source] = sources
    assert "simulated" in source["sampleName"]
    assert "http" not in source["uris"]
    assert (PRODUCT / "Resources" / "Icons" / "SimulatedCCTA.png").samefile(source["thumbnailFileName"])
    source["customDownloader"](source)
    assert made == ["CCTA"]


def test_the_statistics_plugin_is_registered_as_a_subclass_of_slicers(startup):
    class Base:
        pass

    plugins = []
    startup.register_segment_statistics(SimpleNamespace(registerPlugin=plugins.append), Base)
    [plugin] = plugins
    assert isinstance(plugin, Base)
    assert type(plugin).__name__ == "CalciumSegmentStatisticsPlugin"


def test_modules_that_are_switched_off_are_passed_over_and_the_others_told(startup, slicer_application, monkeypatch):
    sources = []
    module = ModuleType("SampleData")
    module.SampleDataLogic = sample_data_logic(sources)
    monkeypatch.setitem(sys.modules, "SampleData", module)
    monkeypatch.setitem(sys.modules, "SegmentStatistics", None)
    startup.register_all(PRODUCT, list)
    assert len(sources) == 1
    monkeypatch.setitem(sys.modules, "SampleData", None)
    startup.register_all(PRODUCT, list)
    assert len(sources) == 1
