"""The scenarios, played on the stand-in; Testing/run_in_slicer.py plays the same inside 3D Slicer."""

import importlib.util
import sys

import pytest
from product_paths import PRODUCT

pytest.importorskip("slicer", reason="slicer-core is not installed")
pytest.importorskip("PySide6.QtWidgets", reason="PySide6 is not installed", exc_type=ImportError)

import scenarios
from scenario_bench import Bench, HiddenErrors

SLOWNESS = 10.0
"""Times are measured here, but only a standstill fails: what else the computer does is not known."""


@pytest.fixture
def widget(slicer_application, scene, monkeypatch):
    """The module's widget, made as the application does from its file."""
    import stand_in
    from PySide6.QtWidgets import QApplication

    stand_in.install()
    application = QApplication.instance() or QApplication([])
    specification = importlib.util.spec_from_file_location("CACNetSegmentation", PRODUCT / "CACNetSegmentation.py")
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "CACNetSegmentation", module)
    specification.loader.exec_module(module)
    from CACNetSegmentationLib.widgets import worker_process

    monkeypatch.setattr(worker_process, "python_slicer", lambda slicer_home: sys.executable)
    widget = module.CACNetSegmentationWidget()
    widget.setup()
    widget._frame.show()
    yield widget
    widget.cleanup()
    application.processEvents()


@pytest.mark.parametrize("scenario", scenarios.SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_scenario(scenario, widget, monkeypatch, tmp_path):
    if scenario is scenarios.the_real_worker_segments_a_small_ct:
        bundle = pytest.importorskip("tiny_network", reason="torch is not installed").write_tiny_bundle(tmp_path)
        monkeypatch.setenv("CACNET_SCENARIO_MODEL", str(bundle))
    scenarios.play(scenario, Bench(widget, SLOWNESS))


class TestRunner:
    """What inside 3D Slicer decides whether all is well."""

    @pytest.fixture
    def run(self, capsys):
        from run_in_slicer import play_all

        def run(*functions, names=()):
            code = play_all(functions, lambda: FakeBench(), names)
            return code, capsys.readouterr().out

        return run

    def test_it_says_one_line_per_scenario_and_ends_with_zero(self, run):
        code, said = run(passes)
        assert code == 0
        assert "ok      passes" in said

    def test_a_failure_is_told_and_the_others_are_still_played(self, run):
        code, said = run(fails, passes)
        assert code == 1
        assert "FAILED  fails: wrong" in said
        assert "ok      passes" in said

    def test_nothing_played_is_a_failure(self, run):
        assert run()[0] == 1
        assert run(passes, names=["another"])[0] == 1
        assert run(not_here)[0] == 1

    def test_what_cannot_be_played_is_told_with_its_reason(self, run):
        code, said = run(not_here, passes)
        assert code == 0
        assert "skipped not_here: no model" in said

    def test_an_error_that_was_swallowed_is_a_failure(self, run):
        code, said = run(swallows)
        assert code == 1
        assert "hidden" in said

    def test_a_bench_that_cannot_be_made_is_a_failure(self, capsys):
        from run_in_slicer import play_all

        def no_bench():
            raise RuntimeError("the module is not installed")

        assert play_all([passes], no_bench) == 1
        assert "the module is not installed" in capsys.readouterr().out


class FakeBench:
    def __init__(self):
        self.measured = ["cancel 3 ms"]

    def close(self): ...


def passes(bench): ...


def fails(bench):
    raise AssertionError("wrong")


def not_here(bench):
    raise scenarios.NotHereError("no model")


def swallows(bench):
    sys.excepthook(ValueError, ValueError("hidden"), None)


def test_what_qt_and_vtk_swallow_is_kept():
    errors = HiddenErrors()
    before = sys.excepthook
    with errors.watched():
        sys.excepthook(ValueError, ValueError("in an observer"), None)
    assert "in an observer" in errors.all()[0]
    assert sys.excepthook is before
