"""Models of the user's own are looked for beside the bundled ones, and cannot take their place."""

from pathlib import Path

import pytest
from cacnet import model_folders
from cacnet.model_folders import BUNDLED_MODELS, user_models
from cacnet.network import CACNet, NetworkConfig
from cacnet.weights import ModelCard, list_bundles, load_bundle, save_bundle


@pytest.fixture(autouse=True)
def no_own_folder(monkeypatch):
    for name in ("CACNET_MODELS", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, Path.home() / ".local/share/cacnet/models"),
        ("linux", {"XDG_DATA_HOME": "/data"}, Path("/data/cacnet/models")),
        ("darwin", {}, Path.home() / "Library/Application Support/cacnet/models"),
        ("win32", {"LOCALAPPDATA": "/local"}, Path("/local/cacnet/models")),
        ("win32", {}, Path.home() / "AppData/Local/cacnet/models"),
        ("linux", {"CACNET_MODELS": "/shared/models"}, Path("/shared/models")),
    ],
)
def test_every_system_has_its_place_for_own_models(monkeypatch, platform, variables, expected):
    monkeypatch.setattr(model_folders.sys, "platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert user_models() == expected


def test_own_models_are_listed_and_loaded_by_id(monkeypatch, tmp_path):
    monkeypatch.setenv("CACNET_MODELS", str(tmp_path))
    network = CACNet(NetworkConfig(widths=(2, 4, 4, 4, 4), conditioner_width=2))
    folder = save_bundle(network, ModelCard(id="clinic", name="Clinic"), tmp_path).folder
    assert folder in [bundle.folder for bundle in list_bundles()]
    assert load_bundle("clinic").card.name == "Clinic"


def test_a_bundled_model_goes_before_an_own_one_of_the_same_id(monkeypatch, tmp_path):
    monkeypatch.setenv("CACNET_MODELS", str(tmp_path))
    bundled = next(bundle for bundle in list_bundles([BUNDLED_MODELS]) if bundle.card)
    network = CACNet(NetworkConfig(widths=(2, 4, 4, 4, 4), conditioner_width=2))
    save_bundle(network, ModelCard(id=bundled.card.id, name="Other"), tmp_path)
    assert load_bundle(bundled.card.id).card.name == bundled.card.name


def test_a_model_says_what_it_was_trained_on(monkeypatch, tmp_path):
    monkeypatch.setenv("CACNET_MODELS", str(tmp_path))
    assert "simulated" in model_folders.statement_of("cacnet-simulated-v9")
    assert model_folders.statement_of("nobody") is None
    assert model_folders.statement_of(None) is None
    for name, text in (("broken", "{"), ("odd", "[]"), ("silent", "{}")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_text(text, "utf-8")
        assert model_folders.statement_of(name) is None
