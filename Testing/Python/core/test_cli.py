"""The command line's contract: names of files, their columns and fields, exit codes."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.cli import main
from cacnet.pipeline import ALL_BELIEVED
from cacnet.volume import geometry_of, to_sitk
from schematic import artery_centres_mm_lps, schematic_ccta
from shared_data import shared_data

CONTRACT_FILES = {
    "segmentation.seg.nrrd",
    "calcium.nii.gz",
    "coronary.nii.gz",
    "lesions.csv",
    "report.json",
    "overview.png",
    "review.json",
}


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory, schematic_file: Path, tiny_bundle: Path) -> Path:
    output = tmp_path_factory.mktemp("segment") / "output"
    arguments = ["segment", str(schematic_file), "--output", str(output), "--model", str(tiny_bundle)]
    assert main([*arguments, "--device", "cpu", "--age", "60", "--sex", "M"]) == 0
    return output


@pytest.fixture
def calcium_mask(tmp_path: Path) -> Path:
    scan = schematic_ccta()
    path = tmp_path / "mask.nrrd"
    sitk.WriteImage(to_sitk(scan.calcium, scan.volume.geometry), str(path))
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_segment_writes_the_files_of_the_contract_and_nothing_else(segmented: Path) -> None:
    assert {file.name for file in segmented.iterdir()} == CONTRACT_FILES


def test_label_maps_are_on_the_input_grid(segmented: Path, schematic_file: Path) -> None:
    grid = geometry_of(sitk.ReadImage(str(schematic_file)))
    for name in ("calcium.nii.gz", "coronary.nii.gz"):
        assert grid.same_grid(geometry_of(sitk.ReadImage(str(segmented / name))))


def test_the_report_says_what_made_it(segmented: Path, tiny_bundle: Path) -> None:
    report = json.loads((segmented / "report.json").read_text("utf-8"))
    assert {
        "schema_version",
        "totals",
        "per_vessel",
        "protocol",
        "acquisition",
        "model",
        "findings",
        "timing_s",
    } <= set(report)
    assert {"agatston", "volume_mm3", "mass_mg", "lesions", "vessels", "category", "cac_drs"} <= set(report["totals"])
    assert set(report["per_vessel"]) == {"LM", "LAD", "LCx", "RCA", "unassigned"}
    card = json.loads((tiny_bundle / "model.json").read_text("utf-8"))
    assert report["model"]["id"] == "tiny"
    assert report["model"]["weights_sha256"] == card["weights"]["sha256"]
    assert "not for diagnosis" in report["statement"]
    # The untrained network recognises too little of the arteries for its sums to mean anything.
    assert report["totals"]["conclusive"] is False
    assert [report["totals"][name] for name in ("category", "cac_drs", "percentile")] == [None] * 3
    assert {"read", "check", "prepare", "network", "context", "label", "score"} <= set(report["timing_s"])
    assert any("took 0 mm³ of veins and the like" in note for note in report["model"]["notes"])


def test_without_the_look_at_the_whole_heart_the_report_says_so(
    tmp_path: Path, schematic_file: Path, tiny_bundle: Path
) -> None:
    command = ["segment", str(schematic_file), "--output", str(tmp_path / "output"), "--model", str(tiny_bundle)]
    assert main([*command, "--device", "cpu", "--no-context"]) == 0
    notes = json.loads((tmp_path / "output" / "report.json").read_text("utf-8"))["model"]["notes"]
    assert ALL_BELIEVED in notes
    assert not any("took" in note for note in notes)


def test_the_report_names_no_folder_of_this_computer(segmented: Path, schematic_file: Path) -> None:
    assert str(schematic_file.parent) not in (segmented / "report.json").read_text("utf-8")


def test_score_finds_both_calcifications_at_their_places(
    tmp_path: Path, schematic_file: Path, calcium_mask: Path
) -> None:
    output = tmp_path / "output"
    assert main(["score", str(schematic_file), "--calcium", str(calcium_mask), "--output", str(output)]) == 0
    rows = read_csv(output / "lesions.csv")
    expected_ras = sorted([-x, -y, z] for x, y, z in artery_centres_mm_lps())
    found_ras = sorted([float(row["r"]), float(row["a"]), float(row["s"])] for row in rows)
    np.testing.assert_allclose(found_ras, expected_ras, atol=0.3)
    assert {row["vessel"] for row in rows} == {"Unassigned"}
    report = json.loads((output / "report.json").read_text("utf-8"))
    assert report["protocol"]["name"] == "ccta-adaptive"
    assert report["model"]["id"] is None


def test_score_takes_the_vessels_from_a_vessel_mask(tmp_path: Path, schematic_file: Path, calcium_mask: Path) -> None:
    scan = schematic_ccta()
    arteries = np.where(scan.coronary, np.uint8(4), np.uint8(0))
    arteries[:, :, arteries.shape[2] // 2 :] //= 2
    sitk.WriteImage(to_sitk(arteries, scan.volume.geometry), str(tmp_path / "arteries.nrrd"))
    arguments = ["score", str(schematic_file), "--calcium", str(calcium_mask), "--output", str(tmp_path / "output")]
    assert main([*arguments, "--vessels", str(tmp_path / "arteries.nrrd")]) == 0
    rows = read_csv(tmp_path / "output" / "lesions.csv")
    by_side = {row["vessel"]: float(row["r"]) for row in rows}
    assert by_side["RCA"] > by_side["LAD"]


def test_score_says_the_estimate_beside_the_raw_score(
    tmp_path: Path, schematic_file: Path, calcium_mask: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["score", str(schematic_file), "--calcium", str(calcium_mask), "--output", str(tmp_path / "output")]
    assert main([*arguments, "--protocol", "ccta-calibrated"]) == 0
    said = capsys.readouterr().out
    assert "Agatston equivalent" in said
    assert "Estimated Agatston score without contrast" in said
    assert "calibrated on simulation" in said
    beside = json.loads((tmp_path / "output" / "report.json").read_text("utf-8"))["totals"]["equivalent"]
    assert 0 < beside["low"] < beside["estimate"] < beside["high"]


def test_score_takes_labels_by_vessel_as_they_are(tmp_path: Path, schematic_file: Path) -> None:
    scan = schematic_ccta()
    labels = np.where(scan.calcium, np.uint8(3), np.uint8(0))
    sitk.WriteImage(to_sitk(labels, scan.volume.geometry), str(tmp_path / "labels.nrrd"))
    arguments = ["score", str(schematic_file), "--calcium", str(tmp_path / "labels.nrrd"), "--output", str(tmp_path)]
    assert main(arguments) == 0
    assert {row["vessel"] for row in read_csv(tmp_path / "lesions.csv")} == {"LCx"}


@pytest.mark.parametrize("values", [np.array([0, 7]), np.array([0.0, 0.5])])
def test_a_mask_with_other_labels_is_refused(
    tmp_path: Path, schematic_file: Path, values: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = schematic_ccta()
    mask = values[scan.calcium.astype(int)].astype(np.float32)
    sitk.WriteImage(to_sitk(mask, scan.volume.geometry), str(tmp_path / "mask.nrrd"))
    arguments = [
        "score",
        str(schematic_file),
        "--calcium",
        str(tmp_path / "mask.nrrd"),
        "--output",
        str(tmp_path / "o"),
    ]
    assert main(arguments) == 2
    assert "expected 0, and 1 for calcium" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_score_with_a_missing_mask_is_refused(tmp_path: Path, schematic_file: Path) -> None:
    arguments = [
        "score",
        str(schematic_file),
        "--calcium",
        str(tmp_path / "none.nrrd"),
        "--output",
        str(tmp_path / "o"),
    ]
    assert main(arguments) == 2


def test_check_of_a_small_field_of_view_warns_and_says_the_contrast(
    schematic_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(schematic_file)]) == 1
    output = capsys.readouterr().out
    assert "[contrast-ccta]" in output
    assert "[field-of-view-small]" in output


def test_check_of_a_real_chest_names_the_weak_phase_and_the_thick_slices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(shared_data("chest_ct_contrast"))]) == 1
    output = capsys.readouterr().out
    assert "[contrast-weak]" in output
    assert "[slice-increment-thick]" in output


def test_check_of_a_tilted_head_says_the_angle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(shared_data("tilted_dicom_ge"))]) == 2
    assert "18.5" in capsys.readouterr().err


def test_models_lists_the_bundled_model_as_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    output = capsys.readouterr().out
    assert "verified" in output
    assert "simulated" in output


def test_train_passes_its_options_on_and_says_what_it_lacks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cases").mkdir()
    arguments = ["train", "--cases", str(tmp_path / "cases"), "--output", str(tmp_path / "run")]
    assert main(arguments) == 2
    assert "no case in" in caplog.text


def test_help_needs_no_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; from cacnet.cli import build_parser; build_parser().format_help()"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
