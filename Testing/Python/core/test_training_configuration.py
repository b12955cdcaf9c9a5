"""Training configurations: the paper's numbers, files that change them, and readable refusals."""

import json

import pytest
from cacnet.training.configuration import (
    PRESETS,
    TrainingConfig,
    TrainingConfigError,
    config_from,
    config_record,
    load_config,
)


def test_paper_preset_is_what_the_paper_trains_with():
    paper = PRESETS["paper"]
    assert (paper.optimiser, paper.learning_rate, paper.weight_decay) == ("sgd", 0.01, 2e-4)
    assert (paper.schedule, paper.batch, paper.patch_voxels) == ("plateau", 2, 128)
    assert not paper.augmentation.enabled  # none is given
    assert paper.total_steps == 120 * paper.steps_per_epoch


@pytest.mark.parametrize("preset", PRESETS)
def test_a_configuration_survives_its_own_record(preset):
    assert config_from(json.loads(json.dumps(config_record(PRESETS[preset])))) == PRESETS[preset]


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(
        'preset = "paper"\nlearning_rate = 1\n[network]\nwidths = [4, 8, 8, 8, 8]\n[sampling]\ncalcium = 0.9\n'
    )
    config = load_config(path)
    assert config.learning_rate == 1.0
    assert config.network.widths == (4, 8, 8, 8, 8)
    assert config.sampling.calcium == 0.9
    assert config.optimiser == "sgd"


def test_any_number_of_folders_has_shares():
    assert config_from({"sampling": {"mix": [1, 3, 0.5]}}).sampling.mix == (1.0, 3.0, 0.5)


def test_json_will_do_as_well(tmp_path):
    (tmp_path / "run.json").write_text('{"batch": 4}')
    assert load_config(tmp_path / "run.json").batch == 4


@pytest.mark.parametrize(
    "raw",
    [
        {"preset": "best"},
        {"learning_speed": 1},
        {"network": {"depth": 3}},
        {"network": 3},
        {"network": {"widths": [1, 2]}},
        {"network": {"norm": "layer"}},
        {"batch": "two"},
        {"batch": 1.5},
        {"batch": 0},
        {"batch": True},
        {"learning_rate": True},
        {"patch_voxels": 100},
        {"optimiser": "lion"},
        {"schedule": "step"},
        {"precision": "float8"},
        {"ema_decay": 1.0},
        {"augmentation": {"zoom": [1.0]}},
        {"sampling": {"mix": [1, "two"]}},
        {"sampling": {"mix": [1, -1]}},
        {"sampling": {"mix": [0, 0]}},
        {"sampling": {"mix": 3}},
    ],
)
def test_a_wrong_setting_is_named(raw):
    with pytest.raises(TrainingConfigError):
        config_from(raw)


@pytest.mark.parametrize(("name", "text"), [("a.json", "{"), ("a.toml", "= 1"), ("a.json", "[]")])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(TrainingConfigError, match=name):
        load_config(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TrainingConfigError, match=r"nowhere\.json"):
        load_config(tmp_path / "nowhere.json")


def test_default_configuration_is_sound():
    assert TrainingConfig().batch == 2
