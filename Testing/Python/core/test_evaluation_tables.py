"""The files of an evaluation, and the figures in a model's card."""

import csv
import json
import math
import shutil
from pathlib import Path

import pytest
from cacnet.evaluation.dataset import Dataset
from cacnet.evaluation.evaluate import Evaluation, Failure
from cacnet.evaluation.figures import compute_figures
from cacnet.evaluation.tables import LESION_COLUMNS, record_accuracy, write_evaluation
from cacnet.weights import load_bundle, read_card
from evaluation_cases import (
    case_result,
    lesion,
    without_calcium,
    without_names,
    without_true_arteries,
    without_true_calcium,
)


def evaluation_of(bundle: Path, *cases, failures=()) -> Evaluation:
    return Evaluation(read_card(bundle), Dataset("some cases", ()), None, "CPU", (), cases, failures)


@pytest.fixture
def written(tmp_path: Path, tiny_bundle: Path) -> Path:
    cases = (case_result("a", 12.0, 10.0), case_result("b", None, 35.0), without_calcium("c", found=5.0))
    write_evaluation(tmp_path / "out", evaluation_of(tiny_bundle, *cases, failures=(Failure("d", "No CT."),)))
    return tmp_path / "out"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def numbers(value: object):
    """Every number in a document."""
    if isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from numbers(entry)
    elif isinstance(value, float):
        yield value


def test_all_files_appear(written: Path) -> None:
    names = {"evaluation.json", "cases.csv", "lesions.csv", "summary.md", "agreement.png", "cases.png", "lesions.png"}
    assert {path.name for path in written.iterdir()} == names
    assert all((written / name).read_bytes()[:4] == b"\x89PNG" for name in names if name.endswith(".png"))


def test_the_document_says_what_was_measured_on_what(written: Path, tiny_bundle: Path) -> None:
    document = json.loads((written / "evaluation.json").read_text("utf-8"))
    card = read_card(tiny_bundle)
    assert document["schema_version"] == 3
    assert document["model"] == {"id": "tiny", "weights_sha256": card.weights.sha256, "statement": card.statement}
    assert document["dataset"]["cases"] == 3
    assert document["dataset"]["failed"] == [{"case": "d", "message": "No CT."}]
    assert document["protocol"][0]["name"] == "ccta-adaptive"
    assert document["protocol"][0]["threshold_hu_range"] == [420.0, 420.0]
    assert "Research use only, not for diagnosis." in document["statements"]
    assert document["figures"]["detection"]["sensitivity"]["n"] == 2
    still = document["strata"][0]
    assert (still["trait"], still["group"], still["patients"]) == ("Motion of an artery", "below 0.5 mm", 3)
    assert still["figures"]["coronary_dice"]["value"] == pytest.approx(0.8)
    assert document["figures"]["lesion_totals"]["all"]["any"]["found"] == 3
    assert all(map(math.isfinite, numbers(document)))


def test_what_is_not_defined_is_null_with_its_reason(written: Path) -> None:
    figures = json.loads((written / "evaluation.json").read_text("utf-8"))["figures"]
    icc = figures["scores"]["agatston"]["total"]["icc"]
    assert icc == {"value": None, "not_defined": "2 patients, at least 3 needed", "n": 2}
    dice = figures["voxels"]["coronary_dice"]
    assert dice["value"] == pytest.approx(0.8)
    assert dice["interval_not_defined"] == "no bootstrap sample differs"
    assert set(figures["voxels"]["calcium_dice"]) == {"value", "low", "high", "n", "method"}


def test_a_row_per_case_with_empty_cells_where_nothing_is_defined(written: Path) -> None:
    first, second, third = rows(written / "cases.csv")
    assert (first["case"], first["agatston"], first["true_agatston"], first["LAD_agatston"]) == (
        "a",
        "12.0",
        "10.0",
        "12.0",
    )
    assert (second["agatston"], second["LAD_volume_mm3"], second["true_agatston"]) == ("", "", "35.0")
    assert (third["calcium_se"], third["calcium_dice"], third["lesions_named_right"]) == ("", "0.0", "")
    assert (third["true_lesions_all"], third["false_positives_all"]) == ("0", "1")
    assert (first["slice_spacing_mm"], first["motion_mm"], first["structures"]) == ("0.5", "0.0", "bone")


def test_a_row_per_lesion(written: Path) -> None:
    table = rows(written / "lesions.csv")
    assert tuple(table[0]) == LESION_COLUMNS
    assert [(row["case"], row["side"], row["verdict"]) for row in table] == [
        ("a", "true", "found"),
        ("a", "found", "right"),
        ("b", "true", "found"),
        ("b", "found", "right"),
        ("c", "found", "false positive"),
    ]
    assert table[-1]["lies_on"] == "valve"


def test_a_case_without_anything_is_written_and_drawn(tmp_path: Path, tiny_bundle: Path) -> None:
    write_evaluation(tmp_path, evaluation_of(tiny_bundle, without_calcium("only", found=None)))
    assert rows(tmp_path / "lesions.csv") == []
    assert (tmp_path / "agreement.png").stat().st_size > 0


def test_truth_without_names_is_written_and_drawn(tmp_path: Path, tiny_bundle: Path) -> None:
    many = tuple(case_result(f"c{n}", 5.0 * n + 1, 4.0 * n, lesions=(lesion("true", partners=()),)) for n in range(4))
    write_evaluation(tmp_path, evaluation_of(tiny_bundle, without_names(), *many))
    assert rows(tmp_path / "cases.csv")[0]["voxels_named_right"] == ""


def test_recorded_figures_are_in_the_card_and_the_weights_stay_the_same(tmp_path: Path, tiny_bundle: Path) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))
    evaluation = evaluation_of(tiny_bundle, case_result("a"), without_calcium("b"))
    record_accuracy(str(bundle), evaluation, compute_figures(evaluation.cases), "two cases")
    before, after = load_bundle(tiny_bundle).card, load_bundle(bundle).card
    assert after.accuracy["measured_on"] == "two cases"
    assert after.accuracy["cases"] == 2
    assert after.accuracy["figures"]["calcium_dice"]["value"] == pytest.approx(0.75)
    assert after.accuracy["figures"]["agatston_icc"]["not_defined"] == "2 patients, at least 3 needed"
    assert after.weights == before.weights


def test_what_nobody_labelled_is_an_empty_cell_and_never_a_zero(tmp_path: Path, tiny_bundle: Path) -> None:
    cases = (case_result("a"), without_true_calcium("b"), without_true_arteries("c"))
    write_evaluation(tmp_path / "out", evaluation_of(tiny_bundle, *cases))
    _, no_calcium, no_arteries = rows(tmp_path / "out" / "cases.csv")
    for column in ("calcium_dice", "true_agatston", "true_lesions_all", "false_positives_all", "true_threshold_hu"):
        assert no_calcium[column] == ""
    assert no_calcium["agatston"] == "12.0"
    assert no_arteries["coronary_dice"] == ""
    assert no_arteries["true_LAD_agatston"] == "10.0"
