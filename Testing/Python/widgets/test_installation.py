"""The first run installs what is missing, asks once, and says what to do where it cannot."""

import subprocess
import sys
from pathlib import Path

import pytest
from CACNetSegmentationLib.widgets import installation
from CACNetSegmentationLib.widgets.installation import InstallationError, ensure_dependencies, torch_installed

REQUIREMENTS = Path("requirements.txt")


class FakePackaging:
    def __init__(self, satisfied, error=None):
        self.satisfied, self.error, self.installed = satisfied, error, []

    def load_requirements(self, path):
        assert path == REQUIREMENTS
        return ["scikit-image>=0.22"]

    def pip_check(self, req):
        return self.satisfied

    def pip_ensure(self, requirements, *, prompt_install, requester):
        assert not prompt_install
        if self.error:
            raise self.error
        self.installed += requirements


class FakeTorch:
    def __init__(self, error=None):
        self.error, self.installed = error, []

    def __call__(self):
        return self

    def installTorch(self, askConfirmation, forceComputationBackend, torchVersionRequirement):  # noqa: N802, N803
        assert not askConfirmation
        if self.error:
            raise self.error
        self.installed.append(torchVersionRequirement)


@pytest.fixture
def without_torch(monkeypatch):
    monkeypatch.setattr(installation, "torch_installed", lambda: False)


@pytest.fixture
def with_torch(monkeypatch):
    monkeypatch.setattr(installation, "torch_installed", lambda: True)


def refuse_to_be_asked(question):
    raise AssertionError(question)


def test_nothing_is_asked_where_everything_is_there(with_torch):
    packaging, torch = FakePackaging(satisfied=True), FakeTorch()
    assert ensure_dependencies(REQUIREMENTS, packaging, torch, refuse_to_be_asked)
    assert not packaging.installed
    assert not torch.installed


def test_one_question_covers_packages_and_torch(without_torch):
    packaging, torch, questions = FakePackaging(satisfied=False), FakeTorch(), []
    assert ensure_dependencies(REQUIREMENTS, packaging, torch, lambda text: questions.append(text) or True)
    [question] = questions
    assert "scikit-image>=0.22" in question
    assert "PyTorch" in question
    assert packaging.installed == ["scikit-image>=0.22"]
    assert torch.installed == [installation.TORCH_REQUIREMENT]


def test_only_what_is_missing_is_named_and_installed(without_torch):
    packaging, torch, questions = FakePackaging(satisfied=True), FakeTorch(), []
    ensure_dependencies(REQUIREMENTS, packaging, torch, lambda text: questions.append(text) or True)
    assert "scikit-image" not in questions[0]
    assert not packaging.installed
    assert torch.installed


def test_a_no_installs_nothing(without_torch):
    packaging, torch = FakePackaging(satisfied=False), FakeTorch()
    assert not ensure_dependencies(REQUIREMENTS, packaging, torch, lambda text: False)
    assert not packaging.installed
    assert not torch.installed


@pytest.mark.parametrize("error", [subprocess.CalledProcessError(1, "pip"), OSError("no route"), RuntimeError("ltt")])
def test_being_offline_is_a_sentence_that_says_what_to_do(with_torch, error):
    with pytest.raises(InstallationError, match=r"could not be installed .*internet.*proxy.*pip download.*--no-index"):
        ensure_dependencies(REQUIREMENTS, FakePackaging(False, error), FakeTorch(), lambda text: True)


def test_a_torch_that_cannot_be_installed_is_the_same_sentence(without_torch):
    torch = FakeTorch(subprocess.CalledProcessError(1, "ltt"))
    with pytest.raises(InstallationError, match="could not be installed"):
        ensure_dependencies(REQUIREMENTS, FakePackaging(True), torch, lambda text: True)


def test_a_missing_pytorch_extension_is_named(without_torch):
    def missing():
        raise ModuleNotFoundError("No module named 'PyTorchUtils'")

    with pytest.raises(InstallationError, match="Extensions Manager"):
        ensure_dependencies(REQUIREMENTS, FakePackaging(True), missing, lambda text: True)


def test_torch_is_looked_up_without_importing_it():
    code = "import sys; from CACNetSegmentationLib.widgets.installation import torch_installed; torch_installed(); "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_absent_torch_is_seen(monkeypatch):
    def absent(name):
        raise installation.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(installation.importlib.metadata, "version", absent)
    assert not torch_installed()


@pytest.mark.parametrize(
    ("version", "enough"), [("2.2.0", True), ("2.13.0+cu126", True), ("3.0", True), ("2.1.2", False), ("1.13", False)]
)
def test_a_torch_that_is_too_old_counts_as_missing(monkeypatch, version, enough):
    monkeypatch.setattr(installation.importlib.metadata, "version", lambda name: version)
    assert torch_installed() is enough


def test_a_torch_that_only_cannot_be_imported_yet_is_left_to_the_worker(monkeypatch):
    states = [False, True]
    monkeypatch.setattr(installation, "torch_installed", lambda: states.pop(0))
    torch = FakeTorch(ImportError("restart first"))
    assert ensure_dependencies(REQUIREMENTS, FakePackaging(True), torch, lambda text: True)


def test_a_torch_whose_library_cannot_be_loaded_yet_is_left_to_the_worker(monkeypatch):
    states = [False, True]
    monkeypatch.setattr(installation, "torch_installed", lambda: states.pop(0))
    torch = FakeTorch(OSError("[WinError 126] The specified module could not be found"))
    assert ensure_dependencies(REQUIREMENTS, FakePackaging(True), torch, lambda text: True)


def test_a_torch_that_is_neither_there_nor_imported_is_a_failure(without_torch):
    torch = FakeTorch(ImportError("no module"))
    with pytest.raises(InstallationError, match="no module"):
        ensure_dependencies(REQUIREMENTS, FakePackaging(True), torch, lambda text: True)


def test_it_is_known_without_asking_whether_a_run_could_start(with_torch, monkeypatch):
    assert installation.everything_installed(REQUIREMENTS, FakePackaging(satisfied=True))
    assert not installation.everything_installed(REQUIREMENTS, FakePackaging(satisfied=False))
    monkeypatch.setattr(installation, "torch_installed", lambda: False)
    assert not installation.everything_installed(REQUIREMENTS, FakePackaging(satisfied=True))
