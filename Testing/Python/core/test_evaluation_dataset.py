"""Where cases come from, and the refusal of patients that the model was trained on."""

import dataclasses
import json
from pathlib import Path

import pytest
from cacnet.evaluation.dataset import (
    CaseSource,
    Dataset,
    NoCasesError,
    PreparedCasesError,
    TrainingSeedsError,
    is_bundled,
    open_dataset,
    require_held_out,
)
from cacnet.pipeline import DEFAULT_MODEL
from cacnet.weights import BUNDLED_MODELS, ModelCard, read_card


@pytest.fixture(scope="module")
def bundled() -> ModelCard:
    return read_card(BUNDLED_MODELS / DEFAULT_MODEL)


def make_case(folder: Path, seed: int | None = None) -> Path:
    folder.mkdir(parents=True)
    (folder / "ct.nii.gz").touch()
    if seed is not None:
        (folder / "truth.json").write_text(json.dumps({"simulated": True, "patient": {"seed": seed}}))
    return folder


def of_seeds(*seeds: int) -> Dataset:
    return Dataset("", tuple(CaseSource(str(seed), Path(), seed) for seed in seeds))


def test_folders_are_found_at_any_depth_and_named_by_their_path(tmp_path: Path) -> None:
    make_case(tmp_path / "b")
    make_case(tmp_path / "deep" / "a")
    make_case(tmp_path / ".half-written")
    assert [case.name for case in open_dataset(str(tmp_path), tmp_path).cases] == ["b", "deep/a"]


def test_linked_folders_are_cases_too(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "linked").symlink_to(make_case(tmp_path / "elsewhere"), target_is_directory=True)
    assert [case.name for case in open_dataset(str(tmp_path / "set"), tmp_path).cases] == ["linked"]


def test_a_single_case_is_a_dataset(tmp_path: Path) -> None:
    folder = make_case(tmp_path / "one")
    assert open_dataset(str(folder), tmp_path).cases == (CaseSource("one", folder),)


def test_seeds_are_simulated_below_the_output(tmp_path: Path) -> None:
    dataset = open_dataset("9100:9102", tmp_path)
    assert [(case.name, case.seed) for case in dataset.cases] == [("seed-9100", 9100), ("seed-9101", 9101)]
    assert all(tmp_path in case.folder.parents for case in dataset.cases)
    assert dataset.description == "simulated patients of the seeds 9100 to 9101, heart field"


def test_single_seeds_and_ranges_are_each_taken_once_in_order(tmp_path: Path) -> None:
    dataset = open_dataset("9105,9100:9102,9101,9110", tmp_path)
    assert [case.seed for case in dataset.cases] == [9100, 9101, 9105, 9110]


def test_a_folder_that_is_called_like_a_seed_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_case(tmp_path / "7" / "one")
    monkeypatch.chdir(tmp_path)
    assert [case.name for case in open_dataset("7", tmp_path).cases] == ["one"]


@pytest.mark.parametrize("text", ["5:5", "9:3", "7,5:5"])
def test_an_empty_range_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(NoCasesError, match="empty range"):
        open_dataset(text, tmp_path)


@pytest.mark.parametrize("text", ["", "missing", "a:b", "-3:4"])
def test_what_holds_no_cases_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(NoCasesError, match=r"holds no cases.*seeds as A:B"):
        open_dataset(str(tmp_path / text), tmp_path)


def test_training_cases_are_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "case.json").touch()
    with pytest.raises(PreparedCasesError, match="without lungs already"):
        open_dataset(str(tmp_path), tmp_path)


def test_a_bundled_model_is_known_by_its_weights(bundled: ModelCard, tiny_bundle: Path) -> None:
    assert is_bundled(bundled)
    assert not is_bundled(read_card(tiny_bundle))
    assert not is_bundled(dataclasses.replace(bundled, weights=read_card(tiny_bundle).weights))


def test_the_bundled_model_is_not_shown_its_own_patients(bundled: ModelCard) -> None:
    with pytest.raises(TrainingSeedsError, match=r"8999.*--allow-training-seeds"):
        require_held_out(of_seeds(8999, 9000), bundled)
    assert require_held_out(of_seeds(8999, 9000), bundled, allow=True) == (8999,)
    assert require_held_out(of_seeds(9000, 9100), bundled) == ()


def test_a_simulated_case_on_disk_is_known_by_its_record(tmp_path: Path, bundled: ModelCard) -> None:
    make_case(tmp_path / "renamed", seed=1000)
    make_case(tmp_path / "other")
    with pytest.raises(TrainingSeedsError, match="1000"):
        require_held_out(open_dataset(str(tmp_path), tmp_path), bundled)


def test_any_model_is_kept_from_the_seeds_that_its_card_names(tiny_bundle: Path) -> None:
    card = dataclasses.replace(read_card(tiny_bundle), training={"seeds": [9500, 9501, 9502]})
    with pytest.raises(TrainingSeedsError, match="9501 to 9502"):
        require_held_out(of_seeds(9501, 9502, 9503), card)
    assert require_held_out(of_seeds(1, 2), card) == ()


def test_a_damaged_record_is_left_for_its_case_to_report(tmp_path: Path, bundled: ModelCard) -> None:
    (make_case(tmp_path / "one") / "truth.json").write_text("{")
    assert require_held_out(open_dataset(str(tmp_path), tmp_path), bundled) == ()
