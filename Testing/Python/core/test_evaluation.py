"""Figures against a truth: hand-counted on small masks, undefined where there is nothing to measure."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.cli import main
from cacnet.evaluation.evaluate import NoCasesError, evaluate, record_accuracy
from cacnet.evaluation.metrics import Overlap, match_lesions, mean_with_interval, overlap
from cacnet.volume import to_sitk
from cacnet.weights import load_bundle
from schematic import schematic_ccta


def line(text: str) -> np.ndarray:
    """'.##.' as a (1, 1, n) mask."""
    return np.array([[[c == "#" for c in text]]])


def test_overlap_counts_voxels() -> None:
    figures = overlap(line("..###."), line(".##..."))
    assert figures == Overlap(true_positive=1, false_positive=2, false_negative=1)
    assert figures.sensitivity == pytest.approx(1 / 2)
    assert figures.precision == pytest.approx(1 / 3)
    assert figures.dice == pytest.approx(2 / 5)


def test_overlap_of_two_empty_masks_is_undefined_and_not_perfect() -> None:
    figures = overlap(line("...."), line("...."))
    assert (figures.sensitivity, figures.precision, figures.dice) == (None, None, None)


def test_a_result_where_nothing_is_has_no_sensitivity_and_no_precision_worth() -> None:
    figures = overlap(line(".#.."), line("...."))
    assert figures.sensitivity is None
    assert figures.precision == 0


def test_lesions_are_matched_by_touch_and_not_by_number() -> None:
    match = match_lesions(line(".##..#..#"), line("##.....##"), 1.0)
    assert (match.true_lesions, match.found, match.false_positives) == (2, 2, 1)


def test_one_result_over_two_lesions_finds_both() -> None:
    match = match_lesions(line("#####"), line("#...#"), 1.0)
    assert (match.true_lesions, match.found, match.false_positives) == (2, 2, 0)


def test_lesions_that_touch_by_an_edge_only_are_two() -> None:
    truth = np.zeros((1, 2, 2), bool)
    truth[0, 0, 0] = truth[0, 1, 1] = True
    assert match_lesions(truth, truth, 1.0).true_lesions == 2


def test_a_speck_is_not_asked_for_and_what_touches_it_is_no_false_positive() -> None:
    match = match_lesions(line("#..##"), line("#..##"), 0.5, minimum_mm3=1.0)
    assert (match.true_lesions, match.found, match.false_positives) == (1, 1, 0)


def test_without_true_lesions_sensitivity_is_undefined() -> None:
    match = match_lesions(line("#..."), line("...."), 1.0)
    assert match.sensitivity is None
    assert match.false_positives == 1


def test_a_mean_leaves_undefined_cases_out_and_brackets_itself() -> None:
    mean, low, high = mean_with_interval([0.2, None, 0.4, 0.9])
    assert mean == pytest.approx(0.5)
    assert 0.2 <= low < mean < high <= 0.9
    assert mean_with_interval([0.3]) == pytest.approx((0.3, 0.3, 0.3))
    assert mean_with_interval([None]) is None


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoCasesError, match="no cases"):
        evaluate("any", tmp_path, tmp_path / "output")


def test_evaluate_writes_a_row_per_case_and_a_summary(tmp_path: Path, tiny_bundle: Path) -> None:
    scan = schematic_ccta()
    case = tmp_path / "cases" / "one"
    case.mkdir(parents=True)
    arrays = {"ct": scan.volume.hu, "calcium": scan.calcium, "coronary": scan.coronary}
    for name, array in arrays.items():
        sitk.WriteImage(to_sitk(array, scan.volume.geometry), str(case / f"{name}.nii.gz"))
    output = tmp_path / "output"
    assert (
        main(["evaluate", str(tiny_bundle), str(tmp_path / "cases"), "--output", str(output), "--device", "cpu"]) == 0
    )
    with (output / "cases.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["case"] for row in rows] == ["one"]
    assert rows[0]["true_lesions"] == "2"
    assert float(rows[0]["true_volume_mm3"]) == pytest.approx(
        scan.calcium.sum() * scan.volume.geometry.voxel_volume_mm3
    )
    summary = json.loads((output / "summary.json").read_text())
    assert summary["cases"] == 1
    assert summary["pooled"]["true_lesions"] == 2


def test_recorded_figures_are_in_the_card_and_the_weights_stay_the_same(tmp_path: Path, tiny_bundle: Path) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))
    record_accuracy(str(bundle), {"model": "x", "cases": 3, "pooled": {"calcium_dice": 0.5}}, "three cases")
    before, after = load_bundle(tiny_bundle).card, load_bundle(bundle).card
    assert after.accuracy == {"measured_on": "three cases", "cases": 3, "pooled": {"calcium_dice": 0.5}}
    assert after.weights == before.weights
