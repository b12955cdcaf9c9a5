"""A user chooses among models by what they were trained on, and adds one of their own after it was checked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cacnet.installed_models import ModelExistsError, install, summaries
from cacnet.model_folders import BUNDLED_MODELS
from cacnet.weights import CorruptModelError, load_bundle

CARD = {
    "id": "clinic",
    "name": "Clinic",
    "statement": "Trained at home.",
    "training": {"cases": 12},
    "accuracy": {"cases": 5, "figures": {"calcium_dice": {"value": 0.614}, "seconds": {"value": 9}}},
}


@pytest.fixture
def write_card(tmp_path):
    def write(text: str, name: str = "clinic") -> Path:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "model.json").write_text(text)
        return tmp_path

    return write


def test_a_model_is_described_by_its_training_and_its_figures(write_card):
    [model] = summaries([write_card(json.dumps(CARD))])
    assert (model.id, model.name, model.own, model.usable) == ("clinic", "Clinic", True, True)
    assert model.description == (
        "Trained at home. Learned from 12 patients. Dice of calcium 0.61, measured on 5 patients of the same kind."
    )


def test_a_card_without_figures_says_only_what_it_knows(write_card):
    [model] = summaries([write_card(json.dumps({**CARD, "training": {}, "accuracy": {}}))])
    assert model.description == "Trained at home."


@pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps({"id": "a", "name": "b"}), " " * ((1 << 20) + 1)])
def test_a_damaged_card_is_listed_and_cannot_be_chosen(write_card, text):
    [model] = summaries([write_card(text)])
    assert model.id == "clinic"
    assert not model.usable
    assert "cannot be used" in model.description


def test_the_bundled_model_comes_first_and_is_not_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("CACNET_MODELS", str(tmp_path / "absent"))
    first = summaries()[0]
    assert not first.own
    assert "simulated" in first.description


def test_of_two_models_with_one_id_the_first_is_named(write_card, tmp_path):
    write_card(json.dumps(CARD), "one/clinic")
    write_card(json.dumps({**CARD, "name": "Other"}), "two/clinic")
    assert [model.name for model in summaries([tmp_path / "one", tmp_path / "two"])] == ["Clinic"]


def test_listing_needs_no_torch():
    code = "import sys; from cacnet.installed_models import summaries; summaries(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_sound_model_is_copied_and_can_be_used(tiny_bundle, tmp_path):
    assert install(tiny_bundle, tmp_path) == "tiny"
    assert install(tiny_bundle, tmp_path) == "tiny"
    assert load_bundle("tiny", [tmp_path]).card.name.startswith("Tiny")
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir()) == [
        "model.json",
        "walls.safetensors",
        "weights.safetensors",
    ]


def test_a_damaged_model_is_not_copied(tiny_bundle, tmp_path):
    damaged = tmp_path / "tiny"
    damaged.mkdir()
    (damaged / "model.json").write_bytes((tiny_bundle / "model.json").read_bytes())
    (damaged / "weights.safetensors").write_bytes((tiny_bundle / "weights.safetensors").read_bytes()[:-1])
    with pytest.raises(CorruptModelError):
        install(damaged, tmp_path / "own")
    assert not (tmp_path / "own").exists()


def test_no_model_takes_the_place_of_a_bundled_one(tmp_path):
    [bundled] = [path.parent for path in BUNDLED_MODELS.glob("*/model.json")][:1]
    with pytest.raises(ModelExistsError, match="comes with the extension"):
        install(bundled, tmp_path)
