"""One case through the whole chain, with a network that answers perfectly and one that finds nothing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.evaluation.case import CaseResult, evaluate_case
from cacnet.evaluation.metrics import Overlap
from cacnet.inference import Device, Probabilities
from cacnet.prepare import prepare
from cacnet.reading import read_ct
from cacnet.volume import to_sitk
from evaluation_cases import (
    case_result,
    without_calcium,
    without_names,
    without_true_arteries,
    without_true_calcium,
    write_schematic_case,
)
from schematic import schematic_ccta, true_probabilities


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_schematic_case(tmp_path_factory.mktemp("cases") / "one")


def answering(monkeypatch: pytest.MonkeyPatch, calcium: np.ndarray, coronary: np.ndarray) -> None:
    answer = Probabilities(calcium, coronary, Device("cpu", "float32", "test"), 96)
    monkeypatch.setattr("cacnet.inference.predict", lambda *_, **__: answer)


@pytest.fixture
def perfect(monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    calcium, coronary = true_probabilities(prepare(read_ct(folder / "ct.nii.gz")))
    answering(monkeypatch, calcium, coronary)
    return calcium, coronary


@pytest.mark.usefixtures("perfect")
def test_a_perfect_answer_has_good_figures(folder: Path, tiny_bundle: Path) -> None:
    result = evaluate_case("one", folder, str(tiny_bundle), "cpu")
    assert result.calcium.dice > 0.85
    assert result.calcium_before.dice > 0.85
    assert result.coronary.dice > 0.85
    counts = result.lesion_counts["any"]["all"]
    assert (counts.true, counts.true_found, counts.found, counts.found_right) == (2, 2, 2, 2)
    assert result.found_scores["total"].volume_mm3 == pytest.approx(result.true_scores["total"].volume_mm3, rel=0.15)
    assert [row.verdict for row in result.lesions] == ["found", "found", "right", "right"]


@pytest.mark.usefixtures("perfect")
def test_the_true_score_is_that_of_the_true_mask(folder: Path, tiny_bundle: Path) -> None:
    scan = schematic_ccta()
    result = evaluate_case("one", folder, str(tiny_bundle), "cpu")
    true_mm3 = scan.calcium.sum() * scan.volume.geometry.voxel_volume_mm3
    assert result.true_scores["total"].volume_mm3 == pytest.approx(true_mm3)
    assert result.protocol == "ccta-adaptive"
    assert 380 < result.true_threshold_hu < 450


@pytest.mark.usefixtures("perfect")
def test_plain_masks_say_nothing_of_arteries(folder: Path, tiny_bundle: Path) -> None:
    result = evaluate_case("one", folder, str(tiny_bundle), "cpu")
    assert set(result.lesion_counts) == {"any"}
    assert result.named_voxels is None
    assert result.named_lesions is None


def test_a_chosen_protocol_scores_both(folder: Path, tiny_bundle: Path, perfect: tuple[np.ndarray, np.ndarray]) -> None:
    result = evaluate_case("one", folder, str(tiny_bundle), "cpu", "literature")
    assert (result.protocol, result.threshold_hu, result.true_threshold_hu) == ("literature", 130, 130)


def test_calcium_off_the_arteries_is_there_before_post_processing_only(
    folder: Path, tiny_bundle: Path, perfect: tuple[np.ndarray, np.ndarray]
) -> None:
    perfect[0][:6, :6, :6] = 1.0
    result = evaluate_case("one", folder, str(tiny_bundle), "cpu")
    assert result.calcium_before.false_positive > result.calcium.false_positive + 50


def test_an_answer_without_arteries_is_no_score_of_zero(
    folder: Path, tiny_bundle: Path, perfect: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = np.zeros_like(perfect[0])
    answering(monkeypatch, nothing, nothing)
    result = evaluate_case("one", folder, str(tiny_bundle), "cpu")
    assert result.found_scores is None
    assert "no-coronary-arteries" in result.findings
    assert result.calcium == Overlap(0, 0, int(schematic_ccta().calcium.sum()))
    assert result.lesion_counts["any"]["all"].true_found == 0


@pytest.fixture
def without(folder: Path, tmp_path: Path):
    """The case without one of its label maps."""

    def remove(name: str) -> Path:
        shutil.copytree(folder, tmp_path / "case")
        (tmp_path / "case" / f"{name}.nii.gz").unlink()
        return tmp_path / "case"

    return remove


@pytest.mark.usefixtures("perfect")
def test_unlabelled_calcium_leaves_its_figures_out_and_keeps_the_arteries(without, tiny_bundle: Path) -> None:
    result = evaluate_case("one", without("calcium"), str(tiny_bundle), "cpu")
    assert (result.calcium, result.calcium_before, result.true_scores, result.true_threshold_hu) == (None,) * 4
    assert (result.lesions, result.lesion_counts) == ((), {})
    assert result.coronary.dice > 0.85
    assert result.found_scores["total"].volume_mm3 > 0


@pytest.mark.usefixtures("perfect")
def test_unlabelled_arteries_leave_their_figures_out_and_keep_the_calcium(without, tiny_bundle: Path) -> None:
    result = evaluate_case("one", without("coronary"), str(tiny_bundle), "cpu")
    assert (result.coronary, result.named_voxels) == (None, None)
    assert result.calcium.dice > 0.85
    assert result.true_threshold_hu == result.threshold_hu
    assert result.lesion_counts["any"]["all"].true_found == 2


@pytest.mark.usefixtures("perfect")
def test_a_false_positive_where_nothing_is_labelled_lies_on_something_unknown(without, tiny_bundle: Path) -> None:
    case, scan = without("coronary"), schematic_ccta()
    sitk.WriteImage(to_sitk(np.zeros_like(scan.calcium), scan.volume.geometry), str(case / "calcium.nii.gz"))
    rows = evaluate_case("one", case, str(tiny_bundle), "cpu").lesions
    assert {row.lies_on for row in rows} == {"not labelled"}


@pytest.mark.parametrize(
    "case",
    [
        case_result(),
        case_result(found=None),
        without_calcium(),
        without_names(),
        without_true_calcium(),
        without_true_arteries(),
    ],
)
def test_a_result_survives_a_trip_through_json(case: CaseResult) -> None:
    assert CaseResult.from_plain(json.loads(json.dumps(case.to_plain()))) == case


def test_something_else_is_not_taken_for_a_result() -> None:
    plain = case_result().to_plain()
    with pytest.raises(TypeError):
        CaseResult.from_plain({**plain, "new": 1})
    del plain["calcium"]
    with pytest.raises(KeyError):
        CaseResult.from_plain(plain)
